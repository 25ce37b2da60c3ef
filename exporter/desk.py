"""From followed accounts to the pollers that read by REST about them: one per exchange."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Final, get_args

from exporter.config import types as config
from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.events import Permitted
from exporter.core.market import MarketState
from exporter.core.model import Table
from exporter.exchanges import KNOWN
from exporter.exchanges.base import Endpoints
from exporter.exchanges.reads import FAULTS, Reads
from exporter.exposition.telemetry import Telemetry
from exporter.follow import Followed, system_clock
from exporter.rest.client import FailReason, RestClient
from exporter.rest.fills import Recovery
from exporter.rest.poller import Plan, Poller, Reader

STOP_SECONDS: Final = 0.5
FAILURES: Final = (*FAULTS, *get_args(FailReason))


class Desk:
    """Owns the pollers and the markets. Its methods are for the main thread, save `markets`."""

    def __init__(self, telemetry: Telemetry, *, clock: Callable[[], Instant] = system_clock) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._markets: Mapping[str, MarketState] = {}
        self._interval = 0.0
        """Of the valuation, for which the markets were made: how long a price is believed follows from it."""
        self._pollers: list[tuple[Poller, threading.Thread]] = []
        self._recoveries: dict[AccountState, Recovery] = {}
        """What may have been missed is to be known across reloads."""

    def markets(self) -> Sequence[MarketState]:
        """The markets of all exchanges, for the collector."""
        return tuple(self._markets.values())

    def open(self, followed: Sequence[Followed], settings: config.Config) -> None:
        """Read about these accounts, and no longer about others."""
        self.close()
        staying = {each.watched.state for each in followed}
        self._recoveries = {state: each for state, each in self._recoveries.items() if state in staying}
        groups = {
            exchange: list(group)
            for exchange, group in groupby(
                sorted(followed, key=lambda each: each.account.exchange), lambda each: each.account.exchange
            )
        }
        endpoints = {exchange: group[0].want.endpoints for exchange, group in groups.items()}
        anchors = {name for exchange in groups for name, _ in _anchors(exchange)}
        for exchange in anchors - endpoints.keys():
            groups[exchange] = []
            endpoints[exchange] = KNOWN[exchange].endpoints
        interval = settings.valuation.interval
        known = self._markets if interval == self._interval else {}
        self._interval = interval
        self._markets = {
            exchange: known.get(exchange) or MarketState(exchange, interval=interval, lock=threading.Lock())
            for exchange in groups
        }
        for exchange, group in groups.items():
            reads = KNOWN[exchange].reads
            if reads is not None:
                self._expect(exchange, group, reads)
                plan = self._plan(exchange, reads, endpoints[exchange], settings)
                self._start(exchange, Poller(plan, [self._reader(each, reads) for each in group]))

    def close(self) -> None:
        """Stop every poller; one that waits for a reply is left to its time-out."""
        for poller, _ in self._pollers:
            poller.stop()
        for _, thread in self._pollers:
            thread.join(STOP_SECONDS)
        self._pollers = []

    def _reader(self, followed: Followed, reads: Reads) -> Reader:
        reader = _reader(followed, reads)
        if reads.fills is not None and "trades" in followed.account.feeds:
            state = reader.state
            reader.fills = partial(reads.fills, followed.login, followed.want.endpoints)
            reader.recovery = self._recoveries.setdefault(state, Recovery(state, self._clock().wall))
        return reader

    def _plan(self, exchange: str, reads: Reads, endpoints: Endpoints, settings: config.Config) -> Plan:
        return Plan(
            exchange=exchange,
            reads=reads,
            quotes=reads.quotes(endpoints),
            platform=reads.platform(endpoints) if reads.platform is not None else None,
            market=self._markets[exchange],
            client=RestClient(),
            clock=self._clock,
            meter=self._telemetry,
            anchor=partial(self._anchor, reads),
            reconcile_interval=settings.reconcile.interval,
            valuation_interval=settings.valuation.interval,
        )

    def _anchor(self, reads: Reads, name: str, now: float) -> float | None:
        exchange, currency = reads.anchors[name]
        market = self._markets.get(exchange)
        return None if market is None else market.price(currency, now)

    def _start(self, exchange: str, poller: Poller) -> None:
        # Daemons: a resolver that hangs must not hold the exit.
        thread = threading.Thread(target=poller.run, name=f"rest:{exchange}", daemon=True)
        self._pollers.append((poller, thread))
        thread.start()

    def _expect(self, exchange: str, group: Sequence[Followed], reads: Reads) -> None:
        accounts = ["", *(each.account.name for each in group)]
        for account in accounts:
            public = account == ""
            names = [name for name in reads.endpoints if (name in reads.public) == public]
            self._telemetry.expect_requests([(exchange, account, name) for name in names], FAILURES)


def _anchors(exchange: str) -> Sequence[tuple[str, str]]:
    reads = KNOWN[exchange].reads
    return tuple(reads.anchors.values()) if reads is not None else ()


def _reader(followed: Followed, reads: Reads) -> Reader:
    spec = KNOWN[followed.account.exchange]
    endpoints = followed.want.endpoints
    serving: dict[Table, Callable[[], None]] = {
        table: session.request_resync
        for session in followed.sessions
        for table in spec.streams[session.stream].snapshots
    }

    def resync(table: Table) -> None:
        if table in serving:
            serving[table]()

    def judge(told: Permitted) -> None:
        refused = reads.too_powerful(told.permissions, followed.want)
        if refused is not None:
            for session in followed.sessions:
                session.refuse(refused)

    return Reader(
        state=followed.watched.state,
        turn=followed.turn,
        tables=reads.tables(followed.login, endpoints, frozenset(followed.account.feeds)),
        permissions=reads.permissions(followed.login, endpoints) if reads.permissions is not None else None,
        resync=resync,
        judge=judge,
    )
