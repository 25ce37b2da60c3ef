"""`exchange-exporter record`: write a live stream down, so that it can be replayed; without credentials."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, Final

import orjson

from exporter.commands.private import private_file
from exporter.commands.run import load
from exporter.core.clock import Instant
from exporter.exchanges import KNOWN
from exporter.follow import Workshop
from exporter.logs import Redactor
from exporter.stream.supervisor import Supervisor

USAGE: Final = 2


class Recorder:
    """Writes one JSON line per message: `{"t", "stream", "dir", "text"}`; for all streams of an account."""

    def __init__(
        self, out: IO[bytes], exchange: str, redact: Redactor, *, gone: Callable[[], None] = lambda: None
    ) -> None:
        self._out = out
        self._spec = KNOWN[exchange]
        self._redact = redact
        self._gone = gone
        self._lock = threading.Lock()
        self.count = 0

    def tap(self, stream: str, now: Instant, direction: str, text: str) -> None:
        """One message passed. Where nobody reads any more, `gone` is told and nothing is raised."""
        clean = self._redact(self._spec.redact(text))
        record = {"t": round(now.wall, 6), "stream": stream, "dir": direction, "text": clean}
        with self._lock:
            try:
                self._out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
                self._out.flush()
            except OSError:
                self._gone()
                return
            self.count += 1


def record(config_file: str, account_name: str, file: str, redact: Redactor) -> int:
    """Record every stream of an account until SIGTERM or SIGINT. Raises ConfigError, OSError."""
    config = load(config_file)
    account = next((each for each in config.accounts if each.name == account_name), None)
    if account is None:
        known = ", ".join(each.name for each in config.accounts) or "none"
        print(f'--account: unknown account "{account_name}" (known: {known})', file=sys.stderr)  # noqa: T201
        return USAGE
    redact.add(account.secrets())
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()

    def stop(_number: int, _frame: FrameType | None) -> None:
        orders.put("stop")

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    out = sys.stdout.buffer if file == "-" else private_file(Path(file))
    recorder = Recorder(out, account.exchange, redact, gone=lambda: orders.put("gone"))
    supervisor = Supervisor(clock=lambda: 0.0, stuck_after=lambda: float("inf"), restarted=lambda _key: None)
    supervisor.start(Workshop.equip(config.stream, tap=recorder.tap).follow(account).sessions)
    why = orders.get()
    supervisor.stop()
    print(f"recorded {recorder.count} messages of {account_name}", file=sys.stderr)  # noqa: T201
    if out is not sys.stdout.buffer:
        out.close()
    elif why == "gone":
        # Python would flush into the closed pipe once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
