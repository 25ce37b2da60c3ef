"""Lending and borrowing of an account as samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, Literal

from exporter.core.model import Contract, FundingInfo, Key, Offer, Row, Rows, Table
from exporter.core.tally import TallyReport
from exporter.core.view import View
from exporter.exposition.samples import NOTHING, MapSection, Samples, Section, Selection, chosen

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


def contracts(view: View, tally: TallyReport, wall: float, select: Selection) -> Section:
    """What is lent and borrowed, by state; currencies once seen stay at 0."""
    tables = (view.tables.get("credits"), view.tables.get("loans"))

    def write(samples: Samples) -> float | None:
        seen = sorted({currency for currency, _ in tally.funding_closed if select.currency(currency)})
        lent: dict[str, list[Contract]] = {currency: [] for currency in seen}
        for rows, (_, state) in zip(tables, TABLES, strict=True):
            if rows is None:
                continue
            for currency, group in _grouped(rows, seen, select).items():
                provided = [row for row in group if row.side in ("provided", "both")]
                lent.setdefault(currency, []).extend(provided)
                _by_state(currency, state, group, provided, samples)
        if None in tables:
            return None
        changes = [_expiry(currency, group, wall, samples) for currency, group in lent.items()]
        return min((at for at in changes if at is not None), default=None)

    return Section("contracts", (*tables, tally.funding_closed), write)


def _grouped(rows: Rows, seen: list[str], select: Selection) -> dict[str, list[Contract]]:
    grouped: dict[str, list[Contract]] = {currency: [] for currency in seen}
    for row in rows.values():
        if isinstance(row, Contract) and select.currency(row.currency):
            grouped.setdefault(row.currency, []).append(row)
    return grouped


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


def _expiry(currency: str, lent: list[Contract], wall: float, samples: Samples) -> float | None:
    """What ends how soon; gives the Unix second at which the next contract is a rung nearer to its end."""
    ladder = {horizon: 0.0 for horizon, _ in HORIZONS}
    ends: list[float] = []
    nearer: float | None = None
    for row in lent:
        if row.opened is None or row.period_days is None:
            continue
        end = row.opened + row.period_days * DAY
        ends.append(end)
        rung = next(index for index, (_, limit) in enumerate(HORIZONS) if end - wall < limit)
        ladder[HORIZONS[rung][0]] += row.amount or 0.0
        if rung:
            crossing = end - HORIZONS[rung - 1][1]
            nearer = crossing if nearer is None else min(nearer, crossing)
    for horizon, amount in ladder.items():
        samples.add("exchange_funding_expiring", amount, currency, horizon)
    samples.add("exchange_funding_next_expiry_timestamp_seconds", min(ends, default=None), currency)
    return nearer


def offers(view: View, select: Selection) -> Iterator[Section]:
    """Money waiting to be lent, and the venue's own averages of what is."""
    rows, averages = view.tables.get("offers"), view.tables.get("funding_info", NOTHING)
    if rows is not None:
        yield Section("offers", (rows, view.offer_currencies), partial(_offers, view, rows, select))
    yield Section("funding averages", (averages,), partial(_averages, averages, select))


def _offers(view: View, rows: Rows, select: Selection, samples: Samples) -> None:
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


def _averages(rows: Mapping[Key, Row], select: Selection, samples: Samples) -> None:
    for key, row in rows.items():
        currency = str(key)
        if not isinstance(row, FundingInfo) or not select.currency(currency):
            continue
        samples.add("exchange_funding_provided_daily_ratio", row.provided_daily_rate, currency)
        samples.add("exchange_funding_taken_daily_ratio", row.taken_daily_rate, currency)
        for family, days in (
            ("exchange_funding_provided_duration_seconds", row.provided_days),
            ("exchange_funding_taken_duration_seconds", row.taken_days),
        ):
            samples.add(family, None if days is None else days * DAY, currency)


def idle(since: Mapping[str, float], select: Selection) -> MapSection:
    """Since when money that could be lent lies about."""
    return MapSection("exchange_funding_idle_since_timestamp_seconds", chosen(since, select.currencies))


def funding_counters(tally: TallyReport, select: Selection) -> Iterator[MapSection]:
    """Counters of funding since the start."""
    for family, counts in (
        ("exchange_funding_closed_total", tally.funding_closed),
        ("exchange_funding_trades_total", tally.funding_trades),
        ("exchange_funding_trade_volume_total", tally.funding_volume),
    ):
        yield MapSection(family, chosen(counts, select.currencies))
