"""The tables of one stream: what is shown, and what a new connection is still collecting."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from exporter.core.events import Removed, Snapshot, Upsert
from exporter.core.model import SNAPSHOT_TABLES, Key, Position, Row, Rows, Table, Wallet

RETENTION: Final = 1800.0
"""Seconds for which a wallet or position that is gone is still shown as 0."""

VALUE_TABLES: Final[frozenset[Table]] = frozenset(("totals", "margin", "margin_symbols", "funding_info"))
COMPUTED_TABLES: Final[frozenset[Table]] = VALUE_TABLES | {"wallets", "positions"}
"""Tables with values that a venue may compute only when asked."""

TableEvent = Snapshot | Upsert | Removed


class Tables:
    """Rows by table and key, with a memory of what was there a while ago."""

    def __init__(self, computed_lifetime: float = float("inf")) -> None:
        self.computed_lifetime = computed_lifetime
        self.rows: dict[Table, Rows] = {}
        self._told: dict[tuple[Table, Key], float] = {}
        """Monotonic second at which a row with computed values was last told."""
        self.gone: dict[Table, dict[Key, tuple[Row, float]]] = {"wallets": {}, "positions": {}}
        """Rows at 0 with the monotonic second at which they stop being shown."""

    def apply(self, event: TableEvent, now: float) -> None:
        """Take in one event; `now` is monotonic.

        A change to a table that has no base yet is dropped: the snapshot to come contains it.
        """
        if isinstance(event, Snapshot):
            self._replace(event.table, event.rows, now)
            return
        rows = self.rows.get(event.table)
        if rows is None:
            if event.table in SNAPSHOT_TABLES:
                return
            rows = self.rows[event.table] = {}
        if isinstance(event, Upsert):
            # Removed and put in again, so that the newest row of a table is the last one.
            rows.pop(event.key, None)
            rows[event.key] = event.row
            if event.table in COMPUTED_TABLES:
                self._told[event.table, event.key] = now
            self.gone.get(event.table, {}).pop(event.key, None)
            return
        self._told.pop((event.table, event.key), None)
        lost = rows.pop(event.key, None)
        if lost is not None:
            self._bury(event.table, event.key, lost, now)

    def believed(self, table: Table, now: float) -> Rows:
        """A copy of a table, without the computed values that are too old to be true."""
        rows = dict(self.rows[table])
        oldest = now - self.computed_lifetime
        if table in VALUE_TABLES:
            return {key: row for key, row in rows.items() if self._told.get((table, key), now) >= oldest}
        for key, row in rows.items():
            if isinstance(row, Wallet | Position) and self._told.get((table, key), now) < oldest:
                rows[key] = without_computed(row)
        return rows

    def adopt(self, fresh: Tables, now: float) -> None:
        """Show what a new connection has collected, whole, in place of what was shown."""
        for table in tuple(self.rows):
            if table not in fresh.rows:
                del self.rows[table]
                # Where the table is not known, neither is what is gone from it.
                self.gone.get(table, {}).clear()
        for table, rows in fresh.rows.items():
            self._replace(table, rows, now)
        self._told = dict(fresh._told)

    def expire(self, now: float) -> None:
        """Forget what has been gone for longer than the retention time."""
        for graves in self.gone.values():
            for key in [key for key, (_, until) in graves.items() if until <= now]:
                del graves[key]

    def _replace(self, table: Table, rows: Rows, now: float) -> None:
        before = self.rows.get(table, {})
        for key in before:
            self._told.pop((table, key), None)
        if table in COMPUTED_TABLES:
            self._told.update(((table, key), now) for key in rows)
        self.rows[table] = dict(rows)
        graves = self.gone.get(table)
        if graves is None:
            return
        for key, row in before.items():
            if key not in rows:
                self._bury(table, key, row, now)
        for key in rows:
            graves.pop(key, None)

    def _bury(self, table: Table, key: Key, row: Row, now: float) -> None:
        if isinstance(row, Wallet):
            self.gone[table][key] = (Wallet(row.wallet, row.currency, 0.0), now + RETENTION)
        elif isinstance(row, Position):
            self.gone[table][key] = (Position(row.symbol, 0.0), now + RETENTION)


class Collecting:
    """The snapshots of a new connection, kept aside until every expected one has arrived."""

    def __init__(self, computed_lifetime: float = float("inf")) -> None:
        self.tables = Tables(computed_lifetime)
        self.expected: frozenset[Table] = frozenset()
        self.arrived: set[Table] = set()
        self.wallets: list[TableEvent] = []
        """What was heard of the wallets, in order, from their snapshot on: how they got there."""

    def apply(self, event: TableEvent, now: float) -> None:
        """Take in one event that came before the set was complete."""
        self.tables.apply(event, now)
        if isinstance(event, Snapshot):
            self.arrived.add(event.table)
        if event.table == "wallets" and "wallets" in self.arrived:
            self.wallets.append(event)

    @property
    def missing(self) -> Collection[Table]:
        """Expected tables that have not arrived yet, in their usual order."""
        return [table for table in SNAPSHOT_TABLES if table in self.expected - self.arrived]


def without_computed(row: Wallet | Position) -> Wallet | Position:
    """The row with only what the venue tells unasked."""
    if isinstance(row, Wallet):
        # The same object where nothing is left out: it tells that nothing was heard of the wallet since.
        return row if row.available is None else row._replace(available=None)
    return row._replace(
        liquidation_price=None,
        unrealized_pnl=None,
        unrealized_pnl_ratio=None,
        leverage=None,
        collateral_minimum=None,
    )
