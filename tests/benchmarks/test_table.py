"""The bench's results for people and for programs."""

from __future__ import annotations

import json

from benchmarks.stats import Figure, Outcome, Row, judge
from benchmarks.table import as_json, table

FAST = Row("fast", "frames/s vs C", "receive", Figure("rate", against="C"), unit="%", goal=0.18, floor=0.12)
SLOW = Row("slow", "lateness", "late", Figure("p99"), unit="ms", higher_is_better=False, goal=2, floor=5)
RUNS = Outcome(
    runs={"ours": [{"rate": 2.0, "p99": 6.5}, {"rate": 3.0, "p99": 7.5}], "C": [{"rate": 10.0}] * 2}
)


def test_the_table_shows_value_limits_and_verdict() -> None:
    """Each row has its number in its unit, its extremes, both limits with their direction, and a verdict."""
    lines = table([judge(FAST, RUNS), judge(SLOW, RUNS)]).splitlines()

    assert lines[0].split() == ["figure", "value", "lowest..highest", "goal", "floor", "verdict"]
    assert lines[2].split("  ")[0] == "frames/s vs C"
    for part in ("25 %", ">= 18 %", ">= 12 %", "met"):
        assert part in lines[2]
    for part in ("7 ms", "6.5..7.5", "<= 2 ms", "<= 5 ms", "UNDER FLOOR"):
        assert part in lines[3]


def test_the_table_tells_why_a_number_is_missing() -> None:
    """A peer that is not there leaves a dash and the reason."""
    missing = Outcome(runs={"ours": [{"rate": 2.0}], "C": []}, missing={"C": "gcc is not installed"})

    line = table([judge(FAST, missing)]).splitlines()[-1]

    assert "  -  " in line
    assert line.endswith("peer missing (C: gcc is not installed)")


def test_the_file_holds_rows_and_every_run() -> None:
    """The JSON has what the table has, and under each group all runs it was made of."""
    told = json.loads(as_json([judge(FAST, RUNS)], {"receive": RUNS}, {"seed": 1}))

    assert told["rows"][0]["key"] == "fast"
    assert told["rows"][0]["value"] == 0.25
    assert told["groups"]["receive"]["runs"]["C"] == [{"rate": 10.0}, {"rate": 10.0}]
    assert told["settings"] == {"seed": 1}
