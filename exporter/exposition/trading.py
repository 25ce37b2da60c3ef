"""Positions, orders and fills of an account as samples."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from exporter.core.events import NOTICE_STATUSES, ORDER_CHANGES
from exporter.core.model import Order, Position, Row, Rows, split_symbol
from exporter.core.tally import TallyReport
from exporter.core.view import View
from exporter.exposition.samples import AnySection, RowSection, Samples, Section, Selection, Series, Value

SIDES: Final = ("buy", "sell")
POSITION: Final = (
    "exchange_position_amount",
    "exchange_position_entry_price",
    "exchange_position_mark_price",
    "exchange_position_liquidation_price",
    "exchange_position_unrealized_pnl",
    "exchange_position_unrealized_pnl_ratio",
    "exchange_position_leverage_ratio",
    "exchange_position_funding_cost",
    "exchange_position_collateral",
    "exchange_position_collateral_minimum",
    "exchange_position_opened_timestamp_seconds",
)
ORDERS: Final = (
    "exchange_open_orders",
    "exchange_open_orders_remaining",
    "exchange_open_orders_notional",
    "exchange_open_order_oldest_timestamp_seconds",
)


def positions(view: View, marks: Mapping[str, float], select: Selection) -> Iterator[AnySection]:
    """Open positions; a closed one is an amount of 0 for the retention time, and nothing else."""
    rows = view.tables.get("positions")
    if rows is None:
        return
    gone = view.gone.get("positions", ())
    yield Section("positions beside", (rows, gone), partial(_beside, rows, gone, select))
    yield RowSection(
        "positions",
        (rows, marks),
        partial(_with_marks, rows, marks, select),
        lambda key, _: _position_series(*key),
        _position,
        same=operator.eq,  # pairs are made anew at each look
    )


Marked = tuple[Position, float | None]
"""A position, and the last price of its symbol."""


def _with_marks(rows: Rows, marks: Mapping[str, float], select: Selection) -> dict[tuple[str, str], Marked]:
    """By symbol and kind. One symbol has one position; should it have two, the newest row speaks."""
    shown = {
        row.symbol: row for row in rows.values() if isinstance(row, Position) and select.symbol(row.symbol)
    }
    return {(symbol, row.kind): (row, marks.get(symbol)) for symbol, row in shown.items()}


def _position_series(symbol: str, kind: str) -> list[Series]:
    return [
        *((name, (symbol,)) for name in POSITION),
        ("exchange_position_info", (symbol, *split_symbol(symbol), kind)),
    ]


def _position(_key: object, marked: Marked) -> tuple[Value, ...]:
    row, mark = marked
    return (
        row.amount,
        row.entry_price,
        mark,
        row.liquidation_price,
        row.unrealized_pnl,
        row.unrealized_pnl_ratio,
        row.leverage,
        row.funding_cost,
        row.collateral,
        row.collateral_minimum,
        row.opened,
        1,
    )


def _beside(rows: Rows, gone: Sequence[Row], select: Selection, samples: Samples) -> None:
    """What no single row tells: how many there are, and which are gone."""
    shown = [row.symbol for row in rows.values() if isinstance(row, Position) and select.symbol(row.symbol)]
    samples.add("exchange_positions", len(shown))
    for row in gone:
        if isinstance(row, Position) and select.symbol(row.symbol) and row.symbol not in shown:
            samples.add("exchange_position_amount", row.amount, row.symbol)


def orders(view: View, select: Selection) -> Iterator[AnySection]:
    """Open orders by symbol and side; symbols once seen stay at 0."""
    rows = view.tables.get("orders")
    if rows is not None:
        yield RowSection(
            "orders",
            (rows, view.order_symbols),
            partial(_grouped, view, rows, select),
            lambda key, _: [(name, key) for name in ORDERS],
            _orders,
            same=operator.eq,  # groups are made anew at each look
        )


def _grouped(view: View, rows: Rows, select: Selection) -> dict[tuple[str, str], tuple[Order, ...]]:
    grouped: dict[tuple[str, str], list[Order]] = {
        (symbol, side): [] for symbol in sorted(view.order_symbols) for side in SIDES if select.symbol(symbol)
    }
    for row in rows.values():
        if isinstance(row, Order) and select.symbol(row.symbol):
            grouped.setdefault((row.symbol, row.side), []).append(row)
    return {key: tuple(group) for key, group in grouped.items()}


def _orders(_key: object, group: tuple[Order, ...]) -> tuple[Value, ...]:
    known = [row for row in group if row.remaining is not None]
    return (
        len(group),
        sum(row.remaining or 0.0 for row in known),
        sum((row.remaining or 0.0) * (row.price or 0.0) for row in known),
        min((row.created for row in group if row.created is not None), default=None),
    )


def fills(tally: TallyReport, select: Selection) -> Iterator[Section]:
    """Counters of orders and executions since the start."""
    yield Section("order events", (tally.order_changes,), partial(_order_events, tally))
    yield Section(
        "fills",
        (tally.fills, tally.recovered, tally.base_volume, tally.quote_volume, tally.last_fill),
        partial(_fills, tally, select),
    )


def _order_events(tally: TallyReport, samples: Samples) -> None:
    for change in ORDER_CHANGES:
        samples.add("exchange_order_events_total", tally.order_changes.get(change, 0), change)


def _fills(tally: TallyReport, select: Selection, samples: Samples) -> None:
    samples.add("exchange_fills_recovered_total", tally.recovered)
    for (symbol, side, liquidity), count in tally.fills.items():
        if select.symbol(symbol):
            samples.add("exchange_fills_total", count, symbol, side, liquidity)
    for family, volumes in (
        ("exchange_fill_base_volume_total", tally.base_volume),
        ("exchange_fill_quote_volume_total", tally.quote_volume),
    ):
        for (symbol, side), volume in volumes.items():
            if select.symbol(symbol):
                samples.add(family, volume, symbol, side)
    for symbol, at in tally.last_fill.items():
        if select.symbol(symbol):
            samples.add("exchange_last_fill_timestamp_seconds", at, symbol)


def fees(tally: TallyReport, select: Selection) -> Section:
    """Trading fees paid and received since the start."""

    def write(samples: Samples) -> None:
        for family, amounts in (
            ("exchange_fees_paid_total", tally.fees),
            ("exchange_fee_rebates_total", tally.rebates),
        ):
            for currency, amount in amounts.items():
                if select.currency(currency):
                    samples.add(family, amount, currency)

    return Section("fees", (tally.fees, tally.rebates), write)


def notifications(tally: TallyReport, subjects: tuple[str, ...]) -> Section:
    """Notifications since the start, every subject and status from 0."""

    def write(samples: Samples) -> None:
        for subject in subjects:
            for status in NOTICE_STATUSES:
                count = tally.notifications.get((subject, status), 0)
                samples.add("exchange_notifications_total", count, subject, status)

    return Section("notifications", (tally.notifications,), write)
