"""The page as lines in blocks: a scrape joins the blocks that changed, and copies nothing else.

Knows nothing of accounts. Every line has a place in a block of its family; whoever put it there keeps the
place and changes the line through it. Bodies that were handed out never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

import orjson
from prometheus_client.utils import floatToGoString

BLOCK_LINES: Final = 32
"""Lines of a block: one changed line costs a join of so many, and a body is a list of so many fewer."""
PLAIN_FROM: Final = 1e-4
PLAIN_TO: Final = 1e6
"""In between all the world writes a number the same way: the fewest digits that give it back, no exponent."""
SECONDS_FROM: Final = 1e9
SECONDS_TO: Final = 1e10
"""Unix times of our days, the larger part of all other numbers."""
ZERO: Final = b"0.0\n"


class Head(NamedTuple):
    """A family's name in the text format, and its HELP and TYPE lines in both."""

    name: str
    text: bytes
    openmetrics: bytes


class Block:
    """Some lines of one family, each as two pieces: all up to its value, and the value with the line's end.

    A place whose line is gone is empty, and the next new line takes it.
    """

    __slots__ = ("bytes", "family", "pieces", "place", "spare")

    def __init__(self, family: Family) -> None:
        self.family = family
        self.pieces: list[bytes] = []
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

    def add(self, name: str, head: bytes, tail: bytes) -> Place:
        """Put the two pieces of a line into a family; gives the place of the second."""
        family = self.families[name]
        if not family.roomy:
            block = Block(family)
            family.blocks.append(block)
            family.roomy.append(block)
            self._is_laid_out = False
        block = family.roomy[-1]
        if block.spare:
            at = block.spare.pop()
        else:
            block.pieces += (b"", b"")
            at = len(block.pieces) - 1
        if _is_full(block):
            family.roomy.pop()
        self.replace(block, at, head, tail)
        return block, at

    def replace(self, block: Block, at: int, head: bytes, tail: bytes) -> None:
        """Put another line at a place."""
        block.pieces[at - 1], block.pieces[at] = head, tail
        if block.bytes is not None:
            block.bytes = None
            self._stale.append(block)

    def rewrite(
        self,
        blocks: Sequence[Block | None],
        places: Sequence[int],
        values: Sequence[float | None],
        which: Iterable[int],
    ) -> list[int]:
        """Give lines other values; gives those of `which` that have no line, or no value.

        A page changes by this nearly alone, so it makes no call for a line: most values are plain ones.
        """
        stale, dumps, odd = self._stale, orjson.dumps, []
        for index in which:
            block, value = blocks[index], values[index]
            if block is None or value is None:
                odd.append(index)
                continue
            number = value + 0.0
            plain = PLAIN_FROM <= number < PLAIN_TO
            block.pieces[places[index]] = dumps(number) + b"\n" if plain else spell(number)
            if block.bytes is not None:
                block.bytes = None
                stale.append(block)
        return odd

    def remove(self, block: Block, at: int) -> None:
        """Take the line at a place out."""
        family = block.family
        if _is_full(block):
            family.roomy.append(block)
        self.replace(block, at, b"", b"")
        block.spare.append(at)
        if 2 * len(block.spare) == len(block.pieces):
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
        block.bytes = b"".join(block.pieces)
    return block.bytes


def _is_full(block: Block) -> bool:
    return not block.spare and len(block.pieces) == 2 * BLOCK_LINES


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
    names: tuple[str, ...],
    labels: tuple[str, ...],
    bounds: tuple[float, ...],
    row: tuple[Sequence[int], float],
) -> bytes:
    """All lines of one histogram, which must stay together: buckets, count and sum."""
    counts, total = row
    values = [*accumulate(counts), sum(counts), total]
    heads = _histogram_heads(name, names, labels, bounds)
    return b"".join([head + spell(value) for head, value in zip(heads, values, strict=True)])


# There are a few per exchange, and each changes at nearly every scrape.
@lru_cache(maxsize=256)
def _histogram_heads(
    name: str, names: tuple[str, ...], labels: tuple[str, ...], bounds: tuple[float, ...]
) -> tuple[bytes, ...]:
    bucket, inner = f"{name}_bucket", (*names, "le")
    return (
        *(prefix(bucket, inner, (*labels, bound)) for bound in (*map(str, bounds), "+Inf")),
        prefix(f"{name}_count", names, labels),
        prefix(f"{name}_sum", names, labels),
    )


def spell(value: float) -> bytes:
    """A value as Go writes it, and the end of the line. There is no -0: it would tell of nothing."""
    number = value + 0.0  # a float, in half of the time of its class; and -0 is 0
    if not number:
        return ZERO  # most counters of movements are: one object for all of them
    if PLAIN_FROM <= number < PLAIN_TO or -PLAIN_TO < number <= -PLAIN_FROM:
        # Joined to make a copy: what orjson gives is kept in a buffer of kilobytes.
        return orjson.dumps(number) + b"\n"
    if SECONDS_FROM <= number < SECONDS_TO:
        text = orjson.dumps(number)  # ten digits, the point, the rest
        return (text[:1] + b"." + text[1:10] + text[11:]).rstrip(b"0.") + b"e+09\n"
    # The library leaves this function without types.
    return b"%s\n" % floatToGoString(number).encode()  # type: ignore[no-untyped-call]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
