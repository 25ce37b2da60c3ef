"""Positions, orders, fills, fees and notifications as a scraper sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.events import Fill, Notified, OrderChanged, Removed, Upsert
from exporter.core.model import Order, Position

if TYPE_CHECKING:
    from tests.exposition.conftest import Desk

ETH = "ETH/USD"


def fill(number: int, *, fee: float | None = 0.5, final: bool = True, symbol: str = ETH) -> Fill:
    """One execution: 2 at 100, bought as maker."""
    return Fill(number, symbol, "buy", "maker", 2.0, 100.0, fee, "USD", 1_700_000_001.0, final)


def test_a_position_shows_what_is_known_of_it(desk: Desk) -> None:
    """Every known field is a sample, and a null one is none."""
    row = Position(ETH, -2.0, 1500.0, None, 12.0, 0.5, 3.0, 0.25, None, None, 1_699_999_999.0, "margin")
    desk.sync({"positions": {7: row}})
    shown = {name.removeprefix("exchange_"): v for name, v in desk.samples().items() if "position" in name}
    assert shown == {
        "positions": {(): 1},
        "position_amount": {(ETH,): -2},
        "position_entry_price": {(ETH,): 1500},
        "position_unrealized_pnl": {(ETH,): 12},
        "position_unrealized_pnl_ratio": {(ETH,): 0.5},
        "position_leverage_ratio": {(ETH,): 3},
        "position_funding_cost": {(ETH,): 0.25},
        "position_opened_timestamp_seconds": {(ETH,): 1_699_999_999},
        "position_info": {(ETH, "ETH", "USD", "margin"): 1},
    }


def test_a_closed_position_is_an_amount_of_zero_and_nothing_else(desk: Desk) -> None:
    """After the close no price, profit or info is left that looks like a position."""
    desk.sync({"positions": {7: Position(ETH, 2.0, 1500.0, 1000.0)}})
    desk.tell(Removed("positions", 7))
    assert desk.family("position_amount") == {(ETH,): 0}
    assert desk.family("position_liquidation_price") == {}
    assert desk.family("position_info") == {}
    assert desk.family("positions") == {(): 0}


def test_of_two_rows_for_one_symbol_the_newest_speaks(desk: Desk) -> None:
    """A reopened position replaces the old row, though the old one was not closed yet."""
    desk.sync({"positions": {7: Position(ETH, 2.0)}})
    desk.tell(Upsert("positions", 8, Position(ETH, 3.0)))
    assert desk.family("position_amount") == {(ETH,): 3}


def test_an_account_without_positions_says_so(desk: Desk) -> None:
    """0 positions is known and shown; before the snapshot nothing is."""
    assert desk.family("positions") == {}
    desk.sync({})
    assert desk.family("positions") == {(): 0}


def test_open_orders_are_summed_by_symbol_and_side(desk: Desk) -> None:
    """Count, remaining amount, notional and oldest; a market order has no price and adds no notional."""
    desk.sync({
        "orders": {
            1: Order(ETH, "buy", 2.0, 100.0, 50.0),
            2: Order(ETH, "buy", 3.0, None, 40.0),
            3: Order(ETH, "sell", 1.0, 200.0, None),
        }
    })  # fmt: skip
    assert desk.family("open_orders") == {(ETH, "buy"): 2, (ETH, "sell"): 1}
    assert desk.family("open_orders_remaining") == {(ETH, "buy"): 5, (ETH, "sell"): 1}
    assert desk.family("open_orders_notional") == {(ETH, "buy"): 200, (ETH, "sell"): 200}
    assert desk.family("open_order_oldest_timestamp_seconds") == {(ETH, "buy"): 40}


def test_a_symbol_once_seen_stays_at_zero_orders(desk: Desk) -> None:
    """When the last order is gone the count is 0, and the age of the oldest is absent."""
    desk.sync({"orders": {1: Order(ETH, "buy", 2.0, 100.0, 50.0)}})
    desk.tell(Removed("orders", 1))
    assert desk.family("open_orders") == {(ETH, "buy"): 0, (ETH, "sell"): 0}
    assert desk.family("open_order_oldest_timestamp_seconds") == {}


def test_fills_count_once_and_start_at_zero(desk: Desk) -> None:
    """An order announces its counters at 0; a trade counts once, however often it is told."""
    desk.sync({"orders": {1: Order(ETH, "buy", 2.0, 100.0, 50.0)}})
    assert desk.family("fills_total")[ETH, "buy", "maker"] == 0
    assert desk.family("fees_paid_total") == {("ETH",): 0, ("USD",): 0}
    desk.tell(fill(1, fee=None, final=False), fill(1), fill(1))
    assert desk.family("fills_total")[ETH, "buy", "maker"] == 1
    assert desk.family("fill_base_volume_total")[ETH, "buy"] == 2
    assert desk.family("fill_quote_volume_total")[ETH, "buy"] == 200
    assert desk.family("fees_paid_total")["USD",] == 0.5
    assert desk.family("last_fill_timestamp_seconds") == {(ETH,): 1_700_000_001}


def test_counters_are_never_withheld(desk: Desk) -> None:
    """Long after the stream fell, fills, order events and fees are still there."""
    desk.sync({})
    desk.tell(fill(1), OrderChanged("new", ETH, (1,)))
    desk.lose()
    desk.now = 10_000
    assert desk.family("fills_total")[ETH, "buy", "maker"] == 1
    assert desk.family("order_events_total")["new",] == 1
    assert desk.family("open_orders") == {}


def test_a_negative_fee_is_a_rebate(desk: Desk) -> None:
    """What the venue pays is counted apart, and no counter ever falls."""
    desk.sync({})
    desk.tell(fill(1, fee=-0.25))
    assert desk.family("fee_rebates_total")["USD",] == 0.25
    assert desk.family("fees_paid_total")["USD",] == 0


def test_include_hides_other_symbols_and_fee_currencies(desk: Desk) -> None:
    """include.symbols narrows positions, orders and fills; include.currencies narrows fees."""
    desk.show_only(symbols=("BTC/USD",), currencies=("BTC",))
    desk.sync({
        "orders": {1: Order(ETH, "buy", 2.0, 100.0, 50.0)},
        "positions": {7: Position(ETH, 2.0)},
    })  # fmt: skip
    desk.tell(fill(1), fill(2, symbol="BTC/USD"), Removed("positions", 7))
    assert desk.family("open_orders") == {}
    assert desk.family("position_amount") == {}
    assert {labels[0] for labels in desk.family("fills_total")} == {"BTC/USD"}
    assert {labels[0] for labels in desk.family("fill_base_volume_total")} == {"BTC/USD"}
    assert set(desk.family("last_fill_timestamp_seconds")) == {("BTC/USD",)}
    assert set(desk.family("fees_paid_total")) == {("BTC",)}


def test_every_kind_of_notification_and_order_event_is_there_from_the_start(desk: Desk) -> None:
    """Closed sets count from 0, before any connection."""
    assert set(desk.family("order_events_total").values()) == {0}
    before = desk.family("notifications_total")
    assert set(before.values()) == {0}
    desk.tell(Notified("uca", "error"))
    assert desk.family("notifications_total") == {**before, ("uca", "error"): 1}


def test_the_mark_price_is_there_for_positions_only(desk: Desk) -> None:
    """A position is shown with the last price of its symbol; without one it goes without."""
    desk.marks = {"ETH/USD": 2000.0, "BTC/USD": 60000.0}
    desk.sync({"positions": {1: Position("ETH/USD", 1.0), 2: Position("XYZ/USD", 1.0)}})
    assert desk.family("position_mark_price") == {("ETH/USD",): 2000.0}
