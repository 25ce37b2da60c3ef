"""Everything a page tells of one account, in sections and as plain samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.market import MarketReport
from exporter.core.model import Table
from exporter.core.report import Report
from exporter.core.tally import TallyReport
from exporter.core.view import View
from exporter.exposition.choices import Choices
from exporter.exposition.funding import contracts, funding_counters, idle, offers
from exporter.exposition.health import StreamShape, condition, condition_inputs, health, reconcile
from exporter.exposition.movements import interest, movements
from exporter.exposition.privacy import discreet
from exporter.exposition.samples import (
    NOTHING,
    AnySection,
    Group,
    HistogramSection,
    PageSection,
    Samples,
    Selection,
)
from exporter.exposition.thresholds import margin_need, thresholds
from exporter.exposition.trading import fees, fills, notifications, orders, positions
from exporter.exposition.wallets import margin, totals, wallets

MARGIN_TABLES: Final[tuple[Table, ...]] = ("totals", "margin", "margin_symbols")
RESTING_TABLES: Final[tuple[Table, ...]] = ("orders", "offers", "funding_info")


class Watched(NamedTuple):
    """One account, and what the collector must know to show it."""

    state: AccountState
    shapes: Mapping[str, StreamShape]
    notification_subjects: tuple[str, ...]
    select: Selection
    choices: Choices = Choices()


def account_groups(
    watched: Watched, report: Report, now: Instant, market: MarketReport | None = None
) -> Iterator[Group]:
    """Every section of one account, by what it is made from; without a market nothing that needs a price."""
    hide = watched.choices.hides_amounts
    for group in _groups(watched, report, now, market):
        yield group._replace(sections=partial(_discreetly, group.sections)) if hide else group


def _discreetly(sections: Callable[[], Iterable[PageSection]]) -> Iterator[PageSection]:
    return map(discreet, sections())


def _groups(watched: Watched, report: Report, now: Instant, market: MarketReport | None) -> Iterator[Group]:
    view, tally, select, choices = report.view, report.tally, watched.select, watched.choices
    prices, marks = (market.prices, market.marks) if market is not None else (NOTHING, NOTHING)

    def held() -> Iterator[AnySection]:
        if choices.thresholds:
            yield thresholds(view, choices.thresholds)
        yield from wallets(view, select, choices, prices)

    def flows() -> Iterator[AnySection]:
        yield interest(report.movements, tally, select)
        yield movements(report.movements, select)

    tables, gone = view.tables, view.gone
    yield Group("health", (report.streams,), lambda: [health(report, watched.shapes)])
    yield Group("condition", condition_inputs(report), lambda: condition(report, watched.shapes))
    yield Group("reconcile", (report.reconcile,), lambda: [reconcile(report.reconcile)])
    yield Group("wallets", (tables.get("wallets"), gone.get("wallets"), prices), held)
    yield Group("margin", tuple(map(tables.get, MARGIN_TABLES)), partial(_margins, view, watched))
    position_inputs = (tables.get("positions"), gone.get("positions"), view.positions, marks)
    yield Group("positions", position_inputs, lambda: positions(view, marks, select))
    resting_inputs = (*map(tables.get, RESTING_TABLES), view.order_symbols, view.offer_currencies)
    yield Group("resting", resting_inputs, partial(_resting, view, select))
    yield Group("counters", (tally,), partial(_counters, tally, watched))
    lent = (tables.get("credits"), tables.get("loans"), tally.funding_closed)
    yield Group("contracts", lent, lambda: [contracts(view, tally, now.wall, select)])
    yield Group("idle", (report.idle,), lambda: [idle(report.idle, select)])
    yield Group("flows", (report.movements, tally.funding_closed), flows)


def _margins(view: View, watched: Watched) -> Iterator[AnySection]:
    yield totals(view)
    yield from margin(view, watched.select)
    yield margin_need(view, watched.choices.margin_level)


def _resting(view: View, select: Selection) -> Iterator[AnySection]:
    yield from orders(view, select)
    yield from offers(view, select)


def _counters(tally: TallyReport, watched: Watched) -> Iterator[AnySection]:
    yield from fills(tally, watched.select)
    yield from fees(tally, watched.select)
    yield notifications(tally, watched.notification_subjects)
    yield from funding_counters(tally, watched.select)


def account_samples(
    watched: Watched, report: Report, now: Instant, market: MarketReport | None = None
) -> Samples:
    """Every sample of one account, uncapped."""
    samples = Samples(report.exchange, report.account)
    for group in account_groups(watched, report, now, market):
        for section in group.sections():
            if not isinstance(section, HistogramSection):  # those are of a venue, not of an account
                section.add_to(samples)
    return samples
