"""Reading single fields out of BitoPro's objects, tolerant of what the venue varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from exporter.exchanges.numbers import decimal

MILLIS: Final = 1000.0
LATEST_SECOND: Final = 1e11
"""A time above this is in milliseconds: as seconds it would lie three thousand years ahead."""

Fields = Mapping[str, object]


class UnreadableError(Exception):
    """A field or row has a shape that must not be guessed at. Never leaves this package."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def mapping(value: object) -> dict[str, object]:
    """A JSON object that must be one."""
    if not isinstance(value, dict):
        raise UnreadableError("payload")
    return value


def rows(value: object) -> list[dict[str, object]]:
    """A list of objects that must be one."""
    if not isinstance(value, list):
        raise UnreadableError("payload")
    return [mapping(each) for each in value]


def number(fields: Fields, name: str) -> float | None:
    """A decimal, text or not; None for null or missing."""
    try:
        return decimal(fields.get(name))
    except ValueError:
        raise UnreadableError("number") from None


def required_number(fields: Fields, name: str) -> float:
    """A decimal without which the object means nothing."""
    value = number(fields, name)
    if value is None:
        raise UnreadableError("payload")
    return value


def word(fields: Fields, name: str) -> str:
    """A text that must be there."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableError("payload")
    return value


def identity(fields: Fields, name: str) -> str:
    """An id, which the venue sends as a text or as a number: always as a text."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise UnreadableError("payload")
    return str(value)


def whole(fields: Fields, name: str) -> int | None:
    """A whole number, also when sent as a text; None for anything else."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def flag(fields: Fields, name: str) -> bool | None:
    """Yes or no, also when spelled out; None for anything else."""
    value = fields.get(name)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def seconds(fields: Fields, names: Sequence[str]) -> float | None:
    """The first time among some fields, in Unix seconds, from seconds or milliseconds."""
    for name in names:
        value = whole(fields, name)
        if value is not None and 0 < value < LATEST_SECOND * MILLIS:
            return value if value < LATEST_SECOND else value / MILLIS
    return None


def currency(text: str) -> str:
    """One spelling of a currency: the streams write upper case, REST writes lower case."""
    return text.upper()


def symbol(text: str) -> str:
    """`BASE/QUOTE` from `btc_twd`, `BTC_TWD` or our own spelling."""
    return text.upper().replace("_", "/", 1)


def venue_symbol(base: str, quote: str) -> str:
    """The venue's spelling of a pair."""
    return f"{base}_{quote}".lower()
