"""Rules in a hurry: what takes minutes, hours or days happens within seconds of a test.

They are the repository's own, with shorter durations; what they look at and compare with is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

SHORTER: Final[Mapping[str, str]] = {
    # Waits.
    r"for: \w+": "for: 3s",
    r"interval: 30s": "interval: 1s",
    # How long a state must have lasted, as far as that is no more than hours: longer windows only remember.
    r"(m(?:ax|in)_over_time\([\w:]+)\[(?:1m|5m|10m|6h)\]": r"\1[4s]",
    r"offset 6h": "offset 4s",
    r"(min_over_time\([\w:]+)\[30h\]": r"\1[14s]",
    r"offset 30h": "offset 14s",
    # How much of what was asked lately failed. Other counters keep their windows: one event is enough.
    r"(exchange_rest_request\w+)\[(?:15m|30m)\]": r"\1[8s]",
    # Ages that count from something the exporter has seen. Those of orders and offers are real: days.
    r"([<>]) (?:7200|21600)\b": r"\1 6",
    r"> 1800\b": "> 12",
    r"> 120\b": "> 8",
    r"> 3 \* exchange_stream_liveness": "> 1.05 * exchange_stream_liveness",
}
"""Regular expression to what stands in the place of each match."""


def hasten(rules: str) -> str:
    """The rules with short durations, for a scrape each second."""
    for pattern, shorter in SHORTER.items():
        rules = re.sub(pattern, shorter, rules)
    return rules
