"""Counting a happening once, however often it is reported."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Once:
    """Remembers the last `limit` happenings by their identity."""

    def __init__(self, limit: int = 50_000) -> None:
        self._limit = limit
        self._seen: OrderedDict[Hashable, None] = OrderedDict()

    def __contains__(self, identity: Hashable) -> bool:
        return identity in self._seen

    def first(self, identity: Hashable) -> bool:
        """Whether this is the first report of it."""
        if identity in self._seen:
            return False
        self._seen[identity] = None
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return True
