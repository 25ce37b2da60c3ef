"""The project's whole process over accounts at the bench's exchange; like ours.py it knows the API.

python -m benchmarks.app URL ACCOUNTS [LIVE_URL LATE_FILE [LOUD_URL]]

Says its port, then serves until its input ends. With LIVE_URL one more account follows that address, and the
moments at which its messages were handled go to LATE_FILE. LOUD_URL is an account of its own beside it.
"""

from __future__ import annotations

import array
import sys
import threading
import time
from pathlib import Path

from benchmarks.ours import account, workshop
from exporter.app import App, WebSettings
from exporter.config.types import Config, Limits, Reconcile, Valuation
from exporter.core.clock import Instant
from exporter.core.events import Heard
from exporter.exchanges.base import Answers
from exporter.exchanges.bitfinex.protocol import BitfinexConversation
from exporter.logs import Redactor

LIVE: str = "live"
"""The name of the account that LIVE_URL feeds."""


def serve(url: str, accounts: int, *others: str) -> App:
    """Start a process's worth of the program; REST asks nobody."""
    config = Config(
        accounts=(
            *(account("bitfinex", url, f"bench-{number:03d}") for number in range(accounts)),
            *(account("bitfinex", each, name) for each, name in zip(others, (LIVE, "loud"), strict=False)),
        ),
        reconcile=Reconcile(interval=0.0),
        valuation=Valuation(interval=0.0),
        limits=Limits(series_per_account=1_000_000),
    )
    web = WebSettings(("127.0.0.1:0",), "/metrics", None, max_requests=40, lifecycle=False)
    # An exchange takes five logins in 15 seconds; the bench's takes all at once.
    return App(config, web, reread=lambda: config, redact=Redactor(), equip=lambda _: workshop())


def stamped(moments: array.array[float]) -> None:
    """Let every conversation write down when a frame was handled."""
    handle = BitfinexConversation.received

    def received(self: BitfinexConversation, data: bytes, now: Instant) -> tuple[Heard, Answers]:
        told = handle(self, data, now)
        # By their time stamp, since the accounts that hold still have none of these frames.
        if data.startswith((b'[0,"wu"', b'[0,"ou"', b'[0,"tu"', b'[0,"bu"')):
            moments.append(time.monotonic())
        return told

    BitfinexConversation.received = received  # type: ignore[method-assign] # measured from outside


def main() -> None:
    """See the module's text."""
    url, accounts, *rest = sys.argv[1:]
    moments = array.array("d")
    if rest:
        stamped(moments)
    app = serve(url, int(accounts), *rest[::2])
    app.start()
    print(f"port {app.ports[0]}", flush=True)
    threading.Thread(target=_turn, args=(app,), daemon=True).start()
    sys.stdin.read()
    if rest:
        Path(rest[1]).write_bytes(moments.tobytes())
    app.stop()


def _turn(app: App) -> None:
    while app._turn():  # noqa: SLF001 - `run` wants the main thread for its signals
        pass


if __name__ == "__main__":
    main()
