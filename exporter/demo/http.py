"""The demo's REST side: a loopback HTTP server that hands requests to simulated exchanges.

The first segment of a path names the exchange, the rest is the exchange's own path.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final

from exporter.web.http import Request, Response, sentence
from exporter.web.server import Server

LOOPBACK: Final = "127.0.0.1"
MOST_REQUESTS: Final = 16
JSON: Final = "application/json"
PAGE: Final = "text/html; charset=utf-8"

Answer = Callable[[str, str, str, Mapping[str, str], bytes, float], tuple[int, bytes]]
"""Method, path, query, headers, body and time (Unix seconds) to status and body."""


class DemoHttp:
    """Serves simulated exchanges on a free loopback port.

    `lock` guards the venues, which are not thread-safe, and is the one under which their streams are driven.
    """

    def __init__(
        self,
        answers: Mapping[str, Answer],
        lock: AbstractContextManager[object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.delays: dict[str, float] = {}
        """Exchange to the seconds by which its answers are late: a test may make it slow."""
        self._answers = dict(answers)
        self._lock = lock
        self._clock = clock
        self._stopping = threading.Event()
        self._server = Server([f"{LOOPBACK}:0"], self._handle, max_requests=MOST_REQUESTS)

    def start(self) -> None:
        """Listen and begin to answer."""
        self._server.start()

    def stop(self) -> None:
        """Close the listener and every connection; a late answer is given up."""
        self._stopping.set()
        self._server.stop()

    def url(self, exchange: str) -> str:
        """Where a simulated exchange answers, while the server runs. Raises KeyError for a strange one."""
        if exchange not in self._answers:
            raise KeyError(self._stranger(exchange))
        return f"http://{LOOPBACK}:{self._server.ports[0]}/{exchange}"

    def _handle(self, request: Request) -> Response:
        exchange, slash, rest = request.path.removeprefix("/").partition("/")
        answer = self._answers.get(exchange)
        if answer is None:
            return sentence(404, self._stranger(exchange))
        late = self.delays.get(exchange, 0.0)
        if late:
            self._stopping.wait(late)
        with self._lock:
            status, body = answer(
                request.method,
                slash + rest,
                request.query,
                request.headers,
                request.body,
                self._clock(),
            )
        return Response(status, PAGE if body.startswith(b"<") else JSON, body)

    def _stranger(self, exchange: str) -> str:
        known = ", ".join(sorted(self._answers))
        return f'no simulated exchange "{exchange}" (known: {known})'
