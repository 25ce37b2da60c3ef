"""From account states to the page: at each scrape what changed since the last one, and nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.core.clock import Instant
from exporter.core.market import MarketReport, MarketState
from exporter.core.report import Report
from exporter.exposition import catalogue, heads
from exporter.exposition.account import Watched, account_groups, account_samples
from exporter.exposition.book import Book
from exporter.exposition.delays import VenueDelays
from exporter.exposition.page import Page
from exporter.exposition.prices import market_group
from exporter.exposition.samples import Families, Group, Labels, PageSection

__all__ = ["PROCESS_FAMILIES", "AccountCollector", "Watched", "account_samples"]

logger: Final = logging.getLogger(__name__)
CLOCK: Final = "exchange_clock_difference_seconds"
DURATION: Final = "exchange_exporter_collect_duration_seconds"
DROPPED: Final = "exchange_exporter_series_dropped_total"
EXPECTED: Final = "exchange_account_expected"
SUCCESS: Final = "exchange_exporter_collect_success"
OPERATIVE: Final = "exchange_platform_operative"
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
DURATION_EVERY: Final = 1.0
"""Seconds after which a page that does not change tells anew how long it took."""


LOOK_EVERY: Final = 0.1
"""Seconds after which what only the passing of time changes is looked for again, though nothing was told."""


class Process(Protocol):
    """What the process tells of itself."""

    @property
    def revision(self) -> int:
        """While this stays, nothing changed."""

    def sections(self) -> Iterable[PageSection]:
        """Samples with whole labels."""


class AccountCollector:
    """Keeps a page of all accounts, and brings it up to date when it is asked for.

    Safe for concurrent scrapes. An account that cannot be shown is left out and told, and takes no other
    account with it.
    """

    def __init__(
        self,
        watched: Callable[[], Sequence[Watched]],
        *,
        clock: Callable[[], Instant],
        series_per_account: Callable[[], int],
        markets: Callable[[], Sequence[MarketState]] = tuple,
        process: Process | None = None,
    ) -> None:
        self._watched = watched
        self._clock = clock
        self._markets = markets
        self._limit = series_per_account
        self._process = process
        hidden = PROCESS_FAMILIES if process is None else frozenset[str]()
        self._metrics = [metric for metric in catalogue.METRICS if metric.name not in hidden]
        self._page = Page(map(heads.head, self._metrics))
        self._books: dict[object, Book] = {}
        """By account, by name of the exchange for its market, and one of the process."""
        self._venues = Book(self._page, ())
        self._delays = VenueDelays()
        self._dropped = dict.fromkeys(catalogue.CAPPED, 0)
        self._lock = threading.Lock()
        self._complained: set[tuple[str, ...]] = set()
        self._timed = self._looked = float("-inf")
        self._seen: tuple[object, ...] = ()

    def describe(self) -> Iterable[Metric]:
        """Every family of the page, so that a registry refuses a second one."""
        return map(heads.family, self._metrics)

    def collect(self) -> Iterator[Metric]:
        """The page as families of `prometheus_client`, for whoever works with those."""
        text = b"".join(self.body(openmetrics=True)) + heads.END
        # The library leaves this function without types.
        found: Iterator[Metric] = text_string_to_metric_families(text.decode())  # type: ignore[no-untyped-call]
        return found

    def body(self, *, openmetrics: bool, names: Iterable[str] | None = None) -> Sequence[bytes]:
        """The families of all accounts in the order of the catalogue; with names, only those families.

        Without an end mark. It is the same object as the last time when nothing changed since.
        """
        with self._lock:
            try:
                self._refresh()
            except BaseException:
                # Half of it may be done: whoever asks next must not be told that nothing changed since.
                self._looked = float("-inf")
                raise
            if names is None:
                return self._page.body(openmetrics=openmetrics)
            wanted = heads.families_named(names, self._metrics)
            return self._page.part(wanted, openmetrics=openmetrics)

    def _refresh(self) -> None:
        now = self._clock()
        watched = self._watched()
        if self._is_known(watched, now):
            return
        markets = {market.exchange: self._market(market, now) for market in self._markets()}
        shown = [(each, self._account(each, markets.get(each.state.exchange), now)) for each in watched]
        if self._process is not None:
            group = Group("process", (now,), self._process.sections)
            self._book(self._process, None, ()).write([group], now.wall)
        self._close_others({self._process, *markets, *(each.state for each in watched)})
        self._venues.write([self._delays.group((each.state, report) for each, report in shown)], now.wall)
        self._venues.put("venues", self._between(shown))
        if self._page.is_changed or now.monotonic - self._timed >= DURATION_EVERY:
            self._timed = now.monotonic
            self._venues.put("duration", {DURATION: {(): self._clock().monotonic - now.monotonic}})

    def _is_known(self, watched: Sequence[Watched], now: Instant) -> bool:
        """Whether nothing was told since the last look, and no time worth mentioning has passed.

        Read before anything else is, so that what comes meanwhile is seen by the next look.
        """
        seen = (
            self._limit(),
            self._process and self._process.revision,
            *[market.report(now.monotonic) for market in self._markets()],
            *[part for each in watched for part in (each, each.state.lock.revision)],
        )
        is_known = now.monotonic - self._looked < LOOK_EVERY and _are_same(seen, self._seen)
        if not is_known:
            self._seen, self._looked = seen, now.monotonic
        return is_known

    def _book(self, key: object, owner: object, begin: Labels) -> Book:
        book = self._books.get(key)
        if book is not None and book.owner is not owner:
            # The same account under other choices: all may look otherwise.
            book.clear()
            book = None
        if book is None:
            book = self._books[key] = Book(self._page, begin, catalogue.CAPPED, owner)
        return book

    def _close_others(self, open_books: set[object]) -> None:
        for key in self._books.keys() - open_books:
            self._books.pop(key).clear()

    def _account(self, watched: Watched, market: MarketReport | None, now: Instant) -> Report | None:
        """Bring one account up to date; None when it cannot be shown, and then nothing of it is."""
        state = watched.state
        book = self._book(state, watched, (state.exchange, state.account))
        try:
            report = state.report(now.monotonic)
            self._write(book, watched, report, now, market)
        except Exception:
            book.clear()
            if self._is_news(state.exchange, state.account):
                logger.exception("account cannot be shown", extra={"fields": {"account": state.account}})
            return None
        self._complained.discard((state.exchange, state.account))
        return report

    def _market(self, market: MarketState, now: Instant) -> MarketReport | None:
        book = self._book(market.exchange, market, (market.exchange,))
        try:
            report = market.report(now.monotonic)
            book.write([market_group(report)], now.wall)
        except Exception:
            book.clear()
            if self._is_news(market.exchange, ""):
                logger.exception("prices cannot be shown", extra={"fields": {"exchange": market.exchange}})
            return None
        self._complained.discard((market.exchange, ""))
        return report

    def _is_news(self, *who: str) -> bool:
        """Whether nothing was said of this yet: the next scrape would say the same."""
        is_news = who not in self._complained
        self._complained.add(who)
        return is_news

    def _write(
        self, book: Book, watched: Watched, report: Report, now: Instant, market: MarketReport | None
    ) -> None:
        """Show all of an account, or as much as the limit allows."""
        limit = self._limit()
        if not book.is_cut:
            book.write(account_groups(watched, report, now, market), now.wall)
            if book.counted <= limit:
                return
        families = account_samples(watched, report, now, market).families
        if self._cut(families, limit):
            # What is left out is counted at each scrape.
            self._looked = float("-inf")
            if not book.is_cut:
                book.clear()
                book.is_cut = True
            # All in one piece, since what was left out before may fit in now.
            book.put("cut", families)
        else:
            book.clear()
            book.write(account_groups(watched, report, now, market), now.wall)

    def _cut(self, families: Families, limit: int) -> bool:
        """Leave out what exceeds the limit, in the order of the catalogue, and count it; tells if any was."""
        left = limit
        is_cut = False
        for name in catalogue.CAPPED:
            samples = families.get(name, {})
            if len(samples) > left:
                is_cut = True
                self._dropped[name] += len(samples) - left
                families[name] = dict(list(samples.items())[:left])
            left -= min(left, len(samples))
        return is_cut

    def _between(self, shown: Iterable[tuple[Watched, Report | None]]) -> Families:
        """What belongs to a venue or to all: which accounts there are, what the venue told of itself."""
        found: Families = {EXPECTED: {}, SUCCESS: {}, OPERATIVE: {}, CLOCK: {}}
        since: dict[str, float] = {}
        for watched, report in shown:
            account = (watched.state.exchange, watched.state.account)
            # Also of one that cannot be shown: a sum over the others must not pass for the whole.
            found[EXPECTED][account], found[SUCCESS][account] = 1, report is not None
            if report is None:
                continue
            venue = report.exchange
            # All accounts of a venue hear of its maintenance; the one that heard last is right.
            if report.operative is not None and since.get(venue, -1.0) <= report.operative_since:
                since[venue] = report.operative_since
                found[OPERATIVE][venue,] = report.operative
            for stream in report.streams:
                # Of all streams of a venue, the one whose message came fastest is nearest to the truth.
                if (ahead := stream.clock_difference) is not None:
                    found[CLOCK][venue,] = min(ahead, found[CLOCK].get((venue,), ahead))
        found[DROPPED] = {(family,): count for family, count in self._dropped.items()}
        return found


def _are_same(seen: tuple[object, ...], before: tuple[object, ...]) -> bool:
    """Whether these are the same objects; revisions are numbers, and the same when they are equal."""
    if len(seen) != len(before):
        return False
    return all(a is b or (type(a) is int and a == b) for a, b in zip(seen, before, strict=True))
