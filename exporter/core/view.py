"""One consistent reading of an account's tables: only what may be believed is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from exporter.core.clock import Instant
from exporter.core.model import Key, Offer, Order, Row, Rows, Table, Wallet
from exporter.core.stream import StreamState


class View(NamedTuple):
    """A table that is absent is not known; one that is empty is known to be empty."""

    tables: Mapping[Table, Rows]
    gone: Mapping[Table, Sequence[Row]]
    available_at: Mapping[Key, float]
    order_symbols: frozenset[str]
    offer_currencies: frozenset[str]


class Memory:
    """What rows that were shown tell beyond their own lives."""

    def __init__(self, *, lists_unheld: bool) -> None:
        self._lists_unheld = lists_unheld
        self._held: set[Key] = set()
        self._available_at: dict[Key, float] = {}
        self._order_symbols: set[str] = set()
        self._offer_currencies: set[str] = set()

    def remember(self, key: Key, row: Row, now: Instant) -> None:
        """Take in a row that is shown now."""
        if isinstance(row, Wallet):
            if row.balance:
                self._held.add(key)
            if row.available is not None:
                self._available_at[key] = now.wall
        elif isinstance(row, Order):
            self._order_symbols.add(row.symbol)
        elif isinstance(row, Offer):
            self._offer_currencies.add(row.currency)

    def view(self, streams: Iterable[StreamState], now: float) -> View:
        """What the streams show at monotonic `now`, with what was remembered."""
        tables: dict[Table, Rows] = {}
        gone: dict[Table, list[Row]] = {}
        for state in streams:
            if not state.is_shown(now):
                continue
            state.shown.expire(now)
            for table in state.shown.rows:
                rows = state.shown.believed(table, now)
                # A venue that lists every currency there is would drown the ones that were ever held.
                if table == "wallets" and self._lists_unheld:
                    rows = {key: row for key, row in rows.items() if key in self._held}
                tables[table] = rows
            for table, graves in state.shown.gone.items():
                gone.setdefault(table, []).extend(row for row, _ in graves.values())
        return View(
            tables,
            gone,
            dict(self._available_at),
            frozenset(self._order_symbols),
            frozenset(self._offer_currencies),
        )
