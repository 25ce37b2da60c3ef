"""A lender: offers placed, taken in parts, cancelled; loans used, returned, ended; interest paid each day."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.demo.dice import happens
from exporter.demo.records import ZERO, Event, FundingFill, Loan, Offer, Pair, money

if TYPE_CHECKING:
    import random

    from exporter.demo.books import Books
    from exporter.demo.market import Market

# Interest is paid each day (seconds); the world begins shortly before, so that somebody sees it.
DAY = 86_400
FIRST_PAYMENT = 40
ACCRUED_EVERY = 20
KEPT = Decimal("0.85")  # the lender's part of the interest
MOST_OFFERS = 4
MOST_LOANS = 30
LEAST_OFFER = 150
# An offer in percent of what its wallet holds: many of them lend nearly all.
OFFERED = (8, 20)
FIRST_LOANS = 6
USES = (Pair("BTC", "USD"), Pair("ETH", "USD"))
PERIODS = (2, 7, 30, 120)
MILLISECONDS = 1000


class Lender:
    """Lends from one account's funding wallets, and settles the interest of all it has lent or borrowed."""

    def __init__(self, books: Books, market: Market, rng: random.Random) -> None:
        self._books = books
        self._market = market
        self._rng = rng

    def open_all(self) -> None:
        """Lend most of each currency, some of it long ago, so that a fresh world has loans of all ages."""
        books = self._books
        for currency in books.profile.lends:
            for _ in range(FIRST_LOANS):
                self._offer(currency)
                for offer in list(books.offers.values())[-1:]:
                    self._take(offer)
            self._offer(currency)
        for loan in self._lent():
            # At most nine tenths of its time are over: none ends while one looks.
            passed = loan.period * DAY * MILLISECONDS * self._rng.randint(0, 90) // 100
            books.loans[loan.id] = loan._replace(opened=loan.opened - passed)

    def act(self) -> None:
        """Do one thing that a lender, or the market on his money, would do now."""
        books, rng = self._books, self._rng
        offers, lent = list(books.offers.values()), self._lent()
        idle = [code for code in books.profile.lends if books.available("funding", code) >= LEAST_OFFER]
        ended = next((each for each in lent if _end(each) <= books.now), None)
        if ended:
            self._give_back(ended)
        elif idle and (not offers or (len(offers) < MOST_OFFERS and happens(rng, 0.3))):
            self._offer(rng.choice(idle))
        elif offers and len(lent) < MOST_LOANS and happens(rng, 0.25):
            self._take(rng.choice(offers))
        elif offers and happens(rng, 0.1):
            self._cancel(rng.choice(offers))
        elif lent and happens(rng, 0.85):
            self._use(rng.choice(lent))
        elif lent:
            self._give_back(rng.choice(lent))

    def settle(self, elapsed: float) -> None:
        """Accrue interest, and pay it at the hour of each day; `elapsed` is world seconds."""
        if not elapsed or elapsed % ACCRUED_EVERY:
            return
        due = Decimal((elapsed - FIRST_PAYMENT) % DAY) / DAY
        for currency in self._books.profile.lends:
            self._earn(currency, due)
        if not due:
            self._owe()

    def _lent(self) -> list[Loan]:
        return [loan for loan in self._books.loans.values() if loan.side > 0]

    def _offer(self, currency: str) -> None:
        books = self._books
        free = books.available("funding", currency)
        if free < LEAST_OFFER:
            return
        part = Decimal(self._rng.randint(*OFFERED)) / 100
        amount = max(money(books.balance("funding", currency) * part), Decimal(LEAST_OFFER))
        amount = min(amount, money(free))
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
        if happens(rng, 0.8) or offer.remaining - amount < LEAST_OFFER:
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

    def _earn(self, currency: str, due: Decimal) -> None:
        """Earn this part of a day's interest; 0 is the hour at which the whole of it is paid."""
        books = self._books
        if ("funding", currency) not in books.ledger:
            return
        wallet = books.ledger["funding", currency]
        lent = [loan for loan in self._lent() if loan.currency == currency]
        earned = money(sum((loan.amount * loan.rate for loan in lent), ZERO) * KEPT)
        if due or not earned:
            interest = money(earned * due)
            if interest != wallet.interest:
                books.accrue("funding", currency, interest)
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


def _end(loan: Loan) -> int:
    return loan.opened + loan.period * DAY * MILLISECONDS
