"""A table as it was read at one moment, which knows what is new in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Reading(dict[K, V]):
    """Rows by key, shared by all who read, and never changed afterwards.

    It knows by which keys it differs from the reading before: whoever saw that one need not look at all rows.
    """

    __slots__ = ("_before", "_changed", "mark")

    def __init__(
        self, rows: Mapping[K, V], before: Reading[K, V] | None = None, changed: Collection[K] = ()
    ) -> None:
        """`changed` names every key with another row than `before` has, or with a row in only one of both."""
        super().__init__(rows)
        self.mark = object()
        """Stands for this reading: the next one keeps this, lest it keep the whole past."""
        self._before = None if before is None else before.mark
        self._changed = changed

    def changed_since(self, seen: object) -> Collection[K] | None:
        """Keys that tell otherwise than in what was seen; None where only a look at all rows can tell."""
        if seen is self:
            return ()
        if isinstance(seen, Reading) and seen.mark is self._before:
            return self._changed
        return None
