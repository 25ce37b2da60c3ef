"""One moment, read from both clocks, handed to the core by whoever owns a clock."""

from __future__ import annotations

from typing import NamedTuple


class Instant(NamedTuple):
    """A moment on two clocks: deadlines are measured on one, metrics show the other."""

    monotonic: float
    """Seconds of a clock that never steps: for ages, deadlines and trust."""
    wall: float
    """Unix seconds: for timestamps that a person or Prometheus reads."""
