"""The rows of the bench's table, and which of them run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import GROUPS, chosen
from benchmarks.rows import ROWS

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_have_keys_of_their_own_and_a_group_that_runs() -> None:
    """Each row is named once, and something measures it."""
    keys = [row.key for row in ROWS]

    assert len(set(keys)) == len(keys)
    assert {row.group for row in ROWS} == set(GROUPS)


def test_a_goal_is_never_below_its_floor() -> None:
    """Who reaches the goal is above the floor."""
    for row in ROWS:
        if row.goal is not None and row.floor is not None:
            assert (row.goal >= row.floor) is row.higher_is_better, row.key


def test_rows_are_chosen_by_pattern_or_by_thoroughness() -> None:
    """Patterns name rows whatever the mode; without any, the quick bench has a part of all."""
    assert [row.key for row in chosen(["queued.t*"], quick=True)] == ["queued.tuned"]
    assert chosen([], quick=False) == list(ROWS)
    assert {row.key for row in chosen([], quick=True)} < {row.key for row in ROWS}
    assert chosen(["nonsense"], quick=False) == []


@pytest.mark.parametrize("pattern", ["*.py", "*/*.py"])
def test_modules_stay_small(repository: Path, pattern: str) -> None:
    """The house's limit of 300 lines a module holds for the bench too."""
    large = [
        path.name
        for path in (repository / "benchmarks").glob(pattern)
        if len(path.read_text().splitlines()) > 300
    ]
    assert not large
