"""The page as lines in blocks: a scrape joins the blocks that changed, and copies nothing else.

Knows nothing of accounts. Every line has a place in a block of its family; whoever put it there keeps the
place and changes the line through it. Bodies that were handed out never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from prometheus_client.utils import floatToGoString

BLOCK_LINES: Final = 64
"""Lines of a block: one changed line costs a join of so many, and a body is a list of so many fewer."""
PLAIN: Final = 1e6
"""From here on Go writes a number with an exponent, and Python does not."""


class Head(NamedTuple):
    """A family's name in the text format, and its HELP and TYPE lines in both."""

    name: str
    text: bytes
    openmetrics: bytes


class Block:
    """Some lines of one family. A place whose line is gone is empty, and the next new line takes it."""

    __slots__ = ("bytes", "family", "lines", "place", "spare")

    def __init__(self, family: Family) -> None:
        self.family = family
        self.lines: list[bytes] = []
        self.spare: list[int] = []
        self.bytes: bytes | None = None
        """The lines together; None when one of them changed since."""
        self.place = 0
        """Where in a body this block stands."""


class Family:
    """The blocks of one family, in their order."""

    __slots__ = ("blocks", "head", "name", "roomy")

    def __init__(self, head: Head) -> None:
        self.name = head.name
        self.head = head
        self.blocks: list[Block] = []
        self.roomy: list[Block] = []
        """Blocks with room for a line, each once."""


Place = tuple[Block, int]


class Page:
    """Families of lines, and the two bodies made of them. Not safe for threads: its owner has a lock."""

    def __init__(self, heads: Iterable[Head]) -> None:
        self.families = {head.name: Family(head) for head in heads}
        self._stale: list[Block] = []
        self._texts: list[bytes] = []
        self._openmetrics: list[bytes] = []
        self._is_laid_out = False

    @property
    def is_changed(self) -> bool:
        """Whether anything changed since the last body."""
        return bool(self._stale) or not self._is_laid_out

    def add(self, name: str, line: bytes) -> Place:
        """Put a line into a family; gives its place."""
        family = self.families[name]
        if not family.roomy:
            block = Block(family)
            family.blocks.append(block)
            family.roomy.append(block)
            self._is_laid_out = False
        block = family.roomy[-1]
        if block.spare:
            index = block.spare.pop()
        else:
            index = len(block.lines)
            block.lines.append(b"")
        if not block.spare and len(block.lines) == BLOCK_LINES:
            family.roomy.pop()
        self.replace(block, index, line)
        return block, index

    def replace(self, block: Block, index: int, line: bytes) -> None:
        """Put another line at a place."""
        block.lines[index] = line
        if block.bytes is not None:
            block.bytes = None
            self._stale.append(block)

    def change(self, block: Block, index: int, value: float) -> None:
        """Give the line at a place another value."""
        line = block.lines[index]
        self.replace(block, index, line[: line.rindex(b" ") + 1] + spell(value))

    def remove(self, block: Block, index: int) -> None:
        """Take the line at a place out."""
        self.replace(block, index, b"")
        family = block.family
        if not block.spare and len(block.lines) == BLOCK_LINES:
            family.roomy.append(block)
        block.spare.append(index)
        if len(block.spare) == len(block.lines):
            family.blocks.remove(block)
            family.roomy.remove(block)
            self._is_laid_out = False

    def body(self, *, openmetrics: bool) -> Sequence[bytes]:
        """All families; the same object as the last time when no line changed since."""
        if not self._is_laid_out:
            self._lay_out()
        elif self._stale:
            # Copies, since the old ones may be on their way to a scraper.
            self._texts, self._openmetrics = self._texts.copy(), self._openmetrics.copy()
            for block in self._stale:
                self._texts[block.place] = self._openmetrics[block.place] = _joined(block)
        self._stale = []
        return self._openmetrics if openmetrics else self._texts

    def part(self, names: Iterable[str], *, openmetrics: bool) -> list[bytes]:
        """Only the families of these names."""
        self.body(openmetrics=openmetrics)
        found: list[bytes] = []
        for family in map(self.families.__getitem__, names):
            found.append(family.head.openmetrics if openmetrics else family.head.text)
            found.extend(_joined(block) for block in family.blocks)
        return found

    def _lay_out(self) -> None:
        """Give every block its place in fresh bodies."""
        texts: list[bytes] = []
        openmetrics: list[bytes] = []
        for family in self.families.values():
            texts.append(family.head.text)
            openmetrics.append(family.head.openmetrics)
            for block in family.blocks:
                block.place = len(texts)
                texts.append(_joined(block))
                openmetrics.append(texts[-1])
        self._texts, self._openmetrics, self._is_laid_out = texts, openmetrics, True


def _joined(block: Block) -> bytes:
    if block.bytes is None:
        block.bytes = b"".join(block.lines)
    return block.bytes


def prefix(name: str, names: Sequence[str], labels: Sequence[str]) -> bytes:
    """A line up to its value: labels in the order of their names, as the encoders of the library have it."""
    if not names:
        return f"{name} ".encode()
    pairs = ",".join(
        f'{label}="{_escaped(value)}"' for label, value in sorted(zip(names, labels, strict=True))
    )
    return f"{name}{{{pairs}}} ".encode()


def histogram(
    name: str,
    names: Sequence[str],
    labels: Sequence[str],
    bounds: Sequence[float],
    row: tuple[Sequence[int], float],
) -> bytes:
    """All lines of one histogram, which must stay together: buckets, count and sum."""
    counts, total = row
    lines: list[bytes] = []
    running = 0
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        running += count
        lines += (prefix(f"{name}_bucket", (*names, "le"), (*labels, bound)), spell(running))
    lines += (prefix(f"{name}_count", names, labels), spell(running))
    lines += (prefix(f"{name}_sum", names, labels), spell(total))
    return b"".join(lines)


def spell(value: float) -> bytes:
    """A value as Go writes it, and the end of the line. There is no -0: it would tell of nothing."""
    number = float(value) + 0.0
    if -PLAIN < number < PLAIN:
        return b"%a\n" % number
    # The library leaves this function without types.
    return b"%s\n" % floatToGoString(number).encode()  # type: ignore[no-untyped-call]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
