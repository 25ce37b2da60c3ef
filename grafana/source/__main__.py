"""`python -m grafana.source` writes the dashboards; with --check it says which differ from their source."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from grafana.source.exporter import exporter
from grafana.source.lending import lending
from grafana.source.movements import movements
from grafana.source.overview import overview
from grafana.source.streams import streams
from grafana.source.trading import trading

FOLDER: Final = Path(__file__).parent.parent / "dashboards"


def dashboards() -> dict[str, str]:
    """The text of each file of grafana/dashboards, by its name."""
    boards = (overview(), trading(), lending(), movements(), streams(), exporter())
    return {
        f"{board.name}.json": json.dumps(board.json(), indent=2, ensure_ascii=False) + "\n"
        for board in boards
    }


def main() -> int:
    """Write or check; 1 when a file differs."""
    parser = argparse.ArgumentParser(prog="grafana.source", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file differs")
    check = parser.parse_args().check
    made = dashboards()
    there = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    for name in sorted(made.keys() | there.keys()):
        if there.get(name) == made.get(name):
            continue
        if check:
            sys.stderr.write(
                f"grafana/dashboards/{name} differs from its source: run python -m grafana.source\n"
            )
        elif name in made:
            (FOLDER / name).write_text(made[name])
        else:
            (FOLDER / name).unlink()
    if check:
        sys.stdout.write(counts(made.values()) + "\n")
    return int(check and there != made)


def counts(texts: Iterable[str]) -> str:
    """How many dashboards, panels and queries there are, in one line."""
    boards = [json.loads(text) for text in texts]
    panels = [
        panel
        for board in boards
        for outer in board["panels"]
        for panel in (outer, *outer.get("panels", ()))
        if panel["type"] != "row"
    ]
    queries = sum(len(panel.get("targets", ())) for panel in panels)
    marks = sum("expr" in each for board in boards for each in board["annotations"]["list"])
    return (
        f"grafana: {len(boards)} dashboards, {len(panels)} panels, {queries} queries, {marks} of annotations"
    )


if __name__ == "__main__":
    sys.exit(main())
