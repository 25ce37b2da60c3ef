"""Movements against simulated venues: whatever goes wrong, every change of a balance is accounted for."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.model import Key, Wallet
from exporter.demo.accounts import ACCOUNTS
from exporter.exchanges.base import Endpoints, Login, Wanted
from exporter.exchanges.bitopro import SPEC as BITOPRO
from exporter.exchanges.bitopro import simulator as bitopro
from exporter.exchanges.bitopro.venue import demo_venue as bitopro_venue
from tests.flows import credited, debited

Pair = Callable[..., tuple[Any, Any]]
START: Final = 1_700_000_000.0
BASE: Final = "ws://127.0.0.1:1/x"


def exact(value: float) -> Decimal:
    """A float as the decimal that the venue wrote."""
    return Decimal(repr(value))


class Accountant:
    """Looks at an account again and again, and demands that the movements add up each time."""

    def __init__(self, follower: Any) -> None:
        self.follower = follower
        self.first: dict[Key, Decimal] = {}
        self.looks = 0

    def look(self) -> None:
        """For every wallet: first balance and movements are what is shown, and the counters their sum."""
        state = self.follower.state
        report = state.report(self.follower.now.monotonic)
        net: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (_, currency), amount in state.movements.net.items():
            net[currency] += amount
        for currency, amount in net.items():
            credit = sum(value for where, value in credited(report.movements).items() if where[0] == currency)
            debit = sum(value for where, value in debited(report.movements).items() if where[0] == currency)
            assert credit - debit == pytest.approx(float(amount), rel=1e-9, abs=1e-6)
        fresh = not self.first
        for key, row in report.view.tables.get("wallets", {}).items():
            assert isinstance(row, Wallet)
            assert row.balance is not None
            first = exact(row.balance) - state.movements.net[key]
            # A wallet that appears later was empty before.
            assert self.first.setdefault(key, first if fresh else Decimal(0)) == first
            self.looks += 1
        for row in report.view.gone.get("wallets", ()):
            key = (row.wallet, row.currency)
            assert self.first[key] + state.movements.net[key] == 0


FAULTS = st.sampled_from(
    [
        *("lose", "drop", "restart", "maintain", "end maintenance"),
        *("garbage", "stall", "withdraw", "deposit", "go on"),
    ]
)


def play(venue: Any, fault: str) -> None:
    """One trouble of the venue, or a payment, told or not depending on who listens."""
    books = venue.books["demo-main"]
    if fault == "lose":
        venue.lose()
    elif fault == "drop":
        venue.drop()
    elif fault == "restart":
        venue.restart()
    elif fault == "garbage":
        venue.say('[0,"wu",["exchange",5]]')
    elif fault == "withdraw":
        books.change("exchange", "BTC", Decimal("-0.01"), "Bitcoin Withdrawal #5 on wallet exchange")
    elif fault == "deposit":
        books.change("funding", "XRP", Decimal("12.5"), "Deposit (RIPPLE) #6 on wallet funding")
    elif fault in ("maintain", "end maintenance"):
        venue.faults.stalled = False
        venue.maintain(on=fault == "maintain")
    else:
        venue.faults.stalled = fault == "stall"


@settings(max_examples=100)
@given(st.integers(0, 10**6), st.lists(st.tuples(FAULTS, st.integers(1, 24)), max_size=10))
def test_movements_add_up_through_any_faults(
    follow_demo: Pair, seed: int, schedule: list[tuple[str, int]]
) -> None:
    """Over drops, losses, restarts and maintenance the movements of every wallet are its change, always."""
    follower, venue = follow_demo(seed=seed, script=())
    accountant = Accountant(follower)
    for _ in range(12):
        follower.step()
        accountant.look()
    for fault, steps in schedule:
        play(venue, fault)
        for _ in range(steps):
            follower.step()
            accountant.look()
    venue.faults.stalled = False
    venue.maintain(on=False)
    for _ in range(200):
        follower.step()
    accountant.look()
    assert accountant.looks


NOTES: Final = {
    "Exchange": "trade",
    "Position closed": "trade",
    "Collateral of": "trade",
    "Trading fees": "fee",
    "Margin Funding Payment": "interest",
    "Margin Funding Charge": "funding",
    "Deposit": "deposit",
    "Withdrawal": "withdrawal",
    "Transfer": "transfer",
}
"""What the demo's books write, and what that is."""


@pytest.mark.parametrize("account", [0, 1])
def test_every_change_of_a_quiet_life_is_booked_by_its_reason(follow_demo: Pair, account: int) -> None:
    """Sums by currency and reason are those of the venue's books, and nothing is other or unobserved."""
    follower, venue = follow_demo(account=account, script=())
    for _ in range(8):
        follower.step()
    assert follower.state.report(follower.now.monotonic).streams[0].is_up
    books = venue.books["demo-main" if account == 0 else "demo-lender"]
    truth: dict[tuple[bool, str, str], Decimal] = defaultdict(Decimal)
    change = books.change

    def noted(kind: str, currency: str, delta: Decimal, note: str, *rest: Any) -> None:
        (reason,) = (found for words, found in NOTES.items() if note.startswith(words))
        if delta:
            truth[delta > 0, currency, reason] += abs(delta)
        change(kind, currency, delta, note, *rest)

    before = follower.state.report(follower.now.monotonic).movements
    books.change = noted
    for _ in range(1200):
        follower.step()
    after = follower.state.report(follower.now.monotonic).movements
    found = {
        (rises, *where): round(amount - old.get(where, 0.0), 6)
        for rises, new, old in (
            (True, credited(after), credited(before)),
            (False, debited(after), debited(before)),
        )
        for where, amount in new.items()
        if amount != old.get(where, 0.0)
    }
    assert found == {where: round(float(amount), 6) for where, amount in truth.items()}
    reasons = {reason for _, _, reason in found}
    assert reasons >= ({"trade", "fee"} if account == 0 else {"interest"})


def test_what_happened_while_away_is_unobserved(follow_demo: Pair) -> None:
    """A withdrawal during an outage is a debit that nobody saw, and not a withdrawal of nothing."""
    follower, venue = follow_demo(script=())
    for _ in range(8):
        follower.step()
    venue.world.maintenance = True  # the accounts stand still
    follower.step()
    before = debited(follower.state.report(follower.now.monotonic).movements)
    venue.drop()
    follower.step(0.0)
    books = venue.books["demo-main"]
    books.change("exchange", "BTC", Decimal("-0.25"), "Bitcoin Withdrawal #5 on wallet exchange")
    books.log.clear()  # nobody is there to be told
    for _ in range(40):
        follower.step()
    report = follower.state.report(follower.now.monotonic)
    assert report.streams[0].connects == 2
    changed = {where: amount - before[where] for where, amount in debited(report.movements).items()}
    assert {where: amount for where, amount in changed.items() if amount} == {("BTC", "unobserved"): 0.25}


@pytest.mark.parametrize("seed", range(4))
def test_movements_of_a_venue_without_texts(follow: Callable[..., Any], seed: int) -> None:
    """Where pushes give no reason they add up all the same, as other, and no other reason is pretended."""
    venue = bitopro_venue(random.Random(seed), origin=START, script=())  # noqa: S311 - the seed is the point
    who = next(account for account in ACCOUNTS if account.exchange == "bitopro")

    def connect(stream: str) -> bitopro.Simulator:
        wanted = Wanted(Endpoints(BASE, "", ""), frozenset(BITOPRO.feeds))
        shake = BITOPRO.streams[stream].converse(follower.login, wanted).handshake(follower.now)
        path = shake.url.removeprefix(BASE)
        admission = bitopro.admit(venue, path, shake.headers, follower.now.wall)
        assert isinstance(admission, bitopro.Admission)
        return bitopro.Simulator(venue, admission)

    follower = follow("bitopro", connect, who.api_key, who.api_secret)
    follower.login = Login(follower.login.api_key, follower.login.sign, follower.login.nonce, who.identity)
    accountant = Accountant(follower)
    for second in range(240):
        follower.step(0.5)
        accountant.look()
        if second == 120:
            venue.drop()
    movements = follower.state.report(follower.now.monotonic).movements
    assert {reason for _, reason in credited(movements)} == {"other", "unobserved"}
    assert sum(credited(movements).values()) > 0
