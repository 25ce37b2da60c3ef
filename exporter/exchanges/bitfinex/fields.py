"""Reading single fields out of Bitfinex's positional rows, tolerant of what the venue varies."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.exchanges.numbers import decimal

MILLIS = 1000.0


class UnreadableError(Exception):
    """A field or row has a shape that must not be guessed at. Never leaves this package."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def rows_of(payload: object) -> list[Sequence[object]]:
    """The rows of a payload that may be one row, a list of rows, or empty."""
    if not isinstance(payload, list):
        raise UnreadableError("payload")
    if not payload:
        return []
    if not isinstance(payload[0], list):
        return [payload]
    if not all(isinstance(row, list) for row in payload):
        raise UnreadableError("payload")
    return payload


def at(row: Sequence[object], index: int) -> object:
    """The field at an index, None where the row is too short to have it."""
    return row[index] if index < len(row) else None


def number(row: Sequence[object], index: int) -> float | None:
    """A decimal, also when sent as a string; None for null or missing."""
    try:
        return decimal(at(row, index))
    except ValueError:
        raise UnreadableError("number") from None


def required_number(row: Sequence[object], index: int) -> float:
    """A decimal without which the row means nothing."""
    value = number(row, index)
    if value is None:
        raise UnreadableError("payload")
    return value


def word(row: Sequence[object], index: int) -> str:
    """A text that must be there."""
    value = at(row, index)
    if not isinstance(value, str) or not value:
        raise UnreadableError("payload")
    return value


def optional_word(row: Sequence[object], index: int) -> str:
    """A text, or an empty one where there is none."""
    value = at(row, index)
    return value if isinstance(value, str) else ""


def identity(row: Sequence[object], index: int) -> int | str:
    """An id: a whole number, or a text in its stead."""
    value = at(row, index)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise UnreadableError("payload")
    return value


def scalar(row: Sequence[object], index: int) -> int | float | str | None:
    """A plain value as a part of an identity; None for what is none."""
    value = at(row, index)
    return value if isinstance(value, int | float | str) else None


def seconds(row: Sequence[object], index: int) -> float | None:
    """A time in Unix seconds from milliseconds; None where it is missing, zero or no number."""
    value = at(row, index)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return value / MILLIS


def integer(value: object) -> int | None:
    """A whole number, also when sent as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def symbol(text: str) -> str:
    """`BASE/QUOTE` from `tBTCUSD` or `tDUSK:USD`; as given where it follows neither form."""
    name = text.removeprefix("t")
    base, colon, quote = name.partition(":")
    if colon:
        return f"{base}/{quote}"
    pair_length = 6
    if len(name) == pair_length:
        return f"{name[:3]}/{name[3:]}"
    return name


def venue_symbol(name: str) -> str:
    """The venue's spelling of `BASE/QUOTE`; a name without a slash is taken to be the venue's already."""
    base, slash, quote = name.partition("/")
    if not slash:
        return name
    code_length = 3
    colon = "" if len(base) == len(quote) == code_length else ":"
    return f"t{base}{colon}{quote}"


def funding_currency(text: str) -> str:
    """`USD` from `fUSD`; as given where there is no prefix."""
    return text[1:] if text.startswith("f") and len(text) > 1 else text
