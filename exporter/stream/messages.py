"""What a connection gives to its owner, and the words for how it fails and ends; no I/O, for fakes too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

FailReason = Literal[
    "dns",  # the name has no address, or the resolver failed
    "refused",  # nobody listens there
    "unreachable",  # no route, or the network forbids it
    "timeout",  # the deadline of the whole attempt passed
    "reset",  # the peer tore the connection down
    "eof",  # the peer hung up
    "tls",  # certificate or protocol not acceptable
    "handshake",  # what answered does not speak WebSocket
    "redirect",  # 3xx; never followed, since it would carry the credentials elsewhere
    "rejected",  # any other status than 101: see HandshakeRejected
    "aborted",  # somebody called abort()
    "system",  # this machine: no descriptors, no memory
]

CloseReason = Literal[
    "remote_close",  # the peer sent a close frame
    "eof",  # the peer hung up without one
    "reset",  # the peer tore the connection down
    "timeout",  # it took no data in time, or the kernel gave it up
    "tls",  # a TLS error in mid-stream
    "protocol",  # a frame that breaks RFC 6455 or uses an extension we did not ask for
    "oversize",  # a message above Limits.max_message_bytes
    "aborted",  # somebody called abort()
    "closed",  # the owner called close()
]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may take: seconds for the whole connect and for one send, bytes for one message."""

    connect_timeout: float
    max_message_bytes: int
    send_timeout: float = 10.0


class Ping(NamedTuple):
    """The peer's ping; it has already been answered."""

    data: bytes


class Pong(NamedTuple):
    """The answer to our ping, or an unasked one."""

    data: bytes


class Closed(NamedTuple):
    """The end of the connection. `code` is the peer's close code, None where it gave none."""

    code: int | None
    reason: CloseReason


Received = list[bytes] | Ping | Pong | Closed | None
"""What a receive gives; None when nothing whole has come.

A list, never empty, holds whole text or binary messages in their order: what one read brought, up to the next
control frame. Fragments are joined; nothing is decoded, or checked to be UTF-8.
"""


class ConnectFailed(Exception):  # noqa: N818 - it names the outcome, as ConnectionLost does
    """No connection came about. `reason` is from the closed set `FailReason`; the text holds no secret."""

    def __init__(self, reason: FailReason, where: str, detail: str) -> None:
        self.reason: FailReason = reason
        super().__init__(f"connection to {where} failed ({reason}): {detail}")


class ConnectionLost(Exception):  # noqa: N818 - it names the event, as ConnectFailed does
    """A send failed and with it the connection; `reason` as in `Closed`."""

    def __init__(self, reason: CloseReason) -> None:
        self.reason: CloseReason = reason
        super().__init__(f"the connection is lost ({reason}): the message was not sent, or only in part")
