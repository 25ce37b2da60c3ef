"""Executions missed while disconnected: asked for after each login, fetched whole, counted once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Final

import pytest

from exporter.core.clock import Instant
from exporter.core.events import Fill
from exporter.core.tally import TallyReport
from exporter.demo.records import Event
from exporter.demo.script import SCRIPT, Step
from exporter.exchanges.base import Endpoints, Login, Nonces
from exporter.exchanges.bitfinex.rest import READS
from exporter.exchanges.bitfinex.sim_rest import answer
from exporter.exchanges.reads import Fault
from exporter.follow import hmac_sha384
from exporter.rest.fills import LONGEST, OVERLAP, Recovery
from tests.simulated import EPOCH, Stage

HOSTS: Final = Endpoints("", "http://127.0.0.1:1", "")


class Desk:
    """A stage whose account's history is read once a second, as the poller would."""

    def __init__(self, script: Sequence[Step] = (), *, seconds: int = 125) -> None:
        self.stage = Stage(script=tuple(script))
        self.asked: list[float] = []
        self.broken = False
        self.recovery = Recovery(self.stage.state, EPOCH)
        account = self.stage.account
        self._login = Login(
            account.api_key.reveal(),
            partial(hmac_sha384, account.api_secret),
            # The session's nonces are in the same order as time; these lie between them.
            Nonces(lambda: self.stage.clock().wall, 1e6).next,
        )
        for second in range(1, seconds):
            self.stage.at(second + 0.25, lambda: self.recovery.step(self.stage.clock, self.page))

    def page(self, since: float) -> Sequence[Fill] | None:
        """Ask the simulated venue."""
        now = self.stage.clock()
        self.asked.append(now.monotonic)
        if self.broken:
            return None
        assert READS.fills is not None
        read = READS.fills(self._login, HOSTS, since)
        ask = read.ask()
        path = ask.url.removeprefix(HOSTS.rest)
        found = read.understand(
            *answer(self.stage.venue, ask.method, path, "", ask.headers, ask.body, now.wall)
        )
        assert not isinstance(found, Fault), found
        return found

    def traded(self) -> int:
        """How many executions the venue's own books have since the start."""
        books = self.stage.venue.books[self.stage.account.name]
        return sum(fill.at > EPOCH * 1000 for fill in books.trades)

    def tally(self) -> TallyReport:
        """The counters."""
        return self.stage.report().tally

    def compare_at(self, second: float) -> list[tuple[int, int]]:
        """What was counted and what happened at a second of the play, when it has passed."""
        found: list[tuple[int, int]] = []
        self.stage.at(second, lambda: found.append((sum(self.tally().fills.values()), self.traded())))
        return found


def test_fills_of_a_dropped_link_are_fetched_and_counted_once() -> None:
    """Through the demo's drop at 95 s, counted executions equal the venue's books, some by REST."""
    desk = Desk(SCRIPT)
    before, after = desk.compare_at(94.0), desk.compare_at(120.0)
    # Long enough away that the account trades meanwhile.
    desk.stage.obstacles.extend([lambda: desk.stage.clock.advance(8.0)])
    desk.stage.freeze(121.0)

    assert before[0][0] == before[0][1] > 0
    assert after[0][0] == after[0][1]
    assert desk.tally().recovered > 0


def test_without_the_history_the_same_drop_loses_fills() -> None:
    """The test above can fail: with a history that does not answer, executions are missing."""
    desk = Desk(SCRIPT)
    desk.broken = True
    after = desk.compare_at(120.0)
    desk.stage.obstacles.extend([lambda: desk.stage.clock.advance(8.0)])
    desk.stage.freeze(121.0)
    counted, happened = after[0]
    assert counted < happened
    assert desk.tally().recovered == 0


@pytest.mark.parametrize("rows", [3, 10, 2500])
def test_any_size_of_page_gives_the_whole(rows: int) -> None:
    """The venue may give fewer rows at once than it was asked for: pages are read until nothing is new."""
    desk = Desk((Step(60.0, Event.LINK_DROPPED),), seconds=90)
    desk.stage.venue.faults.rest_page = rows
    desk.stage.obstacles.extend([lambda: desk.stage.clock.advance(15.0)])
    found = desk.compare_at(88.0)
    desk.stage.freeze(89.0)
    assert found[0][0] == found[0][1]
    assert desk.tally().recovered > 0


class History:
    """An account that is up, and a history written by hand."""

    def __init__(self, base: float = EPOCH) -> None:
        self.stage = Stage()
        self.stage.freeze(10.0)
        self.now = self.stage.clock()
        self.pages: list[Sequence[Fill] | None] = []
        self.asked: list[float] = []
        self.recovery = Recovery(self.stage.state, base)

    def step(self, seconds: float = 0.0) -> None:
        """Let time pass on a living connection, then look."""
        self.now = Instant(self.now.monotonic + seconds, self.now.wall + seconds)
        self.stage.state.change("account", lambda stream: stream.heard(self.now))
        self.recovery.step(lambda: self.now, self._page)

    def reconnect(self) -> None:
        """The link breaks and is there again at once."""
        state = self.stage.state
        state.ended("account", "reset", "backoff", self.now, "the link broke")
        state.change("account", lambda stream: stream.connecting(self.now))
        state.change("account", lambda stream: stream.enter("live", self.now))

    @property
    def counted(self) -> int:
        """Executions that were counted, those of the stream included."""
        return sum(self.stage.report().tally.fills.values())

    def _page(self, since: float) -> Sequence[Fill] | None:
        self.asked.append(since)
        return self.pages.pop(0) if self.pages else ()


def fill(number: int, at: float | None) -> Fill:
    """An execution of the history."""
    return Fill(number, "BTC/USD", "buy", "taker", 1.0, 100.0, 0.2, "USD", at, final=True)


def test_nothing_before_the_start_is_counted() -> None:
    """What the venue tells of the time before the base is left alone, also when it lies in a page."""
    history = History()
    before = history.counted
    history.pages = [[fill(1, EPOCH - 1.0), fill(2, EPOCH), fill(3, EPOCH + 1.0)]]
    history.step()
    assert history.counted - before == 1
    assert history.asked[0] == EPOCH


def test_each_login_is_followed_by_one_reading() -> None:
    """A lasting connection asks nothing more; the next one asks from a little before the loss."""
    history = History()
    for _ in range(400):
        history.step(1.0)
    assert len(history.asked) == 1
    lost = history.now.wall
    history.reconnect()
    history.step(4.0)
    assert len(history.asked) == 1
    history.step(2.0)
    assert history.asked[1] == lost - OVERLAP


def test_what_a_stream_told_is_not_told_again_by_rest() -> None:
    """The same ids in overlapping readings count nothing."""
    history = History()
    history.pages = [[fill(1, EPOCH + 1.0), fill(2, EPOCH + 2.0)]]
    history.step()
    counted = history.counted
    history.reconnect()
    history.pages = [[fill(1, EPOCH + 1.0), fill(2, EPOCH + 2.0)]]
    history.step(10.0)
    assert history.counted == counted
    assert history.stage.report().tally.recovered == 2


def test_what_happened_after_the_login_is_left_to_the_stream() -> None:
    """An execution well after the login is the stream's to tell: REST does not run ahead of it."""
    history = History()
    before = history.counted
    history.pages = [[fill(1, history.now.wall + 30.0)]]
    history.step(60.0)
    assert history.counted == before


def test_a_failed_reading_is_repeated_ever_more_seldom_and_loses_nothing() -> None:
    """No answer: the same question again after 15 s, then 30, up to ten minutes, until one comes."""
    history = History()
    before = history.counted
    history.pages = [None] * 9
    times: list[float] = []
    while len(history.asked) < 9:
        asked = len(history.asked)
        history.step(1.0)
        times += [history.now.monotonic] * (len(history.asked) - asked)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == [15.0, 30.0, 60.0, 120.0, 240.0, 480.0, LONGEST, LONGEST]
    assert set(history.asked) == {EPOCH}
    history.pages = [[fill(1, EPOCH + 1.0)]]
    history.step(LONGEST)
    assert history.counted - before == 1


def test_a_page_that_fails_in_the_middle_keeps_what_was_counted() -> None:
    """The first page stands, and the repetition counts it no second time."""
    history = History()
    before = history.counted
    history.pages = [[fill(1, EPOCH + 1.0)], None]
    history.step()
    history.pages = [[fill(1, EPOCH + 1.0), fill(2, EPOCH + 2.0)]]
    history.step(20.0)
    assert history.counted - before == 2


def test_a_fill_without_a_time_is_counted_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    """A page on which no time can be read is not asked for ever; how many were missed is logged."""
    history = History()
    before = history.counted
    history.pages = [[fill(1, None)], [fill(1, None)]]
    with caplog.at_level(logging.INFO, logger="exporter.rest.fills"):
        history.step()
    assert history.counted - before == 1
    assert "executions that the stream missed are counted" in caplog.text


def test_a_history_that_ignores_the_question_is_not_asked_for_ever() -> None:
    """A venue that always sends the same page is left after three questions."""
    history = History()
    page = [fill(1, EPOCH + 1.0), fill(2, EPOCH + 2.0)]
    history.pages = [page] * 100
    history.step()
    assert len(history.asked) == 3


def test_nothing_is_asked_while_the_stream_is_down() -> None:
    """History waits for a completed login."""
    history = History()
    history.stage.state.ended("account", "reset", "backoff", history.now, "the link broke")
    history.step(60.0)
    assert history.asked == []


def test_a_clock_that_is_set_back_does_not_put_off_the_reading() -> None:
    """After a step of an hour to the past, the history is read as soon as ever after the login."""
    history = History(base=EPOCH - 7200.0)
    history.now = Instant(history.now.monotonic, history.now.wall - 3600.0)
    history.step(10.0)
    assert len(history.asked) == 1
