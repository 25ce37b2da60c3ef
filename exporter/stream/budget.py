"""The connection budget of the process, shared by the threads of all streams."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from exporter.core.backoff import ConnectionBudget

SLACK: Final = 0.001
"""Seconds of a pause that may be left when a slot after its end is due: sums of floats are not exact."""


class SharedBudget:
    """`ConnectionBudget` behind a lock: venues count connections by address, and the process has one."""

    def __init__(self, budget: ConnectionBudget) -> None:
        self._budget = budget
        self._lock = threading.Lock()

    def reserve(self, now: float) -> float:
        """Take the next free slot; seconds until it may be used, from monotonic `now`."""
        with self._lock:
            return self._budget.reserve(now)

    def wait(
        self, clock: Callable[[], float], rest: Callable[[float], None], stopping: Callable[[], bool]
    ) -> None:
        """Take a slot and `rest` until it may be used, or until stopping.

        A pause that began meanwhile takes the slot away, or all that waited would connect at its end at once.
        """
        while True:
            rest(self.reserve(clock()))
            if stopping() or self.paused(clock()) < SLACK:
                return

    def paused(self, now: float) -> float:
        """Seconds that are left of a pause."""
        with self._lock:
            return self._budget.paused(now)

    def pause(self, until: float) -> None:
        """The venue said that we connect too often: give out no slot before monotonic `until`."""
        with self._lock:
            self._budget.pause(until)
