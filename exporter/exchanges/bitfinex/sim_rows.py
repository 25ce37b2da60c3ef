"""The wire rows of the simulated Bitfinex: what the demo world holds, written as the documented arrays.

An independent reading of the protocol: it shares nothing with the client's decoder, so each proves the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.demo.records import (
    ZERO,
    Event,
    Fill,
    FundingFill,
    Loan,
    Notice,
    Offer,
    Order,
    Position,
    Totals,
    Value,
    Wallet,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from exporter.demo.records import Computed, Pair

Row = list[Any]

POST_ONLY = 4096
CODE_LENGTH = 3
NOTICE_TYPES = {
    "order-request": "on-req",
    "order-refused": "on-req",
    "deposit-new": "deposit_new",
    "deposit-complete": "deposit_complete",
    "transfer": "wallet_transfer",
}
FRAME_TYPES = {
    Event.WALLET: "wu",
    Event.ORDER_NEW: "on",
    Event.ORDER_CHANGED: "ou",
    Event.ORDER_GONE: "oc",
    Event.TRADE: "te",
    Event.TRADE_SETTLED: "tu",
    Event.POSITION_NEW: "pn",
    Event.POSITION_CHANGED: "pu",
    Event.POSITION_GONE: "pc",
    Event.OFFER_NEW: "fon",
    Event.OFFER_CHANGED: "fou",
    Event.OFFER_GONE: "foc",
    Event.TOTALS: "bu",
    Event.NOTICE: "n",
}
# A loan is a credit while a position uses it, and a loan proper while none does.
LOAN_SUFFIXES = {Event.LOAN_NEW: "n", Event.LOAN_CHANGED: "u", Event.LOAN_GONE: "c"}


def number(value: Decimal) -> int | float:
    """A number as a JavaScript server prints it: whole ones without a point."""
    return int(value) if value == value.to_integral_value() else float(value)


def symbol(pair: Pair) -> str:
    """`tBTCUSD` when both codes have three letters, else `tDUSK:USD`."""
    colon = "" if len(pair.base) == CODE_LENGTH == len(pair.quote) else ":"
    return f"t{pair.base}{colon}{pair.quote}"


def frames(event: Event, value: Value) -> list[tuple[str, Row]]:
    """The frames, as type and payload, by which an account's sessions hear of something that happened."""
    if isinstance(value, Loan):
        kind = "fc" if value.used_for else "fl"
        return [(kind + LOAN_SUFFIXES[event], loan_row(value))]
    if event is Event.FUNDING_TRADE:
        return [("fte", row(value)), ("ftu", row(value))]
    if isinstance(value, Fill):
        return [(FRAME_TYPES[event], trade_row(value, settled=event is Event.TRADE_SETTLED))]
    return [(FRAME_TYPES[event], row(value))]


def row(value: Value) -> Row:
    """The payload for a value whose form does not depend on the frame it comes in."""
    match value:
        case Wallet():
            return wallet_row(value)
        case Order():
            return order_row(value)
        case Position():
            return position_row(value)
        case Offer():
            return offer_row(value)
        case Loan():
            return loan_row(value)
        case FundingFill():
            return funding_trade_row(value)
        case Totals():
            return [number(value.assets), number(value.net)]
        case Notice():
            return notice_row(value)
        case _:
            raise TypeError(f"no wire row for {type(value).__name__}")


def wallet_row(wallet: Wallet, available: Decimal | None = None, *, bare: bool = False) -> Row:
    """`ws`, `wu` (7). What is available is null unless computed; `bare` leaves out the ledger's words."""
    meta = {"reason": "TRADE", "order_id": wallet.order_id} if wallet.order_id else None
    return [
        wallet.kind,
        wallet.currency,
        number(wallet.balance),
        number(wallet.interest),
        None if available is None else number(available),
        None if bare else wallet.note,
        None if bare else meta,
    ]


def order_row(order: Order) -> Row:
    """`os`, `on`, `ou`, `oc` (32)."""
    fields: Row = [None] * 32
    fields[0:3] = [order.id, None, order.client_id]
    fields[3:6] = [symbol(order.pair), order.created, order.updated]
    fields[6:8] = [number(order.remaining), number(order.original)]
    fields[8] = _order_type(order.room, order.type)
    fields[12] = POST_ONLY if order.post_only else 0
    fields[13] = order_status(order)
    fields[16:20] = [number(order.price), number(order.average_price), 0, 0]
    fields[23:26] = [0, 0, None]
    fields[28] = "API>BFX"
    fields[31] = {"lev": 5} if order.room == "derivatives" else {}
    return fields


def order_status(order: Order) -> str:
    """The status text, fills and history included, as the venue writes it."""
    fills = _fills(order.fills)
    match order.state:
        case "active":
            return "ACTIVE"
        case "partial":
            return f"PARTIALLY FILLED @ {fills}"
        case "executed" if len(order.fills) == 1:
            return f"EXECUTED @ {fills}"
        case "executed":
            return f"EXECUTED @ {_fills(order.fills[-1:])}: was PARTIALLY FILLED @ {_fills(order.fills[:-1])}"
        case _:
            return f"CANCELED was: PARTIALLY FILLED @ {fills}" if fills else "CANCELED"


def trade_row(fill: Fill, *, settled: bool) -> Row:
    """`te` (12, no fee yet, with the client id) and `tu` (11, with the fee)."""
    fields: Row = [fill.id, symbol(fill.pair), fill.at, fill.order_id]
    fields += [number(fill.amount), number(fill.price)]
    fields += [_order_type(fill.room, fill.order_type), number(fill.order_price), 1 if fill.maker else -1]
    if settled:
        return [*fields, number(fill.fee), fill.fee_currency]
    return [*fields, None, None, fill.client_id]


def position_row(position: Position, computed: Computed | None = None) -> Row:
    """`ps`, `pn`, `pu`, `pc` (20): what follows the price is null unless it was computed."""
    fields: Row = [None] * 20
    fields[0:2] = [symbol(position.pair), "ACTIVE" if position.amount else "CLOSED"]
    fields[2:6] = [number(position.amount), number(position.entry), number(position.funding), 0]
    if computed:
        fields[6:8] = [number(computed.profit), number(computed.profit_percent)]
        fields[8:10] = [number(computed.liquidation_price), number(computed.leverage)]
        least = computed.collateral_minimum
        fields[18] = None if least is None else number(least)
    fields[11] = position.id
    fields[15] = 1 if position.derivative else 0
    fields[17] = number(position.collateral)
    fields[19] = {"reason": "TRADE", "order_id": position.order_id, "liq_stage": None}
    return fields


def offer_row(offer: Offer) -> Row:
    """`fos`, `fon`, `fou`, `foc` (21)."""
    fields: Row = [None] * 21
    fields[0:4] = [offer.id, f"f{offer.currency}", offer.created, offer.updated]
    fields[4:7] = [number(offer.remaining), number(offer.original), "LIMIT"]
    fields[9] = {}
    fields[10] = _offer_status(offer)
    fields[14:18] = [number(offer.rate), offer.period, 0, 0]
    fields[19] = 0
    return fields


def loan_row(loan: Loan) -> Row:
    """`fcs`, `fcn`, `fcu`, `fcc` (22, with the pair it is used for) and `fls`, `fln`, `flu`, `flc` (21)."""
    fields: Row = [None] * 21
    fields[0:5] = [loan.id, f"f{loan.currency}", loan.side, loan.opened, loan.updated]
    fields[5:7] = [number(loan.amount), 0]
    fields[7:9] = [f"CLOSED ({loan.closed})" if loan.closed else "ACTIVE", "FIXED"]
    fields[11:15] = [number(loan.rate), loan.period, loan.opened, loan.last_payout]
    fields[15:17] = [0, 0]
    fields[18] = 0
    fields[20] = 0
    return [*fields, symbol(loan.used_for)] if loan.used_for else fields


def funding_trade_row(fill: FundingFill) -> Row:
    """`fte`, `ftu` (8)."""
    fields: Row = [fill.id, f"f{fill.currency}", fill.at, fill.offer_id]
    return [*fields, number(fill.amount), number(fill.rate), fill.period, 1]


def notice_row(notice: Notice) -> Row:
    """`n` (8)."""
    info = order_row(notice.order) if notice.order else None
    status = "ERROR" if notice.kind == "order-refused" else "SUCCESS"
    return [notice.at, NOTICE_TYPES[notice.kind], None, None, info, None, status, notice.text]


def _order_type(room: str, kind: str) -> str:
    return f"EXCHANGE {kind}" if room == "exchange" else kind


def _fills(fills: tuple[tuple[Decimal, Decimal], ...]) -> str:
    return ", ".join(f"{price.normalize():f}({amount.normalize():f})" for price, amount in fills)


def _offer_status(offer: Offer) -> str:
    taken = sum((amount for _, amount in offer.fills), ZERO)
    match offer.state:
        case "active":
            return "ACTIVE"
        case "partial":
            return f"PARTIALLY FILLED at {offer.rate.normalize():f} ({taken.normalize():f})"
        case "executed":
            return f"EXECUTED at {offer.rate.normalize():f} ({taken.normalize():f})"
        case _:
            return "CANCELED"
