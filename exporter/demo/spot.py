"""A trader on the spot market: limit orders placed, filled in parts, cancelled."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.demo.dice import happens
from exporter.demo.records import Event, Fill, Notice, Order, Pair, money

if TYPE_CHECKING:
    import random

    from exporter.demo.books import Books
    from exporter.demo.market import Market

MOST_ORDERS = 6
MAKER_FEE = Decimal("0.001")
SIX_PLACES = Decimal("0.000001")
# A rest smaller than this part of the order is taken whole, as dust would be.
DUST = Decimal("0.15")


class SpotTrader:
    """Trades one account's exchange wallets; every act keeps the books right by itself."""

    def __init__(self, books: Books, market: Market, rng: random.Random) -> None:
        self._books = books
        self._market = market
        self._rng = rng

    def act(self) -> None:
        """Do one thing that a trader would do now."""
        orders = [order for order in self._books.orders.values() if order.room == "exchange"]
        if not orders or (len(orders) < MOST_ORDERS and happens(self._rng, 0.4)):
            self._place()
        elif happens(self._rng, 0.75):
            self._fill(self._rng.choice(orders))
        else:
            self._cancel(self._rng.choice(orders))

    def execute(self) -> None:
        """Have one resting order filled, in part or whole, if there is one."""
        orders = [order for order in self._books.orders.values() if order.room == "exchange"]
        if orders:
            self._fill(self._rng.choice(orders))

    def _place(self) -> None:
        books, rng = self._books, self._rng
        pair = rng.choice(books.profile.spot)
        side = rng.choice((1, -1))
        step = self._market.step(pair)
        away = Decimal(1) - side * Decimal(rng.randint(5, 40)) / 10000
        price = (self._market.price(pair) * away / step).to_integral_value() * step
        amount = (Decimal(rng.randint(200, 2000)) / price).quantize(SIX_PLACES)
        if self._too_much(pair, side, amount, price):
            side = -side
            if self._too_much(pair, side, amount, price):
                return
        order = Order(
            id=next(books.ids),
            client_id=next(books.ids),
            pair=pair,
            room="exchange",
            type="LIMIT",
            created=books.now,
            updated=books.now,
            remaining=side * amount,
            original=side * amount,
            price=price,
            post_only=happens(rng, 0.5),
        )
        if happens(rng, 0.25):
            # Another session of the same account placed it: every session hears of the request, too.
            books.tell(Event.NOTICE, Notice("order-request", "submitting order", books.now, order))
        books.orders[order.id] = order
        books.tell(Event.ORDER_NEW, order)
        self._touch(order)

    def _too_much(self, pair: Pair, side: int, amount: Decimal, price: Decimal) -> bool:
        if side > 0:
            return money(amount * price) > self._books.available("exchange", pair.quote)
        return amount > self._books.available("exchange", pair.base)

    def _touch(self, order: Order) -> None:
        self._books.touch("exchange", order.pair.quote if order.original > 0 else order.pair.base)

    def _cancel(self, order: Order) -> None:
        del self._books.orders[order.id]
        self._books.tell(Event.ORDER_GONE, order._replace(state="canceled", updated=self._books.now))
        self._touch(order)

    def _fill(self, order: Order) -> None:
        """Fill a part of an order, or all that is left of it."""
        amount = (order.remaining * Decimal(self._rng.randint(20, 80)) / 100).quantize(SIX_PLACES)
        rest = order.remaining - amount
        if happens(self._rng, 0.3) or abs(rest) < abs(order.original) * DUST or not amount:
            amount = order.remaining
        self._trade(order, amount)

    def _trade(self, order: Order, amount: Decimal) -> None:
        """Book one trade: a wallet gives, the other gets, and pays the fee from it in an entry of its own."""
        books = self._books
        base, quote = order.pair
        cost = money(amount * order.price)
        got, received = (base, amount) if amount > 0 else (quote, -cost)
        fee = -money(received * MAKER_FEE)
        fill = Fill(
            id=next(books.ids),
            pair=order.pair,
            at=books.now,
            order_id=order.id,
            client_id=order.client_id,
            amount=amount,
            price=order.price,
            room=order.room,
            order_type=order.type,
            order_price=order.price,
            maker=True,
            fee=fee,
            fee_currency=got,
        )
        after = self._after(order, amount)
        books.tell(Event.TRADE, fill)
        note = f"Exchange {abs(amount)} {base} for {quote} @ {order.price}"
        books.change("exchange", base, amount, note, order.id)
        books.change("exchange", quote, -cost, note, order.id)
        books.change("exchange", got, fee, f"Trading fees for {abs(amount)} {base} @ {order.price}", order.id)
        books.tell(Event.TRADE_SETTLED, fill)
        books.tell(Event.ORDER_CHANGED if after.remaining else Event.ORDER_GONE, after)

    def _after(self, order: Order, amount: Decimal) -> Order:
        """Bring the open orders up to date with a trade."""
        remaining = order.remaining - amount
        after = order._replace(
            remaining=remaining,
            updated=self._books.now,
            state="partial" if remaining else "executed",
            fills=(*order.fills, (order.price, amount)),
        )
        if remaining:
            self._books.orders[order.id] = after
        else:
            del self._books.orders[order.id]
        return after
