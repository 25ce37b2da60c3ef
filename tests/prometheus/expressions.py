"""What a PromQL expression names: metrics with their matched labels, other labels, and windows.

No parser: promtool judges the grammar. This only finds names, so that they can be held against the catalogue.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

WORDS: Final = {
    *(
        "and",
        "or",
        "unless",
        "bool",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "by",
        "without",
        "offset",
    ),
    *("inf", "nan", "sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values"),
    *("bottomk", "topk", "quantile"),
}
TOKEN: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<list>\b(?:by|without|on|ignoring|group_left|group_right)\s*\((?P<labels>[^)]*)\))
      | (?P<window>\[[^\]]*\])
      | (?P<matchers>\{[^}]*\})
      | (?P<number>\b\d[\w.]*)
      | (?P<name>[a-zA-Z_:][\w:]*)(?P<call>\s*\()?""",
    re.VERBOSE,
)
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Named(NamedTuple):
    """What stands in an expression."""

    metrics: dict[str, set[str]]
    """Each metric, and the labels that are matched on it."""
    labels: set[str]
    """Labels to group or join by."""
    made: set[str]
    """Labels that the expression itself makes."""
    windows: list[int]
    """Ranges in seconds."""


def scan(expression: str) -> Named:
    """Find every name in an expression that promtool has accepted."""
    found = Named({}, set(), set(re.findall(r'"(\w+)", "[^"]*", "\w*", "[^"]*"\)', expression)), [])
    last = ""
    for token in TOKEN.finditer(expression):
        if token["list"]:
            found.labels.update(re.findall(r"\w+", token["labels"]))
        elif token["window"]:
            found.windows.append(seconds(token["window"].strip("[]")))
        elif token["matchers"]:
            found.metrics[last].update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", token["matchers"]))
        elif token["name"] and not token["call"] and token["name"] not in WORDS:
            last = token["name"]
            found.metrics.setdefault(last, set())
    return found


def seconds(duration: str) -> int:
    """A duration such as 1h30m in seconds."""
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", duration))
