"""Why balances changed: credits and debits by reason, counted from the first balances that were known.

The movements of a wallet always add up to the change of its balance, exactly: what nobody saw happen is
counted as `unobserved`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Final, NamedTuple

from exporter.core.events import REASONS, Reason, Snapshot, Upsert
from exporter.core.model import Key, Row, Rows, Wallet
from exporter.core.tables import TableEvent

UNITS: Final = 1e8
"""Amounts are counted in units of 1e-8, the finest that venues usually write."""
WHOLE: Final = 1e7
"""Balances nearer to 0 than this have at most 15 digits down to one unit, which a float keeps exactly."""
EXACT: Final = Context(prec=60)
"""Room for sums of all decimals that a venue may write: nothing is ever rounded on the way."""
Amount = int | Decimal
"""Whole units where that is exact, as it nearly always is; a decimal where it is not."""


class Flows(NamedTuple):
    """Movements of one currency by reason, in units of the currency, never negative."""

    credits: Mapping[str, float]
    debits: Mapping[str, float]


class MovementsReport(NamedTuple):
    """A consistent reading, which never changes.

    The flows of a currency are the same object as in the last report while the currency did not move.
    """

    by_currency: Mapping[str, Flows]


class Book:
    """Credits and debits of one currency."""

    __slots__ = ("credits", "debits")

    def __init__(self, reasons: Sequence[Reason]) -> None:
        # Every reason starts at 0, so that the first movement is seen as a rise.
        self.credits: dict[str, Amount] = dict.fromkeys(reasons, 0)
        self.debits: dict[str, Amount] = dict.fromkeys(reasons, 0)

    def sum(self) -> Decimal:
        """Credits less debits, in units."""
        total = Decimal(0)
        for amount in self.credits.values():
            total = EXACT.add(total, amount)
        for amount in self.debits.values():
            total = EXACT.subtract(total, amount)
        return total

    def flows(self) -> Flows:
        """The counters as they are now."""
        return Flows(_floats(self.credits), _floats(self.debits))


class Purse:
    """What is known of one wallet."""

    __slots__ = ("amount", "balance", "first", "withheld")

    def __init__(self) -> None:
        self.balance: float | None = None
        """As the venue told it last; None while it withholds it."""
        self.withheld = False
        self.amount: Amount | None = None
        """The balance when it was last known, exactly."""
        self.first: Amount = 0
        """The balance from which movements are counted."""


class Movements:
    """Movements of one account. Every reason a venue can tell starts at 0 for each currency it holds."""

    def __init__(self, *, reasons: Sequence[Reason] = REASONS, lists_unheld: bool = False) -> None:
        self._reasons = reasons
        self._lists_unheld = lists_unheld
        self._based = False
        self._purses: dict[Key, Purse] = {}
        self._books: dict[str, Book] = {}
        self._moved: dict[str, None] = {}
        """Currencies that moved since the last report, in that order."""
        self._report = MovementsReport({})

    @property
    def net(self) -> dict[Key, Decimal]:
        """By wallet, the sum of its movements: its balance now less its first one."""
        return {
            key: EXACT.scaleb(EXACT.subtract(purse.amount, purse.first), -8)
            for key, purse in self._purses.items()
            if purse.amount is not None
        }

    @property
    def booked(self) -> dict[str, Decimal]:
        """By currency, credits less debits, which is what its wallets moved by."""
        return {currency: EXACT.scaleb(book.sum(), -8) for currency, book in self._books.items()}

    def take(self, event: TableEvent) -> None:
        """Take in a change to the wallets that are shown. The first snapshot is the base, and no movement."""
        if isinstance(event, Upsert):
            self.moved(event.key, event.row, event.reason)
        elif isinstance(event, Snapshot):
            self._whole(event.rows)
        else:
            self.moved(event.key, None, "unobserved")

    def moved(self, key: Key, row: Row | None, reason: Reason) -> None:
        """A wallet holds this now; no row is a wallet that is gone, and holds nothing."""
        if self._based:
            self._hold(key, row, reason)

    def report(self) -> MovementsReport:
        """The counters; only those of currencies that moved since the last report are made anew."""
        if self._moved:
            flows = dict(self._report.by_currency)
            for currency in self._moved:
                flows[currency] = self._books[currency].flows()
            self._report = MovementsReport(flows)
            self._moved = {}
        return self._report

    def _whole(self, rows: Rows) -> None:
        """Whatever a snapshot says otherwise than the last that was known, nobody saw happen."""
        for key in self._purses.keys() - rows.keys():
            self._hold(key, None, "unobserved")
        for key, row in rows.items():
            self._hold(key, row, "unobserved")
        self._based = True

    def _hold(self, key: Key, row: Row | None, reason: Reason) -> None:
        if not isinstance(key, tuple):
            return
        balance = row.balance if isinstance(row, Wallet) else 0.0
        purse = self._purses.get(key)
        if purse is None:
            purse = self._purses[key] = Purse()
        elif purse.balance == balance:
            return
        purse.balance = balance
        if balance is None:
            purse.withheld = True
            return
        now = _amount(balance)
        before = purse.amount
        if before is None:
            before = purse.first = now if purse.withheld or not self._based else 0
        purse.amount = now
        # What a balance did while it was withheld may be more than what the message that tells it speaks of.
        if purse.withheld:
            purse.withheld, reason = False, "unobserved"
        self._book(key[1], before, now, reason)

    def _book(self, currency: str, before: Amount, now: Amount, reason: Reason) -> None:
        book = self._books.get(currency)
        if book is None:
            # A currency at 0 that may never have been held has no series before it moves.
            if before == now and self._lists_unheld and not now:
                return
            book = self._books[currency] = Book(self._reasons)
        elif before == now:
            return
        if now > before:
            book.credits[reason] = _plus(book.credits.get(reason, 0), _less(now, before))
        elif now < before:
            book.debits[reason] = _plus(book.debits.get(reason, 0), _less(before, now))
        self._moved[currency] = None


def _amount(balance: float) -> Amount:
    """What the venue wrote, which is the shortest decimal of a float."""
    if -WHOLE < balance < WHOLE:
        whole = round(balance * UNITS)
        # Of all decimals with 15 digits at most, only one is read as this float.
        if whole / UNITS == balance:
            return whole
    return EXACT.scaleb(Decimal(repr(balance)), 8)


def _plus(one: Amount, other: Amount) -> Amount:
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return EXACT.add(one, other)


def _less(one: Amount, other: Amount) -> Amount:
    if isinstance(one, int) and isinstance(other, int):
        return one - other
    return EXACT.subtract(one, other)


def _floats(amounts: Mapping[str, Amount]) -> dict[str, float]:
    return {
        reason: amount / UNITS if isinstance(amount, int) else float(EXACT.scaleb(amount, -8))
        for reason, amount in amounts.items()
    }
