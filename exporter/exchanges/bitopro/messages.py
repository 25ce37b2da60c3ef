"""From one push to events: the balance, the open orders, an own trade.

A push after the first may hold everything or only what changed, and does not say which: so it is merged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from exporter.core.events import Balances, Event, OrderChange, OrderChanged, Removed, Snapshot, Upsert
from exporter.core.model import Key, Order, Row, Table
from exporter.exchanges.bitopro import hot, rows
from exporter.exchanges.bitopro.fields import mapping, symbol
from exporter.exchanges.bitopro.fields import rows as rows_of

BALANCE: Final = "ACCOUNT_BALANCE"
ORDERS: Final = "ACTIVE_ORDERS"
HISTORY: Final = "RECENT_HISTORY_ORDERS"
TRADES: Final = "USER_TRADE"
ERROR: Final = "error"
Occurrence = tuple[object, ...]
Everyday = Callable[[bytes], tuple[list[Event], float]]
"""Bytes to events and when they were sent. Raises one of `hot.UNUSUAL` for any but the usual form."""


class Reader(Protocol):
    """What one stream's pushes mean; it remembers within one connection what the next push needs."""

    messages: tuple[str, ...]
    """Kinds of push that belong to its stream: the `event` that it reads, and others that tell nothing."""
    snapshots: tuple[Table, ...]
    """Tables that its first push lays down whole."""
    everyday: Everyday | None
    """Reads a whole message of the usual form once the first push is in; `read` takes what it refuses."""

    def read(self, data: object) -> list[Event]:
        """Events of one push. Raises UnreadableError, with its memory as it was, and nothing else."""
        ...


class BalanceReader:
    """`{"USDT": {"currency", "amount", "available", "stake", "tradable"}, ...}`."""

    messages: tuple[str, ...] = (BALANCE,)
    snapshots: tuple[Table, ...] = ("wallets",)
    everyday: Everyday | None = staticmethod(hot.balance)

    def __init__(self) -> None:
        self._based = False

    def read(self, data: object) -> list[Event]:
        """The first push is the whole; a currency that a later one lacks has not changed."""
        found = dict(rows.wallet(name, mapping(fields)) for name, fields in mapping(data).items())
        if self._based:
            told = found.values()
            return [
                Balances(
                    list(found),
                    [each.balance for each in told],
                    [each.available for each in told],
                    [each.staked for each in told],
                )
            ]
        self._based = True
        return [Snapshot("wallets", dict(found.items()))]


class OrdersReader:
    """`{"eth_twd": [order, ...], ...}`: all pairs first, later the pair that changed."""

    messages: tuple[str, ...] = (ORDERS, HISTORY)
    snapshots: tuple[Table, ...] = ("orders",)
    everyday: Everyday | None = None

    def __init__(self) -> None:
        self._open: dict[str, dict[Key, Occurrence]] = {}
        """By symbol, the open orders as they were last told: an order told again unchanged is no happening,
        and a list that is empty clears those of its pair."""
        self._based = False

    def read(self, data: object) -> list[Event]:
        """An order is gone by its status or by an empty list of its pair, never by absence."""
        lists = {symbol(pair): rows_of(orders) for pair, orders in mapping(data).items()}
        read = {pair: [_Told(fields, pair) for fields in found] for pair, found in lists.items()}
        if not self._based:
            self._based = True
            return [self._whole(read)]
        events: list[Event] = []
        for pair, told in read.items():
            events += [event for each in told for event in self._changed(each)] if told else self._clear(pair)
        return events

    def _whole(self, read: dict[str, list[_Told]]) -> Snapshot:
        alive = [each for told in read.values() for each in told if not each.final]
        for each in alive:
            self._of(each.row.symbol)[each.key] = each.occurrence
        found: dict[Key, Row] = {each.key: each.row for each in alive}
        return Snapshot("orders", found)

    def _changed(self, told: _Told) -> list[Event]:
        known = self._of(told.row.symbol)
        events: list[Event] = []
        before = known.get(told.key)
        if before is None:
            events.append(OrderChanged("new", told.row.symbol, (told.key, "new")))
        if told.final:
            known.pop(told.key, None)
            events.append(OrderChanged(told.change, told.row.symbol, (told.key, "end")))
            events.append(Removed("orders", told.key))
            return events
        # Nothing but its beginning is told of an order that is new and untouched.
        if before != told.occurrence and (before is not None or told.change != "update"):
            events.append(OrderChanged(told.change, told.row.symbol, (told.key, *told.occurrence)))
        known[told.key] = told.occurrence
        events.append(Upsert("orders", told.key, told.row))
        return events

    def _clear(self, pair: str) -> list[Event]:
        """All are gone, and whether filled or cancelled is not said."""
        events: list[Event] = []
        for key in self._open.pop(pair, {}):
            events.append(OrderChanged("other", pair, (key, "end")))
            events.append(Removed("orders", key))
        return events

    def _of(self, pair: str) -> dict[Key, Occurrence]:
        return self._open.setdefault(pair, {})


class _Told:
    """One order as a push tells it, read whole before anything is changed by it."""

    def __init__(self, fields: dict[str, object], pair: str) -> None:
        self.key: Key
        self.row: Order
        self.key, self.row = rows.order(fields, pair)
        status = rows.order_status(fields)
        self.final = status in rows.FINAL
        self.change: OrderChange = "update" if status == "open" else status
        self.occurrence = rows.order_occurrence(fields)


class TradesReader:
    """One own trade a push. No push is a whole of anything."""

    messages: tuple[str, ...] = (TRADES,)
    snapshots: tuple[Table, ...] = ()
    everyday: Everyday | None = None

    def read(self, data: object) -> list[Event]:
        """A trade, or a list of them, should the venue take to sending several."""
        return [
            rows.fill(fields) for fields in (rows_of(data) if isinstance(data, list) else (mapping(data),))
        ]


STREAM_OF: Final[dict[str, str]] = {
    BALANCE: "balance",
    ORDERS: "orders",
    HISTORY: "orders",
    TRADES: "trades",
}
"""The stream on which a kind of push comes."""
