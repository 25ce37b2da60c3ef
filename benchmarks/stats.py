"""Medians, ratios round by round, and the verdict on a row; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, NamedTuple

Verdict = Literal["met", "above floor", "UNDER FLOOR", "measured", "peer missing", "FAILED"]
Measured = Mapping[str, float]
"""The figures of one run of one case, by name."""


class Figure(NamedTuple):
    """A number of a row: `name` of a case, or its ratio to another case in the same round."""

    name: str
    of: str = "ours"
    against: str = ""
    against_name: str = ""
    """The other case's figure where it is called otherwise."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: where its number comes from, and what it is to reach."""

    key: str
    title: str
    group: str
    figure: Figure
    unit: str = "x"
    higher_is_better: bool = True
    goal: float | None = None
    floor: float | None = None
    quick: bool = False
    """Whether `make bench-quick` has it too."""


@dataclass(slots=True)
class Outcome:
    """What a group's rounds gave: runs by case, in the order of the rounds, and why a case has none."""

    runs: dict[str, list[Measured]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Result(NamedTuple):
    """A row with its number. `why` stands where there is none."""

    row: Row
    value: float | None
    low: float | None
    high: float | None
    rounds: int
    verdict: Verdict
    why: str = ""


def judge(row: Row, outcome: Outcome) -> Result:
    """The row's median over the rounds, the extremes, and whether it holds."""
    wanted = [case for case in (row.figure.of, row.figure.against) if case]
    for reasons, verdict in ((outcome.failed, FAILED), (outcome.missing, MISSING)):
        for case in wanted:
            if case in reasons:
                return Result(row, None, None, None, 0, verdict, f"{case}: {reasons[case]}")
    values = per_round(row.figure, outcome.runs)
    if not values:
        return Result(row, None, None, None, 0, FAILED, f"{row.figure.of}: no run gave {row.figure.name}")
    value = median(values)
    return Result(row, value, min(values), max(values), len(values), verdict_of(row, value))


FAILED: Verdict = "FAILED"
MISSING: Verdict = "peer missing"


def per_round(figure: Figure, runs: Mapping[str, Sequence[Measured]]) -> list[float]:
    """The figure in each round: ratios are taken inside a round, so that a slow minute divides out."""
    ours = [run.get(figure.name) for run in runs.get(figure.of, ())]
    if not figure.against:
        return [value for value in ours if value is not None]
    name = figure.against_name or figure.name
    theirs = [run.get(name) for run in runs.get(figure.against, ())]
    return [a / b for a, b in zip(ours, theirs, strict=False) if a is not None and b]


def verdict_of(row: Row, value: float) -> Verdict:
    """Whether a value reaches the goal, or at least the floor."""
    sign = 1 if row.higher_is_better else -1
    if row.goal is None and row.floor is None:
        return "measured"
    if row.goal is not None and sign * value >= sign * row.goal:
        return "met"
    if row.floor is not None and sign * value < sign * row.floor:
        return "UNDER FLOOR"
    return "above floor"
