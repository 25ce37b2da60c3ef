"""Positions, orders and fills of an account as samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.core.events import NOTICE_STATUSES, ORDER_CHANGES
from exporter.core.model import Order, Position, split_symbol
from exporter.core.tally import TallyReport
from exporter.core.view import View
from exporter.exposition.samples import Samples, Selection

SIDES: Final = ("buy", "sell")


def positions(view: View, marks: Mapping[str, float], select: Selection, samples: Samples) -> None:
    """Open positions; a closed one is an amount of 0 for the retention time, and nothing else."""
    rows = view.tables.get("positions")
    if rows is None:
        return
    shown = [row for row in rows.values() if isinstance(row, Position) and select.symbol(row.symbol)]
    samples.add("exchange_positions", len(shown))
    for row in view.gone.get("positions", ()):
        if isinstance(row, Position) and select.symbol(row.symbol):
            samples.add("exchange_position_amount", row.amount, row.symbol)
    # One symbol has one position; should it have two, the newest row speaks.
    for symbol, row in {row.symbol: row for row in shown}.items():
        samples.add("exchange_position_amount", row.amount, symbol)
        samples.add("exchange_position_entry_price", row.entry_price, symbol)
        samples.add("exchange_position_mark_price", marks.get(symbol), symbol)
        samples.add("exchange_position_liquidation_price", row.liquidation_price, symbol)
        samples.add("exchange_position_unrealized_pnl", row.unrealized_pnl, symbol)
        samples.add("exchange_position_unrealized_pnl_ratio", row.unrealized_pnl_ratio, symbol)
        samples.add("exchange_position_leverage_ratio", row.leverage, symbol)
        samples.add("exchange_position_funding_cost", row.funding_cost, symbol)
        samples.add("exchange_position_collateral", row.collateral, symbol)
        samples.add("exchange_position_collateral_minimum", row.collateral_minimum, symbol)
        samples.add("exchange_position_opened_timestamp_seconds", row.opened, symbol)
        samples.add("exchange_position_info", 1, symbol, *split_symbol(symbol), row.kind)


def orders(view: View, select: Selection, samples: Samples) -> None:
    """Open orders by symbol and side; symbols once seen stay at 0."""
    rows = view.tables.get("orders")
    if rows is None:
        return
    grouped: dict[tuple[str, str], list[Order]] = {
        (symbol, side): [] for symbol in sorted(view.order_symbols) for side in SIDES
    }
    for row in rows.values():
        if isinstance(row, Order):
            grouped.setdefault((row.symbol, row.side), []).append(row)
    for (symbol, side), group in grouped.items():
        if not select.symbol(symbol):
            continue
        created = [row.created for row in group if row.created is not None]
        known = [row for row in group if row.remaining is not None]
        samples.add("exchange_open_orders", len(group), symbol, side)
        samples.add(
            "exchange_open_orders_remaining", sum(row.remaining or 0.0 for row in known), symbol, side
        )
        notional = sum((row.remaining or 0.0) * (row.price or 0.0) for row in known)
        samples.add("exchange_open_orders_notional", notional, symbol, side)
        oldest = min(created, default=None)
        samples.add("exchange_open_order_oldest_timestamp_seconds", oldest, symbol, side)


def fills(tally: TallyReport, select: Selection, samples: Samples) -> None:
    """Counters of orders and executions since the start."""
    for change in ORDER_CHANGES:
        samples.add("exchange_order_events_total", tally.order_changes.get(change, 0), change)
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


def fees(tally: TallyReport, select: Selection, samples: Samples) -> None:
    """Trading fees paid and received since the start."""
    for family, amounts in (
        ("exchange_fees_paid_total", tally.fees),
        ("exchange_fee_rebates_total", tally.rebates),
    ):
        for currency, amount in amounts.items():
            if select.currency(currency):
                samples.add(family, amount, currency)


def notifications(tally: TallyReport, subjects: tuple[str, ...], samples: Samples) -> None:
    """Notifications since the start, every subject and status from 0."""
    for subject in subjects:
        for status in NOTICE_STATUSES:
            count = tally.notifications.get((subject, status), 0)
            samples.add("exchange_notifications_total", count, subject, status)
