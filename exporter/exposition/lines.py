"""Lines that are made together, and how their values get onto the page."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from itertools import compress
from operator import ne
from typing import Any

from exporter.exposition.catalogue import BY_NAME
from exporter.exposition.page import Block, Page, prefix, spell
from exporter.exposition.samples import Families, Labels, Series, Value


class Lines:
    """Values, and the places of their lines on the page; a value that is not known has none."""

    __slots__ = ("blocks", "indices", "values")

    def __init__(self) -> None:
        self.values: tuple[Value, ...] = ()
        self.blocks: list[Block | None] = []
        self.indices: list[int] = []


class Listed(Lines):
    """Lines whose series may be others the next time."""

    __slots__ = ("series",)

    def __init__(self) -> None:
        super().__init__()
        self.series: list[Series] = []


class Mapped(Listed):
    """Lines of one family whose labels are the keys of a mapping."""

    __slots__ = ("keys",)

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[object] = []


class Writer:
    """Writes lines onto one page, and counts those of some families."""

    def __init__(self, page: Page, counted: Container[str] = ()) -> None:
        self._page = page
        self._counted = counted
        self.counted = 0
        """Series there are now of the families to be counted."""

    def update(self, lines: Lines, values: tuple[Value, ...], series: Callable[[], Sequence[Series]]) -> None:
        """Show these values; `series` is asked only for a line that is new."""
        before = lines.values
        if values == before:
            return
        if len(values) != len(before):
            self.discard(lines)
            before = (None,) * len(values)
            lines.blocks, lines.indices = [None] * len(values), [0] * len(values)
        changed = compress(range(len(values)), map(ne, values, before))
        named: Sequence[Series] | None = None
        for index in self._page.rewrite(lines.blocks, lines.indices, values, changed):
            value = values[index]
            if value is None:
                self._remove(lines, index)
            else:
                named = named or series()
                self._add(lines, index, named[index], value)
        lines.values = values

    def show(self, lines: Listed, families: Families) -> None:
        """Show exactly these samples, labels whole."""
        values = tuple([value for samples in families.values() for value in samples.values()])
        series = [(family, labels) for family, samples in families.items() for labels in samples]
        if series != lines.series:
            self._rearrange(lines, series)
        self.update(lines, values, lambda: series)

    def show_map(self, lines: Mapped, name: str, begin: Labels, values: Mapping[Any, float]) -> None:
        """Show exactly these values of one family; each key is the label or labels behind the first ones."""
        keys = list(values)
        if keys == lines.keys:
            self.update(lines, tuple(values.values()), lambda: lines.series)
            return
        samples = {begin + ((key,) if isinstance(key, str) else key): value for key, value in values.items()}
        self.show(lines, {name: samples})
        lines.keys = keys

    def put(self, lines: Lines, name: str, text: bytes) -> None:
        """Show a text of several lines at the one place of these lines."""
        if lines.blocks and lines.blocks[0] is not None:
            self._page.replace(lines.blocks[0], lines.indices[0], text, b"")
        else:
            block, index = self._page.add(name, text, b"")
            lines.blocks, lines.indices = [block], [index]

    def discard(self, lines: Lines) -> None:
        """Take the lines off the page."""
        for index in range(len(lines.blocks)):
            self._remove(lines, index)
        lines.values = ()

    def _add(self, lines: Lines, index: int, series: Series, value: float) -> None:
        name, labels = series
        head = prefix(name, BY_NAME[name].labels, labels)
        lines.blocks[index], lines.indices[index] = self._page.add(name, head, spell(value))
        self.counted += name in self._counted

    def _remove(self, lines: Lines, index: int) -> None:
        block = lines.blocks[index]
        if block is not None:
            self._page.remove(block, lines.indices[index])
            lines.blocks[index] = None
            self.counted -= block.family.name in self._counted

    def _rearrange(self, lines: Listed, series: list[Series]) -> None:
        """Other series than before: what is in both keeps its line."""
        places = {each: index for index, each in enumerate(lines.series)}
        for each in places.keys() - series:
            self._remove(lines, places[each])
        kept = [places.get(each) for each in series]
        lines.blocks = [None if index is None else lines.blocks[index] for index in kept]
        lines.indices = [0 if index is None else lines.indices[index] for index in kept]
        lines.values = tuple([None if index is None else lines.values[index] for index in kept])
        lines.series = series
