"""`python -m exporter.exposition.document [--check]`: writes `docs/metrics.md` from the catalogue."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from exporter.exposition.catalogue import METRICS, Metric

PAGE: Final = Path("docs/metrics.md")
INTRODUCTION: Final = """\
# Metrics

Made from `exporter/exposition/catalogue/` by `make docs`; do not edit.

What is shown is true now, or it is not shown:

- **H**ealth is always there, from the first scrape.
- **V**alues vanish `stream.stale_after` after their stream stopped being up, and come back with the next
  complete set of snapshots. A value that the venue has not told is absent, never 0. A wallet or position
  that is gone is 0 for half an hour, then absent.
- **C**ounters start at 0 and are never withheld. They count since the start of the process.

Amounts are in units of the `currency` label, or of the base or quote currency of `symbol` (`BASE/QUOTE` in
the venue's own codes). Rates are ratios per day. Timestamps are Unix seconds: their age is `time() - x`.

Reasons of credits and debits, as far as the venue tells them (Bitfinex does, BitoPro does not):

| reason | is |
|---|---|
| `trade` | bought or sold, and the result of a position |
| `transfer` | between wallets, or to another account of the venue |
| `deposit`, `withdrawal` | from and to the outside; a withdrawal that is cancelled is a credit |
| `fee` | what the venue takes, as a credit what it gives back |
| `interest` | earned by lending |
| `funding` | for borrowed money and for positions |
| `settlement` | of what a wallet owed |
| `other` | not told, or none of these |
| `unobserved` | changed between two connections, or when messages were lost |

A reason that a venue cannot tell has no series. The first balances after the start are no movement, and a
currency that was never held has no series before its first one.
"""
LETTERS: Final = {"health": "H", "value": "V", "counter": "C"}


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(_section(title, tuple(rows)) for title, rows in _sections())


def _sections() -> Iterator[tuple[str, Iterator[Metric]]]:
    return groupby(METRICS, key=lambda metric: metric.section)


def _section(title: str, metrics: tuple[Metric, ...]) -> str:
    lines = [f"\n## {title}\n", "\n| name | kind | class | labels | what it says |\n|---|---|---|---|---|\n"]
    for metric in metrics:
        labels = ", ".join(metric.labels) or "-"
        lines.append(
            f"| `{metric.name}` | {metric.kind} | {LETTERS[metric.group]} | {labels} | {metric.help} |\n"
        )
    return "".join(lines)


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is what it should be."""
    if arguments == ["--check"]:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
            return 0
        print(f"{PAGE} is out of date: run make docs", file=sys.stderr)  # noqa: T201 - the answer
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
