"""`make bench`: measure, print the table, write the JSON. Exit code 1: a row failed or is under its floor."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.groups import fresh, http, instructions, load, process, receive, scrape, whole
from benchmarks.rows import ROWS
from benchmarks.setting import Setting
from benchmarks.stats import Outcome, Row, judge
from benchmarks.table import as_json, table

GROUPS: Final[Mapping[str, Callable[[Setting], Outcome]]] = {
    "receive": receive.plain,
    "receive-tls": receive.tls,
    "receive-snapshots": receive.snapshots,
    "live": receive.live,
    "live-tls": receive.live_tls,
    "whole": whole.on_bitfinex,
    "whole-bitopro": whole.on_bitopro,
    "instructions-receive": instructions.received,
    "instructions-scrape": instructions.scraped,
    "http": http.requests,
    "late": load.lateness,
    "kept": load.kept,
    "memory": process.memory,
    "size": process.size,
    "start": process.start,
    "fresh": fresh.freshness,
    **{f"scrape-{size}": partial(scrape.of, size) for size in scrape.SIZES},
}
RESULTS: Final = Path(__file__).parent / "results"


def main() -> int:
    """Measure what is asked for."""
    asked = _parser().parse_args()
    rows = chosen(asked.rows, quick=asked.quick)
    if not rows:
        sys.stderr.write(f"no row fits {', '.join(asked.rows)}\n")
        return 2
    rounds = asked.rounds or (3 if asked.quick else 7)
    setting = Setting(asked.quick, random.Random(asked.seed), rounds, 0.3 if asked.quick else 1.0)
    outcomes: dict[str, Outcome] = {}
    for name in dict.fromkeys(row.group for row in rows):
        began = time.monotonic()
        figures = [row.figure for row in rows if row.group == name]
        setting.wanted = {case for figure in figures for case in (figure.of, figure.against) if case}
        outcomes[name] = GROUPS[name](setting)
        sys.stderr.write(f"\r{name}: {time.monotonic() - began:.0f} s\n")
    results = [judge(row, outcomes[row.group]) for row in rows]
    sys.stdout.write(table(results) + "\n")
    output = asked.output or RESULTS / ("quick.json" if asked.quick else "full.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    settings = {"quick": asked.quick, "rounds": rounds, "seed": asked.seed}
    output.write_text(as_json(results, outcomes, settings) + "\n")
    sys.stdout.write(f"written to {output}\n")
    return int(any(result.verdict in ("UNDER FLOOR", "FAILED") for result in results))


def chosen(patterns: Sequence[str], *, quick: bool) -> list[Row]:
    """The rows to measure: those that fit a pattern, else all, or those of the quick bench."""
    if patterns:
        return [row for row in ROWS if any(fnmatchcase(row.key, pattern) for pattern in patterns)]
    return [row for row in ROWS if row.quick or not quick]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help="patterns of row keys such as queued.* (default: all)")
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer rows, fewer rounds")
    parser.add_argument("--rounds", type=int, help="how often each case runs (default 7, quick 3)")
    parser.add_argument("--seed", type=int, default=1, help="another order of runs (default 1)")
    parser.add_argument("--output", type=Path, help="the JSON file (default benchmarks/results/)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
