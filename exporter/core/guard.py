"""A lock that tells whether anything may have happened under it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType


class Guard:
    """Whoever enters may change what is guarded. Who only reads, and who counts by himself, takes `lock`."""

    __slots__ = ("lock", "revision")

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        self.lock = lock
        self.revision = 0
        """While this stays, nothing was changed; changed only by who holds the lock."""

    def __enter__(self) -> None:
        self.lock.__enter__()
        self.revision += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lock.__exit__(kind, error, trace)
