"""One table as it is shown: a reading stays the same object until there is something else to read."""

from __future__ import annotations

from typing import Final

from exporter.core.events import Balances
from exporter.core.model import Key, Position, Row, Rows, Table, Wallet
from exporter.core.reading import Reading

RETENTION: Final = 1800.0
"""Seconds for which a wallet or position that is gone is still shown as 0."""

VALUE_TABLES: Final[frozenset[Table]] = frozenset(("totals", "margin", "margin_symbols", "funding_info"))
COMPUTED_TABLES: Final[frozenset[Table]] = VALUE_TABLES | {"wallets", "positions"}
"""Tables with values that a venue may compute only when asked."""

MOST_CHANGED: Final = 1000
"""Keys to name as changed, beside twice as many as there are rows."""
NEVER: Final = float("inf")
Graves = dict[Key, tuple[Row, float]]


class Sheet:
    """The rows of one table, their ages, and what of them was read last.

    Readings are shared and never changed afterwards: a change of the sheet makes the next one a new object.
    """

    __slots__ = ("_ages", "_changed", "_lifetime", "_merging", "_oldest", "_read", "_rows", "_stale", "_told")

    def __init__(self, table: Table, lifetime: float) -> None:
        self._rows: Rows = {}
        self._lifetime = lifetime
        self._ages = lifetime != NEVER and table in COMPUTED_TABLES
        self._told: dict[Key, float] = {}
        """Monotonic second at which a row was last told, in tables whose values grow too old."""
        self._oldest = NEVER
        """No row that may still grow too old was told before this."""
        self._stale: dict[Key, Row | None] = {}
        """Rows that are too old, by what is left of them; None where that is nothing."""
        self._read: Reading[Key, Row] | None = None
        self._changed: set[Key] = set()
        """Keys by which the next reading differs from the last one."""
        self._merging: tuple[Balances, float] | None = None
        """Wallets that were told last, and when, and that are not among the rows yet."""

    @property
    def rows(self) -> Rows:
        """All rows, whatever their age."""
        if self._merging is not None:
            self._fill_in()
        return self._rows

    def put(self, key: Key, row: Row, now: float) -> bool:
        """A row was told at monotonic `now`; True if none had its key."""
        if self._merging is not None:
            self._fill_in()
        rows = self._rows
        is_new = key not in rows
        rows[key] = row
        self._changed.add(key)
        if self._ages:
            self._told[key] = now
            if now < self._oldest:  # noqa: PLR1730 - a call of min costs more than all the rest of it
                self._oldest = now
            if self._stale:
                self._stale.pop(key, None)
        return is_new

    def merge(self, balances: Balances, now: float) -> None:
        """As `put` for each of these wallets in their order, once somebody looks."""
        if self._merging is not None and self._merging[0].keys != balances.keys:
            self._fill_in()
        self._merging = (balances, now)

    def _fill_in(self) -> None:
        """Make rows of what was merged last: what came before it for the same wallets nobody saw."""
        if self._merging is None:
            return
        (balances, now), self._merging = self._merging, None
        for key, row in balances.rows.items():
            self.put(key, row, now)

    def remove(self, key: Key) -> Row | None:
        """A row is gone; gives it, None where there was none."""
        row = self.rows.pop(key, None)
        if row is not None:
            self._told.pop(key, None)
            self._stale.pop(key, None)
            self._changed.add(key)
            # While nobody reads, keys of rows that came and went must not pile up: the next reading is whole.
            if len(self._changed) > 2 * len(self._rows) + MOST_CHANGED:
                self._read, self._changed = None, set()
        return row

    def replace(self, rows: Rows, now: float) -> None:
        """The whole table was told at monotonic `now`."""
        self._rows, self._merging = dict(rows), None
        self._told = dict.fromkeys(rows, now) if self._ages else {}
        self._oldest, self._stale, self._read, self._changed = now, {}, None, set()

    def believed(self, now: float) -> Rows:
        """The rows without the computed values that are too old to be true at monotonic `now`."""
        rows = self.rows
        if self._ages and self._oldest < now - self._lifetime:
            self._age(now - self._lifetime)
        read = self._read
        if read is None or self._changed:
            read = Reading(rows, read, self._changed)
            self._changed = set()
            for key, row in self._stale.items():
                if row is None:
                    del read[key]
                else:
                    read[key] = row
            self._read = read
        return read

    def _age(self, oldest: float) -> None:
        """Find the rows that were told before `oldest`, and when the next one may be too old."""
        self._oldest = NEVER
        for key, told in self._told.items():
            if key in self._stale:
                continue
            row = self._rows[key]
            rest = without_computed(row) if isinstance(row, Wallet | Position) else None
            if rest == row:
                continue
            if told < oldest:
                self._stale[key] = rest
                self._changed.add(key)
            elif told < self._oldest:
                self._oldest = told


class Graveyard:
    """Rows of one table that are gone: shown as 0 for the retention time."""

    __slots__ = ("_next", "rows")

    def __init__(self) -> None:
        self.rows: Graves = {}
        """Rows at 0 with the monotonic second at which they stop being shown."""
        self._next = NEVER

    def bury(self, key: Key, row: Row, now: float) -> None:
        """A row is gone since monotonic `now`; only what is left of a wallet or position is shown."""
        self.expire(now)
        if isinstance(row, Wallet):
            self.rows[key] = (Wallet(row.wallet, row.currency, 0.0), now + RETENTION)
        elif isinstance(row, Position):
            self.rows[key] = (Position(row.symbol, 0.0), now + RETENTION)
        self._next = min(self._next, now + RETENTION)

    def expire(self, now: float) -> None:
        """Forget what has been gone for longer than the retention time."""
        if now < self._next:
            return
        self.rows = {key: grave for key, grave in self.rows.items() if grave[1] > now}
        self._next = min((until for _, until in self.rows.values()), default=NEVER)


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
