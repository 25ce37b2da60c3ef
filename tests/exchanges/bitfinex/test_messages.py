"""Message types as events: what each one puts in, takes out and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exporter.core.events import (
    Fill,
    FundingClosed,
    FundingTraded,
    Notified,
    OrderChanged,
    Removed,
    Snapshot,
    Upsert,
)
from exporter.core.model import ONLY, SNAPSHOT_TABLES, FundingInfo, MarginSymbol, Totals, Wallet
from exporter.exchanges.bitfinex import messages
from exporter.exchanges.bitfinex.fields import UnreadableError

Build = dict[str, Callable[..., list[Any]]]
SNAPSHOTS = {
    "ws": ("wallets", "wallet"),
    "os": ("orders", "order"),
    "ps": ("positions", "position"),
    "fos": ("offers", "offer"),
    "fcs": ("credits", "credit"),
    "fls": ("loans", "credit"),
}
DEPRECATED = ("hos", "hts", "hfos", "hfcs", "hfls", "hfts", "uac", "mis", "fis", "bs", "ats")


def changes(type_: str, row: list[Any]) -> list[tuple[str, str]]:
    """The kinds of events of an order message, with the change where there is one."""
    return [
        (type(event).__name__, event.change if isinstance(event, OrderChanged) else "")
        for event in messages.read(type_, row)
    ]


def test_every_snapshot_table_has_its_message() -> None:
    """Each table that is laid down whole has a snapshot message."""
    assert {table for table, _ in SNAPSHOTS.values()} == set(SNAPSHOT_TABLES)


@pytest.mark.parametrize("type_", SNAPSHOTS)
def test_snapshot(build: Build, type_: str) -> None:
    """A snapshot is empty, one bare row, or a list of rows; it always replaces."""
    table, maker = SNAPSHOTS[type_]
    row = build[maker]()
    assert messages.read(type_, []) == [Snapshot(table, {})]  # type: ignore[arg-type]
    (bare,), (listed,) = messages.read(type_, row), messages.read(type_, [row])
    assert bare == listed
    assert isinstance(bare, Snapshot)
    assert len(bare.rows) == 1


@pytest.mark.parametrize("type_", SNAPSHOTS)
def test_snapshot_with_one_bad_row_is_rejected_whole(build: Build, type_: str) -> None:
    """A snapshot of which one row cannot be read is no snapshot: the rest would pass for everything."""
    row = build[SNAPSHOTS[type_][1]]()
    for bad in ([], [None] * 30, "x"):
        with pytest.raises(UnreadableError):
            messages.read(type_, [row, bad])


@pytest.mark.parametrize(
    ("type_", "table", "maker"),
    [
        ("wu", "wallets", "wallet"),
        ("pn", "positions", "position"),
        ("pu", "positions", "position"),
        ("fon", "offers", "offer"),
        ("fou", "offers", "offer"),
        ("fcn", "credits", "credit"),
        ("fcu", "credits", "credit"),
        ("fln", "loans", "credit"),
        ("flu", "loans", "credit"),
    ],
)
def test_update_puts_a_row_in(build: Build, type_: str, table: str, maker: str) -> None:
    """An update is one row, rarely several, and nothing when it is empty."""
    (event,) = messages.read(type_, build[maker]())
    assert isinstance(event, Upsert)
    assert event.table == table
    assert messages.read(type_, [build[maker](), build[maker]()]) == [event, event]
    assert messages.read(type_, []) == []


def test_wallet_update_with_null_forgets_what_is_available(build: Build) -> None:
    """A null in place of the available amount is not known: neither 0 nor what it was."""
    (event,) = messages.read("wu", build["wallet"]({2: 0, 4: None}))
    assert isinstance(event, Upsert)
    assert (event.row.balance, event.row.available) == (0.0, None)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "meta", "reason"),
    [
        ("Exchange 1.5 ETH for USD @ 2000.1", {"reason": "TRADE", "order_id": 501}, "trade"),
        ("Trading fees for 1.5 ETH (ETHUSD) @ 2000.1 on BFX (0.1%)", {"reason": "TRADE"}, "fee"),
        ("Bitcoin Withdrawal #2111748 on wallet exchange", None, "withdrawal"),
        (None, {"reason": "TRADE"}, "trade"),
        (None, None, "other"),
        (7, "{", "other"),
    ],
)
def test_wallet_update_says_why(build: Build, text: object, meta: object, reason: str) -> None:
    """A change of a wallet carries the reason of its ledger entry, and `other` where there is none."""
    (event,) = messages.read("wu", build["wallet"]({5: text, 6: meta}))
    assert isinstance(event, Upsert)
    assert event.reason == reason


def test_wallet_update_may_lack_its_words() -> None:
    """A row of the old length has a balance and no reason."""
    (event,) = messages.read("wu", ["exchange", "USD", 5.5, 0, None])
    assert event == Upsert("wallets", ("exchange", "USD"), Wallet("exchange", "USD", 5.5, None, 0.0))


def test_new_order(build: Build) -> None:
    """A new order is counted and put in."""
    assert changes("on", build["order"]()) == [("OrderChanged", "new"), ("Upsert", "")]


def test_new_order_that_is_over_already(build: Build) -> None:
    """A new order with a final status is counted as new and as over, and not put in."""
    row = build["order"]({13: "EXECUTED @ 0.21(-100.0)"})
    assert changes("on", row) == [("OrderChanged", "new"), ("OrderChanged", "fill"), ("Removed", "")]


@pytest.mark.parametrize(
    ("status", "change"),
    [("PARTIALLY FILLED @ 0.21(-60.0)", "partial"), ("ACTIVE", "update"), ("WHO KNOWS", "update")],
)
def test_order_update(build: Build, status: str, change: str) -> None:
    """An update of a resting order is counted as a partial fill or a change."""
    assert changes("ou", build["order"]({13: status})) == [("OrderChanged", change), ("Upsert", "")]


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("EXECUTED @ 1(1)", "fill"),
        ("CANCELED was: PARTIALLY FILLED @ 1(1)", "cancel"),
        ("INSUFFICIENT MARGIN was: ACTIVE", "reject"),
    ],
)
def test_order_update_with_a_final_status_takes_it_out(build: Build, status: str, change: str) -> None:
    """An update that says it is over takes the order out."""
    assert changes("ou", build["order"]({13: status})) == [("OrderChanged", change), ("Removed", "")]


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("EXECUTED @ 1(1)", "fill"),
        ("CANCELED", "cancel"),
        ("ACTIVE", "other"),
        ("PARTIALLY FILLED @ 1(1)", "other"),
        (None, "other"),
    ],
)
def test_closed_order_is_gone_whatever_it_says(build: Build, status: object, change: str) -> None:
    """The type says that an order is gone: amounts and status of the row may still say otherwise."""
    events = messages.read("oc", build["order"]({13: status}))
    assert events[1] == Removed("orders", 501)
    assert events[0] == OrderChanged(change, "DUSK/USD", (501, "end"))  # type: ignore[arg-type]


def test_order_end_is_one_happening(build: Build) -> None:
    """An order that ends by an update and then by its closing has one end."""
    row = build["order"]({13: "CANCELED"})
    assert messages.read("ou", row)[0] == messages.read("oc", row)[0]


def test_closed_position_goes_by_its_id(build: Build) -> None:
    """A closed position is taken out though its row shows an amount, also in the old form."""
    assert messages.read("pc", build["position"]()) == [Removed("positions", 900123)]
    assert messages.read("pc", build["position"](length=10)) == [Removed("positions", "BTCF0/USTF0")]


def test_trades(build: Build) -> None:
    """An early report and a final one are told apart by their type."""
    for type_, final in (("te", False), ("tu", True)):
        (event,) = messages.read(type_, build["fill"]())
        assert isinstance(event, Fill)
        assert event.final is final


@pytest.mark.parametrize("status", ["EXECUTED at 0.04% (400)", "CANCELED", "canceled was: PARTIALLY FILLED"])
@pytest.mark.parametrize("type_", ["fon", "fou", "foc"])
def test_offer_that_is_over(build: Build, type_: str, status: str) -> None:
    """An offer with a final status is taken out whatever its type."""
    assert messages.read(type_, build["offer"]({10: status})) == [Removed("offers", 41)]


def test_closed_offer_is_gone_whatever_it_says(build: Build) -> None:
    """The type says that an offer is gone."""
    assert messages.read("foc", build["offer"]({10: "ACTIVE"})) == [Removed("offers", 41)]


@pytest.mark.parametrize(
    ("type_", "table", "state"), [("fcc", "credits", "used"), ("flc", "loans", "unused")]
)
def test_closed_contract(build: Build, type_: str, table: str, state: str) -> None:
    """A closed contract is counted and taken out, though its amount is still printed."""
    assert messages.read(type_, build["credit"]({7: "CLOSED (used)"})) == [
        FundingClosed(3100, "USD", state),  # type: ignore[arg-type]
        Removed(table, 3100),  # type: ignore[arg-type]
    ]


def test_funding_trades_are_the_same_in_both_reports(build: Build) -> None:
    """The two reports of a funding trade are one happening."""
    trade = [FundingTraded(61, "USD", "provided", 600.0)]
    assert messages.read("fte", build["funding trade"]()) == trade
    assert messages.read("ftu", build["funding trade"]()) == trade


def test_balance() -> None:
    """`bu` is the venue's own total; an empty one says nothing."""
    assert messages.read("bu", [25000, 24210.5]) == [Upsert("totals", ONLY, Totals(25000.0, 24210.5))]
    assert messages.read("bu", []) == []


def test_margin() -> None:
    """`miu` is the whole margin account, or one symbol."""
    (base,) = messages.read("miu", ["base", [12.5, 0, 8000, 8012.5, 150]])
    assert isinstance(base, Upsert)
    assert (base.table, base.key) == ("margin", ONLY)
    assert messages.read("miu", ["sym", "tETHUSD", [24000, 26000, 11.9, 12.1, None, None, None, None]]) == [
        Upsert("margin_symbols", "ETH/USD", MarginSymbol(24000.0, 26000.0, 11.9, 12.1))
    ]
    assert messages.read("miu", []) == []


@pytest.mark.parametrize(
    ("type_", "payload"),
    [
        ("miu", ["sym", ["tETHUSD", [1, 2, 3, 4]]]),
        ("miu", ["base"]),
        ("miu", ["base", None]),
        ("miu", ["other", [1]]),
        ("miu", [None, []]),
        ("miu", None),
        ("miu", {}),
        ("fiu", ["sym", "fUSD"]),
        ("fiu", ["sym", None, [1, 2, 3, 4]]),
        ("fiu", "x"),
        ("bu", None),
        ("n", [[]]),
        ("tu", None),
        ("wu", {"a": 1}),
        ("oc", [[1], 2]),
    ],
)
def test_payload_of_another_shape_is_unreadable(type_: str, payload: object) -> None:
    """A payload that does not have the shape of its type is unreadable, and never guessed at."""
    with pytest.raises(UnreadableError) as caught:
        messages.read(type_, payload)
    assert caught.value.kind == "payload"


@pytest.mark.parametrize(
    ("type_", "payload"), [("bu", ["x", 1]), ("miu", ["base", [[]]]), ("fiu", ["sym", "fUSD", [True]])]
)
def test_field_that_is_no_number_is_told_as_such(type_: str, payload: object) -> None:
    """A field that must be a number and is none is unreadable by that name."""
    with pytest.raises(UnreadableError) as caught:
        messages.read(type_, payload)
    assert caught.value.kind == "number"


def test_funding_info() -> None:
    """`fiu` is told by currency, and an odd symbol is taken as it is."""
    assert messages.read("fiu", ["sym", "fUSD", [0, 0.00041, 0, 12.5]]) == [
        Upsert("funding_info", "USD", FundingInfo(0.0, 0.00041, 0.0, 12.5))
    ]
    (odd,) = messages.read("fiu", ["sym", "ftETHUSD", [None, None, None, None]])
    assert odd == Upsert("funding_info", "tETHUSD", FundingInfo(None, None, None, None))
    assert messages.read("fiu", []) == []


@pytest.mark.parametrize(
    ("subject", "status", "expected"),
    [
        ("uca", "SUCCESS", ("uca", "success")),
        ("wallet_transfer", "ERROR", ("wallet_transfer", "error")),
        ("deposit_new", "FAILURE", ("deposit_new", "error")),
        ("deposit_complete", "INFO", ("deposit_complete", "other")),
        ("ucm-anything at all", None, ("ucm", "other")),
        ("brand new", "success", ("other", "success")),
    ],
)
def test_notification(build: Build, subject: str, status: object, expected: tuple[str, str]) -> None:
    """A notification is counted by closed sets; its text and its info go nowhere."""
    (event,) = messages.read("n", build["notification"]({1: subject, 6: status, 4: {"secret": 1}, 7: "hush"}))
    assert event == Notified(*expected)
    assert event.subject in messages.NOTIFICATION_SUBJECTS


@pytest.mark.parametrize("moment", [1700000000000, 1700000000, 1700000000.5, None, [], {}])
def test_notification_of_any_time(build: Build, moment: object) -> None:
    """The time of a notification may be in any unit, missing, or nonsense: it is never read as one."""
    row = build["notification"]({0: moment, 6: "ERROR"})
    if moment == []:
        with pytest.raises(UnreadableError):
            messages.read("n", row)
        return
    counted, rejected = messages.read("n", row)
    assert counted == Notified("on-req", "error")
    assert isinstance(rejected, OrderChanged)
    assert hash(rejected.occurrence) is not None


def test_refused_orders_of_one_moment_are_told_apart(build: Build) -> None:
    """Two orders refused in the same second for the same reason are two, and one told twice is one."""

    def occurrence(info: object) -> object:
        row = build["notification"]({0: 1700000000, 4: info, 6: "ERROR", 7: "Invalid order"})
        event = messages.read("n", row)[1]
        assert isinstance(event, OrderChanged)
        assert event.change == "reject"
        return event.occurrence

    first, second = [None, None, 71], [None, None, 72]
    assert occurrence(first) == occurrence(first)
    assert occurrence(first) != occurrence(second)
    assert occurrence({}) == occurrence(None)


@pytest.mark.parametrize("type_", DEPRECATED)
def test_deprecated_messages_are_never_live_state(type_: str) -> None:
    """Historical and abandoned messages are known by name and change nothing."""
    assert messages.read(type_, [[1, 2, 3]]) == []
    assert messages.read(type_, None) == []


def test_kinds_for_counters_are_a_closed_set() -> None:
    """Every type that is read, every event and `other` is a kind, each once."""
    assert len(set(messages.MESSAGES)) == len(messages.MESSAGES)
    assert {"hb", "other", "auth", *messages.HANDLERS} <= set(messages.MESSAGES)
    assert set(messages.FEED_OF) | set(DEPRECATED) == set(messages.HANDLERS)
