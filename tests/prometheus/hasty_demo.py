"""A demo in a hurry: the program's own, with short intervals, for one group of incidents.

A process of its own for each: they share no interpreter lock with the test, and nothing measures their lines.
It starts the demo when its standard input ends, and goes on until SIGTERM.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from typing import Final

import exporter.core.market
import exporter.exchanges.bitfinex.calc
import exporter.exchanges.bitfinex.quotes
import exporter.exchanges.bitopro.quotes
import exporter.follow
import exporter.rest.poller
from exporter.app import WebSettings
from exporter.commands.demo import Demo
from exporter.config.types import Config, Lending, Reconcile, StreamSettings, Valuation
from exporter.core.backoff import ConnectionBudget, RequestBudget
from exporter.logs import Redactor

READY: Final = "ready"


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


def make_exporter_hasty() -> None:
    """Lift the limits by which an exporter spares an exchange; values and prices grow old within seconds."""
    short: Final = {
        (exporter.follow, "ConnectionBudget"): partial(ConnectionBudget, limit=100),
        (exporter.rest.poller, "RequestBudget"): lambda _: RequestBudget(1000),
        (exporter.core.market, "SHORTEST_LIFETIME"): 3.0,
        (exporter.exchanges.bitfinex.quotes, "TICKERS_EVERY"): 2.5,
        (exporter.exchanges.bitopro.quotes, "TICKERS_EVERY"): 2.5,
    }
    for (module, name), value in short.items():
        getattr(module, name)  # AttributeError where it has moved: nothing would be short
        setattr(module, name, value)
    exporter.exchanges.bitfinex.calc.REFRESH["margin"] = 3.0


def main() -> None:
    """Play the named incidents, which begin after so many seconds of the wall clock."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--begin", type=float, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--compares", action="store_true")
    parser.add_argument("incidents", nargs="+")
    given = parser.parse_args()
    make_exporter_hasty()
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    sys.stdin.read()
    web = WebSettings((given.address,), "/metrics", None, 5, lifecycle=False)
    adapt = partial(hurried, compares=given.compares)
    begin = given.begin * given.speed
    demo = Demo(web, Redactor(), speed=given.speed, incidents=given.incidents, begin=begin, adapt=adapt)
    try:
        demo.app.run()
    finally:
        demo.close()


if __name__ == "__main__":
    main()
