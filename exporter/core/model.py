"""The values an account consists of, free of any exchange's spelling.

`None` always means "not known now". Amounts are in units of the named currency, times are Unix seconds,
rates are ratios per day. `symbol` is `BASE/QUOTE` in the exchange's own currency codes.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Table = Literal[
    "wallets",
    "orders",
    "positions",
    "offers",
    "credits",
    "loans",
    "totals",
    "margin",
    "margin_symbols",
    "funding_info",
]
Side = Literal["buy", "sell"]
Key = int | str | tuple[str, str]

SNAPSHOT_TABLES: Final[tuple[Table, ...]] = ("wallets", "positions", "orders", "offers", "credits", "loans")
"""Tables that the exchange lays down whole; the others are values that come one by one."""

ONLY: Final = ""
"""Key of the one row in a table that holds a single value."""


class Wallet(NamedTuple):
    """Money of one currency in one wallet; keyed by (wallet, currency)."""

    wallet: str
    currency: str
    balance: float | None
    available: float | None = None
    unsettled_interest: float | None = None
    staked: float | None = None


class Order(NamedTuple):
    """An open order; keyed by the exchange's order id, which never leaves the state."""

    symbol: str
    side: Side
    remaining: float | None
    price: float | None
    created: float | None


class Position(NamedTuple):
    """An open margin or derivative position; keyed by position id."""

    symbol: str
    amount: float | None
    entry_price: float | None = None
    liquidation_price: float | None = None
    unrealized_pnl: float | None = None
    unrealized_pnl_ratio: float | None = None
    leverage: float | None = None
    funding_cost: float | None = None
    collateral: float | None = None
    collateral_minimum: float | None = None
    opened: float | None = None
    kind: Literal["margin", "derivative", "unknown"] = "unknown"


class Offer(NamedTuple):
    """Money waiting to be lent (`provided`) or asked for (`taken`); keyed by offer id."""

    currency: str
    side: Literal["provided", "taken"]
    amount: float | None
    daily_rate: float | None
    period_days: float | None
    created: float | None


class Contract(NamedTuple):
    """Money lent or borrowed under one funding contract; keyed by contract id."""

    currency: str
    side: Literal["provided", "taken", "both", "unknown"]
    state: Literal["used", "unused"]
    amount: float | None
    daily_rate: float | None
    period_days: float | None
    opened: float | None


class Totals(NamedTuple):
    """The venue's own sum of the account, in US dollars."""

    assets_usd: float | None
    net_assets_usd: float | None


class Margin(NamedTuple):
    """Margin figures of the whole account, in US dollars."""

    balance_usd: float | None
    net_usd: float | None
    minimum_usd: float | None
    unrealized_pnl_usd: float | None
    funding_cost_usd: float | None


class MarginSymbol(NamedTuple):
    """Room to trade one symbol on margin; keyed by symbol."""

    tradable_balance: float | None
    gross_balance: float | None
    buying_power: float | None
    selling_power: float | None


class FundingInfo(NamedTuple):
    """The venue's weighted averages of what is lent and borrowed in one currency; keyed by currency."""

    taken_daily_rate: float | None
    provided_daily_rate: float | None
    taken_days: float | None
    provided_days: float | None


Row = Wallet | Order | Position | Offer | Contract | Totals | Margin | MarginSymbol | FundingInfo
Rows = dict[Key, Row]


def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and quote currency of `BASE/QUOTE`; the quote is empty where a symbol has none."""
    base, _, quote = symbol.partition("/")
    return base, quote
