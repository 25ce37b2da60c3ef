"""The demo's far end: a loopback listener that lets simulated exchanges speak real WebSocket.

The only part of the demo with sockets, threads and a clock. No other machine can reach it.
"""

from __future__ import annotations

import logging
import random
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary, WeakSet

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response
from websockets.protocol import State
from websockets.sync.server import ServerConnection, serve

from exporter.demo.script import Step
from exporter.demo.simulated import Goodbye, Rejection, Session, Silence, Simulated
from exporter.exchanges import KNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from websockets.http11 import Request

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
TICK = 0.1
# A connection that stops in order gets this long to say goodbye.
GOODBYE = 0.2
HANDSHAKE = 5.0
LARGEST_MESSAGE = 64 * 1024
# Seconds and microseconds that a client may leave what it is sent unread: it must not hold up the stop.
SEND_TIMEOUT = (0, 250_000)
# A close code that stands for the absence of one.
ABNORMAL = 1006
NOT_FOUND, UNAVAILABLE = 404, 503
PONG_TIMEOUT = 5.0


Scripts = Mapping[str, Sequence[Step]]
"""What is bound to happen, by exchange."""


def simulate(
    names: Iterable[str], seed: int, origin: float, speed: float, scripts: Scripts | None = None
) -> dict[str, Simulated]:
    """The exchanges of these names that can be simulated, each with a history of its own from the seed.

    With scripts, nothing happens to an exchange but what they say; without, each plays its own.
    """
    found: dict[str, Simulated] = {}
    for name in names:
        where = f"exporter.exchanges.{name}.sim_exchange"
        if find_spec(where) is not None:
            # Not for secrets: the same seed has to give the same history.
            chance = random.Random(seed)  # noqa: S311
            script = None if scripts is None else scripts.get(name, ())
            found[name] = import_module(where).begin(chance, origin=origin, speed=speed, script=script)
    return found


class DemoServer:
    """Serves simulated exchanges on a free loopback port; tests play faults on its `venues`.

    Hold `lock` around any use of a venue while the server runs.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        speed: float = 1.0,
        clock: Callable[[], float] = time.time,
        scripts: Scripts | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.exchanges = simulate(KNOWN, seed, clock(), speed, scripts)
        self.venues: Mapping[str, Any] = {name: each.venue for name, each in self.exchanges.items()}
        self._admitted: WeakKeyDictionary[ServerConnection, Callable[[], Session]] = WeakKeyDictionary()
        self._clock = clock
        self._stopping = threading.Event()
        self._connections: WeakSet[ServerConnection] = WeakSet()
        self._server = serve(
            self._converse,
            LOOPBACK,
            0,
            process_request=self._admit,
            # A factory will do: the library only calls it.
            create_connection=cast("type[ServerConnection]", self._create),
            open_timeout=HANDSHAKE,
            ping_interval=None,
            close_timeout=GOODBYE,
            max_size=LARGEST_MESSAGE,
            compression=None,
            logger=_quiet_logger(),
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="demo", daemon=True)

    def url(self, exchange: str) -> str:
        """Where the streams of a simulated exchange begin. Raises KeyError for one that is not simulated."""
        if exchange not in self.venues:
            known = ", ".join(sorted(self.venues))
            raise KeyError(f"no simulated exchange {exchange!r} (known: {known})")
        port = self._server.socket.getsockname()[1]
        return f"ws://{LOOPBACK}:{port}/{exchange}"

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Close the listener and every connection, and wait for their threads."""
        self._stopping.set()
        if not self._thread.ident:
            # What was opened to listen is closed by the thread that listens: it needs to have run.
            self._thread.start()
        for connection in list(self._connections):
            if connection.state is State.CONNECTING:
                # Who never finishes the handshake would keep the library waiting for its time-out.
                connection.close_socket()
        self._server.shutdown()
        self._thread.join()

    def _create(self, *args: Any, **kwargs: Any) -> ServerConnection:
        connection = ServerConnection(*args, **kwargs)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", *SEND_TIMEOUT))
        self._connections.add(connection)
        if self._stopping.is_set():
            connection.close_socket()
        return connection

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        name, _, path = request.path.partition("?")[0].removeprefix("/").partition("/")
        exchange = self.exchanges.get(name)
        if exchange is None:
            return connection.respond(NOT_FOUND, f"no simulated exchange at {request.path}\n")
        with self.lock:
            verdict = exchange.admit(path, dict(request.headers.raw_items()), self._clock())
        if isinstance(verdict, Silence):
            self._stopping.wait(verdict.seconds)
            verdict = Rejection(UNAVAILABLE, "nobody answered\n")
        if isinstance(verdict, Rejection):
            return connection.respond(verdict.status, verdict.body)
        self._admitted[connection] = verdict
        if exchange.ping_interval is not None:
            # It shows that it lives by pings, and hangs up on who does not answer.
            connection.ping_interval, connection.ping_timeout = exchange.ping_interval, PONG_TIMEOUT
        return None

    def _converse(self, connection: ServerConnection) -> None:
        with self.lock:
            session = self._admitted[connection]()
        try:
            self._exchange(connection, session)
        except ConnectionClosed:
            pass
        except Exception:
            logger.exception("the simulated exchange failed")
            raise
        finally:
            with self.lock:
                session.gone()

    def _exchange(self, connection: ServerConnection, session: Session) -> None:
        with self.lock:
            said = session.opened(self._clock())
        alive = _speak(connection, said)
        due = time.monotonic() + TICK
        while alive and not self._stopping.is_set():
            try:
                message = connection.recv(timeout=max(due - time.monotonic(), 0))
            except TimeoutError:
                due = time.monotonic() + TICK
                with self.lock:
                    said = session.tick(self._clock())
            else:
                text = message if isinstance(message, str) else message.decode(errors="replace")
                with self.lock:
                    said = session.received(text, self._clock())
            alive = _speak(connection, said)


def _speak(connection: ServerConnection, said: Iterable[str | Goodbye]) -> bool:
    """Send what a session says; False when it ended the connection."""
    for text in said:
        if not isinstance(text, str):
            if text.code is None or text.code == ABNORMAL:
                # A link that breaks says nothing: not even the close frame that the library would send.
                connection.close_socket()
            else:
                connection.close(text.code, text.reason)
            return False
        connection.send(text)
    return True


def _quiet_logger() -> logging.Logger:
    # A client that goes away in mid-handshake is the demo's daily bread, and none of the operator's business.
    wire = logging.getLogger("exporter.demo.wire")
    wire.setLevel(logging.CRITICAL)
    return wire
