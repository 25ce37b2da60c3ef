"""The connection budget of the process, shared by the threads of all streams."""

from __future__ import annotations

import threading

from exporter.core.backoff import ConnectionBudget


class SharedBudget:
    """`ConnectionBudget` behind a lock: venues count connections by address, and the process has one."""

    def __init__(self, budget: ConnectionBudget) -> None:
        self._budget = budget
        self._lock = threading.Lock()

    def reserve(self, now: float) -> float:
        """Take the next free slot; seconds until it may be used, from monotonic `now`."""
        with self._lock:
            return self._budget.reserve(now)

    def paused(self, now: float) -> float:
        """Seconds that are left of a pause."""
        with self._lock:
            return self._budget.paused(now)

    def pause(self, until: float) -> None:
        """The venue said that we connect too often: give out no slot before monotonic `until`."""
        with self._lock:
            self._budget.pause(until)
