"""Whose turn it is to use a key: a venue wants rising nonces, so nobody may overtake a login."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from exporter.exchanges.base import Nonces

T = TypeVar("T")
LOOK: Final = 0.2
"""Seconds between two looks at whether to give up waiting."""


class KeyTurn:
    """The nonces of one key, and the rule that keeps them in order at the venue.

    Between the making of a login's nonce and its answer, no other nonce of the key is made. A login never
    waits for a request that is under way: that one may come late and fail, and is simply asked again.
    """

    def __init__(self, nonces: Nonces) -> None:
        self._nonces = nonces
        self._changed = threading.Condition(threading.RLock())
        self._holder: object | None = None

    def nonce(self) -> int:
        """The next, larger nonce."""
        with self._changed:
            return self._nonces.next()

    def begin_login(self, who: object, *, seconds: float, stopping: Callable[[], bool]) -> bool:
        """Wait for the turn of a login; False when it did not come in time, and then go on all the same."""
        with self._changed:
            free = self._wait(seconds, stopping)
            self._holder = who
            return free

    def end_login(self, who: object) -> None:
        """The login was answered, or given up. Idempotent."""
        with self._changed:
            if self._holder is who:
                self._holder = None
                self._changed.notify_all()

    def read(self, make: Callable[[], T], *, seconds: float, stopping: Callable[[], bool]) -> T | None:
        """What `make` gives, called while no login is under way; None when it was not to be had in time."""
        with self._changed:
            return make() if self._wait(seconds, stopping) else None

    def _wait(self, seconds: float, stopping: Callable[[], bool]) -> bool:
        left = seconds
        while self._holder is not None:
            if left <= 0 or stopping():
                return False
            self._changed.wait(min(left, LOOK))
            left -= LOOK
        return True
