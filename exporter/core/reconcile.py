"""Does REST say the same as the stream? Pure comparison, tolerant of what moved while it was read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
        self._last = ReconcileReport(0.0, {}, {})
        self._is_told = True
        """Whether the last report tells everything."""

    def compare(self, table: Table, told: Rows, moments: Sequence[Rows]) -> bool:
        """Compare what REST told with the stream at some moments around the read.

        True when a lasting difference calls for a resync.
        """
        self._is_told = False
        if table == "wallets":
            found = wallet_gaps(told, moments)
            lasting: set[object] = {
                (key, round(gap, 8)) for key, gap in found.items() if _same(gap, self.differences.get(key))
            }
            self.differences = found
        else:
            odd = odd_rows(told, moments)
            lasting = set(odd & self.mismatched.get(table, frozenset()))
            self.mismatched[table] = odd
        fresh = lasting - self._answered.get(table, set())
        self._answered[table] = lasting
        return bool(fresh)

    def succeeded(self, wall: float) -> None:
        """A whole round of comparisons is done."""
        self.last_success = wall
        self._is_told = False

    def report(self) -> ReconcileReport:
        """What was found; each part, and the whole, is the last one while it tells the same."""
        last = self._last
        if self._is_told:
            return last
        self._is_told = True
        mismatched: Mapping[Table, int] = {table: len(keys) for table, keys in self.mismatched.items()}
        if mismatched == last.mismatched_rows:
            mismatched = last.mismatched_rows
        # Each comparison makes its differences anew, so they can be handed out.
        differences = last.differences if self.differences == last.differences else self.differences
        fresh = ReconcileReport(self.last_success, differences, mismatched)
        self._last = last if fresh == last else fresh
        return self._last


def agree(table: Table, told: Rows, moments: Sequence[Rows]) -> bool:
    """Whether REST and the stream say the same, as far as these moments show."""
    return not (wallet_gaps(told, moments) if table == "wallets" else odd_rows(told, moments))


def wallet_gaps(told: Rows, moments: Sequence[Rows]) -> dict[tuple[str, str], float]:
    """By (wallet, currency), what REST says beyond what the stream says."""
    found: dict[tuple[str, str], float] = {}
    for key in {*told, *(key for rows in moments for key in rows)}:
        gap = _gap(_balance(told, key), [_balance(rows, key) for rows in moments])
        if isinstance(key, tuple) and gap is not None:
            found[key] = gap
    return found


def odd_rows(told: Rows, moments: Sequence[Rows]) -> frozenset[Key]:
    """Rows that REST knows and the stream knew at no moment, or the other way round."""
    unknown = {key for key in told if not any(key in rows for rows in moments)}
    untold = {key for key in moments[0] if key not in told and all(key in rows for rows in moments)}
    return frozenset(unknown | untold)


def missing_available(rows: Rows, before: Rows, told: Rows) -> list[Upsert]:
    """Rows of a stream that left out what is available, completed by what REST told of it.

    Only where nothing was told of the wallet since before the read (`before`), not even the same again, and
    the balances agree.
    """
    found: list[Upsert] = []
    for key, row in rows.items():
        other = told.get(key)
        if (
            isinstance(row, Wallet)
            and isinstance(other, Wallet)
            and row.available is None
            and row is before.get(key)
            and other.available is not None
            and row.balance == other.balance
        ):
            found.append(Upsert("wallets", key, row._replace(available=other.available)))
    return found


def _balance(rows: Rows, key: Key) -> float | None:
    """A wallet that one side does not list holds nothing there; None where a balance is not known."""
    row = rows.get(key)
    return row.balance if isinstance(row, Wallet) else 0.0


def _gap(told: float | None, moments: Sequence[float | None]) -> float | None:
    """What REST says beyond the stream; None when it fits one of the moments, or there is no telling."""
    if told is None or None in moments or any(_same(told, each) for each in moments):
        return None
    last = moments[-1]
    if last is None or not all(_same(last, each) for each in moments):
        return None  # it moved while it was read: no judgement this time
    return told - last


def _same(one: float, other: float | None) -> bool:
    return other is not None and math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
