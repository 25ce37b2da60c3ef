"""A small HTTP/1.1 server for scrapes: threads, bounded on every side, blind to what it serves.

One thread accepts and enforces deadlines; each connection has a thread of its own, and there are only so many
connections. When all are taken, the one that has been silent longest makes room, so neither silent nor slow
clients can delay a scrape. Requests being handled are bounded apart from that: beyond the bound the answer is
503 at once.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from exporter.web.address import listen, parse_address
from exporter.web.connection import TLS, Connection, Limits, Phase
from exporter.web.conversation import Conversation
from exporter.web.http import Headers, Request, Response, sentence

SWEEP_SECONDS = 0.25
STOP_SECONDS = 0.7
ACCEPT_PAUSE_SECONDS = 0.05

Handler = Callable[[Request], Response]
Guard = Callable[[Request], Response | None]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Stats:
    """What the server has seen since it started."""

    open: int = 0
    accepted: int = 0
    evicted: int = 0  # cut to make room for a newer connection
    expired: int = 0  # cut at a deadline
    busy: int = 0  # requests answered 503
    failed: int = 0  # requests answered 500


class Server:
    """Serves `handler` on the addresses until stopped.

    `guard` sees a request first and may answer it (sign-in, rate limit); it holds no slot, so that guessing
    passwords does not use the slots up. `headers` are added to every answer. `clock` is monotonic, `wall` is
    Unix time.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        handler: Handler,
        *,
        max_requests: int = 5,
        guard: Guard | None = None,
        headers: Callable[[], Headers] = tuple,
        tls: TLS | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._addresses = [parse_address(text) for text in addresses]
        self._handler = handler
        self._guard = guard
        self._headers = headers
        self._tls = tls
        self._limits = limits or Limits()
        self._clock = clock
        self._wall = wall
        self._max_requests = max_requests
        self._serving = 0
        self._lock = threading.Lock()
        self._stats = Stats()
        self._connections: dict[Connection, threading.Thread] = {}
        self._listeners: list[socket.socket] = []
        self._ports: list[int] = []
        self._stopping = threading.Event()
        self._wake: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._numbers = 0
        self._date = (-1, "")

    def start(self) -> None:
        """Listen on every address and begin to accept. Raises ListenError, and then listens nowhere."""
        try:
            for address in self._addresses:
                self._listeners.append(listen(address))
            self._ports = [int(listener.getsockname()[1]) for listener in self._listeners]
        except Exception:
            self._close_listeners()
            raise
        self._wake, woken = socket.socketpair()
        self._thread = threading.Thread(
            target=self._accept_loop, args=(woken,), name="web:accept", daemon=True
        )
        self._thread.start()

    @property
    def ports(self) -> list[int]:
        """The ports listened on, in the order of the addresses; none before the start and after the end."""
        # Remembered, since the accept thread may close a listener while another thread asks.
        return self._ports

    def stats(self) -> Stats:
        """A copy of the counters."""
        with self._lock:
            seen = self._stats
            return Stats(
                len(self._connections), seen.accepted, seen.evicted, seen.expired, seen.busy, seen.failed
            )

    def stop(self) -> None:
        """Stop accepting, let requests in hand finish for a moment, cut the rest. Takes under a second."""
        deadline = time.monotonic() + STOP_SECONDS
        self._stopping.set()
        if self._wake is not None:
            self._wake.close()
            self._wake = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._lock:
            remaining = dict(self._connections)
        for connection in remaining:
            connection.cut(unless=Phase.SERVING)
        for connection, thread in remaining.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            connection.cut()
        for thread in remaining.values():
            thread.join(max(0.0, deadline + 0.1 - time.monotonic()))

    # The accept thread.

    def _accept_loop(self, woken: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, woken:
            selector.register(woken, selectors.EVENT_READ)
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ)
            while not self._stopping.is_set():
                for key, _ in selector.select(SWEEP_SECONDS if self._connections else None):
                    if isinstance(key.fileobj, socket.socket) and key.fileobj is not woken:
                        self._accept(key.fileobj)
                self._sweep()
        self._close_listeners()

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:
            # Out of descriptors or memory: make room, and do not spin while the kernel reports it again.
            self._evict()
            self._stopping.wait(ACCEPT_PAUSE_SECONDS)
            return
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, self._clock, self._clock() + self._limits.read_timeout)
        self._numbers += 1
        thread = threading.Thread(
            target=self._serve, args=(connection,), name=f"web:{self._numbers}", daemon=True
        )
        with self._lock:
            full = len(self._connections) >= self._limits.max_connections
        if full and not self._evict():
            connection.close()
            return
        with self._lock:
            self._connections[connection] = thread
            self._stats.accepted += 1
        try:
            thread.start()
        except RuntimeError:  # the process may have no more threads
            self._forget(connection)
            connection.close()
            self._evict()

    def _evict(self) -> bool:
        """Cut the connection that matters least; False when every one is being served."""
        with self._lock:
            ranked = sorted(self._connections, key=lambda each: (each.phase, each.since))
        for connection in ranked:
            if connection.cut(unless=Phase.SERVING):
                with self._lock:
                    self._stats.evicted += 1
                # Its thread is awake and on its way out: it counts no more.
                self._forget(connection)
                return True
        return False

    def _sweep(self) -> None:
        now = self._clock()
        with self._lock:
            late = [each for each in self._connections if each.deadline <= now]
        for connection in late:
            if connection.cut(unless=Phase.SERVING):
                with self._lock:
                    self._stats.expired += 1

    def _forget(self, connection: Connection) -> None:
        with self._lock:
            self._connections.pop(connection, None)

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._ports = []

    # The thread of a connection.

    def _serve(self, connection: Connection) -> None:
        try:
            if self._tls is not None:
                connection.enter(Phase.READING, self._limits.request_timeout)
                connection.secure(self._tls)
            self._converse(connection)
            connection.finish()
        except (OSError, EOFError):
            # The client went away, failed its handshake, or was cut: nobody is left to tell.
            pass
        except Exception:
            # Ours to mend, but never a reason to let a thread die with a traceback on the terminal.
            logger.exception("connection failed")
        finally:
            connection.close()
            self._forget(connection)

    def _converse(self, connection: Connection) -> None:
        conversation = Conversation(connection, self._limits)
        for request in conversation.requests():
            if isinstance(request, Response):  # what could not be read as a request
                answer, last = request, True
            else:
                connection.enter(Phase.SERVING, 0.0)
                answer = self._answer(request)
                old = connection.since - connection.born >= self._limits.lifetime
                last = old or not request.keep_alive or self._stopping.is_set()
            conversation.answer(answer, date=self._now(), last=last, extra=self._headers())
            if last:
                return

    def _answer(self, request: Request) -> Response:
        try:
            refused = self._guard(request) if self._guard is not None else None
            if refused is not None:
                return refused
            with self._lock:
                if self._serving >= self._max_requests:
                    return self._busy()
                self._serving += 1
            try:
                return self._handler(request)
            finally:
                with self._lock:
                    self._serving -= 1
        except Exception:
            # A server outlives its routes: the log has the reason, the client only the fact.
            logger.exception("request failed: %s %s", request.method, request.path)
            with self._lock:
                self._stats.failed += 1
            return sentence(500, "internal error: the exporter's log has the reason")

    def _busy(self) -> Response:
        """One slot more would be too many; the lock is held."""
        self._stats.busy += 1
        text = f"limit of {self._max_requests} concurrent requests reached (--web.max-requests), try again"
        return sentence(503, text, ("Retry-After", "1"))

    def _now(self) -> str:
        second = int(self._wall())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]
