"""Numbers that exporters of exchange accounts have been seen to make up, each as a test that ours does not.

The messages are the venue's, as in a recording; they go through the same adapter, state and collector as live
ones. Each test tells in its docstring what goes wrong elsewhere.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from exporter.commands.replay import ACCEPT, Player, Record, render
from exporter.config.types import StreamSettings
from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.market import MarketState
from exporter.core.sheet import RETENTION
from exporter.demo.script import SCRIPT
from exporter.exchanges.bitfinex import SPEC
from exporter.exchanges.reads import Fault
from exporter.exposition.collector import AccountCollector
from exporter.exposition.encode import OPENMETRICS, TEXT
from exporter.exposition.scrape import Scrape
from exporter.exposition.telemetry import Telemetry, machine
from exporter.stream.transport import HandshakeRejected
from tests.simulated import MAIN, Stage

EPOCH: Final = 1_700_000_000.0
STALE_AFTER: Final = StreamSettings().stale_after
EMPTY: Final[dict[str, list[Any]]] = {"ps": [], "ws": [], "os": [], "fos": [], "fcs": [], "fls": []}
INFO: Final = {"event": "info", "version": 2, "platform": {"status": 1}}
ACCEPTED: Final = {"event": "auth", "status": "OK", "chanId": 0, "userId": 1, "caps": {}}
RESTART: Final = {"event": "info", "code": 20051, "msg": "restarting"}
USD: Final = {"wallet": "exchange", "currency": "USD"}
BTC: Final = {"wallet": "exchange", "currency": "BTC"}


def wallet(currency: str, balance: float, kind: str = "exchange") -> list[Any]:
    """A row of a wallet without anything computed."""
    return [kind, currency, balance, 0, None, None, None]


def position(**fields: float | None) -> list[Any]:
    """A row of a long position of half a bitcoin, with what is computed only if it is named."""
    row: list[Any] = [None] * 20
    row[:6] = ["tBTCUSD", "ACTIVE", 0.5, 40000, 0, 0]
    row[6], row[7], row[8] = fields.get("profit"), fields.get("percent"), fields.get("liquidation")
    row[11], row[15], row[19] = 900123, 0, {"reason": "TRADE"}
    return row


class Screen:
    """One account as a scrape shows it, after messages of the venue at their seconds."""

    def __init__(self) -> None:
        self.player = Player(SPEC, "main", Instant(0.0, EPOCH))

    def tell(self, at: float, *messages: object) -> None:
        """The venue says this at a second."""
        for message in messages:
            self.player.play(Record(EPOCH + at, "account", json.dumps(message).encode()))

    def sync(self, at: float, **tables: list[Any]) -> None:
        """All snapshots of a connection; those that are not named are empty."""
        self.tell(at, *([0, kind, rows] for kind, rows in {**EMPTY, **tables}.items()))

    def page(self, at: float, form: str = "text") -> str:
        """What is served at a second."""
        return render(self.player, ACCEPT[form], clock=lambda: Instant(at, EPOCH + at)).decode()

    def values(self, at: float, family: str, **labels: str) -> list[float]:
        """The values of a family's samples that carry these labels."""
        return [
            sample.value
            for each in parse(self.page(at))
            for sample in each.samples
            if sample.name == f"exchange_{family}" and labels.items() <= sample.labels.items()
        ]


@pytest.fixture
def screen() -> Screen:
    """An account of which nothing was heard yet."""
    return Screen()


def test_zero_balances_left_out(screen: Screen, promtool: Callable[..., Any], tmp_path: Path) -> None:
    """Elsewhere an emptied wallet vanishes, so the alert on its change is silent; here it is 0 and fires."""
    screen.sync(0, ws=[wallet("USD", 5000.5), wallet("BTC", 1.5)])
    seen = [screen.values(0, "wallet_balance", **USD)]
    screen.tell(10, [0, "wu", wallet("USD", 0)])
    seen += [screen.values(at, "wallet_balance", **USD) for at in (15, 30, 45)]
    assert seen == [[5000.5], [0.0], [0.0], [0.0]]
    series = " ".join(str(value) for (value,) in seen)
    rules = [{"alert": "Moved", "expr": "delta(exchange_wallet_balance[1m]) != 0"}]
    unit = {
        "interval": "15s",
        "input_series": [{"series": "exchange_wallet_balance", "values": series}],
        "alert_rule_test": [
            {"eval_time": "45s", "alertname": "Moved", "exp_alerts": [{"exp_labels": {}}]},
        ],
    }
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    (tmp_path / "unit.yml").write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [unit]})
    )
    done = promtool("test", "rules", tmp_path / "unit.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_old_values_kept_after_a_failed_call(screen: Screen) -> None:
    """Elsewhere a rejected key leaves the last balances for ever; here they go, and the refusal is told."""
    screen.sync(0, ws=[wallet("USD", 5.0)])
    screen.tell(5, RESTART)
    screen.tell(6, INFO, {"event": "auth", "status": "FAILED", "code": 10100, "msg": "apikey: invalid"})
    assert screen.values(6, "stream_up") == [0.0]
    assert screen.values(6, "stream_auth_failures_total") == [1.0]
    assert screen.values(5 + STALE_AFTER - 1, "wallet_balance") == [5.0]
    assert screen.values(5 + STALE_AFTER + 1, "wallet_balance") == []
    screen.tell(600, INFO, ACCEPTED)
    screen.sync(601, ws=[wallet("USD", 7.0)])
    assert screen.values(601, "wallet_balance") == [7.0]


def test_retry_loop_inside_the_scrape(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere a scrape asks the venue and sleeps between tries; here it waits for nothing."""

    def never(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a scrape must not wait for anything")

    screen.sync(0, ws=[wallet("USD", 5.0)])
    screen.tell(5, RESTART)
    for owner, name in (
        (socket.socket, "connect"),
        (socket, "create_connection"),
        (time, "sleep"),
        (threading.Event, "wait"),
        (threading.Condition, "wait"),
    ):
        monkeypatch.setattr(owner, name, never)
    assert screen.values(10, "wallet_balance") == [5.0]
    assert screen.values(1000, "stream_up") == [0.0]


def test_gauge_set_only_when_the_sum_is_not_zero(screen: Screen) -> None:
    """Elsewhere an emptied asset keeps its last value; here every sum of it falls to 0 with it."""
    order = [1, None, 1, "tBTCUSD", 1_700_000_000_000, 0, 0.5, 0.5, "EXCHANGE LIMIT"]
    order += [None, None, None, 0, "ACTIVE", None, None, 30000]
    offer = [41, "fUSD", 1_700_000_000_000, 0, 400, 400, "LIMIT", None, None, 0, "ACTIVE"]
    loan = [9, "fUSD", 1, 1_700_000_000_000, 0, 100, 0, "ACTIVE", "FIXED", None, None, 0.0003, 2]
    screen.sync(0, ws=[wallet("BTC", 1.5)], os=[order], fos=[offer], fls=[loan])
    families = (
        *("wallet_balance", "open_orders", "open_orders_remaining", "open_orders_notional"),
        *("funding_offered", "funding_offers", "funding_provided", "funding_contracts"),
    )
    assert all(any(screen.values(0, family)) for family in families)
    screen.tell(1, [0, "wu", wallet("BTC", 0)], [0, "oc", order], [0, "foc", offer], [0, "flc", loan])
    for family in families:
        assert set(screen.values(1, family)) == {0.0}, family


def test_vector_never_cleared(screen: Screen) -> None:
    """Elsewhere a wallet that is gone haunts the page; here it is 0 for half an hour, in its own units."""
    screen.sync(0, ws=[wallet("USD", 5.0), wallet("BTC", 1.5)])
    assert screen.values(0, "wallet_balance", **BTC) == [1.5]
    screen.tell(5, RESTART)
    screen.tell(6, INFO, ACCEPTED)
    screen.sync(7, ws=[wallet("USD", 5.0)])
    assert screen.values(8, "wallet_balance", **BTC) == [0.0]
    for at in range(20, int(RETENTION) + 30, 10):
        screen.tell(at, [0, "hb"])
    assert screen.values(RETENTION + 20, "wallet_balance", **BTC) == []
    assert screen.values(RETENTION + 20, "wallet_balance", **USD) == [5.0]


def test_dollar_value_frozen_when_the_price_is_missing() -> None:
    """Elsewhere a value stands still when its price is missing; here the price goes, and is said to."""
    market = MarketState("bitfinex", interval=30.0, lock=nullcontext())

    def shown(at: float) -> dict[tuple[str, str], float]:
        collector = AccountCollector(
            tuple,
            clock=lambda: Instant(at, EPOCH + at),
            series_per_account=lambda: 100,
            markets=lambda: [market],
        )
        return {
            (sample.name.removeprefix("exchange_currency_"), sample.labels["currency"]): sample.value
            for family in collector.collect()
            for sample in family.samples
            if sample.name in ("exchange_currency_price_usd", "exchange_currency_unpriced")
        }

    market.quoted({"USD": 1.0, "BTC": 40000.0}, frozenset({"USD", "BTC"}), {}, 0.0, EPOCH)
    assert shown(1)["price_usd", "BTC"] == 40000.0
    market.quoted({"USD": 1.0}, frozenset({"USD", "BTC"}), {}, 30.0, EPOCH + 30)
    assert ("price_usd", "BTC") not in shown(31)
    assert shown(31)["unpriced", "BTC"] == 1.0
    assert shown(30 + 3600) == {}


def test_values_live_on_after_their_process(screen: Screen) -> None:
    """Elsewhere pushed values outlive who pushed them; here nothing is kept but in the account's state."""
    screen.sync(0, ws=[wallet("USD", 5.0)])
    watched = [screen.player.watched]
    collector = AccountCollector(
        lambda: tuple(watched), clock=lambda: Instant(1.0, EPOCH + 1), series_per_account=lambda: 100
    )
    assert b'account="main"' in b"".join(collector.body(openmetrics=False))
    watched.clear()
    assert b'account="main"' not in b"".join(collector.body(openmetrics=False))


def test_last_values_served_after_an_error(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere a failure is a line in a log beside the old numbers; here it is on the page without them."""
    screen.sync(0, ws=[wallet("USD", 5.0)])

    def fail(*_: object) -> NoReturn:
        raise RuntimeError("no")

    monkeypatch.setattr(AccountState, "report", fail)
    assert screen.values(0, "wallet_balance") == []
    assert screen.values(0, "exporter_collect_success", account="main") == [0.0]


def test_liquidation_price_of_a_flat_account(screen: Screen) -> None:
    """Elsewhere no position has a liquidation price of 0, which looks like one; here it has none."""
    screen.sync(0, ps=[position(liquidation=30000.5)])
    assert screen.values(0, "position_liquidation_price") == [30000.5]
    screen.tell(1, [0, "pu", position()])
    assert screen.values(1, "position_liquidation_price") == []
    screen.tell(2, [0, "pc", position()])
    assert screen.values(2, "position_amount") == [0.0]
    for family in ("liquidation_price", "entry_price", "unrealized_pnl", "leverage_ratio"):
        assert screen.values(2, f"position_{family}") == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502, 503, 599])
def test_process_exits_on_any_bad_status(status: int) -> None:
    """Elsewhere one bad answer ends the monitoring; here a stream tries again, and a read has its reason."""

    def reject() -> NoReturn:
        raise HandshakeRejected("venue:443", status, None)

    stage = Stage()
    stage.obstacles.append(reject)
    stage.freeze(120)
    (stream,) = stage.report().streams
    assert stream.connect_failures == {"rejected": 1}
    assert stream.is_up
    assert SPEC.reads is not None
    for read in SPEC.reads.tables(stage._login, SPEC.endpoints, frozenset(SPEC.feeds)):
        assert isinstance(read.understand(status, b"<html>no</html>"), Fault)


def test_labels_never_removed(screen: Screen) -> None:
    """Elsewhere `connected` is an open socket, and balances outlive it; here up is all of a whole account."""
    screen.tell(0, INFO)
    assert screen.values(0, "stream_up") == [0.0]
    screen.tell(1, ACCEPTED)
    assert screen.values(1, "stream_up") == [0.0]
    screen.tell(2, *([0, kind, rows] for kind, rows in EMPTY.items() if kind != "ws"))
    assert screen.values(2, "stream_up") == [0.0]
    screen.tell(3, [0, "ws", [wallet("USD", 5.0)]])
    assert screen.values(3, "stream_up") == [1.0]
    screen.tell(4, RESTART)
    assert screen.values(4, "stream_up") == [0.0]
    assert screen.values(4 + STALE_AFTER + 1, "wallet_balance") == []


@pytest.mark.parametrize("balance", [16777217.13, 123456789.01, 999999999.99, 0.00000001, 0.1, 2e-8])
def test_amounts_parsed_with_half_the_digits(screen: Screen, balance: float) -> None:
    """Elsewhere cents are wrong since numbers are parsed too short; here they are as told, on both pages."""
    screen.sync(0, ws=[wallet("USD", balance)])
    assert screen.values(0, "wallet_balance") == [balance]
    line = next(
        line
        for line in screen.page(0, "openmetrics").splitlines()
        if line.startswith("exchange_wallet_balance{")
    )
    assert float(line.split()[-1]) == balance


def test_secret_in_a_label() -> None:
    """Elsewhere the key is part of a label; here neither key nor secret is anywhere on a page."""
    stage = Stage(script=SCRIPT)
    stage.freeze(60)
    telemetry = Telemetry(version="1", revision="r", is_demo=True)
    collector = AccountCollector(
        lambda: [stage.watched], clock=stage.clock, series_per_account=lambda: 100_000, process=telemetry
    )
    scrape = Scrape(collector, machine(), clock=lambda: 0.0)
    for form in (TEXT, OPENMETRICS):
        page = b"".join(scrape(form)[1]).decode()
        assert "exchange_wallet_balance{" in page
        assert MAIN.api_key not in page
        assert MAIN.api_secret not in page


def test_counters_that_fall() -> None:
    """Elsewhere what counts is a gauge, and once was negative; here nothing that counts ever falls."""
    stage = Stage(script=SCRIPT)
    pages: list[str] = []
    for at in range(5, 290, 5):
        stage.at(at, lambda: pages.append(stage.page()))
    stage.freeze(290)
    before: Mapping[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for page in pages:
        now = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in parse(page)
            if family.type == "counter"
            for sample in family.samples
        }
        assert before.keys() <= now.keys()
        assert all(value >= before.get(key, 0.0) for key, value in now.items())
        before = now
    assert sum(value for (name, _), value in before.items() if name == "exchange_fills_total") > 0
    assert len(pages) == 57


def test_profit_counted_twice(screen: Screen) -> None:
    """Elsewhere open profit is added to a figure that holds it; here each figure is the venue's own."""
    margin = ["base", [500.0, 0, 8000, 8500, 150]]
    screen.sync(0, ws=[wallet("USD", 8000, "margin")], ps=[position(profit=500.0, percent=2.5)])
    screen.tell(1, [0, "miu", margin], [0, "bu", [9000, 8900]])
    found = partial(screen.values, 1)
    assert found("wallet_balance") == [8000.0]
    assert found("position_unrealized_pnl") == found("margin_unrealized_pnl_usd") == [500.0]
    assert found("margin_balance_usd") == [8000.0]
    assert found("margin_net_usd") == [8500.0]
    assert found("account_assets_usd") == [9000.0]
    assert found("account_net_assets_usd") == [8900.0]
