"""What colours, thresholds and words of values mean, the same on every dashboard."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

GOOD: Final = "green"
WARN: Final = "orange"
BAD: Final = "red"
PLAIN: Final = "blue"
SECOND: Final = "purple"
QUIET: Final = "#8e8e9a"
"""Context: what was expected, offered, or is of no concern."""

STATES: Final = (
    ("connecting", "light-blue"),
    ("authenticating", "blue"),
    ("syncing", "semi-dark-blue"),
    ("live", GOOD),
    ("stale", WARN),
    ("backoff", BAD),
    ("maintenance", SECOND),
    ("stopped", QUIET),
)
"""States of a stream in the order of their numbers, from 1, and their colours."""


ONE_HUE: Final[Json] = {"mode": "shades", "fixedColor": PLAIN}
"""Where there are so many series that some would be red or green without meaning it."""
DASHED: Final[Json] = {"lineStyle": {"fill": "dash", "dash": [6, 4]}, "fillOpacity": 0}
"""How what was expected or configured is drawn beside what is."""


def steps(base: str, *above: tuple[float, str]) -> Json:
    """Thresholds: the colour below all, and from each value on another."""
    rest = [{"color": colour, "value": value} for value, colour in above]
    return {"mode": "absolute", "steps": [{"color": base, "value": None}, *rest]}


def words(*meanings: tuple[float, str, str]) -> list[Json]:
    """Value mappings: a number, the word for it, and its colour."""
    options = {
        f"{number:g}": {"text": text, "color": colour, "index": index}
        for index, (number, text, colour) in enumerate(meanings)
    }
    return [{"type": "value", "options": options}]


def paint(name: str, colour: str, **custom: Any) -> Json:
    """An override: the series of this name has this colour, and further settings of its drawing."""
    properties: list[Json] = [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}]
    properties += [{"id": f"custom.{key}", "value": value} for key, value in custom.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def paint_like(pattern: str, colour: str, **custom: Any) -> Json:
    """The same for all series whose name fits a pattern."""
    return {**paint("", colour, **custom), "matcher": {"id": "byRegexp", "options": f"/{pattern}/"}}


def column(name: str, **settings: Any) -> Json:
    """An override for a table's column: unit, decimals, custom.width and so on; `_` stands for a dot."""
    properties = [{"id": key.replace("__", "."), "value": value} for key, value in settings.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}
