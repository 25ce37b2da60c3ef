"""Counting a happening once, however often it is reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable


class Once:
    """Remembers the last `limit` happenings by their identity."""

    def __init__(self, limit: int = 50_000) -> None:
        self._limit = limit
        self._seen: set[Hashable] = set()
        self._order: deque[Hashable] = deque()
        """The same, oldest first: a set and a queue take half the room and time of an ordered dictionary."""

    def __contains__(self, identity: Hashable) -> bool:
        return identity in self._seen

    def first(self, identity: Hashable) -> bool:
        """Whether this is the first report of it."""
        seen = self._seen
        if identity in seen:
            return False
        seen.add(identity)
        self._order.append(identity)
        if len(seen) > self._limit:
            seen.remove(self._order.popleft())
        return True
