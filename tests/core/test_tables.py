"""The tables of one stream: what is shown, what is gone, what is too old to be true."""

from __future__ import annotations

import pytest

from exporter.core.events import Removed, Snapshot, Upsert
from exporter.core.model import (
    ONLY,
    SNAPSHOT_TABLES,
    FundingInfo,
    Key,
    Margin,
    Order,
    Position,
    Row,
    Rows,
    Table,
    Totals,
    Wallet,
)
from exporter.core.sheet import RETENTION, without_computed
from exporter.core.tables import Collecting, Tables

USD, BTC = ("exchange", "USD"), ("exchange", "BTC")


def wallet(currency: str, balance: float | None, available: float | None = None) -> Wallet:
    """A wallet of the `exchange` kind."""
    return Wallet("exchange", currency, balance, available)


def shown_wallets(**balances: float) -> Tables:
    """Tables with wallets of these balances, told at second 0."""
    tables = Tables()
    rows: Rows = {("exchange", name): wallet(name, balance) for name, balance in balances.items()}
    tables.apply(Snapshot("wallets", rows), 0.0)
    return tables


def graves(tables: Tables, table: Table = "wallets") -> dict[Key, Row]:
    """Rows that are shown as gone."""
    return {key: row for key, (row, _) in tables.gone[table].items()}


def test_unknown_is_not_empty() -> None:
    """A table without a snapshot is absent; one with an empty snapshot is there and empty."""
    tables = Tables()
    assert "orders" not in tables.rows
    tables.apply(Snapshot("orders", {}), 0.0)
    assert tables.rows["orders"] == {}


def test_snapshot_replaces_the_whole_table() -> None:
    """What is not in a new snapshot is no longer in the table, and other tables are left alone."""
    tables = shown_wallets(USD=5.0, BTC=1.0)
    tables.apply(Snapshot("orders", {}), 1.0)
    tables.apply(Snapshot("wallets", {USD: wallet("USD", 7.0)}), 2.0)
    assert tables.rows == {"wallets": {USD: wallet("USD", 7.0)}, "orders": {}}


def test_wallet_at_zero_stays() -> None:
    """A wallet that was emptied is a row of 0, for ever."""
    tables = shown_wallets(USD=5.0)
    tables.apply(Upsert("wallets", USD, wallet("USD", 0.0)), 1.0)
    tables.expire(10 * RETENTION)
    assert tables.rows["wallets"] == {USD: wallet("USD", 0.0)}
    assert graves(tables) == {}


def test_missing_wallet_is_zero_then_gone() -> None:
    """A wallet missing from a fresh snapshot is 0 for the retention time and then no longer there."""
    tables = shown_wallets(USD=5.0, BTC=1.0)
    tables.apply(Snapshot("wallets", {USD: wallet("USD", 5.0)}), 100.0)
    assert graves(tables) == {BTC: wallet("BTC", 0.0)}
    tables.expire(100.0 + RETENTION - 1)
    assert graves(tables) == {BTC: wallet("BTC", 0.0)}
    tables.expire(100.0 + RETENTION)
    assert graves(tables) == {}


@pytest.mark.parametrize("event", ["snapshot", "upsert"])
def test_wallet_that_returns_is_not_gone(event: str) -> None:
    """A wallet that is told again is a wallet, not a memory of one."""
    tables = shown_wallets(USD=5.0, BTC=1.0)
    tables.apply(Snapshot("wallets", {}), 1.0)
    back = wallet("BTC", 2.0)
    tables.apply(
        Snapshot("wallets", {BTC: back}) if event == "snapshot" else Upsert("wallets", BTC, back), 2.0
    )
    assert graves(tables) == {USD: wallet("USD", 0.0)}
    assert tables.rows["wallets"] == {BTC: back}


def test_gone_wallet_keeps_no_other_number() -> None:
    """What is gone has a balance of 0 and nothing else: no available, no interest."""
    tables = Tables()
    rich = Wallet("funding", "USD", 9.0, 8.0, 0.5, 1.0)
    tables.apply(Snapshot("wallets", {("funding", "USD"): rich}), 0.0)
    tables.apply(Snapshot("wallets", {}), 1.0)
    assert graves(tables) == {("funding", "USD"): Wallet("funding", "USD", 0.0)}


def test_closed_position_is_zero_for_the_retention_time() -> None:
    """A closed position is an amount of 0 for a while, with no price beside it."""
    tables = Tables()
    tables.apply(Snapshot("positions", {1: Position("BTC/USD", 0.5, 40000.0, 30000.0)}), 0.0)
    tables.apply(Removed("positions", 1), 1.0)
    assert tables.rows["positions"] == {}
    assert graves(tables, "positions") == {1: Position("BTC/USD", 0.0)}


def test_closed_order_leaves_nothing() -> None:
    """An order that is gone is simply gone."""
    tables = Tables()
    tables.apply(Snapshot("orders", {1: Order("BTC/USD", "buy", 1.0, 2.0, None)}), 0.0)
    tables.apply(Removed("orders", 1), 1.0)
    assert tables.rows["orders"] == {}
    assert set(tables.gone) == {"wallets", "positions"}


def test_removing_the_unknown_does_nothing() -> None:
    """A row that is not there can go without harm, and leaves no grave."""
    tables = Tables()
    tables.apply(Snapshot("positions", {}), 0.0)
    tables.apply(Removed("positions", 1), 1.0)
    tables.apply(Removed("orders", 1), 1.0)
    assert graves(tables, "positions") == {}
    assert "orders" not in tables.rows


def test_change_before_the_snapshot_is_dropped() -> None:
    """A change to a table without a base makes no table: one row of many would be a lie."""
    tables = Tables()
    tables.apply(Upsert("wallets", USD, wallet("USD", 5.0)), 0.0)
    assert tables.rows == {}


def test_values_need_no_snapshot() -> None:
    """A table of values that come one by one begins with the first of them."""
    tables = Tables()
    tables.apply(Upsert("totals", ONLY, Totals(5.0, 4.0)), 0.0)
    assert tables.rows == {"totals": {ONLY: Totals(5.0, 4.0)}}


def test_a_row_keeps_its_place() -> None:
    """A row told again stays where it was: of two positions on a symbol that speaks which came last."""
    tables = Tables()
    tables.apply(Snapshot("positions", {1: Position("A/B", 1.0), 2: Position("A/B", 2.0)}), 0.0)
    tables.apply(Upsert("positions", 1, Position("A/B", 3.0)), 1.0)
    assert list(tables.rows["positions"]) == [1, 2]


def test_null_after_a_number_is_not_the_number() -> None:
    """A row replaces its predecessor whole: an available that is null now is not what it was."""
    tables = shown_wallets()
    tables.apply(Upsert("wallets", USD, wallet("USD", 5.0, 4.0)), 1.0)
    tables.apply(Upsert("wallets", USD, wallet("USD", 9.0)), 2.0)
    assert tables.rows["wallets"][USD] == wallet("USD", 9.0)


def test_snapshot_does_not_share_its_rows() -> None:
    """Later changes to the table do not reach the event it came from."""
    rows: Rows = {USD: wallet("USD", 5.0)}
    tables = Tables()
    tables.apply(Snapshot("wallets", rows), 0.0)
    tables.apply(Removed("wallets", USD), 1.0)
    assert rows == {USD: wallet("USD", 5.0)}


COMPUTED = Position("BTC/USD", 0.5, 40000.0, 30000.0, 12.0, 0.01, 3.0, 0.1, 650.0, 150.0, 99.0, "derivative")


def test_computed_values_expire() -> None:
    """What the venue computes only when asked is not shown when it is too old; the rest of the row is."""
    tables = Tables(computed_lifetime=300.0)
    tables.apply(Snapshot("wallets", {USD: wallet("USD", 5.0, 4.0)}), 0.0)
    tables.apply(Snapshot("positions", {1: COMPUTED}), 0.0)
    assert tables.believed("wallets", 300.0) == {USD: wallet("USD", 5.0, 4.0)}
    assert tables.believed("positions", 300.0) == {1: COMPUTED}
    assert tables.believed("wallets", 300.5) == {USD: wallet("USD", 5.0)}
    assert tables.believed("positions", 300.5) == {1: without_computed(COMPUTED)}


@pytest.mark.parametrize(
    ("table", "key", "row"),
    [
        ("totals", ONLY, Totals(5.0, 4.0)),
        ("margin", ONLY, Margin(1.0, 2.0, 3.0, 4.0, 5.0)),
        ("funding_info", "USD", FundingInfo(None, 0.0004, None, 2.0)),
    ],
)
def test_computed_tables_expire_whole(table: Table, key: Key, row: Row) -> None:
    """A value that was not told anew within its lifetime is no sample."""
    tables = Tables(computed_lifetime=300.0)
    tables.apply(Upsert(table, key, row), 10.0)
    assert tables.believed(table, 310.0) == {key: row}
    assert tables.believed(table, 310.5) == {}
    tables.apply(Upsert(table, key, row), 320.0)
    assert tables.believed(table, 600.0) == {key: row}


def test_telling_anew_renews_one_row_only() -> None:
    """The age of a computed value is that of its own row."""
    tables = Tables(computed_lifetime=300.0)
    rows: Rows = {USD: wallet("USD", 5.0, 4.0), BTC: wallet("BTC", 1.0, 1.0)}
    tables.apply(Snapshot("wallets", rows), 0.0)
    tables.apply(Upsert("wallets", BTC, wallet("BTC", 2.0, 2.0)), 200.0)
    assert tables.believed("wallets", 400.0) == {USD: wallet("USD", 5.0), BTC: wallet("BTC", 2.0, 2.0)}


def test_row_that_returns_has_no_old_age() -> None:
    """A row that was removed and comes back is as old as its coming back."""
    tables = Tables(computed_lifetime=300.0)
    tables.apply(Snapshot("positions", {1: COMPUTED}), 0.0)
    tables.apply(Removed("positions", 1), 10.0)
    tables.apply(Upsert("positions", 1, COMPUTED), 350.0)
    assert tables.believed("positions", 600.0) == {1: COMPUTED}


def test_believed_is_a_copy() -> None:
    """A reading does not change when the table goes on."""
    tables = shown_wallets(USD=5.0)
    reading = tables.believed("wallets", 1.0)
    tables.apply(Snapshot("wallets", {}), 2.0)
    assert reading == {USD: wallet("USD", 5.0)}


def test_without_computed_keeps_what_is_told_unasked() -> None:
    """Amount, entry, cost, collateral and kind of a position are told unasked and stay."""
    assert without_computed(COMPUTED) == Position(
        "BTC/USD", 0.5, 40000.0, funding_cost=0.1, collateral=650.0, opened=99.0, kind="derivative"
    )
    assert without_computed(Wallet("margin", "USD", 5.0, 4.0, 0.5)) == Wallet("margin", "USD", 5.0, None, 0.5)


def test_adopting_replaces_everything() -> None:
    """A complete new set takes the place of the old one: tables, ages, and the memory of what is gone."""
    old = Tables(computed_lifetime=300.0)
    rows: Rows = {USD: wallet("USD", 5.0), BTC: wallet("BTC", 1.0)}
    old.apply(Snapshot("wallets", rows), 0.0)
    old.apply(Upsert("totals", ONLY, Totals(9.0, 9.0)), 0.0)
    old.apply(Snapshot("offers", {}), 0.0)
    fresh = Tables(computed_lifetime=300.0)
    fresh.apply(Snapshot("wallets", {USD: wallet("USD", 6.0, 5.0)}), 400.0)
    old.adopt(fresh, 410.0)
    assert old.rows == {"wallets": {USD: wallet("USD", 6.0, 5.0)}}
    assert graves(old) == {BTC: wallet("BTC", 0.0)}
    assert old.believed("wallets", 700.0) == {USD: wallet("USD", 6.0, 5.0)}
    assert old.believed("wallets", 701.0) == {USD: wallet("USD", 6.0)}


def test_what_is_gone_from_an_unknown_table_is_unknown() -> None:
    """A connection that may not read a table any more leaves no zeros of it behind."""
    old = shown_wallets(USD=1.0)
    old.apply(Removed("wallets", USD), 1.0)
    old.adopt(Tables(), 2.0)
    assert graves(old) == {}


def test_collecting_names_what_is_missing() -> None:
    """What has not come yet is told in the usual order; a change is no snapshot."""
    collecting = Collecting()
    collecting.expected = frozenset(("loans", "wallets", "orders"))
    collecting.apply(Upsert("wallets", USD, wallet("USD", 1.0)), 0.0)
    assert collecting.missing == ["wallets", "orders", "loans"]
    collecting.apply(Snapshot("orders", {}), 1.0)
    assert collecting.missing == ["wallets", "loans"]
    for table in SNAPSHOT_TABLES:
        collecting.apply(Snapshot(table, {}), 2.0)
    assert collecting.missing == []
