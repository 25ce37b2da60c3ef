"""The life of one open connection: who may call what, and how it ends."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Protocol, TypeVar

from exporter.stream.frames import MAX_CONTROL
from exporter.stream.messages import Closed, CloseReason, ConnectionLost, Received

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.stream.dial import Abort

T = TypeVar("T")

# Close codes of RFC 6455 that we send, by the reason for ending; a peer's own code is sent back to it.
_CODES: dict[CloseReason, int] = {"protocol": 1002, "oversize": 1009, "closed": 1000, "remote_close": 1000}


class Ended(Exception):  # noqa: N818 - internal: carries the end of the connection up to its `Connection`
    """The socket cannot go on; `closed` says why."""

    def __init__(self, reason: CloseReason) -> None:
        self.closed = Closed(None, reason)
        super().__init__(reason)


def ended(error: OSError) -> Ended:
    """The end that an error of the socket means."""
    if isinstance(error, ssl.SSLEOFError):
        return Ended("eof")
    if isinstance(error, ssl.SSLError):
        return Ended("tls")
    return Ended("reset" if isinstance(error, ConnectionError) else "timeout")


class Frames(Protocol):
    """Frames over a socket: the hot room, replaceable behind these five names."""

    bytes_received: int

    def receive(self, timeout: float) -> Received:
        """As `Connection.receive`, and a ping is answered; the peer's own end is a `Closed`. Raises Ended."""

    def send_text(self, text: str) -> None:
        """Send one text message. Raises Ended only."""

    def ping(self, payload: bytes) -> None:
        """Send one ping. Raises Ended only."""

    def say_goodbye(self, code: int) -> None:
        """Send a close frame if it can go out at once; never raises, never waits."""


class Connection:
    """An open connection. Only its owner's thread may call anything but `abort()`."""

    def __init__(self, frames: Frames, abort: Abort) -> None:
        self._frames = frames
        self._abort = abort
        self._closed: Closed | None = None
        self.messages_received = 0

    @property
    def bytes_received(self) -> int:
        """Bytes after the upgrade, frame headers and control frames included, TLS not."""
        return self._frames.bytes_received

    def receive(self, timeout: float) -> Received:
        """Wait for bytes at most once, up to `timeout` seconds, and give what is whole by then.

        Never raises: the end is a `Closed`, on every call. None means that nothing whole has come, when the
        time is over or, where a part of a message came, earlier; the part is kept. A ping is answered in
        here, which may take up to the send timeout when the peer does not read.
        """
        if self._closed is not None:
            return self._closed
        if self._abort.aborted:
            return self._end(Closed(None, "aborted"))
        try:
            event = self._frames.receive(timeout)
        except Ended as ended:
            return self._end(ended.closed)
        if isinstance(event, list):
            self.messages_received += len(event)
        elif isinstance(event, Closed):
            return self._end(event)
        return event

    def send(self, text: str) -> None:
        """Send one text message. Raises ConnectionLost; after any failure the connection is over."""
        self._write(self._frames.send_text, text)

    def ping(self, data: bytes = b"") -> None:
        """Send a ping, at most 125 bytes; the answer comes as `Pong`. Raises ConnectionLost."""
        if len(data) > MAX_CONTROL:
            raise ValueError(f"ping of {len(data)} bytes: at most {MAX_CONTROL} are allowed")
        self._write(self._frames.ping, data)

    def abort(self) -> None:
        """End the connection from any thread; whoever waits in it wakes at once. Idempotent, never blocks."""
        self._abort.abort()

    def close(self) -> None:
        """Say goodbye without waiting for an answer, and release the socket. Idempotent."""
        if self._closed is None:
            self._end(Closed(None, "aborted" if self._abort.aborted else "closed"))

    def _write(self, write: Callable[[T], None], what: T) -> None:
        lost = self._closed
        if lost is None:
            try:
                write(what)
            except Ended as ended:
                lost = self._end(ended.closed)
        if lost is not None:
            raise ConnectionLost(lost.reason)

    def _end(self, closed: Closed) -> Closed:
        """Remember the first reason and release the socket; an abort explains whatever came after it."""
        if self._abort.aborted and closed.code is None:
            closed = Closed(None, "aborted")
        self._closed = closed
        if code := closed.code or _CODES.get(closed.reason):
            self._frames.say_goodbye(code)
        self._abort.release()
        return closed
