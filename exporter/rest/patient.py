"""Asking one thing after the other until each is answered: for commands that a person waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from exporter.core.backoff import RequestBudget
from exporter.core.past import Entry
from exporter.exchanges.reads import Ask, Fault
from exporter.rest.asker import RATE_LIMIT_PAUSE, Client
from exporter.rest.client import RequestFailed

PASSING: Final = frozenset(
    ("nonce", "rate_limit", "maintenance", "server", "timeout", "dns", "tls", "network")
)
"""Reasons that may be gone when the same is asked again."""
WAITS: Final = (2.0, 10.0, 30.0, 60.0)
"""Seconds before each further attempt."""
MILLISECOND: Final = 0.001
T = TypeVar("T")


class Unanswered(Exception):  # noqa: N818 - it names the event, as RequestFailed does
    """There was no answer, also after waiting; the text says why, without secrets."""

    def __init__(self, fault: Fault) -> None:
        self.reason = fault.reason
        super().__init__(fault.sentence)


class PatientAsker:
    """Asks within a venue's rate limit, and again where that can help."""

    def __init__(
        self,
        client: Client,
        budget: RequestBudget,
        *,
        clock: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        self._client = client
        self._budget = budget
        self._clock = clock
        self._pause = pause

    def ask(self, make: Callable[[], Ask], understand: Callable[[int, bytes], T | Fault]) -> T:
        """The understood reply. Raises Unanswered."""
        for wait in (*WAITS, None):
            found = self._once(make, understand)
            if not isinstance(found, Fault):
                return found
            if wait is None or found.reason not in PASSING:
                raise Unanswered(found)
            self._pause(max(wait, RATE_LIMIT_PAUSE) if found.reason == "rate_limit" else wait)
        raise AssertionError  # pragma: no cover - the loop ends by itself

    def _once(self, make: Callable[[], Ask], understand: Callable[[int, bytes], T | Fault]) -> T | Fault:
        while (wait := self._budget.take(self._clock())) > 0:
            self._pause(wait)
        try:
            answer = self._client.send(make())
        except RequestFailed as failed:
            return Fault(failed.reason, str(failed))
        return understand(answer.status, answer.body)


def read_back(
    page: Callable[[float], Sequence[Entry]], start: float, end: float, told: Callable[[int, float], None]
) -> list[Entry]:
    """Every line of a ledger from `end` back to `start` (Unix seconds), the newest first, each once.

    `page` gives the newest lines up to a moment, as many as the venue likes; `told` hears how far it is.
    Raises Unanswered when no progress can be made, and what `page` raises.
    """
    seen: set[object] = set()
    found: list[Entry] = []
    until = end
    while until >= start:
        lines = page(until)
        if not lines:
            break
        fresh = [line for line in lines if line.id not in seen]
        oldest = min(line.at for line in lines)
        if fresh:
            seen.update(line.id for line in fresh)
            found += fresh
            told(len(found), oldest)
            # Again from the oldest on, that one included: lines of its millisecond may have been cut off.
            until = min(oldest, until)
        elif max(line.at for line in lines) > until + MILLISECOND:
            raise Unanswered(
                Fault("unreadable", "reading the ledger failed: it repeats what was not asked for")
            )
        else:
            until = min(oldest, until) - MILLISECOND
    return [line for line in found if line.at >= start]
