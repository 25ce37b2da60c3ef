"""Why balances changed: credits and debits by reason, counted from the first balances that were known.

The movements of a wallet always add up to the change of its balance, exactly: what nobody saw happen is
counted as `unobserved`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Final, NamedTuple

from exporter.core.events import REASONS, Balances, Reason, Snapshot, Upsert
from exporter.core.model import Key, Row, Rows, Wallet
from exporter.core.reading import Reading
from exporter.core.tables import TableEvent

UNITS: Final = 1e8
"""Amounts are counted in units of 1e-8, the finest that venues usually write."""
_FINE: Final = 1e15
"""So many units have 15 digits, and of all such decimals only one is read as the same float."""
_WHOLE: Final = 2.0**53
"""Below it, whole numbers in floats add up exactly."""
_ROUNDER: Final = 1.5 * 2.0**52
"""Added and taken away again, it rounds a float below 2**51 to a whole one, in a third of round's time."""
EXACT: Final = Context(prec=60)
"""Room for sums of all decimals that a venue may write: nothing is ever rounded on the way."""
Amount = float | Decimal
"""A whole number of units where that is exact, as it nearly always is; a decimal where it is not."""


class Flows(NamedTuple):
    """Movements of one currency by reason, in units of the currency, never negative."""

    credits: Mapping[str, float]
    debits: Mapping[str, float]


class MovementsReport(NamedTuple):
    """A consistent reading, which never changes.

    The flows of a currency are the same object as in the last report while the currency did not move.
    """

    by_currency: Reading[str, Flows]


class Book:
    """Credits and debits of one currency."""

    __slots__ = ("credits", "debits", "rest")

    def __init__(self, reasons: Sequence[Reason]) -> None:
        # Every reason starts at 0, so that the first movement is seen as a rise.
        self.credits: dict[str, float] = defaultdict(float, dict.fromkeys(reasons, 0.0))
        self.debits: dict[str, float] = defaultdict(float, dict.fromkeys(reasons, 0.0))
        self.rest: dict[tuple[bool, str], Decimal] = {}
        """What is finer than a unit or too large, by whether it is a credit, and reason."""

    def move(self, before: Amount, now: Amount, reason: Reason) -> None:
        """A wallet went from one balance to another."""
        rises = now > before
        flows = self.credits if rises else self.debits
        if type(before) is float and type(now) is float:
            total = flows[reason] + abs(now - before)
            if total < _WHOLE:
                flows[reason] = total
                return
        moved = EXACT.subtract(Decimal(now), Decimal(before)).copy_abs()
        rest = EXACT.add(self.rest.get((rises, reason), 0), moved)
        # What is summed up in floats starts afresh when it grows too large, which takes it here.
        self.rest[rises, reason] = EXACT.add(rest, Decimal(flows[reason]))
        flows[reason] = 0.0

    def flows(self) -> Flows:
        """The counters as they are now."""
        credits_ = {reason: units / UNITS for reason, units in self.credits.items()}
        debits = {reason: units / UNITS for reason, units in self.debits.items()}
        for (rises, reason), rest in self.rest.items():
            if rises:
                credits_[reason] = float(_scaled(EXACT.add(rest, Decimal(self.credits[reason]))))
            else:
                debits[reason] = float(_scaled(EXACT.add(rest, Decimal(self.debits[reason]))))
        return Flows(credits_, debits)

    def net(self) -> Decimal:
        """Credits less debits, in units."""
        total = Decimal(sum(map(int, self.credits.values())) - sum(map(int, self.debits.values())))
        for (rises, _), rest in self.rest.items():
            total = EXACT.add(total, rest) if rises else EXACT.subtract(total, rest)
        return total


class Purse:
    """What is known of one wallet."""

    __slots__ = ("amount", "balance", "book", "currency", "first", "was_known", "withheld")

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.balance: float | None = None
        """As the venue told it last; None while it withholds it."""
        self.withheld = False
        self.amount: Amount = 0.0
        """The balance when it was last known, exactly."""
        self.was_known = False
        self.first: Amount = 0.0
        """The balance from which movements are counted."""
        self.book: Book | None = None
        """That of its currency, once there is one."""


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
        self._report = MovementsReport(Reading({}))

    @property
    def net(self) -> dict[Key, Decimal]:
        """By wallet, the sum of its movements: its balance now less its first one."""
        return {
            key: _scaled(EXACT.subtract(Decimal(purse.amount), Decimal(purse.first)))
            for key, purse in self._purses.items()
            if purse.was_known
        }

    @property
    def booked(self) -> dict[str, Decimal]:
        """By currency, credits less debits, which is what its wallets moved by."""
        return {currency: _scaled(book.net()) for currency, book in self._books.items()}

    def take(self, event: TableEvent) -> None:
        """Take in a change to the wallets that are shown. The first snapshot is the base, and no movement."""
        if isinstance(event, Snapshot):
            self._whole(event.rows)
        elif isinstance(event, Upsert):
            self.moved(event.key, _balance(event.row), event.reason)
        else:
            self.moved(event.key, 0.0, "unobserved")

    def moved(self, key: Key, balance: float | None, reason: Reason) -> None:
        """A wallet holds this now; None where the venue withholds it."""
        purse = self._purses.get(key)
        if purse is None:
            if self._based:
                self._first_seen(key, balance, reason)
        elif balance != purse.balance:
            if balance is None or purse.balance is None or purse.book is None:
                self._hold(purse, balance, reason)
                return
            now = _amount(balance)
            purse.book.move(purse.amount, now, reason)
            purse.balance, purse.amount = balance, now
            self._moved[purse.currency] = None

    def merged(self, balances: Balances) -> None:
        """These wallets are held now: as `moved` for each."""
        keys, told, _, _, reason = balances
        touched = self._moved
        for key, balance, purse in zip(keys, told, map(self._purses.get, keys), strict=True):
            if purse is None or balance is None or (book := purse.book) is None or purse.withheld:
                self.moved(key, balance, reason)
            elif balance != purse.balance:
                # As `_amount` and `Book.move` do it, but without their calls: a venue may tell all each time.
                now, before = balance * UNITS + _ROUNDER - _ROUNDER, purse.amount
                if now / UNITS == balance and -_FINE < now < _FINE and type(before) is float:
                    if (moved := now - before) > 0.0:
                        flows = book.credits
                    else:
                        flows, moved = book.debits, -moved
                    if (total := flows[reason] + moved) < _WHOLE:
                        flows[reason] = total
                        purse.balance, purse.amount = balance, now
                        touched[purse.currency] = None
                        continue
                self.moved(key, balance, reason)

    def report(self) -> MovementsReport:
        """The counters; only those of currencies that moved since the last report are made anew."""
        if self._moved:
            before, books = self._report.by_currency, self._books
            news = {currency: books[currency].flows() for currency in self._moved}
            self._report = MovementsReport(Reading({**before, **news}, before, news))
            self._moved = {}
        return self._report

    def _whole(self, rows: Rows) -> None:
        """Whatever a snapshot says otherwise than the last that was known, nobody saw happen."""
        for key in self._purses:
            if key not in rows:
                self.moved(key, 0.0, "unobserved")
        for key, row in rows.items():
            if key in self._purses:
                self.moved(key, _balance(row), "unobserved")
            else:
                self._first_seen(key, _balance(row), "unobserved")
        self._based = True

    def _first_seen(self, key: Key, balance: float | None, reason: Reason) -> None:
        if isinstance(key, tuple):
            purse = self._purses[key] = Purse(key[1])
            self._hold(purse, balance, reason)

    def _hold(self, purse: Purse, balance: float | None, reason: Reason) -> None:
        """Take in a balance that is the first one, or none, or was withheld before."""
        was_withheld, purse.balance = purse.withheld, balance
        purse.withheld = balance is None
        if balance is None:
            return
        now, before = _amount(balance), purse.amount
        if not purse.was_known:
            before = purse.first = now if was_withheld or not self._based else 0.0
        purse.amount, purse.was_known = now, True
        # A currency at 0 that may never have been held has no series before it moves.
        if purse.book is None and (now or before or not self._lists_unheld):
            purse.book = self._open(purse.currency)
        if purse.book is not None and now != before:
            # What it did while it was withheld may be more than what the message that tells it speaks of.
            purse.book.move(before, now, "unobserved" if was_withheld else reason)
            self._moved[purse.currency] = None

    def _open(self, currency: str) -> Book:
        book = self._books.get(currency)
        if book is None:
            book = self._books[currency] = Book(self._reasons)
            self._moved[currency] = None
        return book


def _balance(row: Row) -> float | None:
    return row.balance if isinstance(row, Wallet) else 0.0


def _amount(balance: float) -> Amount:
    """What the venue wrote, which is the shortest decimal of a float."""
    units = balance * UNITS + _ROUNDER - _ROUNDER
    if -_FINE < units < _FINE and units / UNITS == balance:
        return units
    return EXACT.scaleb(Decimal(repr(balance)), 8)


def _scaled(units: Decimal) -> Decimal:
    return EXACT.scaleb(units, -8)
