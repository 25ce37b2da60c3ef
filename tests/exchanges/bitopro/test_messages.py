"""BitoPro's pushes and what they mean: balances, open orders, own trades."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.core.events import Balances, Event, OrderChanged, Removed, Snapshot, Upsert
from exporter.core.model import Order, Wallet
from exporter.exchanges.bitopro import rows
from exporter.exchanges.bitopro.fields import UnreadableError, symbol
from exporter.exchanges.bitopro.messages import BalanceReader, OrdersReader, TradesReader


def coin(amount: Any = "1", **more: Any) -> dict[str, Any]:
    """One currency of a balance push."""
    return {"currency": "BTC", "amount": amount, "available": "0.5", "stake": "0", "tradable": True, **more}


def order(id_: Any = "1", status: Any = 0, **more: Any) -> dict[str, Any]:
    """One order of a push."""
    return {
        "id": id_,
        "pair": "eth_twd",
        "price": "70000",
        "action": "BUY",
        "type": "LIMIT",
        "status": status,
        "originalAmount": "1",
        "remainingAmount": "0.4",
        "createdTimestamp": 1_700_000_000_000,
        "updatedTimestamp": 1_700_000_001_000,
        **more,
    }


def trade(**more: Any) -> dict[str, Any]:
    """An own trade."""
    return {
        "base": "eth",
        "quote": "twd",
        "side": "bid",
        "price": "70000",
        "volume": "0.4",
        "fee": "40000",
        "feeCurrency": "eth",
        "transactionTimestamp": 1_700_000_059,
        "eventTimestamp": 1_700_000_060,
        "orderID": "5550001",
        "matchID": "m-1",
        "isMarket": False,
        "isMaker": True,
        **more,
    }


def based(*orders: dict[str, Any]) -> OrdersReader:
    """A reader that has had its first push."""
    reader = OrdersReader()
    reader.read({"eth_twd": list(orders)})
    return reader


def changes(events: list[Event]) -> list[str]:
    """What was said to have happened to orders."""
    return [event.change for event in events if isinstance(event, OrderChanged)]


def test_the_first_balance_is_the_whole() -> None:
    """The first push lays the table down, zeros included; three values are taken as they are."""
    (event,) = BalanceReader().read({"BTC": coin("2", available="3", stake="1"), "ADA": coin("0")})
    assert event == Snapshot(
        "wallets",
        {
            ("spot", "BTC"): Wallet("spot", "BTC", 2.0, 3.0, None, 1.0),
            ("spot", "ADA"): Wallet("spot", "ADA", 0.0, 0.5, None, 0.0),
        },
    )


def test_later_balances_are_merged() -> None:
    """A later push changes what it names and nothing else, be it whole or part."""
    reader = BalanceReader()
    reader.read({"BTC": coin(), "TWD": coin()})
    assert reader.read({"BTC": coin("0")}) == [Balances([("spot", "BTC")], [0.0], [0.5], [0.0])]


def test_currencies_have_one_spelling() -> None:
    """Lower case, as REST writes it, is the same currency."""
    (event,) = BalanceReader().read({"btc": coin()})
    assert isinstance(event, Snapshot)
    assert set(event.rows) == {("spot", "BTC")}


def test_null_is_not_zero() -> None:
    """An amount of null is not known; so is what is missing beside it."""
    key, row = rows.wallet("BTC", {"amount": None})
    assert (key, row) == (("spot", "BTC"), Wallet("spot", "BTC", None, None, None, None))


def test_amounts_are_texts_or_numbers() -> None:
    """Decimals as texts, plain numbers, and twelve nines with eight decimals are read."""
    values = [
        rows.wallet("X", {"amount": each})[1].balance for each in ("0.1", 2, 0.5, "999999999999.99999999")
    ]
    assert values == [0.1, 2.0, 0.5, 1e12]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"BTC": {"available": "1"}}, "payload"),
        ({"BTC": "1"}, "payload"),
        ([coin()], "payload"),
        (None, "payload"),
        ({"BTC": coin("much")}, "number"),
        ({"BTC": coin("1_0")}, "number"),
        ({"BTC": coin("nan")}, "number"),
        ({"BTC": coin("1e999")}, "number"),
        ({"BTC": coin(amount=True)}, "number"),
        ({"BTC": coin(amount=[])}, "number"),
        ({"BTC": coin(amount=10**400)}, "number"),
        ({"BTC": coin(), "ETH": coin(available="x")}, "number"),
    ],
)
def test_an_unreadable_balance_is_told_by_kind_and_is_no_first_push(data: object, kind: str) -> None:
    """A bad field spoils its push, and the reader's memory stays as it was."""
    reader = BalanceReader()
    with pytest.raises(UnreadableError) as error:
        reader.read(data)
    assert error.value.kind == kind
    assert isinstance(reader.read({"BTC": coin()})[0], Snapshot)


def test_the_first_orders_are_the_whole_and_no_happening() -> None:
    """All pairs' open orders, stop orders included; what ended is not among them; nothing is counted."""
    (event,) = OrdersReader().read(
        {"eth_twd": [order(), order("SL-2", -1, action="sell", price="0")], "btc_twd": [order("3", 2)]}
    )
    assert event == Snapshot(
        "orders",
        {
            "1": Order("ETH/TWD", "buy", 0.4, 70000.0, 1_700_000_000.0),
            "SL-2": Order("ETH/TWD", "sell", 0.4, None, 1_700_000_000.0),
        },
    )


def test_no_order_at_all_is_an_empty_whole() -> None:
    """An account without open orders is known to have none."""
    assert OrdersReader().read({}) == [Snapshot("orders", {})]


def test_a_later_push_never_removes_by_absence() -> None:
    """An order that its pair's list lacks stays."""
    events = based(order("1"), order("2")).read({"eth_twd": [order("2")]})
    assert not [event for event in events if isinstance(event, Removed)]
    assert [event.key for event in events if isinstance(event, Upsert)] == ["2"]


def test_an_empty_list_clears_its_pair_only() -> None:
    """All known orders of the pair are gone, and those of another are not."""
    reader = OrdersReader()
    reader.read({"eth_twd": [order("1"), order("2")], "btc_twd": [order("3", pair="btc_twd")]})
    events = reader.read({"eth_twd": []})
    assert [event for event in events if isinstance(event, Removed)] == [
        Removed("orders", "1"),
        Removed("orders", "2"),
    ]
    assert changes(events) == ["other", "other"]
    assert reader.read({"eth_twd": []}) == []


@pytest.mark.parametrize(
    ("status", "change"), [(2, "fill"), (3, "fill"), (4, "cancel"), (6, "cancel"), ("2", "fill")]
)
def test_a_final_status_removes_the_order(status: object, change: str) -> None:
    """Completed and cancelled orders are gone by their status, and how they ended is counted."""
    events = based(order()).read({"eth_twd": [order(status=status)]})
    assert changes(events) == [change]
    assert events[-1] == Removed("orders", "1")


@pytest.mark.parametrize("status", [5, 99, None, "soon", 1.5])
def test_an_unknown_status_keeps_the_order(status: object) -> None:
    """A number of the future says nothing of an end."""
    events = based(order()).read({"eth_twd": [order(status=status)]})
    assert changes(events) == ["other"]
    assert isinstance(events[-1], Upsert)


def test_a_new_order_is_counted_as_new() -> None:
    """An order that the first push did not know is new; told again unchanged it is no happening."""
    reader = based()
    assert changes(reader.read({"eth_twd": [order("9")]})) == ["new"]
    assert changes(reader.read({"eth_twd": [order("9")]})) == []
    assert changes(reader.read({"eth_twd": [order("9", price="1")]})) == ["update"]
    assert changes(reader.read({"eth_twd": [order("9", 1)]})) == ["partial"]
    assert changes(reader.read({"eth_twd": [order("8", 2)]})) == ["new", "fill"]


def test_times_of_an_order_are_read_in_old_and_new_shape() -> None:
    """Creation is `createdTimestamp`, or `timestamp` where that is all there is; 0 and null are no time."""
    fields = order(createdTimestamp=None, timestamp=1_600_000_000_000)
    assert rows.order(fields)[1].created == 1_600_000_000.0
    assert rows.order(order(createdTimestamp=0))[1].created is None
    assert rows.order_occurrence(fields)[0] == 1_700_000_001.0


def test_an_order_without_a_pair_belongs_to_its_lists() -> None:
    """The list's name stands in for a missing one."""
    fields = order()
    del fields["pair"]
    assert rows.order(fields, "BTC_USDT")[1].symbol == "BTC/USDT"
    with pytest.raises(UnreadableError):
        rows.order(fields)


@pytest.mark.parametrize(
    "data",
    [
        {"eth_twd": [order(None)]},
        {"eth_twd": [order("")]},
        {"eth_twd": [order(id_=True)]},
        {"eth_twd": [order(action="HOLD")]},
        {"eth_twd": [order(action=None)]},
        {"eth_twd": [order(remainingAmount="x")]},
        {"eth_twd": {"id": "1"}},
        {"eth_twd": [[]]},
        [],
    ],
)
def test_an_unreadable_order_changes_no_memory(data: object) -> None:
    """One bad order spoils its push, the good ones in it included."""
    reader = based(order("1"))
    if isinstance(data, dict) and isinstance(data.get("eth_twd"), list):
        data = {"eth_twd": [order("2"), *data["eth_twd"]]}
    with pytest.raises(UnreadableError):
        reader.read(data)
    assert [event for event in reader.read({"eth_twd": []}) if isinstance(event, Removed)] == [
        Removed("orders", "1")
    ]


def test_an_order_id_is_a_text() -> None:
    """Ids as numbers and as texts are the same order."""
    assert rows.order(order(5550001))[0] == rows.order(order("5550001"))[0]


def test_a_trade_is_a_fill_without_a_fee() -> None:
    """Amounts, side and liquidity are read, its time is in seconds, and the scaled fee is left out."""
    (event,) = TradesReader().read(trade())
    assert event == (
        *("m-1:5550001", "ETH/TWD", "buy", "maker", 0.4, 70000.0, None, "", 1_700_000_059.0, True),
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"side": "ask"}, ("m-1:5550001", "sell", "maker")),
        ({"side": "SELL", "isMaker": "false"}, ("m-1:5550001", "sell", "taker")),
        ({"orderID": 5550001, "isMaker": "true"}, ("m-1:5550001", "buy", "maker")),
        ({"isMaker": None}, ("m-1:5550001", "buy", "unknown")),
    ],
)
def test_both_spellings_of_a_trades_fields(more: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Ids as numbers and flags as texts mean the same."""
    fill = rows.fill(trade(**more))
    assert (fill.id, fill.side, fill.liquidity) == expected


def test_a_trades_time_may_be_in_milliseconds() -> None:
    """A time too large for seconds is taken as milliseconds; one that is none as not known."""
    assert rows.fill(trade(transactionTimestamp=1_700_000_059_000)).at == 1_700_000_059.0
    assert rows.fill(trade(transactionTimestamp=None, eventTimestamp="x")).at is None
    assert rows.fill(trade(transactionTimestamp=10**30, eventTimestamp=0)).at is None


def test_several_trades_in_one_push_are_taken() -> None:
    """A list is read as well as one object."""
    assert len(TradesReader().read([trade(), trade(matchID="m-2")])) == 2


@pytest.mark.parametrize(
    "more", [{"side": "?"}, {"price": None}, {"volume": "x"}, {"matchID": 1.5}, {"base": ""}]
)
def test_an_unreadable_trade_is_none(more: dict[str, Any]) -> None:
    """What lacks side, price, volume or identity is no trade."""
    with pytest.raises(UnreadableError):
        TradesReader().read(trade(**more))


@pytest.mark.parametrize("text", ["btc_twd", "BTC_TWD", "BTC/TWD", "btc/twd"])
def test_symbols_have_one_spelling(text: str) -> None:
    """Both of the venue's spellings and ours are the same symbol."""
    assert symbol(text) == "BTC/TWD"
