"""The clockwork of the demo: one seed, one history."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.demo.accounts import LENDER, MAIN
from exporter.demo.records import ZERO, Event, Happening, Wallet
from exporter.demo.script import CYCLE, SCRIPT, Step
from exporter.demo.world import QUANTUM, World

START = 1_700_000_000.0


def world_of(seed: int, **changes: object) -> World:
    """A world with both accounts of the demo."""
    rng = random.Random(seed)  # noqa: S311 - the seed is the point, not secrecy
    return World(rng, [MAIN, LENDER], origin=START, **changes)  # type: ignore[arg-type]


@given(
    seed=st.integers(0, 10_000),
    steps=st.lists(st.floats(0.01, 20, allow_nan=False), min_size=1, max_size=30),
)
@settings(max_examples=30, deadline=None)
def test_history_does_not_depend_on_how_often_time_is_told(seed: int, steps: list[float]) -> None:
    """Many irregular steps and one long one tell the same happenings."""
    stepped, at_once = world_of(seed), world_of(seed)
    told: list[Happening] = []
    now = START
    for step in steps:
        now += step
        told += stepped.advance(now)
    assert told == at_once.advance(now)


def test_another_seed_is_another_history() -> None:
    """Seeds differ in what happens."""
    assert world_of(1).advance(START + 60) != world_of(2).advance(START + 60)


def test_speed_multiplies_world_time_and_keeps_the_story() -> None:
    """At tenfold speed the same things happen in a tenth of the time."""
    slow = world_of(5).advance(START + 100)
    fast = world_of(5, speed=10.0).advance(START + 10)
    assert [h.event for h in slow] == [h.event for h in fast]
    assert fast[-1].at <= (START + 10) * 1000


def test_time_that_stands_still_or_runs_backwards_changes_nothing() -> None:
    """A clock that is set back does not undo or repeat history."""
    world = world_of(1)
    assert world.advance(START) == []
    assert world.advance(START + 10)
    assert world.advance(START + 10) == []
    assert world.advance(START - 100) == []


def test_something_happens_every_few_seconds_in_the_first_minute() -> None:
    """Whoever watches the demo's main account never waits 10 seconds for a change."""
    for seed in range(20):
        told = world_of(seed).advance(START + 60)
        moments = sorted({START * 1000} | {h.at for h in told if h.account == "demo-main"})
        assert max(later - earlier for earlier, later in itertools.pairwise(moments)) < 10_000


def test_a_fresh_world_has_something_of_everything_to_show() -> None:
    """Orders, both kinds of position, offers, lent and borrowed money and a wallet at 0 are there at once."""
    books = world_of(1).books["demo-main"]
    assert books.orders
    assert {position.derivative for position in books.positions.values()} == {False, True}
    assert {loan.side for loan in books.loans.values()} == {1, -1}
    assert books.wallets()["exchange", "LTC"] == (ZERO, ZERO)
    assert books.offers


def test_interest_is_paid_within_a_minute() -> None:
    """Lent money pays interest into the funding wallet while somebody looks."""
    told = world_of(1).advance(START + 60)
    notes = [h.value.note for h in told if isinstance(h.value, Wallet)]
    assert any("Margin Funding Payment" in (note or "") for note in notes)


def test_incidents_come_at_their_times_in_every_cycle() -> None:
    """The script repeats, and trading rests during maintenance."""
    told = world_of(1).advance(START + 2 * CYCLE)
    scripted = [step for step in SCRIPT if isinstance(step.what, Event)]
    expected = [(step.at + cycle, step.what) for cycle in (0.0, CYCLE) for step in scripted]
    assert [(h.at / 1000 - START, h.event) for h in told if h.account is None] == expected
    assert not [h for h in told if h.account and 150 <= h.at / 1000 - START < 165]


def test_every_scripted_moment_is_on_the_clock() -> None:
    """An incident between two quanta would never happen."""
    assert all(step.at % QUANTUM == 0 and step.at < CYCLE == step.every for step in SCRIPT)


def test_somebody_trades_while_a_link_is_down() -> None:
    """The moment a link is dropped brings an execution that the dropped session is not told of."""
    told = world_of(1, script=(Step(30.0, Event.LINK_DROPPED),)).advance(START + 40.0)
    dropped = next(number for number, each in enumerate(told) if each.event is Event.LINK_DROPPED)
    at_once = [each.event for each in told[dropped:] if each.at == told[dropped].at]
    assert Event.TRADE_SETTLED in at_once
