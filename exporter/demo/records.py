"""The words of the demo world: what an account holds and what can happen to it, in no exchange's dialect.

Money is `Decimal` with at most eight places, so the books add up exactly; only a wire turns it into floats.
Times are milliseconds since the epoch.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum, auto
from typing import NamedTuple

ZERO = Decimal(0)
SMALLEST = Decimal("0.00000001")


def money(value: Decimal) -> Decimal:
    """Round to the eight places the books keep: what is multiplied passes here before it is added."""
    return value.quantize(SMALLEST, rounding=ROUND_HALF_EVEN)


class Pair(NamedTuple):
    """A traded pair: `base` is bought and sold for `quote`."""

    base: str
    quote: str


class Wallet(NamedTuple):
    """One wallet: `kind` is exchange, margin or funding; `note` is the text of its last ledger entry."""

    kind: str
    currency: str
    balance: Decimal
    interest: Decimal = ZERO
    note: str | None = None
    order_id: int | None = None


class Entry(NamedTuple):
    """One line of an account's ledger: a wallet's balance changed by `amount` and is `balance` since."""

    id: int
    kind: str
    currency: str
    at: int
    amount: Decimal
    balance: Decimal
    note: str


class Fill(NamedTuple):
    """One trade of an order: signed `amount`, and a `fee` that is negative when it was paid."""

    id: int
    pair: Pair
    at: int
    order_id: int
    client_id: int
    amount: Decimal
    price: Decimal
    room: str
    order_type: str
    order_price: Decimal
    maker: bool
    fee: Decimal
    fee_currency: str


class Order(NamedTuple):
    """An order: signed amounts (positive buys); `room` is exchange, margin or derivatives."""

    id: int
    client_id: int
    pair: Pair
    room: str
    type: str
    created: int
    updated: int
    remaining: Decimal
    original: Decimal
    price: Decimal
    post_only: bool = False
    state: str = "active"
    fills: tuple[tuple[Decimal, Decimal], ...] = ()

    @property
    def average_price(self) -> Decimal:
        """Average price of the fills so far, 0 before the first."""
        filled = sum((amount for _, amount in self.fills), ZERO)
        if not filled:
            return ZERO
        return money(sum((price * amount for price, amount in self.fills), ZERO) / filled)


class Position(NamedTuple):
    """A margin or derivatives position: signed `amount`, `entry` price, `collateral` only for derivatives."""

    id: int
    pair: Pair
    amount: Decimal
    entry: Decimal
    funding: Decimal
    derivative: bool
    collateral: Decimal
    order_id: int


class Computed(NamedTuple):
    """The numbers of a position that follow the price: an exchange works them out only when asked."""

    profit: Decimal
    profit_percent: Decimal
    liquidation_price: Decimal
    leverage: Decimal
    collateral_minimum: Decimal | None


class Offer(NamedTuple):
    """A funding offer: positive amounts; `rate` is per day, `period` in days."""

    id: int
    currency: str
    created: int
    updated: int
    remaining: Decimal
    original: Decimal
    rate: Decimal
    period: int
    state: str = "active"
    fills: tuple[tuple[Decimal, Decimal], ...] = ()


class Loan(NamedTuple):
    """Funding lent (`side` 1) or borrowed (-1); `used_for` is the pair of the position that uses it."""

    id: int
    currency: str
    side: int
    opened: int
    updated: int
    amount: Decimal
    rate: Decimal
    period: int
    used_for: Pair | None
    last_payout: int | None = None
    closed: str | None = None


class FundingFill(NamedTuple):
    """An offer taken, wholly or in part: positive `amount`, since the world's accounts only lend by offer."""

    id: int
    currency: str
    at: int
    offer_id: int
    amount: Decimal
    rate: Decimal
    period: int


class Totals(NamedTuple):
    """What an account is worth in USD, and that minus what it owes."""

    assets: Decimal
    net: Decimal


class Notice(NamedTuple):
    """Something an exchange tells all sessions of an account; `order` when it is about one."""

    kind: str
    text: str
    at: int
    order: Order | None = None


class Fault(NamedTuple):
    """A switch of an exchange's troubles, by the exchange's own name for it, and how it is set."""

    name: str
    value: object


class Text(NamedTuple):
    """What an exchange sends as it stands, out of place or no message at all."""

    text: str


class Scope(NamedTuple):
    """What an account's key may write to from now on, besides what it may already."""

    name: str


class Event(Enum):
    """What happened, apart from whom it happened to."""

    WALLET = auto()
    ORDER_NEW = auto()
    ORDER_CHANGED = auto()
    ORDER_GONE = auto()
    TRADE = auto()
    TRADE_SETTLED = auto()
    POSITION_NEW = auto()
    POSITION_CHANGED = auto()
    POSITION_GONE = auto()
    OFFER_NEW = auto()
    OFFER_CHANGED = auto()
    OFFER_GONE = auto()
    LOAN_NEW = auto()
    LOAN_CHANGED = auto()
    LOAN_GONE = auto()
    FUNDING_TRADE = auto()
    TOTALS = auto()
    NOTICE = auto()
    MAINTENANCE_BEGINS = auto()
    MAINTENANCE_ENDS = auto()
    LINK_DROPPED = auto()
    FRAME_LOST = auto()
    RESTART = auto()
    TAMPERED = auto()
    """Someone changed how the exchange works: the value tells what."""


Value = (
    Wallet
    | Order
    | Fill
    | Position
    | Offer
    | Loan
    | FundingFill
    | Totals
    | Notice
    | Fault
    | Text
    | Scope
    | None
)


class Told(NamedTuple):
    """Something that happens to an exchange or its lines, apart from the books of its accounts.

    `account` is None when it happens to all.
    """

    event: Event
    account: str | None = None
    value: Value = None


class Happening(NamedTuple):
    """One thing that happened; `account` is None when it happens to the whole exchange."""

    at: int
    account: str | None
    event: Event
    value: Value = None
