"""TLS of the server: contexts from files, read again when the files change, and the check of client names."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from exporter.web.webconfig import TLSSettings

Stamp = tuple[int, int, int] | None


class TLSError(Exception):
    """The files cannot be used; the sentence says which and why."""


def stamp(path: Path) -> Stamp:
    """What changes when a file is written or replaced; None when it cannot be seen."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def stamps(settings: TLSSettings) -> tuple[Stamp, ...]:
    """The stamps of every file the settings name."""
    files = (settings.cert_file, settings.key_file, settings.client_ca_file)
    return tuple(stamp(path) for path in files if path is not None)


def build_context(settings: TLSSettings) -> ssl.SSLContext:
    """A server context from the files. Raises TLSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = settings.min_version
    context.maximum_version = settings.max_version
    for path in (settings.cert_file, settings.key_file, settings.client_ca_file):
        _readable(path)
    try:
        # An encrypted key would make OpenSSL ask at the terminal: a password that fits nothing prevents that.
        context.load_cert_chain(settings.cert_file, settings.key_file, password=lambda: "")
    except (OSError, ValueError) as error:
        names = f"{settings.cert_file} and {settings.key_file}"
        raise TLSError(
            f"cannot use certificate and key ({names}): expected PEM files that belong together"
        ) from error
    if settings.client_ca_file is not None:
        try:
            context.load_verify_locations(settings.client_ca_file)
        except (OSError, ValueError) as error:
            raise TLSError(f"cannot use {settings.client_ca_file}: expected PEM certificates") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _readable(path: Path | None) -> None:
    if path is None:
        return
    try:
        path.read_bytes()
    except OSError as error:
        raise TLSError(f"cannot read {path}: {(error.strerror or 'error').lower()}") from error


def wrap(context: ssl.SSLContext, sock: socket.socket) -> ssl.SSLSocket:
    """The socket with TLS around it; the handshake is made later, where a silent client hurts nobody."""
    return context.wrap_socket(
        sock, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
    )


def names_client(sock: ssl.SSLSocket, allowed: tuple[str, ...]) -> bool:
    """Whether the client's certificate carries an allowed alternative name; without a list any will do."""
    if not allowed:
        return True
    certificate = sock.getpeercert() or {}
    carried = certificate.get("subjectAltName", ())
    names = {
        str(entry[1])
        for entry in carried
        if isinstance(entry, tuple) and entry[0] in ("DNS", "IP Address", "email", "URI")
    }
    return not names.isdisjoint(allowed)
