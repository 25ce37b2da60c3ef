"""How balances went before this program was started, from the lines of a venue's ledger."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from exporter.core.model import Key

ABSOLUTE: Final = 1e-7
RELATIVE: Final = 1e-9
"""Differences below these are rounding, the venue's or ours."""


class Entry(NamedTuple):
    """One line of the venue's own books: a wallet's balance changed."""

    id: Key
    wallet: str
    """Empty where the venue does not say which."""
    currency: str
    at: float
    """Unix seconds by the venue's clock."""
    amount: float
    balance: float
    """After the change."""


class Course(NamedTuple):
    """How the balance of one wallet went: it stays as it is until the next change."""

    wallet: str
    currency: str
    before: float
    """Balance until the first change."""
    changes: Sequence[tuple[float, float]]
    """Unix second and balance from then on, in order of time."""


class Courses(NamedTuple):
    """What a ledger says of all wallets, and how far it can be trusted."""

    courses: Sequence[Course]
    without_wallet: int
    """Lines that belong to no wallet."""
    broken: Mapping[tuple[str, str], int]
    """Wallets with the number of lines that do not follow from the line before, or from what is now."""


def trace(newest_first: Iterable[Entry], present: Mapping[tuple[str, str], float]) -> Courses:
    """The course of each wallet: from its lines where it has any, else as it is at `present`."""
    lines: dict[tuple[str, str], list[Entry]] = {}
    without_wallet = 0
    for entry in newest_first:
        if entry.wallet:
            lines.setdefault((entry.wallet, entry.currency), []).append(entry)
        else:
            without_wallet += 1
    courses = []
    broken = {}
    for where in sorted(lines.keys() | present.keys()):
        # A stable sort leaves lines of one millisecond in the venue's own order.
        own = lines.get(where, [])[::-1]
        own.sort(key=lambda entry: entry.at)
        if not own:
            courses.append(Course(*where, present[where], ()))
            continue
        breaks = _breaks(own, present.get(where))
        if breaks:
            broken[where] = breaks
        courses.append(Course(*where, _before(own[0]), [(entry.at, entry.balance) for entry in own]))
    return Courses(courses, without_wallet, broken)


def samples(course: Course, start: int, end: int, step: int) -> Iterator[tuple[int, float]]:
    """Unix second and balance at each multiple of `step` seconds from `start` to `end`, both included."""
    balance = course.before
    changes = iter(course.changes)
    due = next(changes, None)
    for at in range(math.ceil(start / step) * step, end + 1, step):
        while due is not None and due[0] <= at:
            balance = due[1]
            due = next(changes, None)
        yield at, balance


def _before(first: Entry) -> float:
    """In decimals: a wallet that was empty must come out as 0 and not as next to it."""
    return float(Decimal(repr(first.balance)) - Decimal(repr(first.amount)))


def _breaks(own: Sequence[Entry], present: float | None) -> int:
    found = 0
    for earlier, later in itertools.pairwise(own):
        found += not _same(earlier.balance + later.amount, later.balance)
    return found + (present is not None and not _same(own[-1].balance, present))


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
