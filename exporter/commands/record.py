"""`exchange-exporter record`: write a live stream down, so that it can be replayed; without credentials."""

from __future__ import annotations

import os
import queue
import signal
import stat
import sys
from pathlib import Path
from types import FrameType
from typing import IO, Final

import orjson

from exporter.commands.run import load
from exporter.core.clock import Instant
from exporter.exchanges import KNOWN
from exporter.follow import Workshop
from exporter.logs import Redactor
from exporter.stream.supervisor import Supervisor

USAGE: Final = 2
PRIVATE: Final = 0o600


class Recorder:
    """Writes one JSON line per message: `{"t", "stream", "dir", "text"}`."""

    def __init__(self, out: IO[bytes], exchange: str, stream: str, redact: Redactor) -> None:
        self._out = out
        self._spec = KNOWN[exchange]
        self._stream = stream
        self._redact = redact
        self.count = 0

    def tap(self, now: Instant, direction: str, text: str) -> None:
        """One message passed."""
        clean = self._redact(self._spec.redact(text))
        record = {"t": round(now.wall, 6), "stream": self._stream, "dir": direction, "text": clean}
        self._out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        self._out.flush()
        self.count += 1


def record(config_file: str, account_name: str, file: str, redact: Redactor) -> int:
    """Record every stream of an account until SIGTERM or SIGINT. Raises ConfigError, OSError."""
    config = load(config_file)
    account = next((each for each in config.accounts if each.name == account_name), None)
    if account is None:
        known = ", ".join(each.name for each in config.accounts) or "none"
        print(f'--account: unknown account "{account_name}" (known: {known})', file=sys.stderr)  # noqa: T201
        return USAGE
    redact.add((account.api_key.reveal(), account.api_secret.reveal()))
    if account.identity is not None:
        redact.add((account.identity.reveal(),))
    orders: queue.SimpleQueue[int] = queue.SimpleQueue()

    def stop(number: int, _frame: FrameType | None) -> None:
        orders.put(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # A recording shows a whole account: nobody else may read it.
    out = sys.stdout.buffer if file == "-" else _private(Path(file))
    supervisor = Supervisor(clock=lambda: 0.0, stuck_after=lambda: float("inf"), restarted=lambda _key: None)
    recorders = []
    sessions = []
    for stream in KNOWN[account.exchange].streams:
        recorder = Recorder(out, account.exchange, stream, redact)
        followed = Workshop.equip(config.stream, tap=recorder.tap).follow(account)
        sessions += [session for session in followed.sessions if session.stream == stream]
        recorders.append(recorder)
    supervisor.start(sessions)
    orders.get()
    supervisor.stop()
    written = sum(recorder.count for recorder in recorders)
    print(f"recorded {written} messages of {account_name}", file=sys.stderr)  # noqa: T201
    if out is not sys.stdout.buffer:
        out.close()
    return 0


def _private(path: Path) -> IO[bytes]:
    out = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb")
    if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
        # The file may have been there before, open to others.
        os.fchmod(out.fileno(), PRIVATE)
    return out
