"""How long to wait before the next connection: pure arithmetic on the history of attempts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

FIRST_DELAY: Final = 1.0
REFUSED_DELAY: Final = 600.0
REFUSED_SPREAD: Final = 300.0
STABLE_AFTER: Final = 60.0
REFUSALS_IN_A_ROW: Final = 5
"""A small nonce so many times in a row means a shared key or a moved clock, not bad luck."""


class Backoff:
    """Delays of one stream: half jitter under a doubling ceiling, forgotten after a stable while."""

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
        self._not_before = float("-inf")

    def reserve(self, now: float) -> float:
        """Take the next free slot and say how many seconds it lies ahead."""
        start = max(now, self._not_before)
        if len(self._slots) == self._limit:
            start = max(start, self._slots[0] + self._window)
        self._slots.append(start)
        return start - now

    def pause(self, until: float) -> None:
        """Give out no slot before `until`."""
        self._not_before = max(self._not_before, until)

    def paused(self, now: float) -> float:
        """Seconds that are left of a pause: it holds for slots too that were given out before it."""
        return max(0.0, self._not_before - now)


class RequestBudget:
    """About `per_minute` requests to one host, half of them at once, and none while it asked for a pause.

    Not safe for threads by itself.
    """

    def __init__(self, per_minute: int) -> None:
        self._rate = per_minute / 60.0
        self._most = max(1.0, per_minute / 2.0)
        self._tokens = self._most
        self._at = float("-inf")
        self._not_before = float("-inf")

    def take(self, now: float) -> float:
        """Take permission for one request: 0, or the seconds until asking again makes sense."""
        if now < self._not_before:
            return self._not_before - now
        if self._at > float("-inf"):
            self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self._rate
        self._tokens -= 1.0
        return 0.0

    def pause(self, until: float) -> None:
        """Give no permission before `until`."""
        self._not_before = max(self._not_before, until)


class Schedule:
    """When one stream may try again, from how its connections ended."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._refusals = 0

    def lived(self, seconds: float) -> None:
        """A connection was live for this long: old failures are forgotten once it was long enough."""
        if seconds > 0:
            self._refusals = 0
        if seconds >= STABLE_AFTER:
            self._backoff.stable()

    def soon(self) -> float:
        """Seconds to wait after an ordinary failure."""
        return self._backoff.delay()

    def later(self, seconds: float) -> float:
        """Seconds to wait where the venue asked for a pause: never less than it asked for."""
        return max(seconds, self._backoff.delay())

    def refused(self) -> float:
        """Seconds to wait after a refused key."""
        return self._backoff.refused_delay()

    def refused_for_now(self) -> bool:
        """Count a refusal that a new try may heal; True when it has failed to so often that it will not."""
        self._refusals += 1
        return self._refusals >= REFUSALS_IN_A_ROW


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
