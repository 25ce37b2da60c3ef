"""The messages that a busy account is made of, read a second way: straight from bytes to events.

`messages` and `rows` say what every message means, in whatever form it comes, and alone judge what is
malformed. A reader here knows one message in the form that the venue sends day by day, gives the same events
for it, and refuses every other form, down to the last field that nobody reads: then they decide. The tests
hold both ways against each other on random frames.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from exporter.core.events import Event, Fill, OrderChange, OrderChanged, Removed, Upsert
from exporter.core.model import ONLY, Order, Position, Side, Totals, Wallet
from exporter.exchanges.bitfinex import ledger
from exporter.exchanges.bitfinex.audit import SMALLEST_TIMESTAMP
from exporter.exchanges.bitfinex.fields import MILLIS, symbol
from exporter.exchanges.bitfinex.messages import ENDS, FEED_OF
from exporter.exchanges.bitfinex.rows import KINDS, LIQUIDITY, NO_PRICE, PERCENT, status_of

HEAD: Final = slice(8)
"""Of the bytes of a frame: `[0,"wu",` and the like tell channel and type before anything is decoded."""
LARGEST: Final = 2**63 - 1
"""Beyond it whole numbers are decoded in other ways by other decoders."""

Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Number = Annotated[int, Meta(ge=0, lt=SMALLEST_TIMESTAMP)]
Millis = Annotated[int, Meta(ge=SMALLEST_TIMESTAMP, le=LARGEST)]
Word = Annotated[str, Meta(min_length=1)]
Integer = Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]
Plain = Integer | float | str | None
Object = dict[str, Plain] | None

make = tuple.__new__
"""Makes a named tuple of all its fields in their order, in two thirds of the time that its class takes."""


UNUSUAL: Final = (ValueError, RecursionError)
"""Raised by whatever here refuses a frame."""


class Row(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A row whose fields stand in the venue's order; what nobody reads is named by its index."""


class WalletRow(Row):
    """Of `wu`; 3 unsettled interest, 5 text and 6 object of the last ledger entry."""

    wallet: Word
    currency: Word
    balance: float | None
    interest: float | None = None
    available: float | None = None
    text: str | None = None
    about: Object = None
    _7: Plain = None


class OrderRow(Row):
    """Of `on`, `ou` and `oc`."""

    id: Count
    _1: Plain
    _2: Plain
    symbol: Word
    created: Millis
    updated: Count
    remaining: float
    original: float
    _8: Plain
    _9: Plain
    _10: Plain
    _11: Plain
    _12: Plain
    status: str
    _14: Plain
    _15: Plain
    price: float | None
    _17: Plain = None
    _18: Plain = None
    _19: Plain = None
    _20: Plain = None
    _21: Plain = None
    _22: Plain = None
    _23: Plain = None
    _24: Plain = None
    _25: Plain = None
    _26: Plain = None
    _27: Plain = None
    _28: Plain = None
    _29: Plain = None
    _30: Plain = None
    _31: Object = None
    _32: Plain = None


class FillRow(Row):
    """Of `te` and `tu`."""

    id: Count
    symbol: Word
    at: Millis
    _3: Plain
    amount: float
    price: float
    _6: Plain
    _7: Plain
    maker: Integer
    fee: float | None = None
    fee_currency: str | None = None
    _11: Plain = None


class PositionRow(Row):
    """Of `pu`."""

    symbol: Word
    _1: Plain
    amount: float
    entry_price: float | None
    funding_cost: float | None
    _5: Plain
    profit: float | None
    profit_percent: float | None
    liquidation_price: float | None
    leverage: float | None
    _10: Plain
    id: Count
    opened: Millis | None
    _13: Plain
    _14: Plain
    kind: Integer
    _16: Plain = None
    collateral: float | None = None
    collateral_minimum: float | None = None
    _19: Object = None


class Symbols(dict[str, str]):
    """The venue's spelling to ours, remembered for as many symbols as a busy account may trade."""

    KEPT: Final = 4096
    LONGEST: Final = 40

    def __missing__(self, name: str) -> str:
        found = symbol(name)
        if len(self) < self.KEPT and len(name) <= self.LONGEST:
            self[name] = found
        return found


SYMBOLS: Final = Symbols()
PARTIAL: Final = "PARTIALLY FILLED"


def wallet(row: WalletRow) -> tuple[Event, ...]:
    """`wu`, as `rows.wallet`."""
    name, currency, text, about = row.wallet, row.currency, row.text, row.about
    reason = ledger.reason(text or "", about) if text or about else "other"
    value = make(Wallet, (name, currency, row.balance, row.available, row.interest, None))
    return (make(Upsert, ("wallets", (name, currency), value, reason)),)


def order(row: OrderRow) -> tuple[Event, ...]:
    """`ou` of an order that goes on resting, as `rows.order`."""
    status = row.status
    if status == "ACTIVE":
        change: OrderChange = "update"
    # Every word by which an order ends or is refused has a C in it, and these have none.
    elif status.startswith(PARTIAL) and "C" not in status and "c" not in status:
        change = "partial"
    else:
        raise ValueError
    key, pair = row.id, SYMBOLS[row.symbol]
    happened = make(OrderChanged, (change, pair, (key, row.updated, row.remaining)))
    return (happened, _resting(row, key, pair))


def new_order(row: OrderRow) -> tuple[Event, ...]:
    """`on` of an order that rests, as `rows.order`."""
    if row.status != "ACTIVE":
        raise ValueError
    key, pair = row.id, SYMBOLS[row.symbol]
    return (make(OrderChanged, ("new", pair, (key, "new"))), _resting(row, key, pair))


def closed_order(row: OrderRow) -> tuple[Event, ...]:
    """`oc`: its type says that the order is gone, and the status how."""
    key, end = row.id, ENDS.get(status_of(row.status), "other")
    return (make(OrderChanged, (end, SYMBOLS[row.symbol], (key, "end"))), make(Removed, ("orders", key)))


def _resting(row: OrderRow, key: int, pair: str) -> Upsert:
    original = row.original
    if not original:
        raise ValueError
    side: Side = "sell" if original < 0 else "buy"
    value = make(Order, (pair, side, abs(row.remaining), row.price, row.created / MILLIS))
    return make(Upsert, ("orders", key, value, "other"))


def early_fill(row: FillRow) -> tuple[Event, ...]:
    """`te`, as `rows.fill`."""
    return (_fill(row, final=False),)


def fill(row: FillRow) -> tuple[Event, ...]:
    """`tu`, as `rows.fill`."""
    return (_fill(row, final=True),)


def _fill(row: FillRow, *, final: bool) -> Fill:
    amount, fee, pair = row.amount, row.fee, SYMBOLS[row.symbol]
    side: Side = "sell" if amount < 0 else "buy"
    liquidity = LIQUIDITY.get(row.maker, "unknown")
    paid, currency, at = None if fee is None else -fee, row.fee_currency or "", row.at / MILLIS
    return make(Fill, (row.id, pair, side, liquidity, abs(amount), row.price, paid, currency, at, final))


def position(row: PositionRow) -> tuple[Event, ...]:
    """`pu`, as `rows.position`."""
    percent, liquidation, opened = row.profit_percent, row.liquidation_price, row.opened
    value = Position(
        symbol=SYMBOLS[row.symbol],
        amount=row.amount,
        entry_price=row.entry_price,
        liquidation_price=liquidation if liquidation is not None and liquidation > NO_PRICE else None,
        unrealized_pnl=row.profit,
        unrealized_pnl_ratio=None if percent is None else percent / PERCENT,
        leverage=row.leverage,
        funding_cost=row.funding_cost,
        collateral=row.collateral,
        collateral_minimum=row.collateral_minimum,
        opened=None if opened is None else opened / MILLIS,
        kind=KINDS.get(row.kind, "unknown"),
    )
    return (make(Upsert, ("positions", row.id, value, "other")),)


def totals(row: Totals) -> tuple[Event, ...]:
    """`bu`: its two fields are those of the model, in the same order."""
    return (make(Upsert, ("totals", ONLY, row, "other")),)


RowType = TypeVar("RowType", WalletRow, OrderRow, FillRow, PositionRow, Totals)
Frame = tuple[int, str, RowType, int, int, int]


Hot = tuple[Callable[[bytes], Frame[Any]], Callable[[Any], tuple[Event, ...]], bool]
"""One type of message; no named tuple, since unpacking one takes four times as long.

Bytes to channel, type, row, public and account number, and time: raises one of `UNUSUAL` otherwise. The row
to its events: raises ValueError where it is no everyday one. And whether it tells the plan of questions what
exists and what is null.
"""


def _hot(row: type[RowType], read: Callable[[RowType], tuple[Event, ...]], *, teaches: bool = False) -> Hot:
    frame = tuple[int, str, row, Number, Number, Millis]  # type: ignore[valid-type] # put together at run time
    return msgspec.json.Decoder(frame).decode, read, teaches


READERS: Final[dict[str, Hot]] = {
    "wu": _hot(WalletRow, wallet, teaches=True),
    "on": _hot(OrderRow, new_order),
    "ou": _hot(OrderRow, order),
    "oc": _hot(OrderRow, closed_order),
    "te": _hot(FillRow, early_fill),
    "tu": _hot(FillRow, fill),
    "pu": _hot(PositionRow, position, teaches=True),
    "bu": _hot(Totals, totals),
}


def readers(feeds: Collection[str]) -> dict[bytes, Hot]:
    """What is hot among the messages of some feeds, by the head of a frame."""
    return {b'[0,"%s",' % type_.encode(): hot for type_, hot in READERS.items() if FEED_OF[type_] in feeds}
