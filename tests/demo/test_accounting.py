"""The books of the demo add up: nothing appears or vanishes but by what was told."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.demo.accounts import LENDER, MAIN
from exporter.demo.books import Books
from exporter.demo.records import ZERO, Event, Fill, Happening, Order, Position, Wallet, money
from exporter.demo.world import World

START = 1_700_000_000.0
SLIGHTLY = Decimal(-1)
PAYMENTS = ("Deposit", "Withdrawal", "Margin Funding")
SEEDS = st.integers(0, 2**32)


def world_of(seed: int) -> World:
    """A world with both accounts of the demo and without incidents."""
    rng = random.Random(seed)  # noqa: S311 - the seed is the point, not secrecy
    return World(rng, [MAIN, LENDER], origin=START, script=())


@given(seed=SEEDS, seconds=st.integers(1, 400))
@settings(max_examples=30, deadline=None)
def test_no_wallet_is_deep_in_debt_and_available_never_exceeds_the_balance(seed: int, seconds: int) -> None:
    """Balances stay above a trifle below 0; what is available is between 0 and the balance."""
    world = world_of(seed)
    world.advance(START + seconds)
    for books in world.books.values():
        for balance, available in books.wallets().values():
            assert balance > SLIGHTLY
            assert 0 <= available <= max(balance, ZERO)


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_holdings_move_by_exactly_what_was_told(seed: int) -> None:
    """Per currency: spot fills, fees, results of positions and payments with a note explain every change."""
    world = world_of(seed)
    for later in (60, 200, 400):
        states = {name: Replay(books) for name, books in world.books.items()}
        told = world.advance(START + later)
        for name, books in world.books.items():
            replayed = states[name]
            for happening in told:
                if happening.account == name:
                    replayed.hear(happening)
            held = books.held()
            assert {code: held[code] - replayed.sums[code] for code in held} == dict.fromkeys(held, ZERO)


class Replay:
    """Holdings as they follow from what was told; a position's result is worked out from its fill's price."""

    def __init__(self, books: Books) -> None:
        self.sums = defaultdict(Decimal, books.held())
        self._positions = dict(books.positions)
        self._ledger = dict(books.ledger)
        self._price = ZERO

    def hear(self, happening: Happening) -> None:
        """Take one happening into account."""
        match happening.value:
            case Fill() as fill if happening.event is Event.TRADE_SETTLED:
                self._price = fill.price
                if fill.room == "exchange":
                    self.sums[fill.pair.base] += fill.amount
                    self.sums[fill.pair.quote] -= money(fill.amount * fill.price)
                self.sums[fill.fee_currency] += fill.fee
            case Position() as position:
                self.sums[position.pair.quote] += self._realised(position)
                self._positions[position.id] = position
            case Wallet() as wallet:
                key = wallet.kind, wallet.currency
                before = self._ledger[key].balance if key in self._ledger else ZERO
                self._ledger[key] = wallet
                if (wallet.note or "").startswith(PAYMENTS):
                    self.sums[wallet.currency] += wallet.balance - before

    def _realised(self, after: Position) -> Decimal:
        """The result of closing a part of a position, less the funding cost that was settled with it."""
        before = self._positions.get(after.id)
        if before is None or before.amount == after.amount:
            return ZERO
        result = money((self._price - before.entry) * (before.amount - after.amount))
        result -= before.funding - after.funding
        return max(result, after.collateral - before.collateral) if before.derivative else result


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_an_order_is_filled_by_exactly_its_fills(seed: int) -> None:
    """The fills of each order that was placed and executed sum to its original amount."""
    told = world_of(seed).advance(START + 300)
    filled: defaultdict[int, Decimal] = defaultdict(Decimal)
    for happening in told:
        if happening.event is Event.TRADE and isinstance(happening.value, Fill):
            filled[happening.value.order_id] += happening.value.amount
    placed = {h.value.id for h in told if h.event is Event.ORDER_NEW and isinstance(h.value, Order)}
    ended = [h.value for h in told if h.event is Event.ORDER_GONE and isinstance(h.value, Order)]
    for order in ended:
        if order.id in placed:
            assert filled[order.id] == order.original - order.remaining
