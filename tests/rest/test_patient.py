"""Asking until there is an answer, and reading a ledger back page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from exporter.core.backoff import RequestBudget
from exporter.core.past import Entry
from exporter.exchanges.reads import Ask, Fault
from exporter.rest.client import Answer, RequestFailed
from exporter.rest.patient import PASSING, PatientAsker, Unanswered, read_back


class Venue:
    """Answers from a list; a reason stands for a fault, and `network` for no reply at all."""

    def __init__(self, *replies: str, per_minute: int = 6000) -> None:
        self.replies = list(replies)
        self.now = 0.0
        self.asked: list[float] = []
        self.pauses: list[float] = []
        self.asker = PatientAsker(self, RequestBudget(per_minute), clock=lambda: self.now, pause=self._pause)

    def send(self, _ask: Ask) -> Answer:
        """Give the next reply."""
        self.asked.append(self.now)
        reply = self.replies.pop(0) if self.replies else "yes"
        if reply == "network":
            raise RequestFailed("network")
        return Answer(200, reply.encode())

    def ask(self) -> str:
        """Ask once, patiently."""
        return self.asker.ask(lambda: Ask("GET", "x", {}), self._understand)

    def _understand(self, _status: int, body: bytes) -> str | Fault:
        word = body.decode()
        return word if word == "yes" else Fault(word, f"reading failed: {word}")

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.mark.parametrize("reason", sorted(PASSING - {"timeout", "dns", "tls", "rate_limit"}))
def test_what_may_pass_is_asked_again(reason: str) -> None:
    """After a passing trouble the same is asked again, later each time, and the answer counts."""
    venue = Venue(reason, reason)
    assert venue.ask() == "yes"
    assert venue.pauses == [2.0, 10.0]


def test_a_rate_limit_is_given_its_minute() -> None:
    """Asked too often: nothing for at least 60 seconds."""
    venue = Venue("rate_limit")
    assert venue.ask() == "yes"
    assert venue.pauses == [60.0]


@pytest.mark.parametrize("reason", ["auth", "clock", "unreadable", "other"])
def test_what_does_not_pass_ends_at_once(reason: str) -> None:
    """A refused key or a strange reply is not asked again; the sentence says why."""
    venue = Venue(reason)
    with pytest.raises(Unanswered, match=f"^reading failed: {reason}$") as error:
        venue.ask()
    assert error.value.reason == reason
    assert venue.pauses == []


def test_patience_has_an_end() -> None:
    """Five attempts, then the last trouble is told."""
    venue = Venue(*["network"] * 9)
    with pytest.raises(Unanswered, match=r"^the request got no reply \(network\)$"):
        venue.ask()
    assert len(venue.asked) == 5


def test_the_rate_limit_of_the_venue_is_kept() -> None:
    """In any minute no more is asked than the budget says, its first burst included."""
    venue = Venue(per_minute=30)
    for _ in range(100):
        venue.ask()
    for at in venue.asked:
        assert sum(at <= other < at + 60.0 for other in venue.asked) <= 45
    assert venue.now >= 150.0


def ledger(moments: Sequence[int], rows: int) -> Callable[[float], Sequence[Entry]]:
    """A venue's ledger by its milliseconds, `rows` lines a page, the newest first."""
    entries = [Entry(number, "exchange", "USD", at / 1000, 1.0, 1.0) for number, at in enumerate(moments)]

    def page(until: float) -> Sequence[Entry]:
        found = [each for each in reversed(entries) if round(each.at * 1000) <= round(until * 1000)]
        return found[:rows]

    return page


@pytest.mark.parametrize("rows", [2, 3, 4, 7, 2500])
def test_every_line_is_read_once(rows: int) -> None:
    """Pages that cut a moment in two lose nothing and repeat nothing, whatever their size."""
    start = 1_700_000_000_000
    moments = [start + each for each in (0, 1, 5, 5, 9, 12, 12, 40, 41, 90)]
    told: list[int] = []
    found = read_back(
        ledger(moments, rows), start / 1000, start / 1000 + 1, lambda count, _oldest: told.append(count)
    )
    assert [each.id for each in found] == [*range(9, -1, -1)]
    assert told[-1] == 10


def test_an_empty_ledger_is_read_with_one_question() -> None:
    """No lines, no series, no loop."""
    assert read_back(lambda _until: (), 0.0, 10.0, lambda *_: None) == []


def test_a_ledger_that_repeats_itself_comes_to_an_end() -> None:
    """A venue that ignores the end of the span is given up: half a ledger would pass for the whole."""
    same = [Entry(2, "exchange", "USD", 9.0, 1.0, 1.0), Entry(1, "exchange", "USD", 8.0, 1.0, 1.0)]
    with pytest.raises(Unanswered, match="repeats what was not asked for"):
        read_back(lambda _until: same, 0.0, 10.0, lambda *_: None)


def test_lines_before_the_span_are_left_out() -> None:
    """A venue that goes back further than asked adds nothing."""
    lines = [Entry(2, "exchange", "USD", 9.0, 1.0, 1.0), Entry(1, "exchange", "USD", 1.0, 1.0, 1.0)]
    assert [each.id for each in read_back(lambda _until: lines, 5.0, 10.0, lambda *_: None)] == [2]
