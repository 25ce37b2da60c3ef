"""Listen addresses in the spellings that Go exporters take, and sockets that listen on them."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass

# Deep enough that a burst of silent clients does not fill it before the accept thread has looked.
BACKLOG = 256
MAX_PORT = 65535


class ListenError(Exception):
    """The server cannot listen; the sentence says where and why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. An empty host is every interface; port 0 is any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read `:19700`, `127.0.0.1:19700`, `[::1]:19700` or `localhost:0`. Raises ListenError."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        plain = ":" in host
    else:
        plain = not set(host) & set(":[]/ ")
    if not (colon and plain and port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
        raise ListenError(
            f'cannot listen on "{text}": expected host:port, such as 127.0.0.1:19700, [::1]:19700 or :19700'
        )
    return Address(host, int(port))


def listen(address: Address) -> socket.socket:
    """A listening socket that never blocks. Raises ListenError; looks no name up in reverse."""
    try:
        if not address.host:
            return _wildcard(address.port)
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # As the Go exporters do: IPv4 first, so that localhost means what scrape configurations expect.
        family, _, _, _, where = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        listener = socket.create_server((str(where[0]), int(where[1])), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"cannot listen on {address}: {_reason(error)}") from error
    listener.setblocking(False)
    return listener


def _wildcard(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            listener = socket.create_server(
                ("", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
            )
        except OSError as error:
            # A host may have IPv6 compiled in and switched off.
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
        else:
            listener.setblocking(False)
            return listener
    listener = socket.create_server(("", port), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "the host name is not known"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return "the host name is not valid"
