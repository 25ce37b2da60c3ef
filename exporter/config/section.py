"""A mapping of the document while it is read: hands out values, collects what is wrong, and goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from exporter.config.problems import Problem, listed, nearest, quoted, quoted_key
from exporter.config.values import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from exporter.config.document import Node

T = TypeVar("T")


@dataclass(slots=True)
class Findings:
    """Everything found so far: `problems` refuse the file, `warnings` do not."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


class Section:
    """One mapping whose keys are known. Unknown keys are reported when it is made.

    A node that is None or holds nothing is an empty mapping: a section whose every key is commented out is no
    mistake.
    """

    def __init__(self, node: Node | None, path: str, findings: Findings, known: Collection[str]) -> None:
        self.path = path
        self.findings = findings
        self.line = (node.key_line or node.line) if node else 0
        self.is_mapping = node is None or node.value is None or isinstance(node.value, dict)
        self._children: dict[str, Node] = {}
        if node is None or node.value is None:
            return
        if not isinstance(node.value, dict):
            expected = f"expected a mapping, got {node.kind} ({listed(known)})"
            findings.problems.append(Problem(self.line, path, expected))
            return
        self._children = node.value
        for key, child in node.value.items():
            if key not in known:
                shown = quoted_key(key)
                sentence = f"unknown key {shown} ({nearest(key, known)}{listed(known)})"
                if not shown:
                    sentence = f"unknown key, not shown as it looks like no name ({listed(known)})"
                findings.problems.append(Problem(child.key_line, path, sentence))

    def __contains__(self, key: str) -> bool:
        return key in self._children

    def child(self, key: str) -> Node | None:
        """The node under the key, if there is one."""
        return self._children.get(key)

    def path_of(self, key: str) -> str:
        """The full path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, sentence: str) -> None:
        """Adds a problem of this key, or of the section when the key is empty or absent."""
        self.findings.problems.append(self._finding(key, sentence))

    def warn(self, key: str, sentence: str) -> None:
        """Adds a warning about this key."""
        self.findings.warnings.append(self._finding(key, sentence))

    def _finding(self, key: str, sentence: str) -> Problem:
        node = self._children.get(key)
        line = node.key_line if node else self.line
        return Problem(line, self.path_of(key) if key else self.path, sentence)

    def take(self, key: str, convert: Callable[[Node], T], default: T) -> T:
        """The value of a key; the default when it is absent or refused."""
        node = self._children.get(key)
        if node is None:
            return default
        try:
            return convert(node)
        except Refusal as refusal:
            self.refuse(key, str(refusal))
            return default

    def need(self, key: str, convert: Callable[[Node], T], expected: str) -> T | None:
        """The value of a key that must be there; None when it is not, or is refused."""
        if key not in self._children:
            self.refuse("", f"missing {quoted(key)} (expected {expected})")
            return None
        node = self._children[key]
        try:
            return convert(node)
        except Refusal as refusal:
            self.refuse(key, str(refusal))
            return None

    def items(self, key: str) -> list[Node]:
        """The nodes of a list; an absent or empty key is an empty list."""
        node = self._children.get(key)
        if node is None or node.value is None:
            return []
        if not isinstance(node.value, list):
            self.refuse(key, f"expected a list, got {node.kind}")
            return []
        return node.value

    def take_list(self, key: str, convert: Callable[[Node], str]) -> tuple[str, ...]:
        """The words of a list, in order; each wrong or repeated one is reported at its own line."""
        words: dict[str, int] = {}
        for number, node in enumerate(self.items(key)):
            path = f"{self.path_of(key)}[{number}]"
            try:
                text = convert(node)
            except Refusal as refusal:
                self.findings.problems.append(Problem(node.line, path, str(refusal)))
                continue
            if text in words:
                sentence = f"{quoted(text)} stands here twice (first as number {words[text]})"
                self.findings.problems.append(Problem(node.line, path, sentence))
            words.setdefault(text, number)
        return tuple(words)

    def take_amounts(
        self, key: str, check: Callable[[str], str], convert: Callable[[Node], float]
    ) -> dict[str, float]:
        """A mapping whose keys are free, such as currencies; `check` refuses a key that cannot be one."""
        node = self._children.get(key)
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            self.refuse(key, f"expected a mapping, got {node.kind}")
            return {}
        found: dict[str, float] = {}
        for name, child in node.value.items():
            try:
                found[check(name)] = convert(child)
            except Refusal as refusal:
                path = self.path_of(key)
                self.findings.problems.append(Problem(child.key_line, path, str(refusal)))
        return found
