"""A stream and a scraper in one process: how late frames are handled, and how many are."""

from __future__ import annotations

import array
import time
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from benchmarks.frames import bitfinex
from benchmarks.holdings import SERIES_PER_ACCOUNT
from benchmarks.programs import WORK, ours
from benchmarks.runner import Case, WrongError, exchange, numbers, run
from benchmarks.served import login, serving
from benchmarks.setting import Setting
from benchmarks.stats import Measured, Outcome

SERIES: Final = 100_000
ACCOUNTS: Final = SERIES // SERIES_PER_ACCOUNT
RATE: Final = 4_000.0
SECONDS, SECONDS_QUICK = 10, 4
SETTLED: Final = 1.0
"""Seconds after the begin of the schedule in which the login and the first scrape have their effect."""
QUEUED: Final = 400_000
KEPT_SECONDS: Final = 3


def lateness(setting: Setting) -> Outcome:
    """How long after its schedule a live frame is handled, with and without a scrape each second."""
    still = login(setting, SERIES_PER_ACCOUNT)
    seconds = (SECONDS_QUICK if setting.quick else SECONDS) + SETTLED
    payload = bitfinex(int(RATE * seconds))
    stream = setting.payload("late", lambda: payload)

    def once(*, scraped: bool) -> Measured:
        file = WORK / "late"
        with (
            exchange(stream.file, prologue=stream.prologue, rate=RATE) as sender,
            serving(still, ACCOUNTS, sender.url, str(file)) as process,
        ):
            begin = float(sender.told("start"))
            took = []
            while time.monotonic() < begin + seconds + SETTLED:
                asked = time.monotonic()
                if scraped:
                    process.fetch()
                    took.append(time.monotonic() - asked)
                time.sleep(max(0.0, asked + 1.0 - time.monotonic()))
        found = _late(file, begin, stream.count)
        return {**found, "scrape": median(took)} if took else found

    cases: dict[str, Case] = {"ours": partial(once, scraped=True), "unscraped": partial(once, scraped=False)}
    return setting.measure(cases, rounds=2 if setting.quick else 5)


def _late(file: Path, begin: float, count: int) -> Measured:
    moments = array.array("d", file.read_bytes())
    if len(moments) != count:
        raise WrongError(f"{len(moments)} frames were handled, {count} were sent")
    first = int(RATE * SETTLED)
    late = [(at - begin - (first + index) / RATE) * 1e3 for index, at in enumerate(moments[first:])]
    cuts = quantiles(late, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "max": max(late)}


def kept(setting: Setting) -> Outcome:
    """Queued frames a second that become state while 100,000 series are rendered back to back."""
    page = str(WORK / f"page-{SERIES}")
    run(ours("state", "page", SERIES, page))
    payload = bitfinex(QUEUED)
    stream = setting.payload("kept", lambda: payload)

    def once(command: list[str]) -> Measured:
        with exchange(stream.file, prologue=stream.prologue) as sender:
            return numbers(run([*command, sender.url, str(KEPT_SECONDS)]))

    cases: dict[str, Case] = {
        "ours": partial(once, ours("load", str(SERIES))),
        "unscraped": partial(once, ours("load", "0")),
        "tuned + children": partial(once, ours("peers.promclient", "loaded", page)),
    }
    return setting.measure(cases, rounds=3)
