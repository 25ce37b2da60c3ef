"""A demo and rules in a hurry: what takes minutes, hours or days happens within seconds of a test.

Rules are the repository's own, with shorter durations; what they look at and compare with is the same.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import pytest

from exporter.app import Order, WebSettings
from exporter.commands.demo import Demo
from exporter.config.types import Config, Lending, Reconcile, StreamSettings, Valuation
from exporter.core.backoff import ConnectionBudget, RequestBudget
from exporter.exchanges.bitfinex.calc import REFRESH
from exporter.logs import Redactor

JOIN: Final = 60.0
SHORTER: Final[Mapping[str, str]] = {
    # Waits.
    r"for: \w+": "for: 3s",
    r"interval: 30s": "interval: 1s",
    # How long a state must have lasted, as far as that is no more than hours: longer windows only remember.
    r"(m(?:ax|in)_over_time\([\w:]+)\[(?:1m|5m|10m|6h)\]": r"\1[4s]",
    r"offset 6h": "offset 4s",
    r"(min_over_time\([\w:]+)\[30h\]": r"\1[14s]",
    r"offset 30h": "offset 14s",
    # How much of what was asked lately failed. Other counters keep their windows: one event is enough.
    r"(exchange_rest_request\w+)\[(?:15m|30m)\]": r"\1[8s]",
    # Ages that count from something the exporter has seen. Those of orders and offers are real: days.
    r"([<>]) (?:7200|21600)\b": r"\1 6",
    r"> 1800\b": "> 12",
    r"> 120\b": "> 8",
    r"> 3 \* exchange_stream_liveness": "> 1.05 * exchange_stream_liveness",
}
"""Regular expression to what stands in the place of each match."""


def hasten(rules: str) -> str:
    """The rules with short durations, for a scrape each second."""
    for pattern, shorter in SHORTER.items():
        rules = re.sub(pattern, shorter, rules)
    return rules


def hurried(config: Config, *, compares: bool = True) -> Config:
    """The demo's configuration with short intervals; no idle money unless nothing at all is lent."""
    idle = {"demo-lender": Lending({"USD": 79_900.0, "UST": 39_900.0})}
    return replace(
        config,
        accounts=tuple(replace(each, lending=idle.get(each.name, each.lending)) for each in config.accounts),
        stream=StreamSettings(stale_after=4.0, backoff_max=1.0),
        reconcile=Reconcile(4.0 if compares else 0.0),
        valuation=Valuation(2.5),
    )


def make_exporters_hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limits by which an exporter spares an exchange; values and prices grow old within seconds."""
    monkeypatch.setattr("exporter.follow.ConnectionBudget", partial(ConnectionBudget, limit=100))
    monkeypatch.setattr("exporter.rest.poller.RequestBudget", lambda _: RequestBudget(1000))
    monkeypatch.setattr("exporter.core.market.SHORTEST_LIFETIME", 3.0)
    monkeypatch.setitem(REFRESH, "margin", 3.0)
    for exchange in ("bitfinex", "bitopro"):
        monkeypatch.setattr(f"exporter.exchanges.{exchange}.quotes.TICKERS_EVERY", 2.5)


@contextmanager
def playing(
    incidents: tuple[str, ...], address: str, *, begin: float, speed: float, compares: bool
) -> Iterator[Demo]:
    """A running demo whose incidents begin after so many seconds of the wall clock."""
    adapt = partial(hurried, compares=compares)
    web = WebSettings((address,), "/metrics", None, 5, lifecycle=False)
    demo = Demo(web, Redactor(), speed=speed, incidents=incidents, begin=begin * speed, adapt=adapt)
    done = threading.Event()
    turner = threading.Thread(target=lambda: [demo.app._turn() for _ in iter(done.is_set, True)])
    try:
        demo.app.start()
        turner.start()
        yield demo
    finally:
        done.set()
        if turner.ident:
            demo.app._orders.put(Order("wake up"))
            turner.join(JOIN)
        demo.app.stop()
        demo.close()
