"""Positional rows as values: every length that was seen, and null never 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exporter.core.events import Fill, FundingTraded
from exporter.core.model import (
    Contract,
    FundingInfo,
    Margin,
    MarginSymbol,
    Offer,
    Order,
    Position,
    Totals,
    Wallet,
)
from exporter.exchanges.bitfinex import rows
from exporter.exchanges.bitfinex.fields import UnreadableError

Build = dict[str, Callable[..., list[Any]]]


def test_wallet(build: Build) -> None:
    """A wallet has type, currency, balance, interest and what is available; the text goes nowhere."""
    row = build["wallet"]({3: 0.5, 4: 11.0})
    assert rows.wallet(row) == (("exchange", "ETH"), Wallet("exchange", "ETH", 12.5, 11.0, 0.5))


@pytest.mark.parametrize("length", [3, 5, 7, 8, 12])
def test_wallet_of_every_length(build: Build, length: int) -> None:
    """Wallet rows of every length are read by index; what is not there is not known."""
    _, wallet = rows.wallet(build["wallet"](length=length))
    assert (wallet.balance, wallet.available) == (12.5, None)


def test_wallet_numbers_in_odd_forms(build: Build) -> None:
    """A balance may be text, an integer, or slightly below zero."""
    balances = [rows.wallet(build["wallet"]({2: value}))[1].balance for value in ("12.50", 7, -2e-8)]
    assert balances == [12.5, 7.0, -2e-8]


def test_wallet_of_derivatives_and_unknown_types(build: Build) -> None:
    """The derivatives wallet is a margin wallet with an F0 currency, and a new type is taken as it is."""
    assert rows.wallet(build["wallet"]({0: "margin", 1: "USTF0"}))[0] == ("margin", "USTF0")
    assert rows.wallet(build["wallet"]({0: "contribution"}))[0] == ("contribution", "ETH")


@pytest.mark.parametrize("row", [[], ["exchange"], ["exchange", "USD"], [None, "USD", 1], ["exchange", 5, 1]])
def test_wallet_that_is_none(row: list[Any]) -> None:
    """A row without type, currency or the place of a balance is unreadable."""
    with pytest.raises(UnreadableError) as caught:
        rows.wallet(row)
    assert caught.value.kind == "payload"


def test_order(build: Build) -> None:
    """The side of an order is the sign of its original amount, and the remaining one has no sign."""
    key, order = rows.order(build["order"]())
    assert key == 501
    assert order == Order("DUSK/USD", "sell", 40.0, 0.21, 1700000000.0)


@pytest.mark.parametrize("length", [8, 17, 26, 31, 32, 33, 35])
def test_order_of_every_length(build: Build, length: int) -> None:
    """Order rows of every length are read by index; a short one just knows less."""
    _, order = rows.order(build["order"](length=length))
    assert order.remaining == 40.0
    assert order.price == (0.21 if length > 16 else None)


@pytest.mark.parametrize(
    ("remaining", "original", "side", "left"),
    [
        (0, -100, "sell", 0.0),
        (0, 100, "buy", 0.0),
        (-5, None, "sell", 5.0),
        (None, 100, "buy", None),
        ("-5", "-7", "sell", 5.0),
        (0, 0, "buy", 0.0),
    ],
)
def test_order_side(build: Build, remaining: object, original: object, side: str, left: float | None) -> None:
    """A filled order keeps its side; a remaining amount that is null is not known."""
    _, order = rows.order(build["order"]({6: remaining, 7: original}))
    assert (order.side, order.remaining) == (side, left)


def test_order_without_amounts_is_none(build: Build) -> None:
    """Without any amount an order has no side."""
    with pytest.raises(UnreadableError):
        rows.order(build["order"]({6: None, 7: None}))


def test_market_order_has_no_price(build: Build) -> None:
    """A null price is not known, not 0."""
    assert rows.order(build["order"]({16: None}))[1].price is None


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("ACTIVE", "open"),
        ("ACTIVE (note:POSCLOSE)", "open"),
        ("RSN_PAUSE (trading has been paused)", "open"),
        ("PARTIALLY FILLED @ 0.21(-60.0)", "partial"),
        ("PARTIALLY FILLED @ 0.21(-60.0), PARTIALLY FILLED @ 0.2(-1.0)", "partial"),
        (" partially filled @ 0.21(-60.0)", "partial"),
        ("EXECUTED @ 0.21(-100.0)", "fill"),
        ("EXECUTED @ 0.21(-40.0): was PARTIALLY FILLED @ 0.2(-60.0)", "fill"),
        ("FORCED EXECUTED @ 1.0(2.0)", "fill"),
        ("CANCELED", "cancel"),
        ("CANCELED was: PARTIALLY FILLED @ 0.21(-60.0)", "cancel"),
        ("POSTONLY CANCELED", "cancel"),
        ("RSN_DUST (amount is less than 0.00000001)", "cancel"),
        ("RSN_POS_REDUCE_FLIP", "cancel"),
        ("RSN_POS_REDUCE_INCR", "cancel"),
        ("INSUFFICIENT MARGIN was: PARTIALLY FILLED @ 1.0(2.0)", "reject"),
        ("INSUFFICIENT BALANCE (G1) was: ACTIVE", "reject"),
        ("INSUFFICIENT BALANCE (G1) was: CANCELED", "reject"),
        ("NEW WORDS INSUFFICIENT BALANCE", "reject"),
        ("SOMETHING NEW", "other"),
        ("", "other"),
        (None, "other"),
        (5, "other"),
    ],
)
def test_order_status_grammar(build: Build, text: object, status: str) -> None:
    """The head of the free text decides, then what stands anywhere in it."""
    assert rows.order_status(build["order"]({13: text})) == status


def test_occurrence_of_an_order_can_be_remembered(build: Build) -> None:
    """What tells two reports apart is plain whatever the venue puts there."""
    first = rows.order_occurrence(build["order"]())
    assert first == rows.order_occurrence(build["order"]({16: 0.3}))
    assert first != rows.order_occurrence(build["order"]({6: -39}))
    assert first != rows.order_occurrence(build["order"]({5: 1}))
    assert hash(rows.order_occurrence(build["order"]({5: {"odd": []}}))) is not None


def test_position(build: Build) -> None:
    """A derivative position with everything computed; the ratio is a ratio and no percentage."""
    key, position = rows.position(build["position"]())
    assert key == 900123
    assert position._replace(unrealized_pnl_ratio=None) == Position(
        symbol="BTCF0/USTF0",
        amount=-0.05,
        entry_price=61000.0,
        liquidation_price=70210.5,
        unrealized_pnl=-3.1,
        leverage=4.9,
        funding_cost=0.0021,
        collateral=650.0,
        collateral_minimum=152.5,
        kind="derivative",
    )
    assert position.unrealized_pnl_ratio == pytest.approx(-0.001016)


def test_position_before_it_is_computed(build: Build) -> None:
    """Null in a computed field is not known, and so are the times that the stream does not tell."""
    row = build["position"](dict.fromkeys((6, 7, 8, 9, 18)))
    position = rows.position(row)[1]
    assert position.unrealized_pnl is position.unrealized_pnl_ratio is position.liquidation_price is None
    assert position.leverage is position.collateral_minimum is position.opened is None


def test_position_of_old_times(build: Build) -> None:
    """A row of ten elements has no id: its symbol is its key."""
    row = build["position"]({0: "tETHUSD"}, length=10)
    key, position = rows.position(row)
    assert key == rows.position_key(row) == "ETH/USD"
    assert position.kind == "unknown"


@pytest.mark.parametrize("price", [0, 1e-10, -1, None])
def test_position_that_nothing_liquidates(build: Build, price: object) -> None:
    """A liquidation price of 0 or next to it means none: it must not look like a price."""
    assert rows.position(build["position"]({8: price}))[1].liquidation_price is None


@pytest.mark.parametrize(
    ("marker", "kind"),
    [(0, "margin"), (1, "derivative"), (None, "unknown"), ("pu", "unknown"), (7, "unknown")],
)
def test_position_kind(build: Build, marker: object, kind: str) -> None:
    """The wire says 0 or 1; anything else is unknown."""
    assert rows.position(build["position"]({15: marker}))[1].kind == kind


@pytest.mark.parametrize("meta", [None, {}, '{"reason":"TRADE"}', {"price": "1"}])
def test_position_meta_is_ignored(build: Build, meta: object) -> None:
    """Meta may be an object, a text or null."""
    assert rows.position(build["position"]({19: meta}))[1].amount == -0.05


def test_position_without_an_amount_is_none(build: Build) -> None:
    """A position must say how large it is."""
    with pytest.raises(UnreadableError):
        rows.position(build["position"]({2: None}))


def test_fill(build: Build) -> None:
    """A fee that was paid is positive, though the venue prints it negative."""
    assert rows.fill(build["fill"](), final=True) == Fill(
        77001, "ETH/USD", "buy", "maker", 0.5, 2000.5, 0.5001, "USD", 1700000000.5, final=True
    )


def test_fill_of_early_report(build: Build) -> None:
    """An early report has no fee; a sale has a negative amount."""
    fill = rows.fill(build["fill"]({4: -0.5, 8: -1, 9: None, 10: None}), final=False)
    assert (fill.side, fill.amount, fill.liquidity) == ("sell", 0.5, "taker")
    assert (fill.fee, fill.fee_currency, fill.final) == (None, "", False)


@pytest.mark.parametrize("length", [6, 8, 11, 12])
def test_fill_of_every_length(build: Build, length: int) -> None:
    """A short report knows neither liquidity nor fee."""
    fill = rows.fill(build["fill"](length=length), final=True)
    assert fill.amount == 0.5
    assert fill.liquidity == ("maker" if length > 8 else "unknown")


@pytest.mark.parametrize(("index", "value"), [(0, None), (1, None), (4, None), (5, None), (4, "x")])
def test_fill_that_is_none(build: Build, index: int, value: object) -> None:
    """A fill must have id, symbol, amount and price."""
    with pytest.raises(UnreadableError):
        rows.fill(build["fill"]({index: value}), final=True)


def test_offer(build: Build) -> None:
    """An offer has what is left, its rate per day and its days."""
    assert rows.offer(build["offer"]()) == (
        41,
        Offer("USD", "provided", 400.0, 0.0004, 30.0, 1700000000.0),
    )


@pytest.mark.parametrize(
    ("amount", "original", "side"),
    [(-5, -9, "taken"), (0, -9, "taken"), (0, 9, "provided"), (0, None, "provided")],
)
def test_offer_side(build: Build, amount: object, original: object, side: str) -> None:
    """A negative amount is a bid for money; an exhausted one keeps its side."""
    offer = rows.offer(build["offer"]({4: amount, 5: original}))[1]
    assert (offer.side, offer.amount) == (side, abs(float(str(amount))))


def test_offer_status_is_upper_case(build: Build) -> None:
    """The status is compared without case and blanks."""
    assert rows.offer_status(build["offer"]({10: " Executed at 0.04% (1)"})).startswith("EXECUTED")


@pytest.mark.parametrize(
    ("fixed", "real", "rate"),
    [
        (0.0004, None, 0.0004),
        (0.0004, 0.0005, 0.0004),
        (0, 0.0005, 0.0005),
        (0, None, None),
        (None, None, None),
    ],
)
def test_variable_rate_of_0_is_not_known(
    build: Build, fixed: object, real: object, rate: float | None
) -> None:
    """A variable rate prints 0: the real rate is shown if it is told, and none otherwise."""
    assert rows.offer(build["offer"]({14: fixed, 20: real}))[1].daily_rate == rate
    credit = build["credit"]({8: "VAR", 11: fixed, 19: real})
    assert rows.contract(credit, "used")[1].daily_rate == rate


def test_contract(build: Build) -> None:
    """A contract has amount, rate per day, days and when it began."""
    assert rows.contract(build["credit"](), "used") == (
        3100,
        Contract("USD", "provided", "used", 1500.5, 0.00031, 2.0, 1700000000.0),
    )


def test_contract_without_opening_began_when_it_was_made(build: Build) -> None:
    """The time of creation stands in for a missing opening."""
    assert rows.contract(build["credit"]({13: None, 3: 1600000000000}), "used")[1].opened == 1600000000.0


@pytest.mark.parametrize(
    ("marker", "side"),
    [
        (1, "provided"),
        ("lend", "provided"),
        (-1, "taken"),
        ("loan", "taken"),
        (0, "both"),
        (None, "unknown"),
        ("x", "unknown"),
        ([], "unknown"),
    ],
)
@pytest.mark.parametrize("state", ["used", "unused"])
def test_contract_side(build: Build, marker: object, side: str, state: Any) -> None:
    """Rows of borrowers and lenders are in both tables: the row says which, as a number or an old word."""
    contract = rows.contract(build["credit"]({2: marker}), state)[1]
    assert (contract.side, contract.state) == (side, state)


@pytest.mark.parametrize("flags", [None, 0, {}, {"a": 1}])
def test_flags_are_ignored(build: Build, flags: object) -> None:
    """Flags may be a number, null or an object."""
    assert rows.contract(build["credit"]({6: flags}), "used")[1].amount == 1500.5
    assert rows.offer(build["offer"]({9: flags}))[1].amount == 400.0


def test_funding_trade(build: Build) -> None:
    """The sign of a funding trade says whether money was lent or borrowed."""
    assert rows.funding_trade(build["funding trade"]()) == FundingTraded(61, "USD", "provided", 600.0)
    taken = rows.funding_trade(build["funding trade"]({4: -600}))
    assert (taken.side, taken.amount) == ("taken", 600.0)


def test_single_values() -> None:
    """Totals, margin and averages keep what is told, and null stays unknown."""
    assert rows.totals([25000.5, 24210]) == Totals(25000.5, 24210.0)
    assert rows.totals([None]) == Totals(None, None)
    assert rows.margin([12.5, 0, 8000, 8012.5, 150]) == Margin(8000.0, 8012.5, 150.0, 12.5, 0.0)
    assert rows.margin([12.5, 0, 8000, 8012.5]).minimum_usd is None
    assert rows.margin([None] * 5) == Margin(None, None, None, None, None)
    assert rows.margin_symbol([24000, 26000, 11.9, 12.1, None]) == MarginSymbol(24000.0, 26000.0, 11.9, 12.1)
    assert rows.funding_info([0, 0.00041, 0, 12.5]) == FundingInfo(0.0, 0.00041, 0.0, 12.5)
