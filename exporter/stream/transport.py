"""One WebSocket connection to an exchange: connect, receive, send, abort, within limits.

The only module that imports `websocket`. That library does the HTTP upgrade and cuts frames. Deadlines,
sizes, TLS, redirects, cookies, proxies and the way a connection ends are ours: its defaults for them are safe
neither for credentials nor for a process that must never hang.
"""

from __future__ import annotations

import contextlib
import functools
import ssl
import struct
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import websocket
from websocket import ABNF, WebSocketException, WebSocketProtocolException, _cookiejar, _handshake

from exporter.stream.connection import MAX_CONTROL, Connection, Ended, ended
from exporter.stream.dial import Abort, Resolve, Target, dial, left, system_resolve
from exporter.stream.messages import (
    Closed,
    CloseReason,
    ConnectFailed,
    ConnectionLost,
    FailReason,
    Limits,
    Ping,
    Pong,
    Received,
    Text,
)
from exporter.stream.upgrade import HandshakeRejected, UpgradeSocket

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

__all__ = [
    "Abort",
    "CloseReason",
    "Closed",
    "ConnectFailed",
    "Connection",
    "ConnectionLost",
    "Connector",
    "FailReason",
    "HandshakeRejected",
    "Limits",
    "Ping",
    "Pong",
    "Received",
    "Text",
]


class _NoCookies(_cookiejar.SimpleCookieJar):
    """A jar that stays empty: the library's one jar would carry cookies from one account to the next."""

    def add(self, set_cookie: str | None) -> None:
        """Forget what the server wants remembered."""


def _require_known_library() -> None:
    """Fail at import when a newer library moved what we override: limits would be lost in silence."""
    if not (hasattr(_handshake, "CookieJar") and hasattr(websocket.WebSocket, "_recv")):
        raise ImportError(
            f"websocket-client {websocket.__version__} is laid out otherwise than expected: no cookie jar or "
            "no read hook where 1.9.2 has them; install websocket-client 1.9.2"
        )


_require_known_library()
_handshake.CookieJar = _NoCookies()


class _Frames(websocket.WebSocket):
    """The library's frame parser with our deadlines, size limit and byte count under it."""

    _wire: socket.socket

    def __init__(self, limits: Limits) -> None:
        super().__init__(enable_multithread=False, skip_utf8_validation=True)
        self.bytes_received = 0
        self._limits = limits
        self._deadline = 0.0
        self._fresh = False
        self._started = False
        self._parts = bytearray()

    def start(self, sock: socket.socket) -> None:
        """Take the socket over from the upgrade; nothing of the library touches it from here on."""
        self.sock = None
        self._wire = sock

    def next_event(self, timeout: float) -> Received:
        """As `Frames.next_event` wants it: a time-out anywhere in a frame loses nothing of it."""
        self._deadline = time.monotonic() + timeout
        self._fresh = True
        while True:
            try:
                frame = self.frame_buffer.recv_frame()
            except TimeoutError:
                return None
            except WebSocketProtocolException as error:
                raise Ended("protocol") from error
            if (event := self._take(frame)) is not None:
                return event

    def _take(self, frame: ABNF) -> Received:
        opcode, data = frame.opcode, bytes(frame.data)  # type: ignore[arg-type] # bytes whenever received
        if opcode >= ABNF.OPCODE_CLOSE:
            return self._take_control(frame, data)
        if self._started is not (opcode == ABNF.OPCODE_CONT):
            raise Ended("protocol")
        self._started = not frame.fin
        if frame.fin and opcode != ABNF.OPCODE_CONT:
            return Text(data)
        self._parts += data
        if not frame.fin:
            return None
        message = Text(bytes(self._parts))
        self._parts = bytearray()
        return message

    def _take_control(self, frame: ABNF, data: bytes) -> Received:
        if not frame.fin:
            raise Ended("protocol")
        if frame.opcode == ABNF.OPCODE_PING:
            self.pong(data)
            return Ping(data)
        if frame.opcode == ABNF.OPCODE_PONG:
            return Pong(data)
        code = struct.unpack("!H", data[:2])[0] if data else None
        self.say_goodbye(code or 1000)
        raise Ended("remote_close", code)

    def _recv(self, bufsize: int) -> bytes:
        """The library's read hook: never past the deadline, nor for a frame that will be refused anyway."""
        buffer = self.frame_buffer
        if buffer.header is not None and buffer.length is not None:
            self._admit(buffer.header, buffer.length)
        if not self._fresh and time.monotonic() >= self._deadline:
            raise TimeoutError  # a peer that sends byte by byte must not keep us in here
        self._fresh = False
        try:
            self._wire.settimeout(left(self._deadline))
            data = self._wire.recv(bufsize)
        except TimeoutError as error:
            if error.errno is None:
                raise
            raise Ended("timeout") from error  # ETIMEDOUT: the kernel's keep-alive found the peer dead
        except OSError as error:
            raise ended(error) from error
        if not data:
            raise Ended("eof")
        self.bytes_received += len(data)
        return data

    def _admit(self, header: tuple[int, ...], length: int) -> None:
        _, rsv1, rsv2, rsv3, opcode, masked, _ = header
        if rsv1 or rsv2 or rsv3 or masked or opcode not in ABNF.OPCODES:
            raise Ended("protocol")
        if opcode >= ABNF.OPCODE_CLOSE:
            if length > MAX_CONTROL:
                raise Ended("protocol")
        elif len(self._parts) + length > self._limits.max_message_bytes:
            raise Ended("oversize")

    def send_text(self, text: str) -> None:  # type: ignore[override] # the library returns the byte count
        """Send one text message."""
        self.send(text, ABNF.OPCODE_TEXT)

    def send_frame(self, frame: ABNF) -> int:
        """Write one frame within the send timeout, or end it all: half a frame cannot be taken back."""
        data = memoryview(frame.format())
        deadline = time.monotonic() + self._limits.send_timeout
        try:
            sent = 0
            while sent < len(data):
                if time.monotonic() >= deadline:
                    raise Ended("timeout")
                self._wire.settimeout(left(deadline))
                sent += self._wire.send(data[sent:])
        except OSError as error:
            raise ended(error) from error
        return len(data)

    def say_goodbye(self, code: int) -> None:
        """Send a close frame if it can go out at once; the peer's answer is not awaited."""
        frame = ABNF.create_frame(struct.pack("!H", code), ABNF.OPCODE_CLOSE)
        with contextlib.suppress(OSError):
            self._wire.settimeout(0)
            self._wire.send(frame.format())


class Connector:
    """Opens connections with one set of limits and one TLS context (loading the trust store takes 20 ms)."""

    def __init__(
        self, *, limits: Limits, tls: ssl.SSLContext | None = None, resolve: Resolve = system_resolve
    ) -> None:
        self._limits = limits
        self._given_tls = tls
        self._resolve = resolve

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        if self._given_tls is not None:
            return self._given_tls
        context = ssl.create_default_context()
        # SSLKEYLOGFILE in the environment must not be enough to read an API key off the wire.
        context.keylog_filename = None  # type: ignore[assignment]
        return context

    def connect(
        self, url: str, headers: Mapping[str, str] | None = None, *, abort: Abort | None = None
    ) -> Connection:
        """Open a connection to a ws:// or wss:// URL, all within the connect timeout.

        `headers` go to that address only, and are not kept. `abort` lets another thread end the attempt.
        Raises ConnectFailed, its subclass HandshakeRejected, and ValueError for an impossible URL or header.
        """
        deadline = time.monotonic() + self._limits.connect_timeout
        lines = [_header(name, value) for name, value in (headers or {}).items()]
        target = self._target(url)
        abort = abort or Abort()
        sock = dial(target, deadline, abort, self._resolve)
        frames = _Frames(self._limits)
        try:
            failure = _upgrade(frames, url, lines, target, UpgradeSocket(sock, deadline))
        except BaseException:
            abort.release()
            raise
        if abort.aborted:
            failure = target.failed("aborted", "this program stopped the attempt")
        if failure is not None:
            abort.release()
            raise failure
        frames.start(sock)
        return Connection(frames, abort)

    def _target(self, url: str) -> Target:
        scheme = url.partition(":")[0]
        if scheme not in {"ws", "wss"}:
            raise ValueError(f'endpoint scheme "{scheme[:20]}": expected ws or wss')
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError("endpoint without a host name: expected wss://host/path")
        secure = scheme == "wss"
        port = parts.port or (443 if secure else 80)
        return Target(parts.hostname, port, self._tls if secure else None, self._limits.connect_timeout)


def _header(name: str, value: str) -> str:
    if any(char in name + value for char in "\r\n\0"):
        raise ValueError(f"header {name!r}: line breaks cannot be sent")
    return f"{name}: {value}"


def _upgrade(
    frames: _Frames, url: str, lines: list[str], target: Target, wire: UpgradeSocket
) -> ConnectFailed | None:
    """Let the library do the HTTP upgrade; returns the failure, to leave the library's exceptions behind.

    Those hold the headers and the body of the answer, and a chained exception would be printed with them.
    """
    done = False
    # The library's words are not needed: `wire` has seen the answer and every error of the socket.
    with contextlib.suppress(WebSocketException, OSError, ValueError):
        frames.connect(url, header=lines, socket=wire, redirect_limit=0, suppress_origin=True)  # type: ignore[no-untyped-call]
        done = True
    return wire.failure(target, done=done)
