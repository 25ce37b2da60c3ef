"""A trader on margin and derivatives: positions opened at the market, reduced, closed, and the borrowing."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.demo.books import MARGIN_PART
from exporter.demo.dice import happens
from exporter.demo.records import ZERO, Event, Fill, Loan, Order, Pair, Position, money

if TYPE_CHECKING:
    import random

    from exporter.demo.books import Books
    from exporter.demo.market import Market

TAKER_FEE = Decimal("0.002")
FOUR_PLACES = Decimal("0.0001")
# Money that stays in the margin wallet when a position is opened, in units of the quote currency.
CUSHION = 100
# A position in percent of the margin wallet: one looks at a risk, and nobody is called in a calm demo.
MARGIN_SIZE = (180, 250)
DERIVATIVE_SIZE = (60, 100)
# What is put behind a derivatives position, as a part of its value.
COLLATERAL_PART = Decimal("0.25")
BORROWED_DAYS = 2


class LeverageTrader:
    """Holds at most one margin and one derivatives position of an account."""

    def __init__(self, books: Books, market: Market, rng: random.Random) -> None:
        self._books = books
        self._market = market
        self._rng = rng

    def open_all(self) -> None:
        """Open what the account's profile allows, so that a fresh world has positions to show."""
        profile = self._books.profile
        if profile.margin:
            self._open(profile.margin, derivative=False)
        if profile.derivative:
            self._open(profile.derivative, derivative=True)

    def act(self) -> None:
        """Open a position that is missing; hold, reduce or close one that is there."""
        profile, positions = self._books.profile, self._books.positions
        pairs = [pair for pair in (profile.margin, profile.derivative) if pair]
        open_pairs = {position.pair for position in positions.values()}
        missing = [pair for pair in pairs if pair not in open_pairs]
        if missing:
            pair = self._rng.choice(missing)
            self._open(pair, derivative=pair == profile.derivative)
            return
        position = self._rng.choice(list(positions.values()))
        if happens(self._rng, 0.15):
            self._reduce(position, position.amount)
        elif happens(self._rng, 0.15):
            part = (position.amount / 5).quantize(FOUR_PLACES)
            self._reduce(position, part or position.amount)

    def _open(self, pair: Pair, *, derivative: bool) -> None:
        books = self._books
        price = self._market.price(pair)
        percent = self._rng.randint(*(DERIVATIVE_SIZE if derivative else MARGIN_SIZE))
        worth = books.balance("margin", pair.quote) * percent / 100
        amount = (worth / price).quantize(FOUR_PLACES) * self._rng.choice((1, -1))
        behind = money(abs(amount) * price * (COLLATERAL_PART if derivative else MARGIN_PART))
        if not amount or books.available("margin", pair.quote) < behind + CUSHION:
            return
        order = self._execute(pair, amount, price, derivative=derivative)
        position = Position(
            id=next(books.ids),
            pair=pair,
            amount=amount,
            entry=price,
            funding=ZERO,
            derivative=derivative,
            collateral=behind if derivative else ZERO,
            order_id=order.id,
        )
        books.positions[position.id] = position
        books.tell(Event.POSITION_NEW, position)
        if derivative:
            note = f"Collateral of position #{position.id}"
            books.change("margin", pair.quote, -position.collateral, note, order.id)
        self._charge(pair, amount, price, order)
        if not derivative:
            self._borrow(pair, money(abs(amount) * price))
        books.tell(Event.ORDER_GONE, order)

    def _charge(self, pair: Pair, amount: Decimal, price: Decimal, order: Order) -> None:
        note = f"Trading fees for {abs(amount)} {pair.base} @ {price}"
        self._books.change("margin", pair.quote, self._fee(amount, price), note, order.id)

    def _borrow(self, pair: Pair, amount: Decimal) -> None:
        books = self._books
        rate = self._market.rate(pair.quote)
        loan = Loan(
            next(books.ids), pair.quote, -1, books.now, books.now, amount, rate, BORROWED_DAYS, used_for=pair
        )
        books.loans[loan.id] = loan
        books.tell(Event.LOAN_NEW, loan)

    def _reduce(self, position: Position, amount: Decimal) -> None:
        """Close `amount` of a position at the market; the rest keeps its entry price."""
        books, pair = self._books, position.pair
        price = self._market.price(pair)
        order = self._execute(pair, -amount, price, derivative=position.derivative)
        rest = position.amount - amount
        share = amount / position.amount
        funding = money(position.funding * share)
        collateral = money(position.collateral * share)
        profit = money((price - position.entry) * amount) - funding
        if position.derivative:
            profit = max(profit, -collateral)  # the venue would have liquidated it: more cannot be lost
        after = position._replace(
            amount=rest,
            funding=position.funding - funding,
            collateral=position.collateral - collateral,
            order_id=order.id,
        )
        if rest:
            books.positions[position.id] = after
        else:
            del books.positions[position.id]
        books.tell(Event.POSITION_CHANGED if rest else Event.POSITION_GONE, after)
        note = f"Position closed @ {price} (TRADE)"
        books.change("margin", pair.quote, profit + collateral, note, order.id)
        self._charge(pair, amount, price, order)
        self._repay(pair, rest, price)
        books.tell(Event.ORDER_GONE, order)

    def _repay(self, pair: Pair, rest: Decimal, price: Decimal) -> None:
        books = self._books
        for loan in [loan for loan in books.loans.values() if loan.side < 0 and loan.used_for == pair]:
            if rest:
                less = min(money(abs(rest) * price), loan.amount)
                books.loans[loan.id] = loan._replace(amount=less, updated=books.now)
                books.tell(Event.LOAN_CHANGED, books.loans[loan.id])
            else:
                del books.loans[loan.id]
                books.tell(Event.LOAN_GONE, loan._replace(closed="position closed", updated=books.now))

    def _fee(self, amount: Decimal, price: Decimal) -> Decimal:
        return -money(abs(amount) * price * TAKER_FEE)

    def _execute(self, pair: Pair, amount: Decimal, price: Decimal, *, derivative: bool) -> Order:
        """Send a market order that is filled at once; its end is told by the caller, after what it caused."""
        books = self._books
        order = Order(
            id=next(books.ids),
            client_id=next(books.ids),
            pair=pair,
            room="derivatives" if derivative else "margin",
            type="MARKET",
            created=books.now,
            updated=books.now,
            remaining=amount,
            original=amount,
            price=price,
        )
        books.tell(Event.ORDER_NEW, order)
        fill = Fill(
            id=next(books.ids),
            pair=pair,
            at=books.now,
            order_id=order.id,
            client_id=order.client_id,
            amount=amount,
            price=price,
            room=order.room,
            order_type=order.type,
            order_price=price,
            maker=False,
            fee=self._fee(amount, price),
            fee_currency=pair.quote,
        )
        books.tell(Event.TRADE, fill)
        books.tell(Event.TRADE_SETTLED, fill)
        return order._replace(remaining=ZERO, state="executed", fills=((price, amount),))
