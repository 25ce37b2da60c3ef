"""What a script can do to an account of the demo's world, as data: each keeps the books right by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

from exporter.demo.books import MARGIN_MINIMUM
from exporter.demo.records import ZERO, Event, Fault, Loan, Notice, Offer, Order, Pair, Position, money

if TYPE_CHECKING:
    from exporter.demo.world import Actor

DAY = 86_400_000
HOUR = 3_600_000
PARTS = ("trading", "lending", "interest", "treasury")
LONGEST_PERIOD = 30
DERIVATIVE_SIZE = Decimal("0.05")


def switch(faults: object, fault: Fault) -> None:
    """Set a switch of an exchange's troubles. Raises AttributeError for one that it does not have."""
    getattr(faults, fault.name)
    setattr(faults, fault.name, fault.value)


class Deed(Protocol):
    """Something done to one account."""

    @property
    def account(self) -> str:
        """Whom it befalls; who is not of this world is left alone."""

    def befall(self, actor: Actor) -> None:
        """Let it happen now."""


class Rest(NamedTuple):
    """From now on nobody acts on these parts of the account: trading, lending, interest, treasury."""

    account: str
    parts: tuple[str, ...] = PARTS

    def befall(self, actor: Actor) -> None:
        """Send them home."""
        actor.resting.update(self.parts)


class Withdrawal(NamedTuple):
    """A small part of a currency is withdrawn from the exchange wallet."""

    account: str
    currency: str

    def befall(self, actor: Actor) -> None:
        """Let the treasury do it, as it does by itself."""
        actor.treasury.withdraw(self.currency)


class Booking(NamedTuple):
    """A wallet's balance changes by `amount`; `note` is what the ledger says of it."""

    account: str
    kind: str
    currency: str
    amount: str
    note: str

    def befall(self, actor: Actor) -> None:
        """Book it."""
        actor.books.change(self.kind, self.currency, Decimal(self.amount), self.note)


class Transfer(NamedTuple):
    """All but `keep` of a currency goes from one wallet of the account to another."""

    account: str
    currency: str
    source: str
    target: str
    keep: str

    def befall(self, actor: Actor) -> None:
        """Book both sides."""
        books = actor.books
        amount = books.balance(self.source, self.currency) - Decimal(self.keep)
        note = f"Transfer of {amount} {self.currency} from wallet {self.source} to {self.target}"
        books.change(self.source, self.currency, -amount, note)
        books.change(self.target, self.currency, amount, note)


class Quote(NamedTuple):
    """An order rests since `days` ago, too far from the market to be filled; positive amounts buy."""

    account: str
    pair: Pair
    amount: str
    days: int

    def befall(self, actor: Actor) -> None:
        """Put it into the book."""
        books, amount = actor.books, Decimal(self.amount)
        created = books.now - self.days * DAY
        away = Decimal("0.5") if amount > 0 else Decimal(2)
        order = Order(
            id=next(books.ids),
            client_id=next(books.ids),
            pair=self.pair,
            room="exchange",
            type="LIMIT",
            created=created,
            updated=created,
            remaining=amount,
            original=amount,
            price=actor.market.price(self.pair) * away,
        )
        books.orders[order.id] = order
        books.tell(Event.ORDER_NEW, order)


class Refusals(NamedTuple):
    """The exchange refuses so many new orders of the account."""

    account: str
    pair: Pair
    times: int

    def befall(self, actor: Actor) -> None:
        """Tell of each; nothing comes of them."""
        books = actor.books
        for _ in range(self.times):
            order = Order(
                id=next(books.ids),
                client_id=next(books.ids),
                pair=self.pair,
                room="exchange",
                type="LIMIT",
                created=books.now,
                updated=books.now,
                remaining=Decimal(1000),
                original=Decimal(1000),
                price=actor.market.price(self.pair),
            )
            text = "Invalid order: not enough exchange balance"
            books.tell(Event.NOTICE, Notice("order-refused", text, books.now, order))


class Overreach(NamedTuple):
    """The margin position is made so large that what stands behind it is `level` times what it must be."""

    account: str
    level: str

    def befall(self, actor: Actor) -> None:
        """Open it, or add to the open one, at the present price."""
        books, market, pair = actor.books, actor.market, actor.books.profile.margin
        if pair is None:
            return
        behind = sum(
            (
                wallet.balance * market.dollars(wallet.currency)
                for wallet in books.ledger.values()
                if wallet.kind == "margin" and not wallet.currency.endswith("F0")
            ),
            ZERO,
        )
        price = market.price(pair)
        amount = money(behind / market.dollars(pair.quote) / (Decimal(self.level) * MARGIN_MINIMUM * price))
        _hold(actor, pair, amount, collateral=ZERO)


class Squeeze(NamedTuple):
    """All but `part` of its value is taken from behind the derivatives position."""

    account: str
    part: str

    def befall(self, actor: Actor) -> None:
        """Leave so little collateral; it goes back to the wallet."""
        books, pair = actor.books, actor.books.profile.derivative
        if pair is None:
            return
        held = next((each for each in books.positions.values() if each.pair == pair), None)
        amount = held.amount if held else DERIVATIVE_SIZE
        left = money(abs(amount) * actor.market.price(pair) * Decimal(self.part))
        freed = (held.collateral if held else ZERO) - left
        after = _hold(actor, pair, amount, collateral=left)
        books.change("margin", pair.quote, freed, f"Collateral of position #{after.id}")


class OldOffer(NamedTuple):
    """An offer to lend waits since `days` ago, at a rate that nobody pays."""

    account: str
    currency: str
    amount: str
    days: int

    def befall(self, actor: Actor) -> None:
        """Put it on the book."""
        books, amount = actor.books, Decimal(self.amount)
        created = books.now - self.days * DAY
        rate = actor.market.rate(self.currency) * 10
        offer = Offer(next(books.ids), self.currency, created, created, amount, amount, rate, LONGEST_PERIOD)
        books.offers[offer.id] = offer
        books.tell(Event.OFFER_NEW, offer)
        books.touch("funding", self.currency)


class Recall(NamedTuple):
    """Everything offered or lent of a currency is back in the funding wallet."""

    account: str
    currency: str

    def befall(self, actor: Actor) -> None:
        """Cancel the offers, return the loans."""
        books = actor.books
        for offer in [each for each in books.offers.values() if each.currency == self.currency]:
            del books.offers[offer.id]
            books.tell(Event.OFFER_GONE, offer._replace(state="canceled", updated=books.now))
        for loan in _lent(actor, self.currency):
            del books.loans[loan.id]
            books.tell(Event.LOAN_GONE, loan._replace(closed="returned by the borrower", updated=books.now))
        books.touch("funding", self.currency)


class Ending(NamedTuple):
    """All that is lent of a currency comes back in so many hours; if nothing is, something was."""

    account: str
    currency: str
    hours: int

    def befall(self, actor: Actor) -> None:
        """Move the beginnings of the loans."""
        books = actor.books
        end = books.now + self.hours * HOUR
        loans = _lent(actor, self.currency)
        if not loans:
            rate = actor.market.rate(self.currency)
            loan = Loan(next(books.ids), self.currency, 1, books.now, books.now, Decimal(1000), rate, 2, None)
            books.loans[loan.id] = loan
            books.tell(Event.LOAN_NEW, loan)
            loans = [loan]
        for loan in loans:
            after = loan._replace(opened=end - loan.period * DAY, updated=books.now)
            books.loans[loan.id] = after
            books.tell(Event.LOAN_CHANGED, after)


def _lent(actor: Actor, currency: str) -> list[Loan]:
    return [loan for loan in actor.books.loans.values() if loan.side > 0 and loan.currency == currency]


def _hold(actor: Actor, pair: Pair, amount: Decimal, *, collateral: Decimal) -> Position:
    """Have a position of this size, entered at the present price."""
    books = actor.books
    held = next((each for each in books.positions.values() if each.pair == pair), None)
    after = Position(
        id=held.id if held else next(books.ids),
        pair=pair,
        amount=amount,
        entry=actor.market.price(pair),
        funding=ZERO,
        derivative=pair == books.profile.derivative,
        collateral=collateral,
        order_id=next(books.ids),
    )
    books.positions[after.id] = after
    books.tell(Event.POSITION_CHANGED if held else Event.POSITION_NEW, after)
    return after
