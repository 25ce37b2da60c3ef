"""How long to wait before the next connection: pure arithmetic on the history of attempts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

FIRST_DELAY: Final = 1.0
REFUSED_DELAY: Final = 600.0
REFUSED_SPREAD: Final = 300.0
STABLE_AFTER: Final = 60.0


class Backoff:
    """Delays of one stream: full jitter under a doubling ceiling, forgotten after a stable while."""

    def __init__(self, *, maximum: float, random: Callable[[], float]) -> None:
        self._maximum = maximum
        self._random = random
        self._failures = 0

    def stable(self) -> None:
        """The last connection lasted: the next failure is a first one again."""
        self._failures = 0

    def delay(self) -> float:
        """Seconds to wait after one more failure; between half of the ceiling and the ceiling."""
        ceiling = min(self._maximum, FIRST_DELAY * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return ceiling * (0.5 + 0.5 * self._random())

    def refused_delay(self) -> float:
        """Seconds to wait after a refused key: 10 to 15 minutes, since it does not heal by itself."""
        return REFUSED_DELAY + REFUSED_SPREAD * self._random()


class ConnectionBudget:
    """At most `limit` attempts in any `window` seconds over all streams to one host.

    Not safe for threads by itself: its owner holds a lock around `reserve`.
    """

    def __init__(self, *, limit: int = 5, window: float = 15.0) -> None:
        self._limit = limit
        self._window = window
        self._slots: deque[float] = deque(maxlen=limit)

    def reserve(self, now: float) -> float:
        """Take the next free slot and say how many seconds it lies ahead."""
        start = now
        if len(self._slots) == self._limit:
            start = max(now, self._slots[0] + self._window)
        self._slots.append(start)
        return start - now


class ResyncGate:
    """Lets one forced resync through per `interval`: a gap must be mended, a storm must not be made."""

    def __init__(self, *, interval: float = 300.0) -> None:
        self._interval = interval
        self._next = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until a forced resync is allowed; 0 takes the permission."""
        if now >= self._next:
            self._next = now + self._interval
            return 0.0
        return self._next - now
