"""What the demo's lender does: nearly all is lent, loans end, a day's interest is paid once a day."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal

import pytest

from exporter.demo.accounts import LENDER
from exporter.demo.books import Books
from exporter.demo.lending import ACCRUED_EVERY, DAY, FIRST_PAYMENT, KEPT, Lender
from exporter.demo.market import Market
from exporter.demo.records import ZERO, Event

NOW = 1_700_000_000_000
USD = ("funding", "USD")


def lender_of(seed: int) -> tuple[Books, Lender]:
    """A lender who has just begun."""
    rng = random.Random(seed)  # noqa: S311 - the seed is the point, not secrecy
    books = Books(LENDER, itertools.count(1))
    books.now = NOW
    lender = Lender(books, Market(rng), rng)
    lender.open_all()
    books.log.clear()
    return books, lender


@pytest.mark.parametrize("seed", range(5))
def test_most_of_the_money_is_lent_from_the_beginning(seed: int) -> None:
    """More than half of each currency is lent, never more than there is, and no loan is over yet."""
    books, _ = lender_of(seed)
    for currency in LENDER.lends:
        lent = sum((loan.amount for loan in books.loans.values() if loan.currency == currency), ZERO)
        assert books.balance("funding", currency) / 2 < lent <= books.balance("funding", currency)
    ages = [NOW - loan.opened for loan in books.loans.values()]
    ends = [loan.opened + loan.period * DAY * 1000 for loan in books.loans.values()]
    assert max(ages) > 0
    assert min(ends) > NOW


def test_a_loan_that_is_over_comes_back() -> None:
    """The first thing that happens after a loan's last moment is its return."""
    books, lender = lender_of(1)
    first = min(books.loans.values(), key=lambda loan: loan.opened + loan.period * DAY * 1000)
    books.now = first.opened + first.period * DAY * 1000
    lender.act()
    assert first.id not in books.loans
    assert books.log[0].event is Event.LOAN_GONE


def test_a_days_interest_accrues_and_is_paid_at_one_moment_of_the_day() -> None:
    """Between two payments the interest grows in even steps; at the hour it is paid whole and begins anew."""
    books, lender = lender_of(1)
    usd = [loan for loan in books.loans.values() if loan.currency == "USD"]
    daily = sum((loan.amount * loan.rate for loan in usd), ZERO) * KEPT
    before = books.balance(*USD)

    lender.settle(float(FIRST_PAYMENT))
    assert books.balance(*USD) - before == pytest.approx(daily, abs=Decimal("1e-7"))
    assert books.ledger[USD].interest == ZERO

    paid = books.balance(*USD)
    for elapsed in (DAY / 4, DAY / 2, DAY / 2 + 0.5, float(DAY)):
        lender.settle(FIRST_PAYMENT + elapsed - ACCRUED_EVERY)
    assert books.balance(*USD) == paid
    assert books.ledger[USD].interest == pytest.approx(daily, rel=Decimal("0.001"))

    lender.settle(float(FIRST_PAYMENT + DAY))
    assert books.balance(*USD) - paid == pytest.approx(daily, abs=Decimal("1e-7"))
    assert books.ledger[USD].interest == ZERO
