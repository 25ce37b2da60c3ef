"""From a message type and its payload to events: one line of a table for each type.

Source: channel 0 of the authenticated WebSocket, API version 2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Literal

from exporter.core.events import (
    Event,
    FundingClosed,
    Notified,
    OrderChange,
    OrderChanged,
    Removed,
    Snapshot,
    Upsert,
)
from exporter.core.model import ONLY, Key, Row, Table
from exporter.exchanges.bitfinex import ledger, rows
from exporter.exchanges.bitfinex.fields import (
    UnreadableError,
    at,
    funding_currency,
    optional_word,
    rows_of,
    scalar,
    symbol,
    word,
)

Reader = Callable[[rows.Fields], tuple[Key, Row]]
Handler = Callable[[object], list[Event]]
ENDS: Final[dict[str, OrderChange]] = {"fill": "fill", "cancel": "cancel", "reject": "reject"}
"""Statuses after which an order rests no more."""


def _snapshot(table: Table, read: Reader, payload: object) -> list[Event]:
    return [Snapshot(table, dict(read(row) for row in rows_of(payload)))]


def _upsert(table: Table, read: Reader, payload: object) -> list[Event]:
    return [Upsert(table, *read(row)) for row in rows_of(payload)]


def _wallet(payload: object) -> list[Event]:
    """`wu`: 5 text and 6 object of the wallet's last ledger entry, null when the venue was asked for it."""
    return [
        Upsert("wallets", *rows.wallet(row), reason=ledger.reason(optional_word(row, 5), at(row, 6)))
        for row in rows_of(payload)
    ]


def _order(type_: Literal["on", "ou", "oc"], payload: object) -> list[Event]:
    """The type alone says whether an order is gone, save for an `on` or `ou` with a final status."""
    events: list[Event] = []
    for row in rows_of(payload):
        key, value = rows.order(row)
        status = rows.order_status(row)
        end = ENDS.get(status)
        if type_ == "on":
            events.append(OrderChanged("new", value.symbol, (key, "new")))
        if type_ == "oc" or end is not None:
            events.append(OrderChanged(end or "other", value.symbol, (key, "end")))
            events.append(Removed("orders", key))
            continue
        if type_ == "ou":
            change: OrderChange = "partial" if status == "partial" else "update"
            events.append(OrderChanged(change, value.symbol, rows.order_occurrence(row)))
        events.append(Upsert("orders", key, value))
    return events


def _position_closed(payload: object) -> list[Event]:
    return [Removed("positions", rows.position_key(row)) for row in rows_of(payload)]


def _fill(payload: object, *, final: bool) -> list[Event]:
    return [rows.fill(row, final=final) for row in rows_of(payload)]


def _offer(payload: object) -> list[Event]:
    """An offer whose status is final is gone though its type says new or updated."""
    events: list[Event] = []
    for row in rows_of(payload):
        key, value = rows.offer(row)
        gone = rows.offer_status(row).startswith(("EXECUTED", "CANCELED"))
        events.append(Removed("offers", key) if gone else Upsert("offers", key, value))
    return events


def _offer_closed(payload: object) -> list[Event]:
    return [Removed("offers", rows.offer(row)[0]) for row in rows_of(payload)]


def _contract_closed(
    table: Literal["credits", "loans"], state: Literal["used", "unused"], payload: object
) -> list[Event]:
    """Gone by its type: the amount and the rate of a closed row still show what they were."""
    events: list[Event] = []
    for row in rows_of(payload):
        key, value = rows.contract(row, state)
        events.append(FundingClosed(key, value.currency, state))
        events.append(Removed(table, key))
    return events


def _funding_trade(payload: object) -> list[Event]:
    return [rows.funding_trade(row) for row in rows_of(payload)]


def _totals(payload: object) -> list[Event]:
    return [Upsert("totals", ONLY, rows.totals(row)) for row in rows_of(payload)]


def _margin(payload: object) -> list[Event]:
    """`["base", [..]]`, or `["sym", SYMBOL, [..]]`."""
    if not isinstance(payload, list):
        raise UnreadableError("payload")
    if not payload:
        return []
    form = word(payload, 0)
    if form == "base":
        return [Upsert("margin", ONLY, rows.margin(_inner(payload, 1)))]
    if form == "sym":
        key = symbol(word(payload, 1))
        return [Upsert("margin_symbols", key, rows.margin_symbol(_inner(payload, 2)))]
    raise UnreadableError("payload")


def _funding_info(payload: object) -> list[Event]:
    """`["sym", fCURRENCY, [..]]`."""
    if not isinstance(payload, list):
        raise UnreadableError("payload")
    if not payload:
        return []
    key = funding_currency(word(payload, 1))
    return [Upsert("funding_info", key, rows.funding_info(_inner(payload, 2)))]


def _inner(payload: list[object], index: int) -> list[object]:
    inner = at(payload, index)
    if not isinstance(inner, list):
        raise UnreadableError("payload")
    return inner


NOTIFICATION_SUBJECTS: Final = (
    "on-req",
    "ou-req",
    "oc-req",
    "on_multi-req",
    "oc_multi-req",
    "fon-req",
    "foc-req",
    "uca",
    "wallet_transfer",
    "pos_close",
    "deposit_new",
    "deposit_complete",
    "pm-req",
    "pc",
    "ucm",
    "other",
)
STATUS_WORDS: Final = {"success": "success", "error": "error", "failure": "error"}


def _notification(payload: object) -> list[Event]:
    """`n`: 1 type, 4 info, 6 status, 7 text. Text and info are the user's own and go nowhere."""
    events: list[Event] = []
    for row in rows_of(payload):
        subject, status = word(row, 1), optional_word(row, 6).lower()
        subject = "ucm" if subject.startswith("ucm-") else subject
        events.append(
            Notified(
                subject if subject in NOTIFICATION_SUBJECTS else "other",
                STATUS_WORDS.get(status, "other"),
            )
        )
        if subject in ("on-req", "on_multi-req") and STATUS_WORDS.get(status) == "error":
            moment = (scalar(row, 0), optional_word(row, 7))
            events.append(OrderChanged("reject", "", ("request", *moment, *_requested(at(row, 4)))))
    return events


def _requested(info: object) -> tuple[object, object]:
    """What tells two refused orders of one moment apart: 0 id, 2 client id of the order asked for."""
    order = info if isinstance(info, list) else []
    return scalar(order, 0), scalar(order, 2)


def _nothing(_payload: object) -> list[Event]:
    return []


_credit = partial(rows.contract, state="used")
_loan = partial(rows.contract, state="unused")

# `hot` reads the everyday form of some of them before this table is asked.
HANDLERS: Final[dict[str, Handler]] = {
    "ws": partial(_snapshot, "wallets", rows.wallet),
    "wu": _wallet,
    "os": partial(_snapshot, "orders", rows.order),
    "on": partial(_order, "on"),
    "ou": partial(_order, "ou"),
    "oc": partial(_order, "oc"),
    "ps": partial(_snapshot, "positions", rows.position),
    "pn": partial(_upsert, "positions", rows.position),
    "pu": partial(_upsert, "positions", rows.position),
    "pc": _position_closed,
    "te": partial(_fill, final=False),
    "tu": partial(_fill, final=True),
    "fos": partial(_snapshot, "offers", rows.offer),
    "fon": _offer,
    "fou": _offer,
    "foc": _offer_closed,
    "fcs": partial(_snapshot, "credits", _credit),
    "fcn": partial(_upsert, "credits", _credit),
    "fcu": partial(_upsert, "credits", _credit),
    "fcc": partial(_contract_closed, "credits", "used"),
    "fls": partial(_snapshot, "loans", _loan),
    "fln": partial(_upsert, "loans", _loan),
    "flu": partial(_upsert, "loans", _loan),
    "flc": partial(_contract_closed, "loans", "unused"),
    "fte": _funding_trade,
    "ftu": _funding_trade,
    "bu": _totals,
    "miu": _margin,
    "fiu": _funding_info,
    "n": _notification,
    # Deprecated and undocumented types: known, and never live state.
    "hos": _nothing,
    "hts": _nothing,
    "hfos": _nothing,
    "hfcs": _nothing,
    "hfls": _nothing,
    "hfts": _nothing,
    "uac": _nothing,
    "mis": _nothing,
    "fis": _nothing,
    "bs": _nothing,
    "ats": _nothing,
}

FEED_OF: Final[dict[str, str]] = {
    **dict.fromkeys(("ws", "wu"), "wallets"),
    **dict.fromkeys(("os", "on", "ou", "oc"), "orders"),
    **dict.fromkeys(("ps", "pn", "pu", "pc"), "positions"),
    **dict.fromkeys(("te", "tu"), "trades"),
    **dict.fromkeys(
        ("fos", "fon", "fou", "foc", "fcs", "fcn", "fcu", "fcc", "fls", "fln", "flu", "flc"), "funding"
    ),
    **dict.fromkeys(("fte", "ftu", "fiu"), "funding"),
    "bu": "balance",
    "miu": "margin",
    "n": "notifications",
}
"""Which word of the configuration's `streams` a message type belongs to."""

EVENT_MESSAGES: Final = ("info", "auth", "conf", "error", "pong", "subscribed", "unsubscribed")
MESSAGES: Final = ("hb", *HANDLERS, *EVENT_MESSAGES, "other")
"""The closed set of message kinds, for counters."""


def read(type_: str, payload: object) -> list[Event]:
    """Events of one message of a known type. Raises UnreadableError, and nothing else."""
    return HANDLERS[type_](payload)
