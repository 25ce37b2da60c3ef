"""Findings about a file: where, at which path, and one sentence that may be printed anywhere.

Nothing here may repeat what could be a credential: a key pasted into the wrong place is the commonest mistake
with such files, and the sentence about it goes to a terminal, a log and a ticket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 32  # API keys are longer: of those, a few characters must do
_BEGINNING = 8
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")  # API keys are longer than 32, or have other characters


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding; sorts by line. `line` counts from 1, 0 is the file as a whole; `path` may be empty."""

    line: int
    path: str
    sentence: str

    def at(self, source: str) -> str:
        """The finding as one printable line, `config.yaml:12: accounts[0].exchange: ...`."""
        place = f"{source}:{self.line}" if self.line else source
        return ": ".join(part for part in (place, self.path, self.sentence) if part)


def quoted(text: str, limit: int = _SHOWN) -> str:
    """A value from the file for use in a sentence: in quotes, on one line, cut short when it is long."""
    shown = text if len(text) <= limit else text[:_BEGINNING] + "..."
    return '"' + "".join(_escaped(c) for c in shown) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else ascii(character)[1:-1]


def quoted_key(key: str) -> str:
    """A key from the file for use in a sentence; empty when it looks like no name: it may be a secret."""
    return quoted(key) if _NAME.fullmatch(key) else ""


def listed(known: Iterable[str]) -> str:
    """What is known to work, sorted, for the end of a sentence."""
    return "known: " + ", ".join(sorted(known))


def nearest(word: str, known: Iterable[str]) -> str:
    """The beginning of a hint when the word looks like a slip of the pen, otherwise empty."""
    import difflib  # noqa: PLC0415 - only a file with a slip of the pen needs it

    close = difflib.get_close_matches(word.lower(), sorted(known), n=1)
    return f"did you mean {quoted(close[0])}? " if close else ""
