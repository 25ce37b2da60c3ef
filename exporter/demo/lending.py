"""A lender: offers placed, taken in parts, cancelled; loans used, returned; interest paid on a short day."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.demo.dice import happens
from exporter.demo.records import ZERO, Event, FundingFill, Loan, Offer, Pair, money

if TYPE_CHECKING:
    import random

    from exporter.demo.books import Books
    from exporter.demo.market import Market

# The world's day of interest, so that a demo pays it while somebody looks.
DAY = 40
KEPT = Decimal("0.85")  # the lender's part of the interest
MOST_OFFERS = 4
MOST_LOANS = 8
LEAST_OFFER = 150
USES = (Pair("BTC", "USD"), Pair("ETH", "USD"))
PERIODS = (2, 7, 30, 120)


class Lender:
    """Lends from one account's funding wallets, and settles the interest of all it has lent or borrowed."""

    def __init__(self, books: Books, market: Market, rng: random.Random) -> None:
        self._books = books
        self._market = market
        self._rng = rng

    def open_all(self) -> None:
        """Lend something of each currency, so that a fresh world has loans and offers to show."""
        for currency in self._books.profile.lends:
            for _ in range(2):
                self._offer(currency)
                for offer in list(self._books.offers.values())[-1:]:
                    self._take(offer)
            self._offer(currency)

    def act(self) -> None:
        """Do one thing that a lender, or the market on his money, would do now."""
        books, rng = self._books, self._rng
        offers = list(books.offers.values())
        lent = [loan for loan in books.loans.values() if loan.side > 0]
        if not offers or (len(offers) < MOST_OFFERS and happens(rng, 0.3)):
            self._offer(rng.choice(books.profile.lends))
        elif len(lent) < MOST_LOANS and happens(rng, 0.45):
            self._take(rng.choice(offers))
        elif happens(rng, 0.25):
            self._cancel(rng.choice(offers))
        elif lent and happens(rng, 0.5):
            self._use(rng.choice(lent))
        elif lent:
            self._give_back(rng.choice(lent))

    def settle(self, elapsed: float) -> None:
        """Accrue interest half way through each day, pay it at its end; `elapsed` is world seconds."""
        if not elapsed or elapsed % (DAY / 2):
            return
        pay = elapsed % DAY == 0
        for currency in self._books.profile.lends:
            self._earn(currency, pay=pay)
        if pay:
            self._owe()

    def _offer(self, currency: str) -> None:
        books = self._books
        free = books.available("funding", currency)
        if free < LEAST_OFFER:
            return
        amount = min(money(free), Decimal(self._rng.randint(LEAST_OFFER, 1500)))
        rate = money(self._market.rate(currency) * Decimal(self._rng.randint(95, 130)) / 100)
        offer = Offer(
            next(books.ids), currency, books.now, books.now, amount, amount, rate, self._rng.choice(PERIODS)
        )
        books.offers[offer.id] = offer
        books.tell(Event.OFFER_NEW, offer)
        books.touch("funding", currency)

    def _cancel(self, offer: Offer) -> None:
        del self._books.offers[offer.id]
        self._books.tell(Event.OFFER_GONE, offer._replace(state="canceled", updated=self._books.now))
        self._books.touch("funding", offer.currency)

    def _take(self, offer: Offer) -> None:
        books, rng = self._books, self._rng
        amount = money(offer.remaining * Decimal(rng.randint(30, 80)) / 100)
        if happens(rng, 0.5) or offer.remaining - amount < LEAST_OFFER:
            amount = offer.remaining
        fill = FundingFill(
            next(books.ids), offer.currency, books.now, offer.id, amount, offer.rate, offer.period
        )
        books.tell(Event.FUNDING_TRADE, fill)
        after = offer._replace(
            remaining=offer.remaining - amount, updated=books.now, fills=(*offer.fills, (offer.rate, amount))
        )
        after = after._replace(state="partial" if after.remaining else "executed")
        if after.remaining:
            books.offers[offer.id] = after
        else:
            del books.offers[offer.id]
        books.tell(Event.OFFER_CHANGED if after.remaining else Event.OFFER_GONE, after)
        use = rng.choice(USES) if happens(rng, 0.7) else None
        loan = Loan(
            next(books.ids), offer.currency, 1, books.now, books.now, amount, offer.rate, offer.period, use
        )
        books.loans[loan.id] = loan
        books.tell(Event.LOAN_NEW, loan)

    def _use(self, loan: Loan) -> None:
        """The borrower puts idle money into a position, or takes it out: one loan under another heading."""
        books = self._books
        del books.loans[loan.id]
        reason = "used in a position" if loan.used_for is None else "position closed"
        books.tell(Event.LOAN_GONE, loan._replace(closed=reason, updated=books.now))
        use = self._rng.choice(USES) if loan.used_for is None else None
        again = loan._replace(id=next(books.ids), updated=books.now, used_for=use)
        books.loans[again.id] = again
        books.tell(Event.LOAN_NEW, again)

    def _give_back(self, loan: Loan) -> None:
        books = self._books
        del books.loans[loan.id]
        books.tell(Event.LOAN_GONE, loan._replace(closed="returned by the borrower", updated=books.now))
        books.touch("funding", loan.currency)

    def _earn(self, currency: str, *, pay: bool) -> None:
        books = self._books
        lent = [loan for loan in books.loans.values() if loan.side > 0 and loan.currency == currency]
        earned = money(sum((loan.amount * loan.rate for loan in lent), ZERO) * KEPT)
        if ("funding", currency) not in books.ledger:
            return
        if not pay:
            books.accrue("funding", currency, money(earned / 2))
            return
        wallet = books.ledger["funding", currency]
        if not earned:
            if wallet.interest:
                books.accrue("funding", currency, ZERO)
            return
        books.ledger["funding", currency] = wallet._replace(interest=ZERO)
        books.change("funding", currency, earned, "Margin Funding Payment on wallet funding")
        for loan in lent:
            books.loans[loan.id] = loan._replace(last_payout=books.now, updated=books.now)
            books.tell(Event.LOAN_CHANGED, books.loans[loan.id])

    def _owe(self) -> None:
        """Charge what was borrowed: to its position where there is one, else to the margin wallet."""
        books = self._books
        for loan in [loan for loan in books.loans.values() if loan.side < 0]:
            cost = money(loan.amount * loan.rate)
            position = next((p for p in books.positions.values() if p.pair == loan.used_for), None)
            if position is None:
                books.change("margin", loan.currency, -cost, "Margin Funding Charge on wallet margin")
            else:
                books.positions[position.id] = after = position._replace(funding=position.funding + cost)
                books.tell(Event.POSITION_CHANGED, after)
            books.loans[loan.id] = loan._replace(last_payout=books.now, updated=books.now)
            books.tell(Event.LOAN_CHANGED, books.loans[loan.id])
