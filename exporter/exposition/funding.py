"""Lending and borrowing of an account as samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from exporter.core.model import Contract, FundingInfo, Offer, Table
from exporter.core.tally import TallyReport
from exporter.core.view import View
from exporter.exposition.samples import Samples, Selection

DAY: Final = 86_400.0
HORIZONS: Final = (
    ("0-1d", 1 * DAY),
    ("1-3d", 3 * DAY),
    ("3-7d", 7 * DAY),
    ("7-30d", 30 * DAY),
    ("30d+", float("inf")),
)
TABLES: Final[tuple[tuple[Table, Literal["used", "unused"]], ...]] = (
    ("credits", "used"),
    ("loans", "unused"),
)


def contracts(view: View, tally: TallyReport, wall: float, select: Selection, samples: Samples) -> None:
    """What is lent and borrowed, by state; currencies once seen stay at 0."""
    seen = sorted({currency for currency, _ in tally.funding_closed})
    lent: dict[str, list[Contract]] = {currency: [] for currency in seen}
    for table, state in TABLES:
        rows = view.tables.get(table)
        if rows is None:
            continue
        grouped: dict[str, list[Contract]] = {currency: [] for currency in seen}
        for row in rows.values():
            if isinstance(row, Contract):
                grouped.setdefault(row.currency, []).append(row)
        for currency, group in grouped.items():
            if select.currency(currency):
                provided = [row for row in group if row.side in ("provided", "both")]
                lent.setdefault(currency, []).extend(provided)
                _by_state(currency, state, group, provided, samples)
    if all(table in view.tables for table, _ in TABLES):
        for currency, group in lent.items():
            if select.currency(currency):
                _expiry(currency, group, wall, samples)


def _by_state(
    currency: str, state: str, group: list[Contract], provided: list[Contract], samples: Samples
) -> None:
    taken = [row for row in group if row.side in ("taken", "both")]
    # A sum without the contracts of unknown rate would pass for the whole.
    is_known = all(row.amount is not None and row.daily_rate is not None for row in provided)
    interest = sum((row.amount or 0.0) * (row.daily_rate or 0.0) for row in provided) if is_known else None
    samples.add("exchange_funding_provided", sum(row.amount or 0.0 for row in provided), currency, state)
    samples.add("exchange_funding_taken", sum(row.amount or 0.0 for row in taken), currency, state)
    samples.add("exchange_funding_contracts", len(group), currency, state)
    samples.add("exchange_funding_expected_daily_interest", interest, currency, state)


def _expiry(currency: str, lent: list[Contract], wall: float, samples: Samples) -> None:
    ladder = {horizon: 0.0 for horizon, _ in HORIZONS}
    ends: list[float] = []
    for row in lent:
        if row.opened is None or row.period_days is None:
            continue
        end = row.opened + row.period_days * DAY
        ends.append(end)
        rung = next(horizon for horizon, limit in HORIZONS if end - wall < limit)
        ladder[rung] += row.amount or 0.0
    for horizon, amount in ladder.items():
        samples.add("exchange_funding_expiring", amount, currency, horizon)
    samples.add("exchange_funding_next_expiry_timestamp_seconds", min(ends, default=None), currency)


def offers(view: View, select: Selection, samples: Samples) -> None:
    """Money waiting to be lent, and the venue's own averages of what is."""
    rows = view.tables.get("offers")
    if rows is not None:
        grouped: dict[str, list[Offer]] = {currency: [] for currency in sorted(view.offer_currencies)}
        for row in rows.values():
            if isinstance(row, Offer) and row.side == "provided":
                grouped.setdefault(row.currency, []).append(row)
        for currency, group in grouped.items():
            if not select.currency(currency):
                continue
            created = [row.created for row in group if row.created is not None]
            samples.add("exchange_funding_offered", sum(row.amount or 0.0 for row in group), currency)
            samples.add("exchange_funding_offers", len(group), currency)
            oldest = min(created, default=None)
            samples.add("exchange_funding_offer_oldest_timestamp_seconds", oldest, currency)
    for key, row in view.tables.get("funding_info", {}).items():
        currency = str(key)
        if isinstance(row, FundingInfo) and select.currency(currency):
            _averages(currency, row, samples)


def idle(since: Mapping[str, float], select: Selection, samples: Samples) -> None:
    """Since when money that could be lent lies about."""
    for currency, at in since.items():
        if select.currency(currency):
            samples.add("exchange_funding_idle_since_timestamp_seconds", at, currency)


def _averages(currency: str, row: FundingInfo, samples: Samples) -> None:
    samples.add("exchange_funding_provided_daily_ratio", row.provided_daily_rate, currency)
    samples.add("exchange_funding_taken_daily_ratio", row.taken_daily_rate, currency)
    for family, days in (
        ("exchange_funding_provided_duration_seconds", row.provided_days),
        ("exchange_funding_taken_duration_seconds", row.taken_days),
    ):
        samples.add(family, None if days is None else days * DAY, currency)


def funding_counters(tally: TallyReport, select: Selection, samples: Samples) -> None:
    """Counters of funding since the start."""
    for (currency, state), count in tally.funding_closed.items():
        if select.currency(currency):
            samples.add("exchange_funding_closed_total", count, currency, state)
    for (currency, side), count in tally.funding_trades.items():
        if select.currency(currency):
            samples.add("exchange_funding_trades_total", count, currency, side)
    for (currency, side), volume in tally.funding_volume.items():
        if select.currency(currency):
            samples.add("exchange_funding_trade_volume_total", volume, currency, side)
