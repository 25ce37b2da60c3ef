"""Counting a happening once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.core.once import Once


def test_second_report_is_not_first() -> None:
    """Only the first report of a happening counts, whatever comes between."""
    once = Once()
    assert once.first("a")
    assert once.first("b")
    assert not once.first("a")
    assert "a" in once
    assert "c" not in once


def test_asking_does_not_remember() -> None:
    """Looking whether a happening is known does not make it known."""
    once = Once()
    assert "a" not in once
    assert once.first("a")


def test_memory_is_bounded() -> None:
    """Beyond its limit it forgets the oldest first, so memory does not grow with the life of the process."""
    once = Once(limit=3)
    for number in range(5):
        once.first(number)
    assert [number in once for number in range(5)] == [False, False, True, True, True]


@given(st.lists(st.integers(0, 20)))
def test_counts_the_distinct(reports: list[int]) -> None:
    """As long as the memory reaches, the number of firsts is the number of distinct happenings."""
    once = Once(limit=100)
    assert sum(once.first(report) for report in reports) == len(set(reports))
