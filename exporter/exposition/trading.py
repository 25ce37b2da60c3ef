"""Positions, orders and fills of an account as samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from exporter.core.events import NOTICE_STATUSES, ORDER_CHANGES
from exporter.core.model import Order, Position, Row, Rows, split_symbol
from exporter.core.tally import TallyReport
from exporter.core.view import View
from exporter.exposition.samples import (
    AnySection,
    MapSection,
    RowSection,
    Samples,
    Section,
    Selection,
    Series,
    Value,
    chosen,
)

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
    # How many there are is all that is told of them together, unless some are left out or gone.
    counted = rows if gone or select.symbols else len(rows)
    yield Section("positions beside", (counted, gone), partial(_beside, rows, gone, select))
    yield RowSection(
        "positions",
        (view.positions, marks),
        partial(chosen, view.positions, select.symbols),
        lambda symbol, _: _position_series(symbol),
        lambda symbol, row: _position(row, marks.get(symbol)),
        beside=(marks,),
    )


KINDS: Final = ("margin", "derivative", "unknown")
IS_KIND: Final = {kind: tuple(1 if each == kind else None for each in KINDS) for kind in KINDS}


def _position_series(symbol: str) -> list[Series]:
    names = split_symbol(symbol)
    return [
        *((name, (symbol,)) for name in POSITION),
        *(("exchange_position_info", (symbol, *names, kind)) for kind in KINDS),
    ]


def _position(row: Position, mark: float | None) -> tuple[Value, ...]:
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
        *IS_KIND[row.kind],
    )


def _beside(rows: Rows, gone: Sequence[Row], select: Selection, samples: Samples) -> None:
    """What no single row tells: how many there are, and which are gone."""
    if not gone and not select.symbols:
        samples.add("exchange_positions", len(rows))
        return
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
            by_value=True,  # groups are made anew at each look
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


def fills(tally: TallyReport, select: Selection) -> Iterator[AnySection]:
    """Counters of orders and executions since the start."""
    changes = {change: tally.order_changes.get(change, 0) for change in ORDER_CHANGES}
    yield MapSection("exchange_order_events_total", changes)
    yield MapSection("exchange_fills_recovered_total", {(): tally.recovered})
    for family, counts in (
        ("exchange_fills_total", tally.fills),
        ("exchange_fill_base_volume_total", tally.base_volume),
        ("exchange_fill_quote_volume_total", tally.quote_volume),
        ("exchange_last_fill_timestamp_seconds", tally.last_fill),
    ):
        yield MapSection(family, chosen(counts, select.symbols))


def fees(tally: TallyReport, select: Selection) -> Iterator[MapSection]:
    """Trading fees paid and received since the start."""
    yield MapSection("exchange_fees_paid_total", chosen(tally.fees, select.currencies))
    yield MapSection("exchange_fee_rebates_total", chosen(tally.rebates, select.currencies))


def notifications(tally: TallyReport, subjects: tuple[str, ...]) -> Section:
    """Notifications since the start, every subject and status from 0."""

    def write(samples: Samples) -> None:
        for subject in subjects:
            for status in NOTICE_STATUSES:
                count = tally.notifications.get((subject, status), 0)
                samples.add("exchange_notifications_total", count, subject, status)

    return Section("notifications", (tally.notifications,), write)
