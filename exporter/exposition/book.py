"""What a page shows of one account, and what that was made of: only what changed is made anew."""

from __future__ import annotations

import operator
from collections.abc import Container, Iterable, Mapping
from typing import Any

from exporter.core.reading import Reading
from exporter.exposition.catalogue import BY_NAME
from exporter.exposition.lines import Lines, Listed, Mapped, Writer
from exporter.exposition.page import Page, histogram
from exporter.exposition.samples import (
    Families,
    Group,
    HistogramSection,
    Labels,
    MapSection,
    PageSection,
    RowSection,
    Samples,
    Section,
)

Inputs = tuple[object, ...]


class _Made:
    """From what something was made, when, and until when it is right; Unix seconds, None for ever."""

    def __init__(self) -> None:
        self._inputs: Inputs | None = None
        self._at = 0.0
        self.until: float | None = None

    def is_right(self, inputs: Inputs, wall: float) -> bool:
        """Whether the same would come out again. A wall clock that was set back makes everything doubtful."""
        if self.until is not None and not self._at <= wall < self.until:
            return False
        before = self._inputs
        return before is not None and len(before) == len(inputs) and all(map(operator.is_, before, inputs))

    def begin(self) -> None:
        """It is being made: what fails half way is right for nobody."""
        self._inputs = None

    def done(self, inputs: Inputs, wall: float, until: float | None = None) -> None:
        """It was made."""
        self._inputs, self._at, self.until = inputs, wall, until


class _Piece(_Made):
    """A section and its lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = Listed()


class _Rows(_Made):
    """A section's rows as they were when it was last looked at, and the lines of each."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Mapping[Any, object] = {}
        self.beside: Inputs = ()
        self.lines: dict[Any, Lines] = {}


class _Map(_Made):
    """A mapping's lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = Mapped()


class _Chapter(_Made):
    """A group and its sections."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: dict[str, _Piece] = {}
        self.maps: dict[str, _Map] = {}
        self.tables: dict[str, _Rows] = {}


class Book:
    """The lines of one account; or of what is told once for all of them, and begins with no labels.

    Lives and dies with the page: after `clear` nothing of it is left there.
    """

    def __init__(self, page: Page, begin: Labels, counted: Container[str] = (), owner: object = None) -> None:
        self.owner = owner
        """Whatever decides how all of this looks."""
        self.is_cut = False
        """Whether its owner shows only a part of the account here."""
        self._writer = Writer(page, counted)
        self._begin = begin
        self._chapters: dict[str, _Chapter] = {}
        self._given: dict[str, tuple[Families | None, Listed]] = {}

    @property
    def counted(self) -> int:
        """Series there are now of the families to be counted."""
        return self._writer.counted

    def write(self, groups: Iterable[Group], wall: float) -> None:
        """Bring the page up to date at Unix second `wall`. What a group speaks of no more is gone."""
        for group in groups:
            chapter = self._chapters.get(group.name)
            if chapter is None:
                chapter = self._chapters[group.name] = _Chapter()
            elif chapter.is_right(group.inputs, wall):
                continue
            chapter.begin()
            until = self._write_chapter(chapter, group.sections(), wall)
            chapter.done(group.inputs, wall, until)

    def put(self, name: str, families: Families) -> None:
        """Have exactly these samples, labels whole, beside what is written; the name is for the next time."""
        before, lines = self._given.get(name) or (None, Listed())
        if families != before:
            # What fails half way can be cleared, and is right for nobody.
            self._given[name] = (None, lines)
            self._writer.show(lines, families)
            self._given[name] = (families, lines)

    def clear(self) -> None:
        """Take every line out."""
        for chapter in self._chapters.values():
            self._forget(chapter, ())
        for _, lines in self._given.values():
            self._writer.discard(lines)
        self._chapters, self._given = {}, {}
        self.is_cut = False

    def _write_chapter(self, chapter: _Chapter, sections: Iterable[PageSection], wall: float) -> float | None:
        spoken: set[str] = set()
        for section in sections:
            spoken.add(section.name)
            if isinstance(section, Section):
                piece = chapter.pieces.get(section.name)
                if piece is None:
                    piece = chapter.pieces[section.name] = _Piece()
                self._write_piece(piece, section, wall)
            elif isinstance(section, MapSection):
                self._write_map(chapter, section, wall)
            else:
                table = chapter.tables.get(section.name)
                if table is None:
                    table = chapter.tables[section.name] = _Rows()
                if not table.is_right(section.inputs, wall):
                    table.begin()
                    self._write_table(table, section)
                    table.done(section.inputs, wall)
        if len(spoken) < len(chapter.pieces) + len(chapter.maps) + len(chapter.tables):
            self._forget(chapter, spoken)
        ends = [piece.until for piece in chapter.pieces.values() if piece.until is not None]
        return min(ends, default=None)

    def _write_map(self, chapter: _Chapter, section: MapSection, wall: float) -> None:
        known = chapter.maps.get(section.name)
        if known is None:
            known = chapter.maps[section.name] = _Map()
        if not known.is_right((section.values,), wall):
            known.begin()
            self._writer.show_map(known.lines, section.name, self._begin, section.values)
            known.done((section.values,), wall)

    def _forget(self, chapter: _Chapter, spoken: Container[str]) -> None:
        for name in [name for name in chapter.pieces if name not in spoken]:
            self._writer.discard(chapter.pieces.pop(name).lines)
        for name in [name for name in chapter.maps if name not in spoken]:
            self._writer.discard(chapter.maps.pop(name).lines)
        for name in [name for name in chapter.tables if name not in spoken]:
            for lines in chapter.tables.pop(name).lines.values():
                self._writer.discard(lines)

    def _write_piece(self, piece: _Piece, section: Section, wall: float) -> None:
        if piece.is_right(section.inputs, wall):
            return
        piece.begin()
        samples = Samples(*self._begin)
        until = section.write(samples)
        self._writer.show(piece.lines, samples.families)
        piece.done(section.inputs, wall, until)

    def _write_table(self, table: _Rows, section: RowSection[Any, Any] | HistogramSection) -> None:
        rows, before, known = section.rows(), table.rows, table.lines
        is_same_beside = all(map(operator.is_, section.beside, table.beside))
        # What is shown of a row that fails half way is known, and can be cleared; the row is not.
        table.rows, table.beside = {}, section.beside
        for key in _changed(rows, before, by_value=section.by_value) if is_same_beside else rows:
            if key not in rows:
                continue
            lines = known.get(key)
            if lines is None:
                lines = known[key] = Lines()
            if isinstance(section, RowSection):
                self._write_row(section, key, rows[key], lines)
            else:
                names = BY_NAME[section.name].labels
                text = histogram(section.name, names, key, section.bounds, rows[key])
                self._writer.put(lines, section.name, text)
        if len(known) > len(rows):
            for key in [key for key in known if key not in rows]:
                self._writer.discard(known.pop(key))
        table.rows = rows

    def _write_row(self, section: RowSection[Any, Any], key: object, row: object, lines: Lines) -> None:
        begin = self._begin
        self._writer.update(
            lines,
            section.values(key, row),
            lambda: [(name, begin + labels) for name, labels in section.series(key, row)],
        )


def _changed(rows: Mapping[Any, object], before: Mapping[Any, object], *, by_value: bool) -> Iterable[Any]:
    """Keys of rows that are not as before; keys of rows that are gone may be among them."""
    if isinstance(rows, Reading) and (changed := rows.changed_since(before)) is not None:
        return changed
    if by_value:
        return [key for key, row in rows.items() if before.get(key) != row]
    return [key for key, row in rows.items() if before.get(key) is not row]
