"""Balances of the past from the lines of a ledger."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from exporter.core.past import Course, Entry, samples, trace

SPOT = ("exchange", "BTC")


def entry(number: int, at: float, amount: float, balance: float, wallet: str = "exchange") -> Entry:
    """A line about bitcoin."""
    return Entry(number, wallet, "BTC", at, amount, balance)


def test_a_balance_stays_until_the_next_line() -> None:
    """At each step the balance is that of the last line so far, and before the first what it started from."""
    found = trace([entry(2, 200.0, -1.0, 2.0), entry(1, 100.0, 0.5, 3.0)], {SPOT: 2.0})
    (course,) = found.courses
    assert list(samples(course, 0, 250, 50)) == [
        (0, 2.5), (50, 2.5), (100, 3.0), (150, 3.0), (200, 2.0), (250, 2.0),
    ]  # fmt: skip
    assert (found.without_wallet, found.broken) == (0, {})


def test_steps_stand_on_multiples_whatever_the_beginning() -> None:
    """Two runs over touching spans make samples at the same moments, none twice."""
    course = Course("exchange", "BTC", 1.0, ())
    assert [at for at, _ in samples(course, 61, 180, 60)] == [120, 180]
    assert [at for at, _ in samples(course, 181, 250, 60)] == [240]
    assert list(samples(course, 61, 119, 60)) == []


def test_a_wallet_without_lines_was_always_as_it_is_now() -> None:
    """What is held now and did not change in the span is held throughout; a zero is a zero."""
    found = trace([], {SPOT: 1.25, ("funding", "USD"): 0.0})
    assert [(each.wallet, each.before, each.changes) for each in found.courses] == [
        ("exchange", 1.25, ()),
        ("funding", 0.0, ()),
    ]


def test_a_wallet_that_was_empty_begins_at_exactly_nothing() -> None:
    """The balance before the first line is subtracted in decimals: no dust of binary fractions."""
    (course,) = trace([entry(1, 5.0, 0.3, 0.3)], {SPOT: 0.3}).courses
    assert course.before == 0.0
    (course,) = trace([entry(1, 5.0, 0.1, 0.3)], {SPOT: 0.3}).courses
    assert course.before == 0.2


def test_lines_of_one_moment_keep_the_order_of_the_venue() -> None:
    """Newest first as told: the last of the moment is the balance that stays, whatever the ids are."""
    told = [entry(7, 9.0, -1.0, 4.0), entry(8, 9.0, 2.0, 5.0), entry(6, 1.0, 3.0, 3.0)]
    (course,) = trace(told, {SPOT: 4.0}).courses
    assert course.changes[-1] == (9.0, 4.0)


def test_lines_without_a_wallet_are_counted_and_left_out() -> None:
    """A line that names no wallet makes no series."""
    found = trace([entry(1, 1.0, 1.0, 1.0, wallet="")], {})
    assert (found.courses, found.without_wallet) == ([], 1)


def test_what_does_not_follow_is_told_by_wallet() -> None:
    """A line that does not continue the one before, or today's balance, is counted for its wallet."""
    lines = [entry(3, 3.0, 1.0, 9.0), entry(2, 2.0, 1.0, 2.0), entry(1, 1.0, 1.0, 1.0)]
    assert trace(lines, {SPOT: 9.0}).broken == {SPOT: 1}
    assert trace(lines, {SPOT: 8.0}).broken == {SPOT: 2}
    assert trace(lines[1:], {}).broken == {}


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(-(10**9), 10**9)), max_size=30))
def test_a_consistent_ledger_is_followed_to_the_end(steps: list[tuple[int, int]]) -> None:
    """Whatever happened, it ends at the present balance, begins where it began, and no line breaks."""
    unit = Decimal("0.00000001")
    at, balance, lines = 0, Decimal(5), []
    for number, (later, cents) in enumerate(steps):
        at += later
        amount = cents * unit
        balance += amount
        lines.append(entry(number, float(at), float(amount), float(balance)))
    found = trace(lines[::-1], {SPOT: float(balance)})
    told = list(samples(found.courses[0], 0, at + 1, 1))
    assert told[0] == (0, 5.0)
    assert told[-1] == (at + 1, float(balance))
    assert not found.broken
