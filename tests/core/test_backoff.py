"""When the next connection may be tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.backoff import Backoff, ConnectionBudget, RequestBudget, ResyncGate, Schedule

MAXIMUM = 60.0
HALVES = 0.5


def backoff(luck: float) -> Backoff:
    """A backoff whose dice always fall the same."""
    return Backoff(maximum=MAXIMUM, random=lambda: luck)


@pytest.mark.parametrize(("luck", "factor"), [(0.0, 0.5), (1.0, 1.0)])
def test_delays_double_up_to_the_maximum(luck: float, factor: float) -> None:
    """The ceiling doubles with each failure up to the maximum, and a delay lies in its upper half."""
    delays = backoff(luck)
    assert [delays.delay() for _ in range(8)] == [
        factor * ceiling for ceiling in (1, 2, 4, 8, 16, 32, 60, 60)
    ]


@given(st.floats(0, 1), st.integers(1, 2000))
def test_delay_never_leaves_its_bounds(luck: float, failures: int) -> None:
    """However many failures there were, the delay is neither none nor above the maximum."""
    delays = backoff(luck)
    for _ in range(failures):
        assert 0.5 <= delays.delay() <= MAXIMUM


def test_stable_connection_forgives() -> None:
    """After a stable connection the next failure is a first one again."""
    delays = backoff(1.0)
    for _ in range(6):
        delays.delay()
    delays.stable()
    assert delays.delay() == 1.0


@given(st.floats(0, 1))
def test_refused_key_waits_ten_to_fifteen_minutes(luck: float) -> None:
    """A refused key is tried again after 10 to 15 minutes."""
    assert 600 <= backoff(luck).refused_delay() <= 900


@given(st.lists(st.tuples(st.floats(0, 20), st.one_of(st.none(), st.floats(0, 90))), max_size=60))
def test_budget_holds_in_every_window(steps: list[tuple[float, float | None]]) -> None:
    """No window of 15 seconds ever gets more than 5 connections, and none starts within a pause."""
    budget, now, pause = ConnectionBudget(), 1000.0, 0.0
    starts: list[float] = []
    for wait, paused in steps:
        now += wait
        if paused is not None:
            pause = max(pause, now + paused)
            budget.pause(now + paused)
        start = now + budget.reserve(now)
        assert start >= pause - 1e-6
        starts.append(start)
    assert starts == sorted(starts)
    for earlier, later in zip(starts, starts[5:], strict=False):
        assert later - earlier >= 15 - 1e-6


def test_budget_gives_out_free_slots_at_once() -> None:
    """Five connections may start together, the sixth has to wait for the window to pass."""
    budget = ConnectionBudget()
    assert [budget.reserve(100.0) for _ in range(6)] == [0, 0, 0, 0, 0, 15]


def test_pause_does_not_shorten() -> None:
    """A shorter pause asked for later does not end a longer one."""
    budget = ConnectionBudget()
    budget.pause(160.0)
    budget.pause(110.0)
    assert budget.reserve(100.0) == 60.0


@given(st.integers(1, 90), st.lists(st.floats(0, 30), max_size=80))
def test_requests_keep_to_their_rate(per_minute: int, waits: list[float]) -> None:
    """In any stretch of time no more requests are permitted than the rate gives, beyond a small start."""
    budget, now = RequestBudget(per_minute), 1000.0
    taken: list[float] = []
    for wait in waits:
        now += wait
        if budget.take(now) == 0.0:
            taken.append(now)
    burst = max(1.0, per_minute / 2.0)
    for first, start in enumerate(taken):
        for count, end in enumerate(taken[first:], start=1):
            assert count <= burst + (end - start) * per_minute / 60.0 + 1e-6


def test_request_that_must_wait_is_told_how_long() -> None:
    """Asking again after the time that was told is permitted, and a pause is kept."""
    budget = RequestBudget(6)
    assert [budget.take(100.0) for _ in range(2)] == [0.0, 0.0]
    assert budget.take(100.0) == 0.0
    assert budget.take(100.0) == 10.0
    assert budget.take(110.0) == 0.0
    budget.pause(200.0)
    budget.pause(150.0)
    assert budget.take(140.0) == 60.0
    assert budget.take(200.0) == 0.0


def test_schedule_forgets_failures_after_a_long_life() -> None:
    """A connection that was live for a minute makes the next failure a first one; a short one does not."""
    schedule = Schedule(backoff(1.0))
    assert [schedule.soon() for _ in range(3)] == [1, 2, 4]
    schedule.lived(59.0)
    assert schedule.soon() == 8
    schedule.lived(60.0)
    assert schedule.soon() == 1


def test_schedule_waits_at_least_as_long_as_asked() -> None:
    """Where the venue asks for a pause, the wait is never shorter, and longer if failures pile up."""
    schedule = Schedule(backoff(1.0))
    assert schedule.later(60.0) == 60.0
    for _ in range(6):
        schedule.soon()
    assert schedule.later(5.0) == MAXIMUM


def test_schedule_of_a_refused_key_is_slow() -> None:
    """A refused key waits for its slow turn whatever the backoff says."""
    assert Schedule(backoff(HALVES)).refused() == 750.0


def test_fifth_passing_refusal_in_a_row_is_none() -> None:
    """Small nonces five times in a row mean a shared key or a moved clock; a live spell between forgives."""
    schedule = Schedule(backoff(HALVES))
    assert [schedule.refused_for_now() for _ in range(4)] == [False] * 4
    schedule.lived(0.0)
    assert schedule.refused_for_now()
    schedule.lived(1.0)
    assert [schedule.refused_for_now() for _ in range(5)] == [False] * 4 + [True]


def test_one_forced_resync_in_five_minutes() -> None:
    """A gap is mended at once, the next one only when five minutes have passed since."""
    gate = ResyncGate()
    assert gate.wait(1000.0) == 0.0
    assert gate.wait(1060.0) == 240.0
    assert gate.wait(1299.0) == 1.0
    assert gate.wait(1300.0) == 0.0
    assert gate.wait(1301.0) == 299.0
