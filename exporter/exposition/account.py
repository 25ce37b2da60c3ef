"""Everything a page tells of one account, as sections and as plain samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from exporter.core.account import AccountState, Report
from exporter.core.clock import Instant
from exporter.core.market import MarketReport
from exporter.exposition.choices import Choices
from exporter.exposition.funding import contracts, funding_counters, idle, offers
from exporter.exposition.health import StreamShape, health, reconcile
from exporter.exposition.movements import interest, movements
from exporter.exposition.privacy import discreet
from exporter.exposition.samples import NOTHING, AnySection, Samples, Selection
from exporter.exposition.thresholds import margin_need, thresholds
from exporter.exposition.trading import fees, fills, notifications, orders, positions
from exporter.exposition.wallets import margin, totals, wallets


class Watched(NamedTuple):
    """One account, and what the collector must know to show it."""

    state: AccountState
    shapes: Mapping[str, StreamShape]
    notification_subjects: tuple[str, ...]
    select: Selection
    choices: Choices = Choices()


def account_sections(
    watched: Watched, report: Report, now: Instant, market: MarketReport | None = None
) -> Iterator[AnySection]:
    """Every section of one account; without a market nothing that needs a price."""
    sections = _sections(watched, report, now, market)
    return map(discreet, sections) if watched.choices.hides_amounts else sections


def _sections(
    watched: Watched, report: Report, now: Instant, market: MarketReport | None
) -> Iterator[AnySection]:
    view, tally, select, choices = report.view, report.tally, watched.select, watched.choices
    prices, marks = (market.prices, market.marks) if market is not None else (NOTHING, NOTHING)
    yield from health(report, watched.shapes)
    yield reconcile(report.reconcile)
    yield thresholds(view, choices.thresholds)
    yield from wallets(view, select, choices, prices)
    yield totals(view)
    yield from margin(view, select)
    yield margin_need(view, choices.margin_level)
    yield from positions(view, marks, select)
    yield from orders(view, select)
    yield from fills(tally, select)
    yield fees(tally, select)
    yield notifications(tally, watched.notification_subjects)
    yield contracts(view, tally, now.wall, select)
    yield from offers(view, select)
    yield idle(report.idle, select)
    yield funding_counters(tally, select)
    yield interest(report.movements, tally, select)
    yield movements(report.movements, select)


def account_samples(
    watched: Watched, report: Report, now: Instant, market: MarketReport | None = None
) -> Samples:
    """Every sample of one account, uncapped."""
    samples = Samples(report.exchange, report.account)
    for section in account_sections(watched, report, now, market):
        section.add_to(samples)
    return samples
