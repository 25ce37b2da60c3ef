"""How far our clock may be ahead of the venue's: the message that came fastest knows best."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW: Final = 300.0
"""Seconds after which a message proves nothing about the clocks of now."""
STEP: Final = 15.0
"""Seconds whose messages are summed up in one figure."""


class Skew:
    """Least of arrival time less server time over the last minutes.

    No message arrives before it was sent, so the true difference of the clocks is at most this, and lower
    by what the fastest message was under way. Below 0, our clock is behind for sure.
    """

    def __init__(self) -> None:
        self._past: deque[tuple[float, float]] = deque()
        """Begin of each step that is over, monotonic, and the least of it."""
        self._begin = float("-inf")
        self._least = float("inf")
        """Of the present step."""

    def observe(self, seconds: float, now: float) -> None:
        """Take in arrival less server time of one message that came at monotonic `now`."""
        if now - self._begin < STEP:
            if seconds < self._least:  # noqa: PLR1730 - called for each read, and min is slow
                self._least = seconds
            return
        self._past.append((self._begin, self._least))
        self._begin, self._least = now, seconds
        while self._past and self._past[0][0] < now - WINDOW:
            self._past.popleft()

    def report(self, now: float) -> float | None:
        """The bound as of monotonic `now`, None when no message of the last minutes told its time."""
        steps = (*self._past, (self._begin, self._least))
        return min((least for begin, least in steps if begin >= now - WINDOW), default=None)
