"""The HTTP upgrade's side of a socket: one deadline, a byte budget, and the answer's meaning.

Handed to the WebSocket library in place of the socket, because the library has a timeout per read only, no
limit on what it reads, and reads a refusal's body before it says what was refused.
"""

from __future__ import annotations

import email.utils
import functools
import re
import time
from datetime import UTC
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from exporter.stream.dial import Target, explain, fail_reason, left
from exporter.stream.messages import ConnectFailed

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

T = TypeVar("T")

_MAX_HEAD = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r\n]")
_RETRY_AFTER = re.compile(rb"^retry-after:[ \t]*([^\r\n]{1,64})", re.IGNORECASE | re.MULTILINE)
_EXTENSIONS = re.compile(rb"^sec-websocket-extensions:[ \t]*[^\s]", re.IGNORECASE | re.MULTILINE)


class HandshakeRejected(ConnectFailed):
    """The server answered the upgrade with another status than 101; its headers and body are not kept.

    `retry_after` is the wait it asks for, in seconds from now, None where it asks for none.
    """

    def __init__(self, where: str, status: int, retry_after: float | None) -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__("rejected", where, f"the upgrade was answered with status {status}, expected 101")


class _StopReadingError(OSError):
    """Thrown through the library when it wants more than the head of the answer, or the head is too long."""


class UpgradeSocket:
    """A socket for the time of the upgrade. Has just the methods the library calls on one."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._head = bytearray()
        self._error: OSError | None = None
        self._hung_up = False

    def send(self, data: bytes) -> int:
        """Send all of the request: the library takes a short write for a whole one."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._within_deadline(functools.partial(self._sock.send, rest)) :]
        return len(data)

    def recv(self, size: int) -> bytes:
        """A byte of the answer's head; the library asks for one at a time, and frames may follow the head."""
        if self._complete or len(self._head) >= _MAX_HEAD:
            raise _StopReadingError
        data = self._within_deadline(functools.partial(self._sock.recv, min(size, 1)))
        self._hung_up = not data
        self._head += data
        return data

    def gettimeout(self) -> float:
        """The library asks whether the socket blocks; it does."""
        return left(self._deadline)

    def close(self) -> None:
        """Left to the owner, who closes the real socket under the lock of its `Abort`."""

    def failure(self, target: Target, *, done: bool) -> ConnectFailed | None:
        """What went wrong, in the answer's terms; None when the library is content (`done`) and so are we."""
        if not self._complete:
            return self._cut_short(target)
        found = _STATUS.match(self._head)
        status = int(found[1]) if found else None
        if status is None:
            return target.failed("handshake", "the answer is not HTTP; is this a WebSocket endpoint?")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            detail = f"status {status}, expected 101; redirects would take the key along and are not followed"
            return target.failed("redirect", detail)
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            return HandshakeRejected(target.where, status, self._retry_after())
        if not done:
            return target.failed("handshake", "status 101 without the WebSocket headers that belong to it")
        if _EXTENSIONS.search(self._head):
            return target.failed("handshake", "the server switched on an extension nobody asked for")
        return None

    def _cut_short(self, target: Target) -> ConnectFailed:
        if self._error is not None:
            if isinstance(self._error, TimeoutError):
                return target.out_of_time("upgrading to WebSocket")
            return target.failed(fail_reason(self._error), explain(self._error))
        if self._hung_up:
            return target.failed("eof", "the peer hung up during the upgrade")
        if len(self._head) >= _MAX_HEAD:
            return target.failed("handshake", f"the head of the answer is longer than {_MAX_HEAD} bytes")
        return target.failed("handshake", "the answer is not HTTP; is this a WebSocket endpoint?")

    @property
    def _complete(self) -> bool:
        return self._head.endswith((b"\r\n\r\n", b"\n\n"))

    def _within_deadline(self, operation: Callable[[], T]) -> T:
        try:
            if time.monotonic() >= self._deadline:
                raise TimeoutError
            self._sock.settimeout(left(self._deadline))
            return operation()
        except OSError as error:
            self._error = error
            raise

    def _retry_after(self) -> float | None:
        found = _RETRY_AFTER.search(self._head)
        if not found:
            return None
        text = found[1].decode("latin-1").strip()
        if re.fullmatch("[0-9]{1,9}", text):
            return float(text)
        try:
            when = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        # HTTP dates are GMT by definition, also where the zone is written as "-0000" and parsed as naive.
        return max(when.replace(tzinfo=when.tzinfo or UTC).timestamp() - time.time(), 0.0)
