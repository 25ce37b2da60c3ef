"""Adapter and state against the simulated venue, without sockets: what is shown is what the books say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.model import Contract, Offer, Order, Position, Row, Rows, Table, Wallet
from exporter.demo.books import Books

Pair = Callable[..., tuple[Any, Any]]


def until_up(follower: Any, *, steps: int = 400) -> None:
    """Let time pass until the account is up."""
    for _ in range(steps):
        follower.step()
        if follower.state.report(follower.now.monotonic).streams[0].is_up:
            return
    raise AssertionError(f"not up: {follower.state.report(follower.now.monotonic).streams[0]}")


def truth(books: Books) -> dict[str, dict[Any, float]]:
    """The amounts in the venue's books, table by table."""
    loans = books.loans.values()
    return {
        "wallets": {key: float(balance) for key, (balance, _) in books.wallets().items()},
        "orders": {order.id: abs(float(order.remaining)) for order in books.orders.values()},
        "positions": {position.id: float(position.amount) for position in books.positions.values()},
        "offers": {offer.id: float(offer.remaining) for offer in books.offers.values()},
        "credits": {loan.id: float(loan.amount) for loan in loans if loan.used_for},
        "loans": {loan.id: float(loan.amount) for loan in loans if not loan.used_for},
    }


def amount(row: Row) -> float | None:
    """The one amount of a row."""
    if isinstance(row, Wallet):
        return row.balance
    if isinstance(row, Order):
        return row.remaining
    assert isinstance(row, Position | Offer | Contract)
    return row.amount


def shown(tables: dict[Table, Rows]) -> dict[str, dict[Any, float | None]]:
    """The amounts that are shown, table by table."""
    whole = ("wallets", "orders", "positions", "offers", "credits", "loans")
    return {
        table: {key: amount(row) for key, row in tables[table].items()}  # type: ignore[index]
        for table in whole
    }


@pytest.mark.parametrize("account", [0, 1])
def test_quiet_life_equals_the_books(follow_demo: Pair, account: int) -> None:
    """Without faults the account is live within seconds, and equal to the books at every moment."""
    follower, venue = follow_demo(account=account, script=())
    until_up(follower, steps=8)
    books = venue.books["demo-main" if account == 0 else "demo-lender"]
    for _ in range(240):
        follower.step()
        report = follower.state.report(follower.now.monotonic)
        assert report.streams[0].is_up
        assert shown(report.view.tables) == truth(books)
    (stream,) = report.streams
    assert (stream.gaps, stream.malformed, stream.messages.get("other", 0)) == (0, {}, 0)
    assert follower.drops == []
    assert venue.violations == []
    assert report.tally.fills or account


def test_computed_values_are_filled_by_asking(follow_demo: Pair) -> None:
    """A while after the login every wallet and position is complete, and so are totals and margin."""
    follower, venue = follow_demo(script=())
    venue.faults.first_wave = False
    until_up(follower)
    venue.world.maintenance = True  # the accounts stand still
    for _ in range(120):
        follower.step()
    tables = follower.state.report(follower.now.monotonic).view.tables
    assert all(row.available is not None for row in tables["wallets"].values())
    assert all(row.leverage is not None for row in tables["positions"].values())
    assert {"totals", "margin", "funding_info"} <= set(tables)
    truth_of = venue.books["demo-main"].wallets()
    assert {key: row.available for key, row in tables["wallets"].items()} == {
        key: float(available) for key, (_, available) in truth_of.items()
    }
    assert venue.violations == []


def test_muted_answers_let_computed_values_expire(follow_demo: Pair) -> None:
    """A venue that no longer answers questions loses the computed values after 300 s, and stays up."""
    follower, venue = follow_demo(script=())
    until_up(follower)
    for _ in range(40):
        follower.step()
    venue.faults.mute_calc = True
    venue.world.maintenance = True
    for _ in range(320):
        follower.step(1.0)
    report = follower.state.report(follower.now.monotonic)
    assert report.streams[0].is_up
    assert all(row.available is None for row in report.view.tables["wallets"].values())
    assert report.view.tables["totals"] == {}


@pytest.mark.parametrize("numbered", [True, False])
def test_false_alarms_of_the_venue_are_no_gaps(follow_demo: Pair, *, numbered: bool) -> None:
    """Whichever way the venue numbers its answers to requests, no gap is seen."""
    follower, venue = follow_demo(script=())
    venue.faults.request_notices_numbered = numbered
    for _ in range(480):
        follower.step()
    (stream,) = follower.state.report(follower.now.monotonic).streams
    assert stream.gaps == 0
    assert follower.drops == []


@pytest.mark.parametrize("caps", ["object", "text", "quoted", "broken", "absent"])
def test_scopes_in_every_form(follow_demo: Pair, caps: str) -> None:
    """The account comes up whatever the form of the scopes, which are told where they can be read."""
    follower, venue = follow_demo(script=())
    venue.faults.caps = caps
    until_up(follower, steps=8)
    permissions = follower.state.report(follower.now.monotonic).permissions
    if caps in ("broken", "absent"):
        assert permissions is None
    else:
        assert permissions["orders", "read"] is True
        assert permissions["withdraw", "write"] is False
    assert {scope for scope, _ in permissions or ()} <= set(follower.spec.scopes)


def test_withheld_snapshot_is_never_up(follow_demo: Pair) -> None:
    """A snapshot that never comes keeps the account down, is named, and nothing is shown."""
    follower, venue = follow_demo(script=())
    venue.faults.withheld.add("fcs")
    for _ in range(200):
        follower.step()
        report = follower.state.report(follower.now.monotonic)
        assert not report.streams[0].is_up
        assert report.view.tables == {}
    assert {drop.reason for drop in follower.drops} == {"sync_timeout"}
    assert "credits" in follower.drops[0].sentence


def test_lost_frame_is_one_gap_and_one_resync(follow_demo: Pair) -> None:
    """A frame that is lost on the way is found at the next one, and mended by a new connection."""
    follower, venue = follow_demo(script=())
    until_up(follower)
    venue.lose()
    for _ in range(120):
        follower.step()
    report = follower.state.report(follower.now.monotonic)
    assert [drop.reason for drop in follower.drops] == ["gap"]
    assert report.streams[0].gaps == 1
    assert report.streams[0].is_up
    assert shown(report.view.tables) == truth(venue.books["demo-main"])


FAULTS = st.sampled_from(
    ["lose", "drop", "restart", "maintain", "end maintenance", "garbage", "stall", "go on"]
)


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.lists(st.tuples(FAULTS, st.integers(1, 24)), max_size=10))
def test_any_schedule_of_faults_shows_the_truth_or_nothing(
    follow_demo: Pair, seed: int, schedule: list[tuple[str, int]]
) -> None:
    """After any faults what is up equals the books, and afterwards the account comes up again."""
    follower, venue = follow_demo(seed=seed, script=())
    for fault, steps in schedule:
        play(venue, fault)
        for _ in range(steps):
            follower.step()
            if not venue.faults.stalled:
                equal_if_up(follower, venue)
    venue.faults.stalled = False
    venue.maintain(on=False)
    # A link that stalled catches up, and a frame lost before the last one shows at the next.
    until_up(follower)
    for _ in range(70):
        follower.step()
    until_up(follower)
    equal_if_up(follower, venue)
    assert venue.violations == []


def play(venue: Any, fault: str) -> None:
    """One trouble of the venue."""
    if fault == "lose":
        venue.lose()
    elif fault == "drop":
        venue.drop()
    elif fault == "restart":
        venue.restart()
    elif fault == "garbage":
        venue.say('[0,"wu",["exchange",5]]')
    elif fault in ("maintain", "end maintenance"):
        # A client that cannot be told of maintenance is not to blame for its questions.
        venue.faults.stalled = False
        venue.maintain(on=fault == "maintain")
    else:
        venue.faults.stalled = fault == "stall"


def equal_if_up(follower: Any, venue: Any) -> None:
    """What is up equals the books, unless a loss has not shown yet."""
    report = follower.state.report(follower.now.monotonic)
    if not report.streams[0].is_up:
        return
    if any(simulator for simulator in follower._far.values() if simulator._losing or venue.world.maintenance):
        return
    differs = shown(report.view.tables) != truth(venue.books["demo-main"])
    # A frame that was lost since the last number can show only at the next one.
    assert not differs or lost_since_the_last_number(follower)


def lost_since_the_last_number(follower: Any) -> bool:
    """Whether the far end has counted past what the conversation has seen."""
    (talk,), (far,) = follower._talks.values(), follower._far.values()
    return bool(far._public > (talk._audit._public or 0))
