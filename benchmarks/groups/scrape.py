"""One answer to a scrape, from account states to the bytes that go to the socket; no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.programs import WORK, MissingError, go, ours
from benchmarks.runner import Case, WrongError, numbers, run
from benchmarks.setting import Setting
from benchmarks.stats import Measured, Outcome

SIZES: Final = (1_000, 10_000, 100_000)
LONG: Final = 300.0
ROUNDS_OF_LARGE: Final = 3


def of(series: int, setting: Setting) -> Outcome:
    """The same page of so many series by every way to make it."""
    WORK.mkdir(exist_ok=True)
    file = str(WORK / f"page-{series}")
    wanted = run(ours("state", "page", series, file), timeout=LONG)
    cases: dict[str, Case] = {
        "ours": partial(_ours, series, fast=False),
        "ours with isal": partial(_ours, series, fast=True),
        "Go": lambda: _peer([go("scrape"), file], wanted),
        "children": lambda: _peer(ours("peers.promclient", "children", file), wanted),
        "collector": lambda: _peer(ours("peers.promclient", "collector", file), wanted),
    }
    return setting.measure(cases, rounds=ROUNDS_OF_LARGE if series == SIZES[-1] else 0)


def _ours(series: int, *, fast: bool) -> Measured:
    told = numbers(run(ours("state", "scrape", series, int(fast)), timeout=LONG))
    if fast and not told["isal"]:
        raise MissingError("isal is not installed (the extra `fast`)")
    return told


def _peer(command: list[str], wanted: Mapping[str, float | str]) -> Measured:
    found = run(command, timeout=LONG)
    for name, value in wanted.items():
        if found.get(name) != value:
            raise WrongError(f"shows another page: {name} {found.get(name)}, not {value}")
    return numbers(found)
