"""The books of one account: what it holds and owes now, and the only ways in which that may change.

The books are also the oracle of the tests: `wallets()`, `orders`, `positions`, `offers` and `loans` are the
truth that a client should arrive at from the frames alone.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from exporter.demo.records import (
    ZERO,
    Computed,
    Entry,
    Event,
    Fill,
    Happening,
    Loan,
    Offer,
    Order,
    Pair,
    Position,
    Totals,
    Value,
    Wallet,
    money,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.demo.market import Market

MARGIN_PART = Decimal("0.2")
MARGIN_MINIMUM = Decimal("0.1")
DERIVATIVE_MINIMUM = Decimal("0.01")
# What is kept of the past: a long demo must not grow for ever.
REMEMBERED = 20_000


class Profile(NamedTuple):
    """How an account begins and behaves: first wallets, the pairs it trades, what it lends, how lively it is.

    `trading` and `lending` are the chances that something happens in one quantum.
    """

    name: str
    wallets: tuple[tuple[str, str, str], ...]
    spot: tuple[Pair, ...]
    margin: Pair | None
    derivative: Pair | None
    lends: tuple[str, ...]
    trading: float
    lending: float


class Books:
    """One account's wallets, orders, positions, offers and loans, and a log of what nobody was told yet."""

    def __init__(self, profile: Profile, ids: Iterator[int]) -> None:
        self.profile = profile
        self.ids = ids
        self.now = 0
        self.log: list[Happening] = []
        self.ledger: dict[tuple[str, str], Wallet] = {
            (kind, currency): Wallet(kind, currency, Decimal(balance))
            for kind, currency, balance in profile.wallets
        }
        self.orders: dict[int, Order] = {}
        self.positions: dict[int, Position] = {}
        self.offers: dict[int, Offer] = {}
        self.loans: dict[int, Loan] = {}
        self.trades: deque[Fill] = deque(maxlen=REMEMBERED)
        self.entries: deque[Entry] = deque(maxlen=REMEMBERED)

    def tell(self, event: Event, value: Value = None) -> None:
        """Write down that something happened to this account just now."""
        self.log.append(Happening(self.now, self.profile.name, event, value))
        if event is Event.TRADE_SETTLED and isinstance(value, Fill):
            self.trades.append(value)

    def change(
        self, kind: str, currency: str, delta: Decimal, note: str | None, order_id: int | None = None
    ) -> None:
        """Add to a wallet (or take from it) and tell; a wallet that did not exist begins at 0."""
        wallet = self.ledger.get((kind, currency), Wallet(kind, currency, ZERO))
        wallet = wallet._replace(balance=wallet.balance + delta, note=note, order_id=order_id)
        self.ledger[kind, currency] = wallet
        self.tell(Event.WALLET, wallet)
        number = self.entries[-1].id + 1 if self.entries else 1
        self.entries.append(
            Entry(number, kind, currency, self.now, delta, wallet.balance, note or "Adjustment")
        )

    def accrue(self, kind: str, currency: str, interest: Decimal) -> None:
        """Set the interest that a wallet has earned but not been paid."""
        self.ledger[kind, currency] = self.ledger[kind, currency]._replace(interest=interest)
        self.touch(kind, currency)

    def touch(self, kind: str, currency: str) -> None:
        """Tell a wallet again, because something but its balance changed: so without its ledger entry."""
        self.tell(Event.WALLET, self.ledger[kind, currency]._replace(note=None, order_id=None))

    def balance(self, kind: str, currency: str) -> Decimal:
        """Balance of a wallet, 0 if it never existed."""
        wallet = self.ledger.get((kind, currency))
        return wallet.balance if wallet else ZERO

    def reserved(self, kind: str, currency: str) -> Decimal:
        """What open orders, positions, offers and money lent out tie up in a wallet."""
        if kind == "exchange":
            return sum((_reserve(order, currency) for order in self.orders.values()), ZERO)
        if kind == "funding":
            offered = (offer.remaining for offer in self.offers.values() if offer.currency == currency)
            lent = (
                loan.amount for loan in self.loans.values() if loan.currency == currency and loan.side > 0
            )
            return sum(offered, ZERO) + sum(lent, ZERO)
        open_here = (p for p in self.positions.values() if not p.derivative and p.pair.quote == currency)
        return sum((money(abs(p.amount) * p.entry * MARGIN_PART) for p in open_here), ZERO)

    def available(self, kind: str, currency: str) -> Decimal:
        """Balance that is not tied up. Never below 0 nor above a positive balance."""
        return max(self.balance(kind, currency) - self.reserved(kind, currency), ZERO)

    def wallets(self) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
        """The truth about the wallets: (kind, currency) to (balance, available)."""
        return {key: (wallet.balance, self.available(*key)) for key, wallet in self.ledger.items()}

    def computed(self, position: Position, market: Market) -> Computed:
        """What a position is worth at the present price."""
        price = market.price(position.pair)
        size = abs(position.amount)
        profit = money((price - position.entry) * position.amount - position.funding)
        at_entry = size * position.entry
        behind = position.collateral if position.derivative else self.balance("margin", position.pair.quote)
        equity = behind + profit
        least = DERIVATIVE_MINIMUM if position.derivative else MARGIN_MINIMUM
        room = behind - at_entry * least
        direction = 1 if position.amount > 0 else -1
        return Computed(
            profit=profit,
            profit_percent=money(profit / at_entry * 100),
            liquidation_price=max(money(position.entry - direction * room / size), ZERO),
            leverage=money(size * price / equity) if equity > 0 else ZERO,
            collateral_minimum=money(size * price * least) if position.derivative else None,
        )

    def totals(self, market: Market) -> Totals:
        """What the account is worth in USD now, and that minus what it owes."""
        assets = sum((w.balance * market.dollars(w.currency) for w in self.ledger.values()), ZERO)
        owed = ZERO
        for position in self.positions.values():
            rate = market.dollars(position.pair.quote)
            assets += position.collateral * rate
            owed -= self.computed(position, market).profit * rate
        return Totals(money(assets), money(assets - owed))

    def held(self) -> dict[str, Decimal]:
        """Everything owned, by currency, collateral included: what accounting must conserve."""
        sums: dict[str, Decimal] = {}
        for wallet in self.ledger.values():
            sums[wallet.currency] = sums.get(wallet.currency, ZERO) + wallet.balance
        for position in self.positions.values():
            quote = position.pair.quote
            sums[quote] = sums.get(quote, ZERO) + position.collateral
        return sums


def _reserve(order: Order, currency: str) -> Decimal:
    if order.room != "exchange":
        return ZERO
    if order.remaining < 0:
        return -order.remaining if order.pair.base == currency else ZERO
    return money(order.remaining * order.price) if order.pair.quote == currency else ZERO
