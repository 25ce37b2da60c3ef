"""Numbers as venues write them, read strictly: what is doubtful is refused, never guessed at."""

from __future__ import annotations

import math


def decimal(value: object) -> float | None:
    """A finite decimal, number or text; None for null. Raises ValueError for anything else."""
    if value is None:
        return None
    if isinstance(value, int | float | str) and not _misread(value):
        try:
            result = float(value)
        except (ValueError, OverflowError):
            result = math.nan
        if math.isfinite(result):
            return result
    raise ValueError("not a number")


def _misread(value: float | str) -> bool:
    """Whether it is something that Python alone would take for a number: true for 1, 1_000 for a thousand."""
    return isinstance(value, bool) or (isinstance(value, str) and "_" in value)
