"""Bitfinex's positional rows as values of the model. Index numbers stand here and nowhere else.

Rows may be longer than known, since the venue appends, and shorter, as old ones are: a field that is
not there is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from exporter.core.events import Fill, FundingTraded, OrderChange
from exporter.core.model import (
    Contract,
    FundingInfo,
    Key,
    Margin,
    MarginSymbol,
    Offer,
    Order,
    Position,
    Totals,
    Wallet,
)
from exporter.exchanges.bitfinex.fields import (
    UnreadableError,
    at,
    funding_currency,
    identity,
    number,
    optional_word,
    required_number,
    scalar,
    seconds,
    symbol,
    word,
)

Fields = Sequence[object]
PERCENT: Final = 100.0


def strictly(said: Sequence[object]) -> list[Fields]:
    """Strictly a list of rows: unlike a stream, a read never sends one bare row."""
    found = [row for row in said if isinstance(row, list)]
    if len(found) != len(said):
        raise UnreadableError("payload")
    return list(found)


def wallet(row: Fields) -> tuple[Key, Wallet]:
    """`ws`, `wu`: 0 type, 1 currency, 2 balance, 3 unsettled interest, 4 available (null: not fresh)."""
    name, currency = word(row, 0), word(row, 1)
    if len(row) < 3:  # noqa: PLR2004 - a wallet without its balance field is no wallet
        raise UnreadableError("payload")
    value = Wallet(name, currency, number(row, 2), number(row, 4), number(row, 3))
    return (name, currency), value


def order(row: Fields) -> tuple[Key, Order]:
    """`os`, `on`, `ou`, `oc`: 0 id, 3 symbol, 4 created, 6 remaining, 7 original (sign: side), 16 price."""
    remaining = number(row, 6)
    original = number(row, 7)
    signed = original or remaining
    if signed is None:
        raise UnreadableError("payload")
    return identity(row, 0), Order(
        symbol=symbol(word(row, 3)),
        side="sell" if signed < 0 else "buy",
        remaining=None if remaining is None else abs(remaining),
        price=number(row, 16),
        created=seconds(row, 4),
    )


def order_occurrence(row: Fields) -> tuple[object, object, object]:
    """What tells two reports of an order apart: 0 id, 5 time of update, 6 remaining."""
    return scalar(row, 0), scalar(row, 5), number(row, 6)


def order_status(row: Fields) -> OrderChange | Literal["open"]:
    """13 status, as `status_of` reads it."""
    return status_of(optional_word(row, 13))


def status_of(text: str) -> OrderChange | Literal["open"]:
    """What the free text says happened to an order; `open` where it still rests.

    The head decides first, so that `CANCELED was: PARTIALLY FILLED` is a cancel.
    """
    status = text.strip().upper()
    if status.startswith(("EXECUTED", "FORCED EXECUTED")):
        return "fill"
    if status.startswith("INSUFFICIENT"):
        return "reject"
    if "CANCELED" in status or status.startswith(("RSN_DUST", "RSN_POS_REDUCE")):
        return "cancel"
    if "INSUFFICIENT" in status:
        return "reject"
    if status.startswith("PARTIALLY FILLED"):
        return "partial"
    if status.startswith(("ACTIVE", "RSN_PAUSE")):
        return "open"
    return "other"


def position_key(row: Fields) -> Key:
    """11 position id; 0 symbol in the old rows that have none."""
    return identity(row, 11) if at(row, 11) is not None else symbol(word(row, 0))


def position(row: Fields) -> tuple[Key, Position]:
    """`ps`, `pn`, `pu`, `pc`: see the keywords below; 6 to 9 and 18 are null until computed."""
    ratio = number(row, 7)
    liquidation = number(row, 8)
    marker = at(row, 15)
    return position_key(row), Position(
        symbol=symbol(word(row, 0)),
        amount=required_number(row, 2),
        entry_price=number(row, 3),
        funding_cost=number(row, 4),
        unrealized_pnl=number(row, 6),
        unrealized_pnl_ratio=None if ratio is None else ratio / PERCENT,
        # The venue prints 0, or next to it, where no price would liquidate the position.
        liquidation_price=liquidation if liquidation is not None and liquidation > NO_PRICE else None,
        leverage=number(row, 9),
        opened=seconds(row, 12),
        kind=KINDS.get(marker, "unknown") if isinstance(marker, int) else "unknown",
        collateral=number(row, 17),
        collateral_minimum=number(row, 18),
    )


NO_PRICE: Final = 1e-9
KINDS: Final[dict[object, Literal["margin", "derivative"]]] = {0: "margin", 1: "derivative"}


def fill(row: Fields, *, final: bool) -> Fill:
    """`te`, `tu`: 0 id, 1 symbol, 2 time, 4 amount, 5 price, 8 maker, 9 fee (paid: negative), 10 in."""
    amount = required_number(row, 4)
    fee = number(row, 9)
    marker = at(row, 8)
    return Fill(
        id=identity(row, 0),
        symbol=symbol(word(row, 1)),
        side="sell" if amount < 0 else "buy",
        liquidity=LIQUIDITY.get(marker, "unknown") if isinstance(marker, int) else "unknown",
        amount=abs(amount),
        price=required_number(row, 5),
        fee=None if fee is None else -fee,
        fee_currency=optional_word(row, 10),
        at=seconds(row, 2),
        final=final,
    )


LIQUIDITY: Final[dict[object, Literal["maker", "taker"]]] = {1: "maker", -1: "taker"}


def offer(row: Fields) -> tuple[Key, Offer]:
    """`fos`, `fon`, `fou`, `foc`: 0 id, 1 symbol, 2 created, 4 amount (negative: bid), 14 rate, 15 days.

    20 is the real rate of an offer at a variable one.
    """
    amount = required_number(row, 4)
    original = number(row, 5)
    return identity(row, 0), Offer(
        currency=funding_currency(word(row, 1)),
        side="taken" if (amount or original or 0.0) < 0 else "provided",
        amount=abs(amount),
        daily_rate=_rate(number(row, 14), number(row, 20)),
        period_days=number(row, 15),
        created=seconds(row, 2),
    )


def offer_status(row: Fields) -> str:
    """10 status of an offer, upper case."""
    return optional_word(row, 10).strip().upper()


SIDES: Final[dict[object, Literal["provided", "taken", "both"]]] = {
    1: "provided",
    "lend": "provided",
    -1: "taken",
    "loan": "taken",
    0: "both",
}


def contract(row: Fields, state: Literal["used", "unused"]) -> tuple[Key, Contract]:
    """Credits (used in positions) and loans (not used).

    0 id, 1 symbol, 2 side, 3 created, 5 amount, 11 rate per day, 12 days, 13 opened, 19 real rate.
    """
    marker = at(row, 2)
    return identity(row, 0), Contract(
        currency=funding_currency(word(row, 1)),
        side=SIDES.get(marker, "unknown") if isinstance(marker, int | str) else "unknown",
        state=state,
        amount=required_number(row, 5),
        daily_rate=_rate(number(row, 11), number(row, 19)),
        period_days=number(row, 12),
        opened=seconds(row, 13) or seconds(row, 3),
    )


def _rate(fixed: float | None, real: float | None) -> float | None:
    """A variable rate prints 0 in the fixed field; the real one stands behind it, or is not known."""
    return fixed or real or None


def funding_trade(row: Fields) -> FundingTraded:
    """`fte`, `ftu`: 0 id, 1 symbol, 4 amount (negative: borrowed)."""
    amount = required_number(row, 4)
    return FundingTraded(
        id=identity(row, 0),
        currency=funding_currency(word(row, 1)),
        side="taken" if amount < 0 else "provided",
        amount=abs(amount),
    )


def totals(row: Fields) -> Totals:
    """`bu`: 0 assets under management, 1 the same less liabilities; US dollars."""
    return Totals(number(row, 0), number(row, 1))


def margin(row: Fields) -> Margin:
    """`miu` base: 0 profit and loss, 1 swaps, 2 balance, 3 net, 4 required (missing in old frames)."""
    return Margin(
        balance_usd=number(row, 2),
        net_usd=number(row, 3),
        minimum_usd=number(row, 4),
        unrealized_pnl_usd=number(row, 0),
        funding_cost_usd=number(row, 1),
    )


def margin_symbol(row: Fields) -> MarginSymbol:
    """`miu` sym: 0 tradable, 1 gross, 2 largest buy, 3 largest sell."""
    return MarginSymbol(number(row, 0), number(row, 1), number(row, 2), number(row, 3))


def funding_info(row: Fields) -> FundingInfo:
    """`fiu`: 0 rate taken, 1 rate provided, 2 days taken, 3 days provided; weighted, rates per day."""
    return FundingInfo(number(row, 0), number(row, 1), number(row, 2), number(row, 3))
