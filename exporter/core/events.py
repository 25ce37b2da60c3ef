"""What one received message can tell us, free of any exchange's spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from exporter.core.model import Key, Row, Rows, Side, Table, Wallet


class Snapshot(NamedTuple):
    """A whole table: what is not in it is gone."""

    table: Table
    rows: Rows


Reason = Literal[
    "trade",
    "transfer",
    "deposit",
    "withdrawal",
    "fee",
    "interest",
    "funding",
    "settlement",
    "other",
    "unobserved",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
"""Why a balance changed. trade: bought, sold, or the result of a position; transfer: between wallets, or to
another account of the venue; deposit, withdrawal: from and to the outside; fee: of the venue, rebates
included; interest: earned by lending; funding: for borrowed money and open positions; settlement: of what a
wallet owed; other: not told, or none of these; unobserved: no message told of the change itself."""


class Upsert(NamedTuple):
    """One row that is new or replaces the one of the same key.

    `reason` says why a balance changed, should it have changed.
    """

    table: Table
    key: Key
    row: Row
    reason: Reason = "other"


class Balances(NamedTuple):
    """Many wallets at once, each new or told anew, in columns of one length; what is not among them stays.

    For a venue that tells all it has each time: a row is made only of what somebody reads.
    """

    keys: Sequence[tuple[str, str]]
    balance: Sequence[float | None]
    available: Sequence[float | None]
    staked: Sequence[float | None]
    reason: Reason = "other"

    @property
    def rows(self) -> Rows:
        """The wallets by their keys, made anew."""
        columns = zip(self.keys, self.balance, self.available, self.staked, strict=True)
        return {key: Wallet(*key, told, free, None, staked) for key, told, free, staked in columns}


class Removed(NamedTuple):
    """One row that is no more."""

    table: Table
    key: Key


class Fill(NamedTuple):
    """One execution of an order. `final` tells the report that carries the fee from the early one."""

    id: Key
    symbol: str
    side: Side
    liquidity: Literal["maker", "taker", "unknown"]
    amount: float
    price: float
    fee: float | None
    """Paid when positive, a rebate when negative, in units of `fee_currency`."""
    fee_currency: str
    at: float | None
    final: bool


OrderChange = Literal["new", "update", "partial", "fill", "cancel", "reject", "other"]
ORDER_CHANGES: Final[tuple[OrderChange, ...]] = (
    "new",
    "update",
    "partial",
    "fill",
    "cancel",
    "reject",
    "other",
)


class OrderChanged(NamedTuple):
    """Something happened to an order; `occurrence` is equal for two reports of the same happening."""

    change: OrderChange
    symbol: str
    occurrence: tuple[object, ...]


class FundingClosed(NamedTuple):
    """A funding contract came to its end."""

    id: Key
    currency: str
    state: Literal["used", "unused"]


class FundingTraded(NamedTuple):
    """A funding offer was taken, in whole or in part."""

    id: Key
    currency: str
    side: Literal["provided", "taken"]
    amount: float


NOTICE_STATUSES: Final = ("success", "error", "other")


class Notified(NamedTuple):
    """The venue told the user something; `subject` is from the exchange's closed set."""

    subject: str
    status: str


class LoggedIn(NamedTuple):
    """The key was accepted.

    `permissions` maps (scope, access) to what the key may do, or is None when the venue did not say so in
    a form that can be read. `expected` names the tables whose snapshots must arrive before anything is shown.
    """

    permissions: Mapping[tuple[str, str], bool] | None
    expected: frozenset[Table]


class Refused(NamedTuple):
    """The key was turned down, by the venue or by our own rule; `code` is from a closed set."""

    code: str
    sentence: str


class Permitted(NamedTuple):
    """What the key may do, told outside a login; maps (scope, access)."""

    permissions: Mapping[tuple[str, str], bool]


class Platform(NamedTuple):
    """The venue said whether it is working."""

    operative: bool


class Gap(NamedTuple):
    """Messages were lost on the way: what is known is no longer the whole. The last event of its message."""

    sequence: Literal["public", "account"]


class Malformed(NamedTuple):
    """A message of a known kind could not be read; the state is as it was."""

    kind: str


Event = (
    Snapshot
    | Upsert
    | Balances
    | Removed
    | Fill
    | OrderChanged
    | FundingClosed
    | FundingTraded
    | Notified
    | LoggedIn
    | Refused
    | Permitted
    | Platform
    | Gap
    | Malformed
)

MALFORMED_KINDS: Final = ("json", "frame", "payload", "number", "oversize")
"""json: no JSON at all, bad UTF-8 and too deep nesting included. frame: JSON that is no message of this
protocol. payload: a known message whose rows have the wrong shape. number: a field that must be a number and
is none. oversize: refused by its announced length."""


class Heard(NamedTuple):
    """Everything one received message meant, to be applied in one step."""

    message: str
    """Its kind, from the closed set of the exchange; `other` when unknown."""
    is_data: bool
    """Whether it carried a fact of the account, not mere liveness."""
    events: Sequence[Event] = ()
    sent_at: float | None = None
    """When the venue says it sent it, Unix seconds."""
