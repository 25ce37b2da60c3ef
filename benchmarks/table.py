"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.stats import Outcome, Result, Row

HEADINGS: Final = ("figure", "value", "lowest..highest", "goal", "floor", "verdict")
PERCENT: Final = 100.0
SMALL, LARGE = 0.1, 1000.0


def table(results: Sequence[Result]) -> str:
    """One line for each row, in columns."""
    lines = [HEADINGS, *map(_cells, results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    rule = tuple("-" * width for width in widths)
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (lines[0], rule, *lines[1:])
    ]
    return "\n".join(padded)


def _cells(result: Result) -> tuple[str, ...]:
    row = result.row
    sign = ">=" if row.higher_is_better else "<="
    spread = ""
    if result.low is not None and result.high is not None and result.rounds > 1:
        scale = PERCENT if row.unit == "%" else 1.0
        spread = f"{_number(result.low * scale)}..{_number(result.high * scale)}"
    return (
        row.title,
        "-" if result.value is None else _with_unit(result.value, row),
        spread,
        "" if row.goal is None else f"{sign} {_with_unit(row.goal, row)}",
        "" if row.floor is None else f"{sign} {_with_unit(row.floor, row)}",
        result.verdict + (f" ({result.why})" if result.why else ""),
    )


def _with_unit(value: float, row: Row) -> str:
    if row.unit == "%":
        return f"{_number(value * PERCENT)} %"
    return f"{_number(value)}{'' if row.unit == 'x' else ' '}{row.unit}".strip()


def _number(value: float) -> str:
    if abs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) < SMALL else f"{value:.3g}"


def as_json(results: Sequence[Result], outcomes: Mapping[str, Outcome], settings: Mapping[str, Any]) -> str:
    """Everything that was measured: rows with verdicts, and under `runs` each run of each case."""
    rows = [
        {
            "key": result.row.key,
            "title": result.row.title,
            "unit": result.row.unit,
            "value": result.value,
            "lowest": result.low,
            "highest": result.high,
            "rounds": result.rounds,
            "goal": result.row.goal,
            "floor": result.row.floor,
            "higher_is_better": result.row.higher_is_better,
            "verdict": result.verdict,
            "why": result.why,
        }
        for result in results
    ]
    groups = {
        name: {"runs": outcome.runs, "missing": outcome.missing, "failed": outcome.failed}
        for name, outcome in outcomes.items()
    }
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
    }
    return json.dumps({"settings": settings, "machine": machine, "rows": rows, "groups": groups}, indent=1)
