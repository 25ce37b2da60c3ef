"""What a script can do to an account: the books stay right, and the account tells of it."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from typing import Final

import pytest

from exporter.demo.accounts import ETH_USD, LENDER, MAIN
from exporter.demo.books import Books, Profile
from exporter.demo.deeds import (
    DAY,
    HOUR,
    Booking,
    Deed,
    Ending,
    OldOffer,
    Overreach,
    Quote,
    Recall,
    Refusals,
    Rest,
    Squeeze,
    Transfer,
    Withdrawal,
    switch,
)
from exporter.demo.market import Market
from exporter.demo.records import ZERO, Event, Fault, Notice
from exporter.demo.world import Actor
from exporter.exchanges.bitfinex.sim_calc import margin_base
from exporter.exchanges.bitfinex.venue import Faults

NOW: Final = 1_700_000_000_000


def actor_of(profile: Profile = MAIN) -> Actor:
    """One of the demo's accounts as the world begins."""
    rng = random.Random(1)  # noqa: S311 - the seed is the point, not secrecy
    actor = Actor(profile, Market(rng), rng, itertools.count(1))
    actor.begin(NOW)
    return actor


@pytest.fixture
def actor() -> Actor:
    """The main account."""
    return actor_of()


@pytest.fixture
def books(actor: Actor) -> Books:
    """Its books."""
    return actor.books


def events(books: Books) -> list[Event]:
    """What was told, in order."""
    return [happening.event for happening in books.log]


@pytest.mark.parametrize(
    "deed",
    [
        Transfer(MAIN.name, "BTC", "exchange", "funding", keep="0.15"),
        Squeeze(MAIN.name, "0.05"),
        Quote(MAIN.name, ETH_USD, "0.1", days=9),
        Refusals(MAIN.name, ETH_USD, 3),
        OldOffer(MAIN.name, "USD", "500", days=5),
        Recall(MAIN.name, "USD"),
        Ending(MAIN.name, "USD", hours=6),
        Rest(MAIN.name),
    ],
)
def test_what_moves_nothing_out_of_the_account_leaves_its_sums(
    actor: Actor, books: Books, deed: Deed
) -> None:
    """Collateral and wallets together hold what they held."""
    before = books.held()
    deed.befall(actor)
    assert books.held() == before


def test_money_in_and_out_is_booked(actor: Actor, books: Books) -> None:
    """A booking changes its wallet by its amount, a withdrawal by a small part."""
    before = books.balance("exchange", "BTC")
    Booking(MAIN.name, "exchange", "BTC", "-0.03", "Withdrawal (BTC) #1 on wallet exchange").befall(actor)
    assert books.balance("exchange", "BTC") == before - Decimal("0.03")
    Withdrawal(MAIN.name, "BTC").befall(actor)
    assert ZERO < books.balance("exchange", "BTC") < before - Decimal("0.03")
    assert events(books)[0] is Event.WALLET


def test_a_transfer_leaves_what_it_is_to_keep(actor: Actor, books: Books) -> None:
    """The rest is in the other wallet."""
    Transfer(MAIN.name, "UST", "margin", "exchange", keep="0").befall(actor)
    assert books.balance("margin", "UST") == ZERO
    assert books.balance("exchange", "UST") == Decimal(500)


def test_who_rests_does_nothing(actor: Actor, books: Books) -> None:
    """Not one order, loan, payment or deposit in ten minutes."""
    Rest(MAIN.name).befall(actor)
    for quantum in range(1200):
        actor.act(quantum / 2)
    actor.execute()
    assert books.log == []


def test_an_old_order_rests_since_then(actor: Actor, books: Books) -> None:
    """It is in the book, as old as it is said to be, and below the market when it buys."""
    Quote(MAIN.name, ETH_USD, "0.1", days=9).befall(actor)
    order = list(books.orders.values())[-1]
    assert (order.created, order.remaining) == (NOW - 9 * DAY, Decimal("0.1"))
    assert order.price < actor.market.price(ETH_USD)


def test_refused_orders_never_exist(actor: Actor, books: Books) -> None:
    """Each is a notice of its own, and no order is in the book."""
    before = dict(books.orders)
    Refusals(MAIN.name, ETH_USD, 3).befall(actor)
    told = [each.value.order for each in books.log if isinstance(each.value, Notice)]
    assert len({order.client_id for order in told if order}) == 3
    assert books.orders == before


def test_an_overreach_brings_the_margin_to_its_level(actor: Actor, books: Books) -> None:
    """What the exchange would tell of margin is that many times the least; an open position grows."""
    Overreach(MAIN.name, "1.1").befall(actor)
    _, _, _, net, required = margin_base(books, actor.market)
    assert float(net) / float(required) == pytest.approx(1.1)
    Overreach(MAIN.name, "1.5").befall(actor)
    assert len([each for each in books.positions.values() if not each.derivative]) == 1


def test_a_squeeze_brings_the_liquidation_near(actor: Actor, books: Books) -> None:
    """The derivatives position would be liquidated after a move of less than a tenth."""
    Squeeze(MAIN.name, "0.05").befall(actor)
    (position,) = [each for each in books.positions.values() if each.derivative]
    price = books.computed(position, actor.market).liquidation_price
    assert abs(1 - price / actor.market.price(position.pair)) < Decimal("0.1")


def test_positions_are_for_those_who_may_have_them() -> None:
    """An account without margin and derivatives is left alone."""
    actor = actor_of(LENDER)
    Overreach(LENDER.name, "1.1").befall(actor)
    Squeeze(LENDER.name, "0.05").befall(actor)
    assert actor.books.log == []


def test_recalled_money_is_free(actor: Actor, books: Books) -> None:
    """Nothing of the currency is offered or lent any more, and the other currency is left alone."""
    Recall(MAIN.name, "USD").befall(actor)
    assert books.available("funding", "USD") == books.balance("funding", "USD")
    assert books.reserved("funding", "UST") > ZERO
    assert {Event.OFFER_GONE, Event.LOAN_GONE} <= set(events(books))


def test_loans_end_when_they_are_told_to(actor: Actor, books: Books) -> None:
    """All of the currency at one time; where nothing is lent, something is."""
    for _ in range(2):
        Ending(MAIN.name, "USD", hours=6).befall(actor)
        lent = [loan for loan in books.loans.values() if loan.side > 0 and loan.currency == "USD"]
        assert {loan.opened + loan.period * DAY for loan in lent} == {NOW + 6 * HOUR}
        Recall(MAIN.name, "USD").befall(actor)


def test_an_old_offer_waits_since_then(actor: Actor, books: Books) -> None:
    """At a rate far above the market."""
    OldOffer(MAIN.name, "USD", "500", days=5).befall(actor)
    offer = list(books.offers.values())[-1]
    assert offer.created == NOW - 5 * DAY
    assert offer.rate > 5 * actor.market.rate("USD")


def test_a_switch_that_is_not_there_is_an_error() -> None:
    """Setting one that is there sets it, and no other is made."""
    faults = Faults()
    switch(faults, Fault("stalled", True))
    assert faults.stalled
    with pytest.raises(AttributeError):
        switch(faults, Fault("bewitched", True))
