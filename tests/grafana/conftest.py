"""The committed dashboards, and what their queries are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

WORDS: Final = frozenset(
    ("and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset")
)
GROUPING: Final = ("by", "without", "on", "ignoring", "group_left", "group_right")
NO_METRIC_BEFORE: Final = ("(", "by", "without")
PIECES: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\{[^}]*\}|\[[^\]]*\]|\$?[a-zA-Z_:][\w:]*|\d[\w.]*|\S')
MATCHER: Final = re.compile(r'([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Query:
    """One query of a panel, an annotation or a variable's `label_values`."""

    board: str
    where: str
    expr: str
    instant: bool = False
    form: str = "time_series"

    def __str__(self) -> str:
        """Where to look."""
        return f"{self.board}: {self.where}: {self.expr}"

    @cached_property
    def pieces(self) -> Sequence[str]:
        """Names, numbers, signs, and whole strings, matchers and ranges."""
        return PIECES.findall(self.expr)

    @cached_property
    def selectors(self) -> Sequence[tuple[str, Mapping[str, str]]]:
        """Each metric that is read, with its matchers by label; without a name, the matchers alone."""
        return list(_selectors(self.pieces))

    @cached_property
    def grouping(self) -> frozenset[str]:
        """Labels in `by (...)`, `on (...)` and their like."""
        found: set[str] = set()
        for at, piece in enumerate(self.pieces):
            if piece in GROUPING and self.pieces[at + 1 : at + 2] == ["("]:
                end = self.pieces.index(")", at)
                found.update(each for each in self.pieces[at + 2 : end] if each != ",")
        return frozenset(found)

    @cached_property
    def made(self) -> frozenset[str]:
        """Labels that the query itself makes."""
        return frozenset(re.findall(r'label_replace\(.*?, "(\w+)", "[^"]*", "\w+", "[^"]*"\)', self.expr))


def _selectors(pieces: Sequence[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Metrics are the names that are no word of the language, no function and no label in a grouping."""
    closing = -1
    for at, piece in enumerate(pieces):
        following = pieces[at + 1] if at + 1 < len(pieces) else ""
        if piece in GROUPING and following == "(":
            closing = pieces.index(")", at)
        if piece.startswith("{"):
            before = pieces[at - 1] if at else ""
            yield (before if _is_name(before) else ""), dict(MATCHER.findall(piece))
        elif (
            at > closing
            and _is_name(piece)
            and piece not in WORDS
            and following[:1] != "{"
            and following not in NO_METRIC_BEFORE
        ):
            yield piece, {}


def _is_name(piece: str) -> bool:
    return re.fullmatch(r"[a-zA-Z_:][\w:]*", piece) is not None


@dataclass(frozen=True)
class Board:
    """A committed dashboard."""

    name: str
    json: Mapping[str, Any]

    @property
    def panels(self) -> Sequence[Mapping[str, Any]]:
        """What shows something: headings are left out."""
        return [panel for panel in self.json["panels"] if panel["type"] != "row"]

    @property
    def queries(self) -> Sequence[Query]:
        """Every query of panels and annotations."""
        found = [
            Query(self.name, panel["title"], target["expr"], target["instant"], target["format"])
            for panel in self.panels
            for target in panel.get("targets", ())
        ]
        marks = self.json["annotations"]["list"]
        return found + [Query(self.name, f"annotation {mark['name']}", mark["expr"]) for mark in marks]


@pytest.fixture(scope="session")
def folder(repository: Path) -> Path:
    """Where the dashboards are committed."""
    return repository / "grafana/dashboards"


@pytest.fixture(scope="session")
def boards(folder: Path) -> Sequence[Board]:
    """All committed dashboards."""
    found = [Board(path.stem, json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
    assert found
    return found


@pytest.fixture(scope="session")
def queries(boards: Sequence[Board]) -> Sequence[Query]:
    """Every query of every dashboard."""
    return [query for board in boards for query in board.queries]


@pytest.fixture(scope="session")
def recorded(repository: Path) -> frozenset[str]:
    """Names of all recorded rules."""
    groups = [
        group
        for path in (repository / "prometheus/rules").glob("*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    return frozenset(rule["record"] for group in groups for rule in group["rules"] if "record" in rule)
