"""A page that lives from scrape to scrape says what a page made from nothing says."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.config.types import Threshold
from exporter.core.events import (
    REASONS,
    Fill,
    FundingClosed,
    FundingTraded,
    Notified,
    OrderChanged,
    Platform,
    Refused,
    Removed,
    Upsert,
)
from exporter.core.market import MarketState
from exporter.core.model import (
    ONLY,
    Contract,
    FundingInfo,
    Margin,
    MarginSymbol,
    Offer,
    Order,
    Position,
    Side,
    Totals,
    Wallet,
)
from exporter.core.sheet import RETENTION
from exporter.exposition.account import account_samples
from exporter.exposition.catalogue import BY_NAME, CAPPED
from exporter.exposition.choices import Choices
from exporter.exposition.collector import AccountCollector
from exporter.exposition.heads import END
from exporter.exposition.samples import Selection
from tests.exposition.conftest import EPOCH, Desk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.core.events import Event, Reason

Step = tuple[str, Any]
CURRENCIES: Final = st.sampled_from(["BTC", "USD", "ETH"])
SYMBOLS: Final = st.sampled_from(["BTC/USD", "ETH/USD"])
SIDES: Final[st.SearchStrategy[Side]] = st.sampled_from(["buy", "sell"])
AMOUNTS: Final = st.sampled_from([0.0, -0.0, 0.1, 1.0, 2.5, -3.0, 1e9, None])
SURE: Final = st.sampled_from([0.5, 1.0, 3.0])
IDS: Final = st.integers(1, 4)
OPENED: Final = st.floats(EPOCH - 10 * 86_400, EPOCH)


@st.composite
def _wallet(draw: st.DrawFn) -> Event:
    key = (draw(st.sampled_from(["exchange", "funding"])), draw(CURRENCIES))
    if draw(st.integers(0, 4)) == 0:
        return Removed("wallets", key)
    reason: Reason = draw(st.sampled_from(REASONS))
    return Upsert("wallets", key, Wallet(*key, draw(AMOUNTS), draw(AMOUNTS), draw(AMOUNTS)), reason)


@st.composite
def _trading(draw: st.DrawFn) -> Event:
    key = draw(IDS)
    order = Order(draw(SYMBOLS), draw(SIDES), draw(AMOUNTS), draw(AMOUNTS), draw(OPENED))
    fill = Fill(
        draw(st.integers(1, 50)), draw(SYMBOLS), draw(SIDES), "maker", 1.0, 5.0, 0.1, "USD", EPOCH, True
    )
    told: list[Event] = [
        Upsert("orders", key, order),
        Removed("orders", key),
        OrderChanged("new", order.symbol, (key, "new")),
        fill,
        Upsert("totals", ONLY, Totals(5.0, draw(AMOUNTS))),
        Upsert("margin_symbols", order.symbol, MarginSymbol(5.0, draw(AMOUNTS), None, 1.0)),
        Upsert("margin", ONLY, Margin(5.0, draw(SURE), draw(SURE), None, 1.0)),
        Notified("other", "error"),
        Platform(operative=draw(st.booleans())),
        Refused("digest", "the key was refused"),
    ]
    return draw(st.sampled_from(told))


@st.composite
def _position(draw: st.DrawFn) -> Event:
    key = draw(st.integers(1, 3))
    if draw(st.integers(0, 4)) == 0:
        return Removed("positions", key)
    row = Position(draw(SYMBOLS), draw(AMOUNTS), 5.0, draw(AMOUNTS), kind="margin")
    return Upsert("positions", key, row)


@st.composite
def _lending(draw: st.DrawFn) -> Event:
    key, currency = draw(IDS), draw(CURRENCIES)
    contract = Contract(currency, "provided", "used", draw(SURE), draw(AMOUNTS), draw(SURE), draw(OPENED))
    offer = Offer(currency, "provided", draw(SURE), 0.001, 2.0, draw(OPENED))
    told: list[Event] = [
        Upsert("credits", key, contract),
        Removed("credits", key),
        Upsert("loans", key, contract._replace(state="unused")),
        FundingClosed(key, currency, "used"),
        Upsert("offers", key, offer),
        Removed("offers", key),
        Upsert("funding_info", currency, FundingInfo(0.001, draw(SURE), 2.0, None)),
    ]
    return draw(st.sampled_from(told))


STEPS: Final = st.one_of(
    st.tuples(
        st.just("tell"),
        st.lists(st.one_of(_wallet(), _position(), _trading(), _lending()), min_size=1, max_size=4),
    ),
    st.tuples(st.just("sync"), st.none()),
    st.tuples(st.just("lose"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 20.0, 400.0, 2000.0, 90_000.0])),
    st.tuples(st.just("quote"), st.fixed_dictionaries({"BTC": SURE, "ETH": SURE})),
    st.tuples(
        st.just("choose"),
        st.sampled_from(
            [
                (Choices(), ()),
                (Choices((Threshold("exchange", "BTC", "warning", 1.0),), margin_level=2.0), ()),
                (Choices(dust=1.0), ("BTC",)),
                (Choices(hides_amounts=True), ()),
            ]
        ),
    ),
)


class Twin:
    """An account, its market, a page that lives on, and a way to read the account from nothing."""

    def __init__(self, limit: int = 5000) -> None:
        self.desk = Desk()
        self.market = MarketState("bitfinex", interval=30.0, lock=nullcontext())
        self.source = AccountCollector(
            lambda: [self.desk.watched],
            clock=lambda: self.desk.instant,
            series_per_account=lambda: limit,
            markets=lambda: [self.market],
        )

    def step(self, verb: str, what: Any) -> None:
        """Let something happen."""
        desk = self.desk
        if verb == "tell":
            desk.tell(*what)
        elif verb == "sync":
            desk.sync()
        elif verb == "lose":
            desk.lose()
        elif verb == "wait":
            desk.now += what
        elif verb == "quote":
            marks = {f"{currency}/USD": price for currency, price in what.items()}
            self.market.quoted(what, frozenset(what), {}, desk.now, EPOCH + desk.now, marks=marks)
        else:
            choices, currencies = what
            select = Selection(frozenset(currencies))
            desk.watched = desk.watched._replace(select=select, choices=choices)

    def shown(self) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
        """What the living page says of the account."""
        text = b"".join([*self.source.body(openmetrics=True), END]).decode()
        found = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in parse_openmetrics(text)  # type: ignore[no-untyped-call]
            for sample in family.samples
        }
        return {key: value for key, value in found.items() if dict(key[1]).get("account") == "main"}

    def expected(self) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
        """What there is to say, read anew from a report."""
        desk = self.desk
        report, market = desk.state.report(desk.now), self.market.report(desk.now)
        families = account_samples(desk.watched, report, desk.instant, market).families
        for of_all in ("exchange_account_expected", "exchange_exporter_collect_success"):
            families[of_all] = {("bitfinex", "main"): 1.0}
        return {
            (name, frozenset(zip(BY_NAME[name].labels, series, strict=True))): value
            for name, samples in families.items()
            for series, value in samples.items()
        }


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=12))
def test_a_living_page_says_what_a_new_one_says(steps: list[Step]) -> None:
    """After any course of events every series of the account is there, with its value, and no other."""
    twin = Twin()
    twin.step("sync", None)
    for verb, what in steps:
        twin.step(verb, what)
        assert twin.shown() == pytest.approx(twin.expected(), rel=0, abs=0, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=12), st.integers(0, 120))
def test_a_cut_page_never_exceeds_its_limit(steps: list[Step], limit: int) -> None:
    """Above the limit some values are missing, none is wrong; back below it, nothing is missing."""
    twin, whole = Twin(limit), Twin()
    for each in (twin, whole):
        each.step("sync", None)
    for verb, what in steps:
        for each in (twin, whole):
            each.step(verb, what)
        shown, expected = twin.shown(), whole.shown()
        assert shown.items() <= expected.items()
        assert sum(name in CAPPED for name, _ in shown) <= limit
        if sum(name in CAPPED for name, _ in expected) <= limit:
            assert shown == expected


CONTRACT: Final = Contract("USD", "provided", "used", 100.0, 0.001, 2.0, EPOCH)
ONE_BY_ONE: Final = (
    Upsert("wallets", ("exchange", "USD"), Wallet("exchange", "USD", 5.0, 1.0, 0.5), "trade"),
    Upsert("wallets", ("funding", "ETH"), Wallet("funding", "ETH", 2.0)),
    Upsert("wallets", ("exchange", "USD"), Wallet("exchange", "USD", 6.0, 2.0, 0.5), "interest"),
    Removed("wallets", ("funding", "ETH")),
    Upsert("totals", ONLY, Totals(5.0, 4.0)),
    Upsert("margin", ONLY, Margin(5.0, 4.0, 2.0, None, 1.0)),
    Upsert("margin_symbols", "BTC/USD", MarginSymbol(5.0, 4.0, None, 1.0)),
    Upsert("positions", 1, Position("BTC/USD", 1.0, 5.0, None, kind="margin")),
    Upsert("positions", 1, Position("BTC/USD", 2.0, 5.0, None, kind="margin")),
    Upsert("positions", 2, Position("ETH/USD", 2.0, 5.0, None, kind="derivative")),
    Removed("positions", 1),
    Upsert("orders", 1, Order("BTC/USD", "buy", 1.0, 5.0, EPOCH)),
    Upsert("orders", 1, Order("BTC/USD", "buy", 0.5, 5.0, EPOCH)),
    Upsert("orders", 2, Order("ETH/USD", "sell", 0.5, 5.0, EPOCH)),
    Removed("orders", 1),
    OrderChanged("new", "BTC/USD", (1, "new")),
    Fill(7, "LTC/USD", "buy", "maker", 1.0, 5.0, 0.1, "USD", EPOCH, True),
    Upsert("offers", 1, Offer("ETH", "provided", 1.0, 0.001, 2.0, EPOCH)),
    Removed("offers", 1),
    Upsert("credits", 1, CONTRACT),
    Upsert("credits", 1, CONTRACT._replace(amount=50.0)),
    Upsert("loans", 2, CONTRACT._replace(currency="ETH", state="unused")),
    Removed("credits", 1),
    Upsert("funding_info", "USD", FundingInfo(0.001, 0.002, 2.0, None)),
    FundingClosed(1, "BTC", "used"),
    FundingTraded(1, "ETH", "taken", 2.0),
    Notified("other", "error"),
    Refused("digest", "the key was refused"),
    Platform(operative=False),
)
"""All that can be told of an account, once or twice."""


def test_each_thing_that_is_told_alone_is_seen() -> None:
    """No part of the page waits for another one to change."""
    twin = Twin()
    twin.step("choose", (Choices((Threshold("exchange", "USD", "warning", 5.5),), margin_level=2.0), ()))
    twin.step("sync", None)
    before = twin.shown()
    for event in ONE_BY_ONE:
        twin.step("tell", [event])
        now = twin.shown()
        assert now == twin.expected(), event
        moved = {name for (name, _), _ in now.items() ^ before.items()}
        assert moved - {"exchange_stream_messages_total"}, f"nothing tells of {event}"
        before = now


def test_a_rung_nearer_to_its_end_is_seen_though_nothing_was_told(desk: Desk) -> None:
    """The ladder of ends moves with the clock alone."""
    source = AccountCollector(
        lambda: [desk.watched], clock=lambda: desk.instant, series_per_account=lambda: 5000
    )
    contract = Contract("USD", "provided", "used", 100.0, 0.001, 2.0, EPOCH)
    desk.sync({"credits": {1: contract}, "loans": {}})

    def rung() -> list[bytes]:
        body = b"".join(source.body(openmetrics=False)).splitlines()
        return [line for line in body if line.startswith(b"exchange_funding_expiring{") and b" 100.0" in line]

    assert [b'"1-3d"' in line for line in rung()] == [True]
    for at in range(10, 86_500, 10):
        desk.now = float(at)
        desk.tell(message="hb")
        if at % 20_000 == 0:
            assert [b'"1-3d"' in line for line in rung()] == [True]
    assert [b'"0-1d"' in line for line in rung()] == [True]


def test_what_is_gone_stops_being_told_though_nothing_else_moved() -> None:
    """A wallet and a position that are gone are 0 for half an hour, and then not there at all."""
    twin = Twin()
    btc = ("exchange", "BTC")
    position = Position("BTC/USD", 1.0, 5.0, None, kind="margin")
    twin.desk.sync({"wallets": {btc: Wallet(*btc, 1.0)}, "positions": {1: position}})
    twin.step("tell", [Removed("wallets", btc), Removed("positions", 1)])
    families = {"exchange_wallet_balance", "exchange_position_amount"}
    for at in range(0, int(RETENTION) + 20, 10):
        twin.desk.now = float(at)
        twin.desk.tell(message="hb")
        told = {name for name, _ in twin.shown()} & families
        assert told == (families if at < RETENTION else set()), at


def test_dust_follows_the_price_though_no_wallet_moved() -> None:
    """A wallet that becomes worth something gets its series, and loses it again, at the next scrape."""
    twin = Twin()
    twin.step("choose", (Choices(dust=1.0), ()))
    twin.step("sync", None)
    twin.step("tell", [Upsert("wallets", ("exchange", "BTC"), Wallet("exchange", "BTC", 1.0))])
    for price in (0.5, 3.0, 0.5):
        twin.step("quote", {"BTC": price})
        shown = twin.shown()
        assert shown == twin.expected()
        assert any(name == "exchange_wallet_balance" for name, _ in shown) == (price > 1)
