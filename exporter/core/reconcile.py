"""Does REST say the same as the stream? Pure comparison, tolerant of what moved while it was read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from exporter.core.events import Upsert
from exporter.core.model import Key, Rows, Table, Wallet

RELATIVE: Final = 1e-9
ABSOLUTE: Final = 1e-8
"""Two balances that differ by less are the same: one of them took the way over decimal text."""


class ReconcileReport(NamedTuple):
    """What the comparisons have found. Times are Unix seconds, 0 for never."""

    last_success: float
    differences: Mapping[tuple[str, str], float]
    """By (wallet, currency): what REST says less what the stream says; only wallets that differ."""
    mismatched_rows: Mapping[Table, int]
    """By table other than wallets: rows that only one of the two knows."""


class Reconciliation:
    """The comparisons of one account. A difference counts as lasting when two in a row find it."""

    def __init__(self) -> None:
        self.last_success = 0.0
        self.differences: dict[tuple[str, str], float] = {}
        self.mismatched: dict[Table, frozenset[Key]] = {}
        self._answered: dict[Table, set[object]] = {}
        """By table, differences for which a resync was asked: one that outlives it is shown, not chased."""

    def wallets(self, before: Rows, told: Rows, after: Rows) -> bool:
        """Compare balances; True when a lasting difference calls for a resync."""
        found: dict[tuple[str, str], float] = {}
        for key in {*before, *told, *after}:
            balances = [_balance(rows, key) for rows in (before, told, after)]
            if isinstance(key, tuple) and (gap := _gap(*balances)) is not None:
                found[key] = gap
        lasting: set[object] = {
            (key, round(gap, 8)) for key, gap in found.items() if _same(gap, self.differences.get(key))
        }
        self.differences = found
        return self._call_for_resync("wallets", lasting)

    def rows(self, table: Table, before: Rows, told: Rows, after: Rows) -> bool:
        """Compare which rows exist; True when a lasting difference calls for a resync."""
        found = frozenset(
            key
            for key in {*before, *told, *after}
            if (key in told and key not in before and key not in after)
            or (key not in told and key in before and key in after)
        )
        lasting: set[object] = {(table, key) for key in found & self.mismatched.get(table, frozenset())}
        self.mismatched[table] = found
        return self._call_for_resync(table, lasting)

    def succeeded(self, wall: float) -> None:
        """A whole round of comparisons is done."""
        self.last_success = wall

    def report(self) -> ReconcileReport:
        """A copy of what was found."""
        mismatched = {table: len(keys) for table, keys in self.mismatched.items()}
        return ReconcileReport(self.last_success, dict(self.differences), mismatched)

    def _call_for_resync(self, table: Table, lasting: set[object]) -> bool:
        fresh = lasting - self._answered.get(table, set())
        self._answered[table] = lasting
        return bool(fresh)


def missing_available(rows: Rows, before: Rows, told: Rows) -> list[Upsert]:
    """Rows of a stream that left out what is available, completed by what REST told of it.

    Only where the wallet is now as it was before the read (`before`), and the balances agree.
    """
    found: list[Upsert] = []
    for key, row in rows.items():
        other = told.get(key)
        if (
            isinstance(row, Wallet)
            and isinstance(other, Wallet)
            and row.available is None
            and row == before.get(key)
            and other.available is not None
            and row.balance == other.balance
        ):
            found.append(Upsert("wallets", key, row._replace(available=other.available)))
    return found


def _balance(rows: Rows, key: Key) -> float | None:
    """A wallet that one side does not list holds nothing there; None where a balance is not known."""
    row = rows.get(key)
    return row.balance if isinstance(row, Wallet) else 0.0


def _gap(before: float | None, told: float | None, after: float | None) -> float | None:
    """What REST says beyond what the stream said; None when it fits a moment of the read, or is not known."""
    if before is None or told is None or after is None:
        return None
    if _same(before, told) or _same(after, told):
        return None
    if not _same(before, after):
        return None  # it moved while it was read: no judgement this time
    return told - after


def _same(one: float, other: float | None) -> bool:
    return other is not None and math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
