"""Labels over the whole exposition of the running demo: few values, and none that names anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from exporter.commands.demo import demo_config
from exporter.config.types import Reconcile, Valuation
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer
from exporter.exposition.catalogue import BY_NAME
from tests.running import Running

WORD = re.compile(r"[a-z][a-z0-9_]*")
SHAPES = {
    "account": re.compile(r"[a-z0-9_-]{1,40}|"),
    "currency": re.compile(r"[A-Z0-9]{2,10}"),
    "base": re.compile(r"[A-Z0-9]{2,10}"),
    "quote": re.compile(r"[A-Z0-9]{2,10}"),
    "symbol": re.compile(r"[A-Z0-9]{2,10}/[A-Z0-9]{2,10}"),
    "horizon": re.compile(r"\d+-\d+d|\d+d\+"),
    "code": re.compile(r"\d{3,5}|[a-z_]+"),
    "message": re.compile(r"[a-z_]+|[A-Z_]+"),
    "subject": re.compile(r"[a-z_]+(-[a-z_]+)*"),
    "le": re.compile(r"[0-9.]+|\+Inf"),
    "family": re.compile(r"exchange_[a-z0-9_]+"),
}
"""Labels that are more than a word from a closed set of ours."""
ABOUT_THE_PROGRAM = {
    *("version", "revision", "python_version", "implementation", "generation"),
    *("major", "minor", "patchlevel"),
}
MOST = 100
"""Values that one label may have over the whole demo; a label with an id would have hundreds in a minute."""


@pytest.fixture(name="running")
def _running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The demo as it is, every account of it, read by REST at once."""
    monkeypatch.setattr("exporter.rest.poller.SETTLE", 0.1)
    venue = DemoServer(seed=1, speed=20.0)
    venue.start()
    running = Running(venue)
    running.config = replace(
        demo_config(venue, running.rest), reconcile=Reconcile(5.0), valuation=Valuation(5.0)
    )
    running.rebuild()
    yield running
    running.stop()
    venue.stop()


def up(account: str, exchange: str, stream: str) -> str:
    """The line that says that a stream is up."""
    return f'exchange_stream_up{{account="{account}",exchange="{exchange}",stream="{stream}"}} 1.0'


def test_no_label_names_an_order_a_trade_or_a_person(running: Running) -> None:
    """Every label value of the demo is a word of a closed set, or has the shape of its kind and no other."""
    running.start()
    page = running.await_lines(
        up("demo-main", "bitfinex", "account"),
        up("demo-lender", "bitfinex", "account"),
        up("demo-bitopro", "bitopro", "orders"),
        'exchange_currency_price_usd{currency="USD",exchange="bitfinex"} 1.0',
    )
    values: dict[str, set[str]] = {}
    for family in parse(page):
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault(label, set()).add(value)
    for label in values.keys() - ABOUT_THE_PROGRAM:
        shape = SHAPES.get(label, WORD)
        assert [each for each in values[label] if not shape.fullmatch(each)] == [], label
        assert len(values[label]) <= (len(BY_NAME) if label == "family" else MOST), label
    told = set().union(*values.values())
    for account in ACCOUNTS:
        assert not told & {account.api_key, account.api_secret, account.identity} - {""}
