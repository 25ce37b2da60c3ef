"""The tables of one stream: what is shown, and what a new connection is still collecting."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from exporter.core.events import Balances, Removed, Snapshot, Upsert
from exporter.core.model import SNAPSHOT_TABLES, Key, Row, Rows, Table
from exporter.core.sheet import Graves, Graveyard, Sheet

TableEvent = Snapshot | Upsert | Removed


class Tables:
    """Rows by table and key, with a memory of what was there a while ago."""

    def __init__(self, computed_lifetime: float = float("inf")) -> None:
        self.computed_lifetime = computed_lifetime
        self._sheets: dict[Table, Sheet] = {}
        self._graves: dict[Table, Graveyard] = {"wallets": Graveyard(), "positions": Graveyard()}

    @property
    def rows(self) -> Mapping[Table, Rows]:
        """The rows of every table that is known, whatever their age: for looking, never to be kept."""
        return {table: sheet.rows for table, sheet in self._sheets.items()}

    @property
    def gone(self) -> Mapping[Table, Graves]:
        """Rows at 0 with the monotonic second at which they stop being shown."""
        return {table: graves.rows for table, graves in self._graves.items()}

    def known(self, table: Table) -> Rows | None:
        """The rows of one table, whatever their age, for looking; None where the table is not known."""
        sheet = self._sheets.get(table)
        return None if sheet is None else sheet.rows

    def apply(self, event: TableEvent, now: float) -> None:
        """Take in one event; `now` is monotonic.

        A change to a table that has no base yet is dropped: the snapshot to come contains it.
        """
        if isinstance(event, Upsert):
            self.put(event.table, event.key, event.row, now)
        elif isinstance(event, Snapshot):
            self._replace(event.table, event.rows, now)
        elif event.table in self._sheets:
            lost = self._sheets[event.table].remove(event.key)
            graves = self._graves.get(event.table)
            if lost is not None and graves is not None:
                graves.bury(event.key, lost, now)

    def put(self, table: Table, key: Key, row: Row, now: float) -> None:
        """One row is new or told anew; `now` is monotonic."""
        sheet = self._sheets.get(table)
        if sheet is None:
            if table in SNAPSHOT_TABLES:
                return
            sheet = self._sheets[table] = Sheet(table, self.computed_lifetime)
        if sheet.put(key, row, now) and table in self._graves:
            self._graves[table].rows.pop(key, None)

    def merge(self, balances: Balances, now: float) -> None:
        """Many wallets are new or told anew, as by `put` for each; `now` is monotonic."""
        sheet, graves = self._sheets.get("wallets"), self._graves["wallets"].rows
        if sheet is None:
            return
        sheet.merge(balances, now)
        if graves:
            for key in balances.keys:
                graves.pop(key, None)

    def believed(self, table: Table, now: float) -> Rows:
        """A table without the computed values that are too old to be true, empty where it is not known.

        The same object as last time while there is nothing else to tell; it never changes afterwards.
        """
        sheet = self._sheets.get(table)
        return {} if sheet is None else sheet.believed(now)

    def readings(self, now: float) -> Iterator[tuple[Table, Rows]]:
        """What is believed of each table that is known, at monotonic `now`."""
        for table, sheet in self._sheets.items():
            yield table, sheet.believed(now)

    def adopt(self, fresh: Tables, now: float) -> None:
        """Show what a new connection has collected, whole, in place of what was shown; `fresh` is used up."""
        for table in tuple(self._sheets):
            if table not in fresh._sheets:
                del self._sheets[table]
                # Where the table is not known, neither is what is gone from it.
                if table in self._graves:
                    self._graves[table] = Graveyard()
        for table, sheet in fresh._sheets.items():
            self._bury_missing(table, sheet.rows, now)
            self._sheets[table] = sheet

    def expire(self, now: float) -> None:
        """Forget what has been gone for longer than the retention time."""
        for graves in self._graves.values():
            graves.expire(now)

    def _replace(self, table: Table, rows: Rows, now: float) -> None:
        self._bury_missing(table, rows, now)
        sheet = self._sheets.get(table)
        if sheet is None:
            sheet = self._sheets[table] = Sheet(table, self.computed_lifetime)
        sheet.replace(rows, now)

    def _bury_missing(self, table: Table, rows: Rows, now: float) -> None:
        """What the table has and `rows` have not is gone; what they have is not."""
        graves = self._graves.get(table)
        if graves is None:
            return
        for key, row in (self.known(table) or {}).items():
            if key not in rows:
                graves.bury(key, row, now)
        for key in rows:
            graves.rows.pop(key, None)


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
