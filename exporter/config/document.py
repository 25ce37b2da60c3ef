"""Strict YAML: text in, a tree of nodes that know their lines out. It knows nothing of what the keys mean.

PyYAML alone lets duplicate keys pass, reads `on` as true, `0123` as 83 and `12:30:45` as 45045, expands
aliases without limit and recurses as deep as the text asks. So only its parser is used, as a stream of
events, and the tree is built here: without recursion, with few scalar types, and with the text of each scalar
kept.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from exporter.config.problems import Problem, quoted_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_CHARACTERS: Final = 256 * 1024
MAX_DEPTH: Final = 32

Scalar: TypeAlias = "str | int | float | bool | None"

_BOOLEANS: Final = {"true": True, "false": False}
_NULLS: Final = frozenset({"", "~", "null"})
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")

# Beginnings of PyYAML's findings, and what to tell the user. Its own words may quote the text: none is shown.
_SENTENCES: Final = (
    ("found character '\\t'", "a tab where YAML wants spaces (indent with spaces)"),
    ("found character", "a value may not begin with this character (put the value in quotes)"),
    (
        "mapping values are not allowed",
        'a ": " where no key can stand (check the indentation, or quote the value)',
    ),
    ("could not find expected ':'", 'a line that is neither "key: value" nor "- item"'),
    ("expected <block end>", "indentation that fits nothing above it"),
    ("found unexpected end of stream", "a quote that is never closed"),
    ("found unexpected document separator", "a quote that is never closed"),
    ("expected ',' or", "a bracket that is never closed"),
    ("expected the node content", "a value that is broken off (a bracket that is never closed?)"),
    (
        "found unknown escape",
        "an unknown escape in double quotes (single quotes take everything as it stands)",
    ),
)
_AT_ITS_START: Final = ("could not find", "found unexpected", "expected ',' or")


@dataclass(frozen=True, slots=True, repr=False)
class Node:
    """One value of the document, its place (line and column from 1), and the line of the key it stands under.

    `text` is a scalar as written, without quotes; None for lists and mappings. Its repr shows no content: a
    document may hold secrets.
    """

    value: Scalar | list[Node] | dict[str, Node]
    line: int
    column: int
    text: str | None = None
    key_line: int = 0

    def __repr__(self) -> str:
        return f"<Node {self.kind} at line {self.line}, column {self.column}>"

    @property
    def kind(self) -> str:
        """What the node is, in words for a sentence: `got a list`."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        if self.value is None:
            return "nothing"
        if isinstance(self.value, bool):
            return "true or false"
        return "text" if isinstance(self.value, str) else "a number"


class DocumentError(Exception):
    """The text is no acceptable document. `problems` holds printable sentences with source and line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that could be read: the tree (None when the text is broken) and all that was found wrong."""

    root: Node | None
    problems: tuple[Problem, ...]


def load(text: str, *, source: str) -> Node:
    """The tree of one document; an empty text is a node holding None.

    `source` names the file in messages. Raises DocumentError with every problem found.
    """
    outcome = compose(text)
    if outcome.root is None or outcome.problems:
        raise DocumentError([problem.at(source) for problem in outcome.problems])
    return outcome.root


def compose(text: str) -> Outcome:
    """Like `load`, for callers that go on after a duplicate key to report what else is wrong."""
    if len(text) > MAX_CHARACTERS:
        return Outcome(None, (Problem(0, "", f"too large (at most {MAX_CHARACTERS} characters)"),))
    builder = _Builder()
    broken: Problem | None = None
    try:
        for event in _events(text):
            builder.take(event)
    except _BrokenError as error:
        broken = error.problem
    except yaml.YAMLError as error:
        broken = _explained(error, text)
    except (ValueError, OverflowError):  # PyYAML turns \UFFFFFFFF into a character without looking at it
        broken = Problem(0, "", "not valid YAML (an escape or a directive with a number that does not exist)")
    if broken is not None:
        return Outcome(None, (*builder.problems, broken))
    root = builder.root or Node(None, 1, 1, "", 1)
    return Outcome(root, tuple(builder.problems))


def _events(text: str) -> Iterator[Any]:
    """Parser events as they are read, so that a limit stops the work and not only the result."""
    return iter(yaml.parse(text, Loader=yaml.SafeLoader))


class _BrokenError(Exception):
    """The document cannot be read further."""

    def __init__(self, line: int, path: str, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = Problem(line, path, sentence)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    children: list[Node] | dict[str, Node]
    path: str
    key: str | None = None
    key_line: int = 0
    key_lines: dict[str, int] = field(default_factory=dict)

    def next_path(self) -> str:
        """The path of the value that comes next."""
        if isinstance(self.children, list):
            return f"{self.path}[{len(self.children)}]"
        name = (quoted_key(self.key or "") or '"..."').strip('"')
        return f"{self.path}.{name}" if self.path else name


class _Builder:
    """Events in, tree out."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []

    def take(self, event: Any) -> None:
        """Adds what the event brings."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise _BrokenError(line, "", "a second document begins here (expected one: remove the ---)")
        if isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._check(event, line)
            if isinstance(event, yaml.CollectionStartEvent):
                self._begin(event, line)
            else:
                self._scalar(event, line)

    def _check(self, event: Any, line: int) -> None:
        """Reports what YAML has and this dialect has not."""
        path = self._open[-1].next_path() if self._open and not self._expects_key() else ""
        if event.anchor is not None:
            advice = "write the value out, in quotes when it begins with & or *"
            self.problems.append(Problem(line, path, f"anchors and aliases are not supported ({advice})"))
        if getattr(event, "tag", None) is not None:
            advice = "remove it, or put the value in quotes when it begins with !"
            self.problems.append(Problem(line, path, f"tags are not supported ({advice})"))

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].children, dict) and self._open[-1].key is None

    def _begin(self, event: Any, line: int) -> None:
        if self._expects_key():
            raise _BrokenError(line, self._open[-1].path, "a list or mapping where a key is expected")
        path = self._open[-1].next_path() if self._open else ""
        if len(self._open) >= MAX_DEPTH:
            raise _BrokenError(line, "", f"nested too deep (at most {MAX_DEPTH} levels)")
        children: list[Node] | dict[str, Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._add(children, None, line, event.start_mark.column + 1)
        self._open.append(_Open(children, path))

    def _scalar(self, event: Any, line: int) -> None:
        text = getattr(event, "value", "")  # an alias has none
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise _BrokenError(line, "", "half a character (an escape between \\ud800 and \\udfff)")
        if self._expects_key():
            self._key(text, line)
            return
        plain = isinstance(event, yaml.AliasEvent) or event.style is None
        self._add(_resolved(text) if plain else text, text, line, event.start_mark.column + 1)

    def _key(self, text: str, line: int) -> None:
        top = self._open[-1]
        if text in top.key_lines:
            sentence = (
                f"duplicate key {quoted_key(text)}".rstrip() + f" (first on line {top.key_lines[text]})"
            )
            self.problems.append(Problem(line, top.path, sentence))
        top.key_lines.setdefault(text, line)
        top.key, top.key_line = text, line

    def _add(self, value: Any, text: str | None, line: int, column: int) -> None:
        if not self._open:
            self.root = Node(value, line, column, text, line)
            return
        top = self._open[-1]
        if isinstance(top.children, list):
            top.children.append(Node(value, line, column, text, line))
        elif top.key is not None:
            top.children.setdefault(top.key, Node(value, line, column, text, top.key_line))
            top.key = None


def _resolved(text: str) -> Scalar:
    """The value of a scalar without quotes; all that is not clearly something else is text."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not set(text).isdisjoint(".eE") and math.isfinite(float(text)):
        return float(text)
    return text


def _explained(error: yaml.YAMLError, text: str) -> Problem:
    """PyYAML's finding in our words, at the line where the user has to look."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(line, "", "not valid YAML: a control character")
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem(0, "", "not valid YAML")
    found = error.problem or ""
    mark = error.problem_mark or error.context_mark
    if error.context_mark is not None and found.startswith(_AT_ITS_START):
        mark = error.context_mark
    sentence = next((ours for theirs, ours in _SENTENCES if found.startswith(theirs)), "")
    return Problem(
        mark.line + 1 if mark else 0, "", f"not valid YAML: {sentence}" if sentence else "not valid YAML"
    )
