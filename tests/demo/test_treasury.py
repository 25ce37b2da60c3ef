"""Money in and out of the demo's accounts."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal

import pytest

from exporter.demo.accounts import MAIN
from exporter.demo.books import Books
from exporter.demo.market import Market
from exporter.demo.records import ZERO, Notice, Wallet
from exporter.demo.treasury import Treasury


@pytest.fixture
def books() -> Books:
    """The main account's books as they begin."""
    return Books(MAIN, itertools.count(1))


@pytest.fixture
def treasury(books: Books) -> Treasury:
    """The treasury of those books."""
    return Treasury(books, Market(random.Random(1)))  # noqa: S311 - the seed is the point, not secrecy


def notices(books: Books) -> list[str]:
    """Kinds of the notices told."""
    return [happening.value.kind for happening in books.log if isinstance(happening.value, Notice)]


def empty(books: Books, kind: str, currency: str) -> None:
    """Take everything out of a wallet, unseen."""
    books.ledger[kind, currency] = Wallet(kind, currency, ZERO)


def test_full_wallets_are_left_alone(treasury: Treasury, books: Books) -> None:
    """Nothing moves while every wallet has enough."""
    treasury.refill()
    assert books.log == []


def test_an_exchange_wallet_that_runs_low_gets_a_deposit(treasury: Treasury, books: Books) -> None:
    """The deposit is announced, credited and confirmed."""
    empty(books, "exchange", "BTC")
    treasury.refill()
    assert notices(books) == ["deposit-new", "deposit-complete"]
    assert books.balance("exchange", "BTC") > ZERO


def test_a_margin_wallet_is_fed_by_transfer_and_without_means_by_deposit(
    treasury: Treasury, books: Books
) -> None:
    """The same currency moves over from the exchange wallet; where there is none of it, it is deposited."""
    empty(books, "margin", "USD")
    empty(books, "margin", "USTF0")
    before = books.held()["USD"]
    treasury.refill()
    assert notices(books) == ["transfer", "deposit-new", "deposit-complete"]
    assert books.held()["USD"] == before
    assert books.balance("margin", "USD") == books.balance("margin", "USTF0") == Decimal(2000)


def test_a_withdrawal_takes_at_most_a_quarter_and_never_from_nothing(
    treasury: Treasury, books: Books
) -> None:
    """An empty wallet is left alone; a full one loses no more than the largest withdrawal."""
    treasury.withdraw("LTC")
    assert books.log == []
    treasury.withdraw("BTC")
    assert books.balance("exchange", "BTC") == Decimal("1.15")
    assert notices(books) == ["transfer"]
