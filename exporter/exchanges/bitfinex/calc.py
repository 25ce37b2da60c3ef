"""Asking for what the venue leaves null: paced `calc` requests, the only input this program ever sends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import orjson

from exporter.core.events import Event, Removed, Snapshot, Upsert
from exporter.core.model import Contract, Key, Offer, Position, Row, Wallet
from exporter.exchanges.bitfinex.fields import venue_symbol

NAMES_PER_MESSAGE: Final = 8
"""The venue allows 30 names a message and 8 calculations a second; one message a second of 8 keeps both."""
MESSAGE_INTERVAL: Final = 1.0
WALLET_REFRESH: Final = 60.0
POSITION_REFRESH: Final = 10.0
REFRESH: Final[dict[str, float]] = {
    "position": POSITION_REFRESH,
    "margin": 30.0,
    "wallet": WALLET_REFRESH,
    "balance": 60.0,
    "funding": 60.0,
}
"""Seconds after which a computed value is asked for again, by the first word of its name."""
RETRY: Final = 5.0
"""Seconds after which a value that is still null is asked for again."""


SLOW_DOWN: Final = 30.0
"""Seconds without questions after the venue said that they were too many."""


class CalcPlan:
    """Which computed values are due. Names come from what the account holds, never from elsewhere."""

    def __init__(self, margin_symbols: Iterable[str], feeds: frozenset[str]) -> None:
        self._feeds = feeds
        self._due: dict[str, float] = {}
        """Name to the monotonic second from which it may be asked for."""
        self._position_names: dict[Key, str] = {}
        self._next_message = float("-inf")
        if "balance" in feeds:
            self._due["balance"] = float("-inf")
        if "margin" in feeds:
            self._due["margin_base"] = float("-inf")
            for symbol in margin_symbols:
                self._due[f"margin_sym_{venue_symbol(symbol)}"] = float("-inf")

    def observe(self, events: Iterable[Event], now: float) -> None:
        """Learn from what arrived which names exist, which are answered and which are null."""
        for event in events:
            if isinstance(event, Upsert):
                self._learn(event.key, event.row, now)
            elif isinstance(event, Snapshot):
                for key, row in event.rows.items():
                    self._learn(key, row, now)
            elif isinstance(event, Removed) and event.table == "positions":
                name = self._position_names.pop(event.key, None)
                if name is not None and name not in self._position_names.values():
                    self._due.pop(name, None)

    def message(self, now: float) -> str | None:
        """The next `calc` message, if one is due and the pace allows it."""
        if now < self._next_message:
            return None
        due = sorted((at, name) for name, at in self._due.items() if at <= now)[:NAMES_PER_MESSAGE]
        if not due:
            return None
        self._next_message = now + MESSAGE_INTERVAL
        names = [name for _, name in due]
        for name in names:
            self._due[name] = now + self._interval(name)
        return orjson.dumps([0, "calc", None, [[name] for name in names]]).decode()

    def slow_down(self, now: float) -> None:
        """The venue found the questions too many: ask nothing for a while."""
        self._next_message = now + SLOW_DOWN

    @staticmethod
    def _interval(name: str) -> float:
        return REFRESH[name.partition("_")[0]]

    def _learn(self, key: Key, row: Row, now: float) -> None:
        if isinstance(row, Wallet):
            if "wallets" in self._feeds:
                name = f"wallet_{row.wallet}_{row.currency}"
                if row.available is not None:
                    self._due[name] = now + WALLET_REFRESH
                else:
                    self._plan_null(name, WALLET_REFRESH, now)
        elif isinstance(row, Position):
            if "positions" in self._feeds:
                name = f"position_{venue_symbol(row.symbol)}"
                self._position_names[key] = name
                if row.leverage is not None or row.unrealized_pnl is not None:
                    self._due[name] = now + POSITION_REFRESH
                else:
                    self._plan_null(name, POSITION_REFRESH, now)
        elif isinstance(row, Offer | Contract) and "funding" in self._feeds:
            self._due.setdefault(f"funding_sym_f{row.currency}", now)

    def _plan_null(self, name: str, interval: float, now: float) -> None:
        """A null is asked for soon, yet not sooner than it was asked before; a value could wait its turn."""
        due = self._due.get(name)
        if due is None:
            self._due[name] = now
        elif due > now:
            self._due[name] = min(due, max(now, due - interval + RETRY))
