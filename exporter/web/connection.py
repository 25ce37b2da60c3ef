"""One client's connection: what it is doing, until when it may, and how it is cut from another thread.

Sockets stay blocking and reads carry no time-outs of their own. The server's accept thread compares deadlines
and cuts what has run out, which wakes the blocked thread: no extra system call on the path of a scrape, and a
client that drips a byte at a time gains nothing.
"""

from __future__ import annotations

import contextlib
import enum
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RECEIVE_BYTES = 16 * 1024
IOV_MAX = 1024
ENCRYPT_BYTES = 256 * 1024
LINGER_SECONDS = 1.0
LINGER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much clients may take. Times in seconds."""

    max_connections: int = 32
    read_timeout: float = 5.0  # between two pieces of a request
    request_timeout: float = 15.0  # a whole request, the TLS handshake included
    write_timeout: float = 30.0  # a whole response
    idle_timeout: float = 150.0  # between two requests: longer than any usual scrape interval
    lifetime: float = 3600.0  # after this the next answer ends the connection


class TLS(Protocol):
    """How accepted sockets become encrypted ones."""

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """The socket with TLS around it, handshake not yet made."""
        ...

    def handshake(self, sock: ssl.SSLSocket) -> None:
        """Make the handshake and check the peer. Raises OSError when the client is not let in."""
        ...


class Phase(enum.IntEnum):
    """What a connection is doing, in the order in which connections are given up when there are too many."""

    READING = 0  # handshake or part of a request: the home of silent and slow clients
    IDLE = 1  # between two requests of a kept connection
    WRITING = 2
    SERVING = 3  # a route is at work: never given up


class Connection:
    """A client's socket with its phase and deadline (seconds of the given clock)."""

    def __init__(self, sock: socket.socket, clock: Callable[[], float], deadline: float) -> None:
        self._socket = sock
        self.clock = clock
        self._lock = threading.Lock()
        self._cut = False
        self.born = self.since = clock()
        self.phase = Phase.READING
        self.deadline = deadline

    def secure(self, tls: TLS) -> None:
        """Make the TLS handshake. Raises OSError when it fails or the connection is cut meanwhile."""
        with self._lock:
            if self._cut:
                raise ConnectionAbortedError
            # Wrapping moves the descriptor to a new object: the cutter must never see the empty old one.
            wrapped = tls.wrap(self._socket)
            self._socket = wrapped
        tls.handshake(wrapped)

    def enter(self, phase: Phase, seconds: float) -> None:
        """Begin a phase that may last so long. Raises ConnectionAbortedError after a cut."""
        with self._lock:
            if self._cut:
                raise ConnectionAbortedError
            self.since = self.clock()
            self.deadline = self.since + seconds
            self.phase = phase

    def cut(self, *, unless: Phase | None = None) -> bool:
        """End the connection from any thread and wake its own; False if it was left alone."""
        with self._lock:
            if self._cut or self.phase is unless:
                return False
            self._cut = True
            # Not SSLSocket.shutdown: that one takes the TLS object away from under the blocked thread.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            return True

    def receive(self) -> bytes:
        """The next bytes, empty at the end. Raises OSError."""
        return self._socket.recv(RECEIVE_BYTES)

    def send(self, pieces: Sequence[bytes], size: int) -> None:
        """Send all pieces, `size` bytes together, gathered by the kernel where it can. Raises OSError."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._encrypt(self._socket, pieces)
            return
        for start in range(0, len(pieces), IOV_MAX):
            group = pieces[start : start + IOV_MAX]
            sent = self._socket.sendmsg(group)
            size -= sent
            # A blocking socket takes all at once; less only when a signal or the client's end came between.
            if size and sent < (whole := sum(map(len, group))):
                self._socket.sendall(memoryview(b"".join(group))[sent:])
                size -= whole - sent

    @staticmethod
    def _encrypt(sock: ssl.SSLSocket, pieces: Sequence[bytes]) -> None:
        """Send in records that are full, with no second copy of a large page at once."""
        group: list[bytes] = []
        size = 0
        for piece in pieces:
            group.append(piece)
            size += len(piece)
            if size >= ENCRYPT_BYTES:
                sock.sendall(b"".join(group))
                group.clear()
                size = 0
        if group:
            sock.sendall(b"".join(group))

    def finish(self) -> None:
        """End politely: let the client read the answer before the socket goes.

        Closing with unread bytes makes the kernel send a reset, which can destroy the answer on its way.
        """
        self.enter(Phase.READING, LINGER_SECONDS)
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.unwrap()
        else:
            self._socket.shutdown(socket.SHUT_WR)
            left = LINGER_BYTES
            while left > 0 and (data := self._socket.recv(RECEIVE_BYTES)):
                left -= len(data)

    def close(self) -> None:
        """Give the descriptor back."""
        # Under the lock, so that no cutter can hit a descriptor that already belongs to someone else.
        with self._lock:
            self._cut = True
            self._socket.close()
