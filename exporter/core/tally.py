"""What happened on an account since the start, counted exactly once and never withheld."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from exporter.core.events import Fill, FundingClosed, FundingTraded, Notified, OrderChanged
from exporter.core.model import Contract, Key, Offer, Order, Position, Row, split_symbol
from exporter.core.once import Once

MOST_EARLY: Final = 10_000
"""Early reports kept for their final ones; more than ever were under way at once."""
SYMBOL_ROWS: Final = (Order, Position)
FUNDING_ROWS: Final = (Offer, Contract)
HAPPENINGS: Final = (Fill, OrderChanged, FundingClosed, FundingTraded, Notified)
"""What is counted. Tuples, since a union takes ten times as long to ask."""
Happening = Fill | OrderChanged | FundingClosed | FundingTraded | Notified
STATES: Final[tuple[Literal["used", "unused"], ...]] = ("used", "unused")
FUNDING_SIDES: Final = ("provided", "taken")
TRADED: Final = frozenset(("fills", "base_volume", "quote_volume"))
CHARGED: Final = frozenset(("fees", "rebates"))
FUNDED: Final = frozenset(("funding_closed", "funding_trades", "funding_volume"))
"""Fields of the counters that change together."""


class TallyReport(NamedTuple):
    """A consistent copy of the counters.

    Each mapping is the same object as in the last report while it did not change, and never changes.
    """

    fills: Mapping[tuple[str, str, str], int]
    recovered: int
    base_volume: Mapping[tuple[str, str], float]
    quote_volume: Mapping[tuple[str, str], float]
    last_fill: Mapping[str, float]
    fees: Mapping[str, float]
    rebates: Mapping[str, float]
    order_changes: Mapping[str, int]
    funding_closed: Mapping[tuple[str, str], int]
    funding_trades: Mapping[tuple[str, str], int]
    funding_volume: Mapping[tuple[str, str], float]
    notifications: Mapping[tuple[str, str], int]


class Tally:
    """Counters of one account. Series that can be foreseen are there at 0 before they count."""

    def __init__(self) -> None:
        self.fills: dict[tuple[str, str, str], int] = defaultdict(int)
        self.recovered = 0
        self.base_volume: dict[tuple[str, str], float] = {}
        self.quote_volume: dict[tuple[str, str], float] = {}
        self.last_fill: dict[str, float] = {}
        self.fees: dict[str, float] = {}
        self.rebates: dict[str, float] = {}
        self.order_changes: dict[str, int] = defaultdict(int)
        self.funding_closed: dict[tuple[str, str], int] = defaultdict(int)
        self.funding_trades: dict[tuple[str, str], int] = defaultdict(int)
        self.funding_volume: dict[tuple[str, str], float] = {}
        self.notifications: dict[tuple[str, str], int] = defaultdict(int)
        # Apart, since a flood of orders must not push out the executions that REST may tell again.
        self._fills, self._paid, self._orders, self._funding = Once(), Once(), Once(), Once()
        self._early: dict[Key, Fill] = {}
        self._symbols: set[str] = set()
        """Symbols whose fills were foreseen."""
        self._changed: set[str] = set()
        """Fields that may not be as in the last report."""
        self._last = TallyReport({}, 0, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})

    def foresee(self, row: Row) -> None:
        """Let the counters that a row announces start at 0, shown or not: they are never withheld."""
        if isinstance(row, SYMBOL_ROWS):
            self.foresee_symbol(row.symbol)
        elif isinstance(row, FUNDING_ROWS):
            self.foresee_funding(row.currency)

    def foresee_symbol(self, symbol: str) -> None:
        """An order or position on a symbol announces its fills: let their counters start at 0."""
        if symbol in self._symbols:
            return
        self._symbols.add(symbol)
        self._changed |= TRADED
        for side in ("buy", "sell"):
            self.base_volume[symbol, side] = self.quote_volume[symbol, side] = 0.0
            for liquidity in ("maker", "taker"):
                self.fills[symbol, side, liquidity] += 0
        for currency in split_symbol(symbol):
            if currency:
                self._foresee_fees(currency)

    def foresee_funding(self, currency: str) -> None:
        """An offer or contract announces that funding will be taken and closed."""
        if (currency, "used") in self.funding_closed:
            return
        self._changed |= FUNDED
        for state in STATES:
            self.funding_closed[currency, state] += 0
        for side in FUNDING_SIDES:
            self.funding_trades[currency, side] += 0
            self.funding_volume[currency, side] = 0.0

    def count(self, event: Happening) -> None:
        """Count a happening, unless it was counted before."""
        if isinstance(event, Fill):
            self._fill(event)
        elif isinstance(event, OrderChanged):
            if self._orders.first(event.occurrence):
                self.order_changes[event.change] += 1
                self._changed.add("order_changes")
        elif isinstance(event, FundingClosed):
            self.foresee_funding(event.currency)
            if self._funding.first(("closed", event.state, event.id)):
                self.funding_closed[event.currency, event.state] += 1
                self._changed |= FUNDED
        elif isinstance(event, FundingTraded):
            self.foresee_funding(event.currency)
            if self._funding.first(("funding", event.id)):
                self.funding_trades[event.currency, event.side] += 1
                self.funding_volume[event.currency, event.side] += event.amount
                self._changed |= FUNDED
        else:
            self.notifications[event.subject, event.status] += 1
            self._changed.add("notifications")

    def recover(self, fills: Iterable[Fill]) -> int:
        """Count executions that the venue's history tells; gives how many of them no stream had told."""
        before = self.recovered
        for fill in fills:
            if fill.id not in self._early and fill.id not in self._fills:
                self.recovered += 1
            self._fill(fill)
        return self.recovered - before

    def settle(self) -> None:
        """A connection ended: early reports whose final one can no longer come are counted now."""
        early, self._early = self._early, {}
        for fill in early.values():
            self._count_fill(fill)

    def report(self) -> TallyReport:
        """The counters; only fields that changed since the last report are copied."""
        fresh: dict[str, Any] = {}
        for field in self._changed:
            live = getattr(self, field)
            if live != getattr(self._last, field):
                fresh[field] = dict(live)
        self._changed.clear()
        if self.recovered != self._last.recovered:
            fresh["recovered"] = self.recovered
        if fresh:
            self._last = self._last._replace(**fresh)
        return self._last

    def _fill(self, fill: Fill) -> None:
        if fill.final:
            if self._early:
                self._early.pop(fill.id, None)
            self._count_fill(fill)
        elif fill.id not in self._fills:
            self._early.setdefault(fill.id, fill)
            if len(self._early) > MOST_EARLY:
                self._count_fill(self._early.pop(next(iter(self._early))))

    def _count_fill(self, fill: Fill) -> None:
        id_, symbol, side, liquidity, amount, price, fee, fee_currency, at, _ = fill
        self.foresee_symbol(symbol)
        if self._fills.first(id_):
            if "fills" not in self._changed:
                self._changed |= TRADED
            self.fills[symbol, side, liquidity] += 1
            where = (symbol, side)
            self.base_volume[where] += amount
            self.quote_volume[where] += amount * price
            if at is not None and at > self.last_fill.get(symbol, -1.0):
                self.last_fill[symbol] = at
                self._changed.add("last_fill")
        # The fee has an identity of its own: an early report was perhaps counted without it.
        if fee is not None and fee_currency and self._paid.first(id_):
            self._foresee_fees(fee_currency)
            if fee > 0:
                self.fees[fee_currency] += fee
                self._changed.add("fees")
            else:
                self.rebates[fee_currency] -= fee
                self._changed.add("rebates")

    def _foresee_fees(self, currency: str) -> None:
        if currency not in self.fees:
            self.fees[currency] = self.rebates[currency] = 0.0
            self._changed |= CHARGED
