"""Executions that happened while nobody listened: asked for after each login, and counted once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.events import Fill
from exporter.core.model import Key
from exporter.core.stream import StreamReport
from exporter.logs import log

logger: Final = logging.getLogger(__name__)
SETTLE: Final = 5.0
"""Seconds after going live before the history is read: it may lag behind the stream a little."""
OVERLAP: Final = 120.0
"""Seconds by which a reading begins too early: both clocks may differ, and a loss is noticed late."""
AGAIN: Final = 15.0
LONGEST: Final = 600.0
"""A reading that failed is repeated after the first, then after twice as long, up to this."""
MILLISECOND: Final = 0.001

Page = Callable[[float], Sequence[Fill] | None]
"""Executions from a Unix second on, the oldest first, or None when there was no answer."""


class Recovery:
    """What the streams of one account may have missed. It outlives the pollers that work on it.

    Everything after `base`, a Unix second, is counted; nothing before it ever is.
    """

    def __init__(self, state: AccountState, base: float) -> None:
        self._state = state
        self._base = base
        self._known = base
        """Unix second until which nothing is missing."""
        self._caught_up: tuple[int, ...] | None = None
        """The connections, by their numbers, before which nothing is missing any more."""
        self._due = float("-inf")
        self._wait = AGAIN

    def step(self, clock: Callable[[], Instant], page: Page) -> None:
        """Read the history if a login was completed since the last time."""
        now = clock()
        streams = self._streams(now.monotonic)
        if not streams or not all(stream.is_up for stream in streams):
            return
        connections = tuple(stream.connects for stream in streams)
        if connections == self._caught_up:
            self._known = min(stream.liveness for stream in streams)
            return
        # By the clock that never steps: the other one may be set back by an hour.
        lasted = min(stream.lasted for stream in streams)
        if lasted < SETTLE or now.monotonic < self._due:
            return
        if self._read(page, now.wall - lasted + SETTLE):
            self._caught_up, self._wait = connections, AGAIN
        else:
            self._due = clock().monotonic + self._wait
            self._wait = min(2 * self._wait, LONGEST)

    def _read(self, page: Page, until: float) -> bool:
        """Page through the history up to a Unix second, after which it is the streams' to tell."""
        since = max(self._base, self._known - OVERLAP)
        seen: set[Key] = set()
        missed = 0
        while True:
            found = page(since)
            if found is None:
                return False
            fresh = [fill for fill in found if fill.id not in seen]
            missed += self._state.recover(
                fill for fill in fresh if fill.at is None or self._base < fill.at <= until
            )
            seen.update(fill.id for fill in fresh)
            # A page that is not full is no proof: the venue may give fewer rows than it was asked for.
            latest = max((fill.at for fill in found if fill.at is not None), default=0.0)
            if latest < since - MILLISECOND / 2 or latest > until:
                break
            since = latest if fresh else latest + MILLISECOND
        if missed:
            log(logger, logging.INFO, "executions that the stream missed are counted",
                exchange=self._state.exchange, account=self._state.account, count=missed)  # fmt: skip
        return True

    def _streams(self, now: float) -> Sequence[StreamReport]:
        with self._state.lock:
            return [stream.report(now) for stream in self._state.streams.values()]
