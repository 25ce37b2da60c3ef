"""One consistent reading of an account's tables: only what may be believed is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from operator import is_ as _is
from typing import Final, NamedTuple, TypeVar

from exporter.core.clock import Instant
from exporter.core.events import Balances
from exporter.core.model import Contract, Key, Offer, Order, Position, Row, Rows, Table, Wallet
from exporter.core.reading import Reading
from exporter.core.stream import StreamState

K = TypeVar("K")
V = TypeVar("V")
NONE: Final[tuple[Sequence[Key], float]] = ((), 0.0)
"""Stands for no wallets that were told at once."""
NO_ROWS: Final[Rows] = {}
"""Stands for a table that is not known: never filled, and always the same object."""


class View(NamedTuple):
    """A table that is absent is not known; one that is empty is known to be empty.

    Each part is the same object as in the last view while nothing in it changed, and never changes itself.
    """

    tables: Mapping[Table, Rows]
    gone: Mapping[Table, Sequence[Row]]
    available_at: Mapping[Key, float]
    order_symbols: frozenset[str]
    offer_currencies: frozenset[str]
    positions: Mapping[str, Position]
    """Those of the table by their symbols. One symbol has one; should it have two, that which came last."""


class Memory:
    """What rows that were shown tell beyond their own lives, and the last view of them."""

    def __init__(self, *, lists_unheld: bool) -> None:
        self._lists_unheld = lists_unheld
        self._held: set[Key] = set()
        self._available_at: dict[Key, float] = {}
        self._available_moved = False
        self._renewed = NONE
        self._order_symbols: set[str] = set()
        self._offer_currencies: set[str] = set()
        self._position_symbols: set[str] = set()
        self._contract_currencies: set[str] = set()
        self._positions: tuple[Rows, Reading[str, Position]] = (NO_ROWS, Reading({}))
        """The table as it was read last, and the same by symbol."""
        self._last = View({}, {}, {}, frozenset(), frozenset(), self._positions[1])
        self._filtered: tuple[Rows, Rows] = ({}, {})
        """All wallets as they were read last, and the ones among them that were ever held."""

    def is_news(self, row: Row) -> bool:
        """Whether a row that is not a wallet names what no row of its kind named before."""
        if isinstance(row, Order):
            return row.symbol not in self._order_symbols
        if isinstance(row, Offer):
            return row.currency not in self._offer_currencies
        if isinstance(row, Position):
            return row.symbol not in self._position_symbols
        return isinstance(row, Contract) and row.currency not in self._contract_currencies

    def remember(self, key: Key, row: Row, now: Instant) -> None:
        """Take in a row that is shown now."""
        if isinstance(row, Wallet):
            if self._lists_unheld and row.balance:
                self._held.add(key)
            if row.available is not None:
                if self._renewed is not NONE:
                    self._settle()
                self._available_at[key] = now.wall
                self._available_moved = True
        elif isinstance(row, Order):
            self._order_symbols.add(row.symbol)
        elif isinstance(row, Offer):
            self._offer_currencies.add(row.currency)
        elif isinstance(row, Position):
            self._position_symbols.add(row.symbol)
        elif isinstance(row, Contract):
            self._contract_currencies.add(row.currency)

    def renew(self, balances: Balances, now: Instant) -> None:
        """Take in many wallets that are shown now: as `remember` for each."""
        keys, told, available, _, _ = balances
        if self._lists_unheld:
            self._held.update(compress(keys, told))
        if None in available:
            keys = [key for key, free in zip(keys, available, strict=True) if free is not None]
        if keys != self._renewed[0]:
            self._settle()
        self._renewed = (keys, now.wall)

    def _settle(self) -> None:
        """Take in when many wallets were told last, which waits until somebody asks or others are told."""
        (keys, wall), self._renewed = self._renewed, NONE
        if keys:
            self._available_at.update(dict.fromkeys(keys, wall))
            self._available_moved = True

    def view(self, streams: Iterable[StreamState], now: float) -> View:
        """What the streams show at monotonic `now`, with what was remembered."""
        tables: dict[Table, Rows] = {}
        gone: dict[Table, list[Row]] = {}
        for state in streams:
            if not state.is_shown(now):
                continue
            state.shown.expire(now)
            tables.update(state.shown.readings(now))
            for table, graves in state.shown.gone.items():
                gone.setdefault(table, []).extend(row for row, _ in graves.values())
        # A venue that lists every currency there is would drown the ones that were ever held.
        if self._lists_unheld and "wallets" in tables:
            tables["wallets"] = self._only_held(tables["wallets"])
        self._last = self._shared(tables, gone)
        return self._last

    def _only_held(self, wallets: Rows) -> Rows:
        # Nothing is held anew unless a row of it was told.
        if wallets is not self._filtered[0]:
            held = {key: row for key, row in wallets.items() if key in self._held}
            self._filtered = (wallets, held)
        return self._filtered[1]

    def _shared(self, tables: dict[Table, Rows], gone: dict[Table, list[Row]]) -> View:
        """The view of these, made of the last one's parts as far as they tell the same."""
        last = self._last
        parts: dict[Table, Sequence[Row]] = {
            table: last.gone[table] if last.gone.get(table) == rows else rows for table, rows in gone.items()
        }
        available_at = last.available_at
        self._settle()
        if self._available_moved:
            available_at, self._available_moved = dict(self._available_at), False
        symbols, currencies = last.order_symbols, last.offer_currencies
        if len(symbols) != len(self._order_symbols):
            symbols = frozenset(self._order_symbols)
        if len(currencies) != len(self._offer_currencies):
            currencies = frozenset(self._offer_currencies)
        view = View(
            last.tables if _same_parts(last.tables, tables) else tables,
            last.gone if _same_parts(last.gone, parts) else parts,
            available_at,
            symbols,
            currencies,
            self._by_symbol(tables.get("positions", NO_ROWS)),
        )
        return last if all(map(_is, last, view)) else view

    def _by_symbol(self, rows: Rows) -> Reading[str, Position]:
        """Positions by symbol; while none comes or goes only those are looked at that changed."""
        seen, known = self._positions
        if rows is seen:
            return known
        changed = rows.changed_since(seen) if isinstance(rows, Reading) else None
        pairs = [(seen.get(key), rows.get(key)) for key in changed or ()]
        news = {
            new.symbol: new
            for old, new in pairs
            if isinstance(old, Position) and isinstance(new, Position) and old.symbol == new.symbol
        }
        if changed is None or len(news) < len(changed) or len(known) < len(rows):
            fresh = Reading({row.symbol: row for row in rows.values() if isinstance(row, Position)})
        else:
            fresh = Reading({**known, **news}, known, news)
        self._positions = (rows, fresh)
        return fresh


def _same_parts(old: Mapping[K, V], new: Mapping[K, V]) -> bool:
    return old.keys() == new.keys() and all(old[key] is part for key, part in new.items())
