"""From account states to metric families, for a registry of `prometheus_client`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from exporter.core.account import AccountState, Report
from exporter.core.clock import Instant
from exporter.core.market import MarketReport, MarketState
from exporter.core.stream import DELAY_BOUNDS
from exporter.exposition import catalogue
from exporter.exposition.choices import Choices
from exporter.exposition.dust import dust_of
from exporter.exposition.funding import contracts, funding_counters, idle, offers
from exporter.exposition.health import StreamShape, health, reconcile
from exporter.exposition.movements import interest, movements
from exporter.exposition.prices import market_samples
from exporter.exposition.privacy import without_amounts
from exporter.exposition.samples import Families, Labels, Samples, Selection
from exporter.exposition.thresholds import margin_need, thresholds
from exporter.exposition.trading import fees, fills, notifications, orders, positions
from exporter.exposition.wallets import margin, totals, wallets

logger: Final = logging.getLogger(__name__)


class Watched(NamedTuple):
    """One account, and what the collector must know to show it."""

    state: AccountState
    shapes: Mapping[str, StreamShape]
    notification_subjects: tuple[str, ...]
    select: Selection
    choices: Choices = Choices()


def account_samples(
    watched: Watched, report: Report, now: Instant, market: MarketReport | None = None
) -> Samples:
    """Every sample of one account, uncapped; without a market nothing that needs a price."""
    samples = Samples(report.exchange, report.account)
    view, tally, select, choices = report.view, report.tally, watched.select, watched.choices
    prices, marks = (market.prices, market.marks) if market is not None else ({}, {})
    health(report, watched.shapes, samples)
    reconcile(report, samples)
    thresholds(view, choices.thresholds, samples)
    wallets(view, select, dust_of(view, select, choices, prices), samples)
    totals(view, samples)
    margin(view, select, samples)
    margin_need(view, choices.margin_level, samples)
    positions(view, marks, select, samples)
    orders(view, select, samples)
    fills(tally, select, samples)
    fees(tally, select, samples)
    notifications(tally, watched.notification_subjects, samples)
    contracts(view, tally, now.wall, select, samples)
    offers(view, select, samples)
    idle(report.idle, select, samples)
    funding_counters(tally, select, samples)
    interest(report.movements, tally, select, samples)
    movements(report.movements, select, samples)
    if choices.hides_amounts:
        samples.families = without_amounts(samples.families)
    return samples


class Scrape(NamedTuple):
    """What is gathered for one page."""

    now: Instant
    families: Families
    delays: dict[Labels, tuple[list[int], float]]
    operative_since: dict[str, float]
    markets: dict[str, MarketReport]


class AccountCollector:
    """Makes fresh families at each scrape from one consistent report per account.

    Safe for concurrent scrapes: nothing of a scrape is kept but the count of dropped series. An account
    that cannot be shown is left out and told, and takes no other account with it.
    """

    def __init__(
        self,
        watched: Callable[[], Sequence[Watched]],
        *,
        clock: Callable[[], Instant],
        series_per_account: Callable[[], int],
        markets: Callable[[], Sequence[MarketState]] = tuple,
    ) -> None:
        self._watched = watched
        self._clock = clock
        self._markets = markets
        self._limit = series_per_account
        self._dropped = dict.fromkeys(catalogue.CAPPED, 0)
        self._lock = threading.Lock()
        self._complained: set[tuple[str, str]] = set()

    def describe(self) -> Iterable[Metric]:
        """Every family of the catalogue that comes from accounts, so that a registry refuses a second one."""
        for metric in catalogue.METRICS:
            if metric.name not in PROCESS_FAMILIES:
                yield _family(metric, {})

    def collect(self) -> Iterator[Metric]:
        """The families of all accounts, in the order of the catalogue."""
        now = self._clock()
        merged: Families = {
            metric.name: {} for metric in catalogue.METRICS if metric.name not in PROCESS_FAMILIES
        }
        scrape = Scrape(now, merged, {}, {}, {})
        for market in self._markets():
            self._add_market(market, scrape)
        for watched in self._watched():
            self._add_account(watched, scrape)
        with self._lock:
            for family, count in self._dropped.items():
                merged["exchange_exporter_series_dropped_total"][family,] = count
        took = self._clock().monotonic - now.monotonic
        merged["exchange_exporter_collect_duration_seconds"][()] = took
        for name, samples in merged.items():
            if name == DELAY:
                yield _delays(scrape.delays)
            else:
                yield _family(catalogue.BY_NAME[name], samples)

    def _add_account(self, watched: Watched, scrape: Scrape) -> None:
        merged = scrape.families
        state = watched.state
        who = (state.exchange, state.account)
        try:
            report = state.report(scrape.now.monotonic)
            market = scrape.markets.get(state.exchange)
            families = account_samples(watched, report, scrape.now, market).families
        except Exception:
            if who not in self._complained:
                self._complained.add(who)
                logger.exception("account cannot be shown", extra={"fields": {"account": state.account}})
            merged["exchange_exporter_collect_success"][who] = 0
            return
        merged["exchange_exporter_collect_success"][who] = 1
        self._cap(families)
        for name, samples in families.items():
            merged[name].update(samples)
        self._add_platform(report, scrape)
        for stream in report.streams:
            _add_clock(report.exchange, stream.clock_difference, merged[CLOCK])
            key = (report.exchange, stream.name)
            counts, total = scrape.delays.get(key, ([0] * (len(DELAY_BOUNDS) + 1), 0.0))
            added = [a + b for a, b in zip(counts, stream.delay_counts, strict=True)]
            scrape.delays[key] = (added, total + stream.delay_total)

    def _add_market(self, market: MarketState, scrape: Scrape) -> None:
        try:
            report = market.report(scrape.now.monotonic)
            families = market_samples(report).families
        except Exception:
            if ("", market.exchange) not in self._complained:
                self._complained.add(("", market.exchange))
                logger.exception("prices cannot be shown", extra={"fields": {"exchange": market.exchange}})
            return
        scrape.markets[market.exchange] = report
        for name, samples in families.items():
            scrape.families[name].update(samples)

    @staticmethod
    def _add_platform(report: Report, scrape: Scrape) -> None:
        """All accounts of a venue hear of its maintenance; the one that heard last is right."""
        since = scrape.operative_since
        if report.operative is None or since.get(report.exchange, -1.0) > report.operative_since:
            return
        since[report.exchange] = report.operative_since
        scrape.families["exchange_platform_operative"][report.exchange,] = report.operative

    def _cap(self, families: Families) -> None:
        """Cut what exceeds the account's limit, in the order of the catalogue, and count it."""
        left = self._limit()
        dropped: dict[str, int] = {}
        for name in catalogue.CAPPED:
            samples = families.get(name)
            if not samples:
                continue
            if len(samples) > left:
                dropped[name] = len(samples) - left
                families[name] = dict(list(samples.items())[:left])
            left -= len(families[name])
        if dropped:
            with self._lock:
                for name, count in dropped.items():
                    self._dropped[name] += count


CLOCK: Final = "exchange_clock_difference_seconds"
DELAY: Final = "exchange_stream_delivery_delay_seconds"
PROCESS_FAMILIES: Final = frozenset(
    (
        "exchange_exporter_build_info",
        "exchange_exporter_demo_mode",
        "exchange_exporter_config_last_reload_successful",
        "exchange_exporter_config_last_reload_success_timestamp_seconds",
        "exchange_exporter_session_restarts_total",
        "exchange_exporter_session_last_loop_timestamp_seconds",
        "exchange_rest_requests_total",
        "exchange_rest_request_failures_total",
        "exchange_rest_request_duration_seconds",
    )
)
"""Families of the process itself, kept in `telemetry`."""


def _add_clock(exchange: str, difference: float | None, samples: dict[Labels, float]) -> None:
    """Of all streams of a venue, the one whose message came fastest is nearest to the truth."""
    if difference is not None:
        samples[exchange,] = min(difference, samples.get((exchange,), difference))


def _family(metric: catalogue.Metric, samples: Mapping[Labels, float]) -> Metric:
    names = metric.labels
    if metric.kind == "info":
        info = InfoMetricFamily(metric.name.removesuffix("_info"), metric.help)
        for labels in samples:
            info.add_metric((), dict(zip(names, labels, strict=True)))
        return info
    if metric.kind == "histogram":
        return HistogramMetricFamily(metric.name, metric.help, labels=names)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=names)
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family


def _delays(delays: Mapping[Labels, tuple[list[int], float]]) -> Metric:
    metric = catalogue.BY_NAME[DELAY]
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, (counts, total) in delays.items():
        running = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, DELAY_BOUNDS), "+Inf"), counts, strict=True):
            running += count
            buckets.append((bound, running))
        family.add_metric(labels, buckets=buckets, sum_value=total)
    return family
