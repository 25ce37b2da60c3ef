"""BitoPro's objects as values of the model; the streams and REST write the same ones."""

from __future__ import annotations

from typing import Final, Literal

from exporter.core.events import Fill, OrderChange
from exporter.core.model import Key, Order, Side, Wallet
from exporter.exchanges.bitopro.fields import (
    Fields,
    UnreadableError,
    currency,
    flag,
    identity,
    number,
    required_number,
    seconds,
    symbol,
    whole,
    word,
)

WALLET: Final = "spot"
"""The venue has one wallet."""
SIDES: Final[dict[str, Side]] = {"BUY": "buy", "SELL": "sell", "BID": "buy", "ASK": "sell"}
STATUSES: Final[dict[int | None, OrderChange | Literal["open"]]] = {
    -1: "open",
    0: "open",
    1: "partial",
    2: "fill",
    # Ended with a part of it filled: the venue counts it among the done, not among the cancelled.
    3: "fill",
    4: "cancel",
    6: "cancel",
}
FINAL: Final = ("fill", "cancel")


def wallet(name: str, fields: Fields) -> tuple[tuple[str, str], Wallet]:
    """One currency: `amount` is all of it, `stake` the part in staking. Nothing is derived or clamped."""
    if "amount" not in fields:
        raise UnreadableError("payload")
    code = currency(name)
    value = Wallet(
        wallet=WALLET,
        currency=code,
        balance=number(fields, "amount"),
        available=number(fields, "available"),
        staked=number(fields, "stake"),
    )
    return (WALLET, code), value


def order(fields: Fields, pair: str = "") -> tuple[Key, Order]:
    """An open order; `pair` names its symbol where the order does not. A price of 0 is none."""
    key = identity(fields, "id")
    name = fields.get("pair", pair)
    if not isinstance(name, str) or not name:
        raise UnreadableError("payload")
    return key, Order(
        symbol=symbol(name),
        side=side(fields, "action"),
        remaining=number(fields, "remainingAmount"),
        price=number(fields, "price") or None,
        created=seconds(fields, ("createdTimestamp", "timestamp")),
    )


def side(fields: Fields, name: str) -> Side:
    """Buy or sell, in either of the venue's vocabularies."""
    found = SIDES.get(word(fields, name).upper())
    if found is None:
        raise UnreadableError("payload")
    return found


def order_status(fields: Fields) -> OrderChange | Literal["open"]:
    """What its number says of an order; `open` where it rests untouched, `other` if unknown."""
    return STATUSES.get(whole(fields, "status"), "other")


def order_occurrence(fields: Fields) -> tuple[object, ...]:
    """What tells two reports of one order apart: when it changed, its status, and what is left of it."""
    updated = seconds(fields, ("updatedTimestamp", "timestamp"))
    return updated, whole(fields, "status"), number(fields, "remainingAmount"), number(fields, "price")


def fill(fields: Fields) -> Fill:
    """One own trade. Its fee is left out: the venue's figure seems to be scaled by a factor nobody states."""
    maker = flag(fields, "isMaker")
    return Fill(
        id=f"{identity(fields, 'matchID')}:{identity(fields, 'orderID')}",
        symbol=symbol(f"{word(fields, 'base')}_{word(fields, 'quote')}"),
        side=side(fields, "side"),
        liquidity="unknown" if maker is None else "maker" if maker else "taker",
        amount=required_number(fields, "volume"),
        price=required_number(fields, "price"),
        fee=None,
        fee_currency="",
        at=seconds(fields, ("transactionTimestamp", "eventTimestamp")),
        final=True,
    )
