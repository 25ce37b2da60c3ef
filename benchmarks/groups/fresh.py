"""From the exchange's send to the value in a scrape: the bench plays the exchange and the scraper.

The scraper asks again and again; what is told is the time from the send to the end of the first answer that
holds the value.
"""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from statistics import quantiles
from typing import Final

from websockets.sync.server import ServerConnection, serve

from benchmarks.app import LIVE
from benchmarks.frames import Script, bitfinex
from benchmarks.holdings import SERIES_PER_ACCOUNT
from benchmarks.programs import ours
from benchmarks.runner import Case, WrongError, exchange
from benchmarks.served import Served, login, serving, started
from benchmarks.setting import Setting
from benchmarks.stats import Measured, Outcome

MARKS, MARKS_QUICK = 100, 25
RATE: Final = 4_000.0
SERIES: Final = 10_000
PAUSE: Final = 0.03
"""Mean seconds between two marks."""
PATIENCE: Final = 5.0


class Venue:
    """An exchange with one account, whose balance the bench changes when it likes."""

    def __init__(self) -> None:
        self._script = Script()
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def handle(self, link: ServerConnection) -> None:
        """Serve one connection."""
        for message in self._script.login([("exchange", "BTC")]):
            link.send(message.decode())
        while (said := self._said.get()) is not None:
            link.send(said.decode())

    def say(self, balance: float) -> float:
        """Let the wallet hold so much; gives the moment."""
        frame = self._script.said("wu", ["exchange", "BTC", balance, 0, None, "Settlement @ 1", None])
        moment = time.monotonic()
        self._said.put(frame)
        return moment

    def end(self) -> None:
        """Let the connection go."""
        self._said.put(None)


@contextlib.contextmanager
def venue() -> Iterator[tuple[Venue, str]]:
    """A running venue and its address."""
    played = Venue()
    with serve(played.handle, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield played, f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        finally:
            played.end()
            server.shutdown()
            thread.join()


def freshness(setting: Setting) -> Outcome:
    """Calm: one account and nothing else. Loaded: beside it 4,000 frames a second and 10,000 series."""
    marks = MARKS_QUICK if setting.quick else MARKS
    cases: dict[str, Case] = {"calm": partial(_calm, marks), "loaded": partial(_loaded, setting, marks)}
    return setting.measure(cases, rounds=3)


def _calm(marks: int) -> Measured:
    with venue() as (played, url), started(ours("app", url, 1)) as process:
        process.wait_for(1)
        return _seen(played, process, "bench-000", marks)


def _loaded(setting: Setting, marks: int) -> Measured:
    still = login(setting, SERIES_PER_ACCOUNT)
    payload = bitfinex(int(RATE * (marks * PAUSE * 3 + 5)))
    busy = setting.payload("fresh", lambda: payload)
    with (
        venue() as (played, url),
        exchange(busy.file, prologue=busy.prologue, rate=RATE) as loud,
        serving(still, SERIES // SERIES_PER_ACCOUNT, url, "/dev/null", loud.url) as process,
    ):
        return _seen(played, process, LIVE, marks)


def _seen(played: Venue, process: Served, account: str, marks: int) -> Measured:
    labels = f'account="{account}",currency="BTC",exchange="bitfinex",wallet="exchange"'
    late = []
    rng = random.Random(1)
    for mark in range(marks):
        value = 100.5 + mark
        line = f"exchange_wallet_balance{{{labels}}} {value}\n".encode()
        process.fetch()
        moment = played.say(value)
        while line not in process.fetch():
            if time.monotonic() > moment + PATIENCE:
                raise WrongError(f"a balance was not shown within {PATIENCE:g} s")
        late.append((time.monotonic() - moment) * 1e3)
        time.sleep(rng.uniform(0, 2 * PAUSE))
    cuts = quantiles(late, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "max": max(late)}
