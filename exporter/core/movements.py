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

ZERO: Final = Decimal(0)
EXACT: Final = Context(prec=60)
"""Room for sums of all decimals that a venue may write: nothing is ever rounded on the way."""
Amounts = dict[tuple[str, str], Decimal]


class MovementsReport(NamedTuple):
    """A consistent copy: amounts by (currency, reason), in units of the currency, never negative."""

    credits: Mapping[tuple[str, str], float]
    debits: Mapping[tuple[str, str], float]


class Movements:
    """Movements of one account. Every reason a venue can tell starts at 0 for each currency it holds."""

    def __init__(self, *, reasons: Sequence[Reason] = REASONS, lists_unheld: bool = False) -> None:
        self._reasons = reasons
        self._lists_unheld = lists_unheld
        self._based = False
        self._known: dict[Key, Decimal] = {}
        """Balance of each wallet when it was last known."""
        self._unknown: set[Key] = set()
        """Wallets whose balance the venue withholds now."""
        self.net: dict[Key, Decimal] = {}
        """By wallet, the sum of its movements: its balance now less its first one."""
        self._credits: Amounts = {}
        self._debits: Amounts = {}

    def take(self, event: TableEvent) -> None:
        """Take in a change to the wallets that are shown. The first snapshot is the base, and no movement."""
        if isinstance(event, Snapshot):
            self._whole(event.rows)
        elif self._based:
            row = event.row if isinstance(event, Upsert) else None
            self._row(event.key, row, event.reason if isinstance(event, Upsert) else "unobserved")

    def report(self) -> MovementsReport:
        """A copy of the counters."""
        return MovementsReport(
            {where: float(amount) for where, amount in self._credits.items()},
            {where: float(amount) for where, amount in self._debits.items()},
        )

    def _whole(self, rows: Rows) -> None:
        """Whatever a snapshot says otherwise than the last that was known, nobody saw happen."""
        for key in (self._known.keys() | self._unknown) - rows.keys():
            self._row(key, None, "unobserved")
        for key, row in rows.items():
            self._row(key, row, "unobserved")
        self._based = True

    def _row(self, key: Key, row: Row | None, reason: Reason) -> None:
        """A wallet holds this now; no row is a wallet that is gone, and holds nothing."""
        if not isinstance(key, tuple):
            return
        balance = row.balance if isinstance(row, Wallet) else 0.0
        if balance is None:
            self._unknown.add(key)
            return
        # The shortest decimal of a float is what the venue wrote.
        now = Decimal(repr(balance))
        if now or not self._lists_unheld:
            self._foresee(key[1])
        # What a balance did while it was withheld may be more than what the message that tells it speaks of.
        withheld = key in self._unknown
        self._unknown.discard(key)
        before = self._known.get(key)
        if before is None:
            before = now if withheld or not self._based else ZERO
        self._known[key] = now
        self._book(key, EXACT.subtract(now, before), "unobserved" if withheld else reason)

    def _book(self, key: tuple[str, str], delta: Decimal, reason: Reason) -> None:
        self.net[key] = EXACT.add(self.net.get(key, ZERO), delta)
        if delta:
            self._foresee(key[1])
            book, where = self._credits if delta > 0 else self._debits, (key[1], reason)
            book[where] = EXACT.add(book.get(where, ZERO), abs(delta))

    def _foresee(self, currency: str) -> None:
        """Let every reason start at 0, so that the first movement is seen as a rise."""
        for reason in self._reasons:
            self._credits.setdefault((currency, reason), ZERO)
            self._debits.setdefault((currency, reason), ZERO)
