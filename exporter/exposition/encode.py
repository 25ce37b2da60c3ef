"""Which exposition a scraper asked for.

`Accept` is input from strangers. It only ever selects from the formats below, so no header can make the
encoder fail or be echoed back; what asks for nothing we know gets the text format that every scraper reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ESCAPINGS = ("allow-utf-8", "underscores", "dots", "values")
DEFAULT_ESCAPING = "underscores"
RESPELLING: Final = ("dots", "values")
TEXT = "text/plain"
OPENMETRICS = "application/openmetrics-text"

# A real header has about five entries; more than this is no scraper's.
MAX_ENTRIES = 32

# Kind and asked version to the version we answer. No version asked: 1.0.0 of OpenMetrics, 0.0.4 of text.
_ANSWERS = {
    (OPENMETRICS, ""): "1.0.0",
    (OPENMETRICS, "1.0.0"): "1.0.0",
    (OPENMETRICS, "0.0.1"): "0.0.1",
    (TEXT, ""): "0.0.4",
    (TEXT, "0.0.4"): "0.0.4",
    (TEXT, "1.0.0"): "1.0.0",
    ("text/*", ""): "0.0.4",
    ("*/*", ""): "0.0.4",
}


@dataclass(frozen=True, slots=True)
class Format:
    """One exposition format. The escaping is named only where the version knows that parameter."""

    kind: str = TEXT
    version: str = "0.0.4"
    escaping: str = DEFAULT_ESCAPING

    @property
    def content_type(self) -> str:
        """The exact Content-Type; Prometheus 3 fails a scrape over a wrong one."""
        plain = f"{self.kind}; version={self.version}; charset=utf-8"
        return f"{plain}; escaping={self.escaping}" if self.version == "1.0.0" else plain

    @property
    def is_respelt(self) -> bool:
        """Whether names that every scraper can read are nevertheless spelt otherwise."""
        return self.escaping in RESPELLING


# What strangers send, and the one or two headers that every scrape repeats.
@lru_cache(maxsize=16)
def negotiate(accept: str) -> Format:
    """The format to answer with: of those we know the one of highest `q`, the first among equals."""
    best, best_quality = Format(), 0.0
    for entry in accept.split(",", MAX_ENTRIES)[:MAX_ENTRIES]:
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        values = {
            key.strip(): value.strip(' "') for key, _, value in (each.partition("=") for each in parameters)
        }
        version = _ANSWERS.get((kind, values.get("version", "")))
        quality = _quality(values.get("q", "1"))
        if version is None or quality <= best_quality:
            continue
        escaping = values.get("escaping", DEFAULT_ESCAPING)
        if version != "1.0.0" or escaping not in ESCAPINGS:
            escaping = DEFAULT_ESCAPING
        best = Format(OPENMETRICS if kind == OPENMETRICS else TEXT, version, escaping)
        best_quality = quality
    return best


def _quality(text: str) -> float:
    # The grammar of q is 0 to 1 with up to three digits; nonsense counts as not wanted.
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(text) <= len("0.000")):
        return 0.0
    return min(float(text), 1.0)
