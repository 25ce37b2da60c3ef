"""What a page shows of one account, and what that was made of: only what changed is made anew."""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Sequence

from exporter.exposition.catalogue import BY_NAME
from exporter.exposition.page import Block, Page, histogram, prefix, spell
from exporter.exposition.samples import (
    Families,
    HistogramSection,
    Labels,
    PageSection,
    RowSection,
    Samples,
    Section,
    Series,
    Value,
)


class Lines:
    """Lines that are made together: their values, and their places on the page where they have one."""

    __slots__ = ("blocks", "indices", "values")

    def __init__(self) -> None:
        self.values: tuple[Value, ...] = ()
        self.blocks: list[Block | None] = []
        self.indices: list[int] = []


class _Rows:
    """A table's rows as they were, each with its lines."""

    def __init__(self) -> None:
        self.inputs: tuple[object, ...] | None = None
        self.rows: dict[object, tuple[object, Lines]] = {}


class _Piece:
    """A section's series as they were, with their lines."""

    def __init__(self) -> None:
        self.inputs: tuple[object, ...] | None = None
        self.made_at = 0.0
        self.until: float | None = None
        self.series: list[Series] = []
        self.lines = Lines()


class Book:
    """The lines of one account, or of what belongs to none when the labels it begins with say so.

    Lives and dies with the page: after `clear` nothing of it is left there.
    """

    def __init__(self, page: Page, begin: Labels, counted: Container[str] = (), owner: object = None) -> None:
        self.owner = owner
        self._page = page
        self._begin = begin
        self._counted = counted
        self._rows: dict[str, _Rows] = {}
        self._pieces: dict[str, _Piece] = {}
        self._given: dict[str, _Piece] = {}
        self.counted = 0
        """Series there are now of the families to be counted."""
        self.is_cut = False
        """Whether its owner shows only a part of the account here."""

    def write(self, sections: Iterable[PageSection], wall: float) -> None:
        """Bring the page up to date at Unix second `wall`. What no section speaks of any more is gone."""
        spoken: set[str] = set()
        for section in sections:
            spoken.add(section.name)
            if isinstance(section, RowSection):
                self._write_rows(section)
            elif isinstance(section, HistogramSection):
                self._write_histograms(section)
            else:
                self._write_piece(section, wall)
        if len(spoken) < len(self._rows) + len(self._pieces):
            self._forget(spoken)

    def put(self, name: str, families: Families) -> None:
        """Have exactly these samples, labels whole, beside what is written; the name is for the next time."""
        self._show(self._given.setdefault(name, _Piece()), families)

    def _show(self, piece: _Piece, families: Families) -> None:
        values = tuple(value for samples in families.values() for value in samples.values())
        series = [(family, labels) for family, samples in families.items() for labels in samples]
        if series != piece.series:
            self._rearrange(piece, series)
        self._update(piece.lines, values, lambda: series)

    def clear(self) -> None:
        """Take every line out."""
        self._forget(())
        for piece in self._given.values():
            self._discard(piece.lines)
        self._given.clear()
        self.is_cut = False

    def _forget(self, spoken: Container[str]) -> None:
        for name in [name for name in self._rows if name not in spoken]:
            for _, lines in self._rows.pop(name).rows.values():
                self._discard(lines)
        for name in [name for name in self._pieces if name not in spoken]:
            self._discard(self._pieces.pop(name).lines)

    def _write_piece(self, section: Section, wall: float) -> None:
        piece = self._pieces.get(section.name)
        if piece is None:
            piece = self._pieces[section.name] = _Piece()
        is_timely = piece.until is None or piece.made_at <= wall < piece.until
        if is_timely and _are_same(piece.inputs, section.inputs):
            return
        samples = Samples(*self._begin)
        piece.until = section.write(samples)
        piece.made_at = wall
        self._show(piece, samples.families)
        # Last: what failed half way is not done.
        piece.inputs = section.inputs

    def _write_rows(self, section: RowSection[object, object]) -> None:
        table = self._rows.get(section.name)
        if table is None:
            table = self._rows[section.name] = _Rows()
        if _are_same(table.inputs, section.inputs):
            return
        rows, known, same = section.rows(), table.rows, section.same
        for key, row in rows.items():
            old = known.get(key)
            if old is None:
                lines = Lines()
            elif same(old[0], row):
                continue
            else:
                lines = old[1]
            # Known first, so that what fails half way can be cleared.
            known[key] = (row, lines)
            self._update(lines, section.values(key, row), self._whole(section, key, row))
        if len(known) > len(rows):
            for key in [key for key in known if key not in rows]:
                self._discard(known.pop(key)[1])
        table.inputs = section.inputs

    def _write_histograms(self, section: HistogramSection) -> None:
        table = self._rows.get(section.name)
        if table is None:
            table = self._rows[section.name] = _Rows()
        if _are_same(table.inputs, section.inputs):
            return
        known, names, rows = table.rows, BY_NAME[section.name].labels, section.rows()
        for labels, row in rows.items():
            old = known.get(labels)
            if old is not None and old[0] == row:
                continue
            lines = Lines() if old is None else old[1]
            text = histogram(section.name, names, labels, section.bounds, row)
            known[labels] = (row, lines)
            if lines.blocks and lines.blocks[0] is not None:
                self._page.replace(lines.blocks[0], lines.indices[0], text)
            else:
                block, index = self._page.add(section.name, text)
                lines.blocks, lines.indices = [block], [index]
        for gone in [gone for gone in known if gone not in rows]:
            self._discard(known.pop(gone)[1])
        table.inputs = section.inputs

    def _whole(
        self, section: RowSection[object, object], key: object, row: object
    ) -> Callable[[], Sequence[Series]]:
        begin = self._begin
        return lambda: [(name, begin + labels) for name, labels in section.series(key, row)]

    def _update(
        self, lines: Lines, values: tuple[Value, ...], series: Callable[[], Sequence[Series]]
    ) -> None:
        """Show these values: a line for each that is known."""
        before = lines.values
        if values == before:
            return
        if len(values) != len(before):
            self._discard(lines)
            before = (None,) * len(values)
            lines.blocks, lines.indices = [None] * len(values), [0] * len(values)
        named: Sequence[Series] | None = None
        for index, (value, old) in enumerate(zip(values, before, strict=True)):
            if value == old:
                continue
            block = lines.blocks[index]
            if block is not None and value is not None:
                self._page.change(block, lines.indices[index], value)
                continue
            if value is None:
                self._remove(lines, index)
                continue
            named = named or series()
            self._add(lines, index, named[index], value)
        lines.values = values

    def _add(self, lines: Lines, index: int, series: Series, value: float) -> None:
        name, labels = series
        line = prefix(name, BY_NAME[name].labels, labels) + spell(value)
        lines.blocks[index], lines.indices[index] = self._page.add(name, line)
        self.counted += name in self._counted

    def _remove(self, lines: Lines, index: int) -> None:
        block = lines.blocks[index]
        if block is not None:
            self._page.remove(block, lines.indices[index])
            lines.blocks[index] = None
            self.counted -= block.family.name in self._counted

    def _discard(self, lines: Lines) -> None:
        for index in range(len(lines.blocks)):
            self._remove(lines, index)
        lines.values = ()

    def _rearrange(self, piece: _Piece, series: list[Series]) -> None:
        """Other series than before: what is in both keeps its line."""
        lines = piece.lines
        places = {each: index for index, each in enumerate(piece.series)}
        for each in places.keys() - series:
            self._remove(lines, places[each])
        kept = [places.get(each) for each in series]
        lines.blocks = [None if index is None else lines.blocks[index] for index in kept]
        lines.indices = [0 if index is None else lines.indices[index] for index in kept]
        lines.values = tuple(None if index is None else lines.values[index] for index in kept)
        piece.series = series


def _are_same(before: tuple[object, ...] | None, now: tuple[object, ...]) -> bool:
    return before is not None and len(before) == len(now) and all(map(operator.is_, before, now))
