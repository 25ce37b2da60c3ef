"""One WebSocket connection to an exchange: connect, receive, send, abort, within limits.

The only module that imports `websocket`. That library does the HTTP upgrade and builds the frames we send.
Deadlines, sizes, TLS, redirects, cookies, proxies and the way a connection ends are ours: its defaults for
them are safe neither for credentials nor for a process that must never hang. So is the cutting of frames
(`exporter.stream.frames`), which the library does one by one, in several reads each.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import websocket
from websocket import ABNF, WebSocketException, _cookiejar, _handshake

from exporter import trust
from exporter.stream.connection import Connection, Ended, ended
from exporter.stream.dial import Abort, Resolve, Target, dial, left, system_resolve
from exporter.stream.frames import FrameCutter
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
)
from exporter.stream.upgrade import HandshakeRejected, UpgradeSocket

if TYPE_CHECKING:
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
]


READ = 16 * 1024
"""Most bytes of one read: a whole TLS record, which therefore never lies decrypted and unread."""
SHORTEST = 0.001
"""Shortest wait for bytes, seconds: 0 would mean "do not wait" to Python and "for ever" to the kernel."""
UNKNOWN = -1.0
"""Stands for a wait that nobody asks for."""


class _NoCookies(_cookiejar.SimpleCookieJar):
    """A jar that stays empty: the library's one jar would carry cookies from one account to the next."""

    def add(self, set_cookie: str | None) -> None:
        """Forget what the server wants remembered."""


def _require_known_library() -> None:
    """Fail at import when a newer library moved what we override: cookies would travel in silence."""
    if not hasattr(_handshake, "CookieJar"):
        raise ImportError(
            f"websocket-client {websocket.__version__} is laid out otherwise than expected: no cookie jar "
            "where 1.9.2 has one; install websocket-client 1.9.2"
        )


_require_known_library()
_handshake.CookieJar = _NoCookies()


class _Frames:
    """`Frames` over the socket that the upgrade left: what is read, answered and sent, and until when."""

    def __init__(self, limits: Limits, sock: socket.socket) -> None:
        self.bytes_received = 0
        self._limits = limits
        self._sock = sock
        self._cutter = FrameCutter(limits.max_message_bytes)
        self._patience = UNKNOWN

    def receive(self, timeout: float) -> Received:
        """What was whole already, else what is whole after one read."""
        cutter = self._cutter
        event = cutter.cut() if cutter.pending else None
        if event is None:
            try:
                if timeout != self._patience:
                    self._be_patient(timeout)
                data = self._sock.recv(READ)
            except OSError as error:
                if _timed_out(error):
                    return None
                raise ended(error) from error
            if not data:
                raise Ended("eof")
            self.bytes_received += len(data)
            event = cutter.cut(data)
        if isinstance(event, Ping):
            self._send(event.data, ABNF.OPCODE_PONG)
        return event

    def _be_patient(self, timeout: float) -> None:
        """Set how long each read may wait, until a send sets its own.

        On a plain socket the kernel keeps the time, and a read is one system call; Python would poll first.
        Not under TLS: there Python reads until a record is whole, so it has to keep the time of all of that.
        """
        self._sock.settimeout(max(timeout, SHORTEST))
        if type(self._sock) is socket.socket:
            # A system with another layout of the time refuses it; then Python's timeout holds.
            seconds, micros = divmod(round(max(timeout, SHORTEST) * 1e6), 1_000_000)
            with contextlib.suppress(OSError):
                self._sock.setsockopt(
                    socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", seconds, micros)
                )
                self._sock.settimeout(None)
        self._patience = timeout

    def send_text(self, text: str) -> None:
        """Send one text message."""
        self._send(text, ABNF.OPCODE_TEXT)

    def ping(self, payload: bytes) -> None:
        """Send one ping."""
        self._send(payload, ABNF.OPCODE_PING)

    def _send(self, payload: str | bytes, opcode: int) -> None:
        """Write one frame within the send timeout, or end it all: half a frame cannot be taken back."""
        data = memoryview(ABNF.create_frame(payload, opcode).format())
        deadline = time.monotonic() + self._limits.send_timeout
        self._patience = UNKNOWN
        try:
            sent = 0
            while sent < len(data):
                if time.monotonic() >= deadline:
                    raise Ended("timeout")
                self._sock.settimeout(left(deadline))
                sent += self._sock.send(data[sent:])
        except OSError as error:
            raise ended(error) from error

    def say_goodbye(self, code: int) -> None:
        """Send a close frame if it can go out at once; the peer's answer is not awaited."""
        frame = ABNF.create_frame(struct.pack("!H", code), ABNF.OPCODE_CLOSE)
        with contextlib.suppress(OSError):
            self._sock.settimeout(0)
            self._sock.send(frame.format())


def _timed_out(error: OSError) -> bool:
    """Whether a failed read means that nothing came in time, by the kernel's clock or by Python's.

    A time-out with a number is the keep-alive's word that the peer is dead.
    """
    return isinstance(error, BlockingIOError) or (isinstance(error, TimeoutError) and error.errno is None)


class Connector:
    """Opens connections with one set of limits; `tls` in place of the context for venues."""

    def __init__(
        self, *, limits: Limits, tls: ssl.SSLContext | None = None, resolve: Resolve = system_resolve
    ) -> None:
        self._limits = limits
        self._tls = tls
        self._resolve = resolve

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
        try:
            failure = _upgrade(url, lines, target, UpgradeSocket(sock, deadline))
        except BaseException:
            abort.release()
            raise
        if abort.aborted:
            failure = target.failed("aborted", "this program stopped the attempt")
        if failure is not None:
            abort.release()
            raise failure
        return Connection(_Frames(self._limits, sock), abort)

    def _target(self, url: str) -> Target:
        scheme = url.partition(":")[0]
        if scheme not in {"ws", "wss"}:
            raise ValueError(f'endpoint scheme "{scheme[:20]}": expected ws or wss')
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError("endpoint without a host name: expected wss://host/path")
        secure = scheme == "wss"
        port = parts.port or (443 if secure else 80)
        return Target(
            parts.hostname,
            port,
            (self._tls or trust.venues()) if secure else None,
            self._limits.connect_timeout,
        )


def _header(name: str, value: str) -> str:
    if any(char in name + value for char in "\r\n\0"):
        raise ValueError(f"header {name!r}: line breaks cannot be sent")
    return f"{name}: {value}"


def _upgrade(url: str, lines: list[str], target: Target, wire: UpgradeSocket) -> ConnectFailed | None:
    """Let the library do the HTTP upgrade; returns the failure, to leave the library's exceptions behind.

    Those hold the headers and the body of the answer, and a chained exception would be printed with them.
    """
    done = False
    client = websocket.WebSocket(enable_multithread=False)
    # The library's words are not needed: `wire` has seen the answer and every error of the socket.
    with contextlib.suppress(WebSocketException, OSError, ValueError):
        client.connect(url, header=lines, socket=wire, redirect_limit=0, suppress_origin=True)  # type: ignore[no-untyped-call]
        done = True
    return wire.failure(target, done=done)
