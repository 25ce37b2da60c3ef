"""One thread per exchange that reads by REST: compares, fills gaps, asks for prices. Never in a scrape's way.

A venue that does not answer costs nothing but these figures: the streams know nothing of this room.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from exporter.core.account import AccountState
from exporter.core.backoff import RequestBudget
from exporter.core.clock import Instant
from exporter.core.events import Fill, Permitted, Platform, Snapshot, Upsert
from exporter.core.market import MarketState
from exporter.core.model import Rows, Table
from exporter.exchanges.reads import Ask, Fault, FillRead, QuoteRead, Quotes, Read, Reads, Reply
from exporter.logs import log
from exporter.rest.asker import Asker, Client, Meter
from exporter.rest.fills import Recovery
from exporter.stream.turn import KeyTurn

logger: Final = logging.getLogger(__name__)
STEP: Final = 1.0
"""Seconds between two looks at what is due."""
SETTLE: Final = 5.0
"""Seconds after going live before a first comparison."""
AGAIN: Final = 15.0
"""Seconds after which a comparison that could not be finished is tried again."""
PLATFORM_INTERVAL: Final = 30.0
TURN_WAIT: Final = 30.0
T = TypeVar("T")


@dataclass(slots=True)
class Reader:
    """One account to read about, and how to have it resynced."""

    state: AccountState
    turn: KeyTurn
    tables: Sequence[Read]
    permissions: Read | None
    resync: Callable[[Table], None]
    judge: Callable[[Permitted], None] = lambda _: None
    """Looks at what the key may do, and ends the account's streams when that is too much."""
    due: float = field(default=float("-inf"))
    key_due: float = field(default=float("-inf"))
    fills: Callable[[float], FillRead] | None = None
    """Executions since a Unix second, where the venue's history can be matched with its stream."""
    recovery: Recovery | None = None


class Plan(NamedTuple):
    """What one poller works with."""

    exchange: str
    reads: Reads
    quotes: Sequence[QuoteRead]
    platform: Read | None
    market: MarketState
    client: Client
    clock: Callable[[], Instant]
    meter: Meter
    anchor: Callable[[str, float], float | None]
    """Price of one of `Reads.anchors` at a monotonic time, from another venue's market."""
    reconcile_interval: float
    valuation_interval: float
    pause: Callable[[threading.Event, float], object] = threading.Event.wait
    """Waits for the event, at most so many seconds; tests let their own clock run instead."""


class Poller:
    """Reads about one exchange and its accounts, one request at a time."""

    def __init__(self, plan: Plan, readers: Sequence[Reader]) -> None:
        self._plan = plan
        self._readers = readers
        self._stopping = threading.Event()
        self._asker = Asker(
            plan.exchange,
            plan.client,
            RequestBudget(plan.reads.per_minute),
            clock=plan.clock,
            meter=plan.meter,
            stopping=self._stopping,
            pause=plan.pause,
        )
        self._quotes: dict[str, tuple[Quotes, Instant]] = {}
        self._valuation_due = float("-inf")
        self._platform_due = float("-inf")

    def run(self) -> None:
        """The body of the thread; returns only after `stop`."""
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception as error:  # noqa: BLE001 - a bug here must not end what it does for good
                log(logger, logging.ERROR, "reading by REST failed", exc_info=error,
                    exchange=self._plan.exchange)  # fmt: skip
            self._stopping.wait(STEP)

    def stop(self) -> None:
        """End it from any thread."""
        self._stopping.set()

    def step(self) -> None:
        """Do what is due now."""
        plan = self._plan
        if plan.valuation_interval:
            if plan.clock().monotonic >= self._valuation_due:
                self._read_quotes()
            # Wallets come and go between two readings of the tickers.
            self._value()
        for reader in self._readers:
            if self._stopping.is_set():
                return
            self._look_at_key(reader)
            if plan.reconcile_interval:
                if plan.clock().monotonic >= reader.due:
                    self._reconcile(reader)
                self._recover(reader)
        if plan.platform is not None and plan.clock().monotonic >= self._platform_due:
            self._ask_platform(plan.platform)

    # -- accounts ---------------------------------------------------------------------------------

    def _look_at_key(self, reader: Reader) -> None:
        """Ask what a key may do whose login did not say it: at once, since it may be too much."""
        if reader.permissions is None or reader.state.permissions is not None:
            return
        now = self._plan.clock().monotonic
        if now < reader.key_due or _live_since(reader.state, now) is None:
            return
        reader.key_due = now + AGAIN
        for event in self._ask(reader.permissions, reader) or ():
            if isinstance(event, Permitted):
                reader.state.permitted(event, self._plan.clock())
                reader.judge(event)

    def _reconcile(self, reader: Reader) -> None:
        """Compare every table with the stream, as far as both are known."""
        now = self._plan.clock()
        since = _live_since(reader.state, now.monotonic)
        if since is None or now.wall - since < SETTLE:
            reader.due = now.monotonic + SETTLE
            return
        # A list, since every table is read though one of them fails.
        complete = all([self._read(reader, read) for read in reader.tables])  # noqa: C419
        now = self._plan.clock()
        if complete:
            reader.state.reconciled(now)
        reader.due = now.monotonic + (self._plan.reconcile_interval if complete else AGAIN)

    def _recover(self, reader: Reader) -> None:
        """Fetch the executions that happened while the account's streams were down."""
        fills, recovery = reader.fills, reader.recovery
        if fills is None or recovery is None:
            return

        def page(since: float) -> Sequence[Fill] | None:
            read = fills(since)
            return self._ask_signed(reader, read.endpoint, read.ask, read.understand)

        recovery.step(self._plan.clock, page)

    def _read(self, reader: Reader, read: Read) -> bool:
        """Ask for one table, or value, and take in what it tells; False when there was no answer."""
        before = self._shown(reader)
        reply = self._ask(read, reader)
        if reply is None:
            return False
        after = self._shown(reader)
        for event in reply:
            if isinstance(event, Upsert):
                reader.state.fill(event, self._plan.clock())
            elif isinstance(event, Snapshot) and event.table in before and event.table in after:
                self._compare(reader, event, before[event.table], after[event.table])
        return True

    def _shown(self, reader: Reader) -> Mapping[Table, Rows]:
        return reader.state.report(self._plan.clock().monotonic).view.tables

    def _compare(self, reader: Reader, told: Snapshot, before: Rows, after: Rows) -> None:
        now = self._plan.clock()
        resync = reader.state.compare(told.table, before, told.rows, after)
        if told.table in self._plan.reads.replaces:
            # What the stream brought during the read is newer than the reply.
            if before == after:
                reader.state.replace(told.table, told.rows, now)
            return
        if told.table == "wallets":
            reader.state.fill_available(before, told.rows, now)
        if resync:
            log(logger, logging.WARNING, "stream and REST differ for good, starting the stream afresh",
                exchange=reader.state.exchange, account=reader.state.account, table=told.table)  # fmt: skip
            reader.resync(told.table)

    def _ask_platform(self, read: Read) -> None:
        """Ask whether the venue works, while a stream of it is not up."""
        now = self._plan.clock()
        self._platform_due = now.monotonic + PLATFORM_INTERVAL
        if all(_live_since(reader.state, now.monotonic) is not None for reader in self._readers):
            return
        for event in self._ask(read, None) or ():
            if isinstance(event, Platform):
                for reader in self._readers:
                    reader.state.permitted(event, self._plan.clock())

    # -- prices -----------------------------------------------------------------------------------

    def _read_quotes(self) -> None:
        """Read what quotes are due; without the needed ones the old prices stand until they are too old."""
        now = self._plan.clock()
        self._valuation_due = now.monotonic + self._plan.valuation_interval
        for read in self._plan.quotes:
            known = self._quotes.get(read.endpoint)
            if known is not None and now.monotonic - known[1].monotonic < read.every:
                continue
            found = self._asker.ask(read.endpoint, read.ask, read.understand)
            if found is not None:
                self._quotes[read.endpoint] = (found, self._plan.clock())

    def _value(self) -> None:
        """Set the price of every currency that a wallet holds, from the quotes that were read."""
        plan = self._plan
        needed = [self._quotes.get(read.endpoint) for read in plan.quotes if read.needed]
        if not needed or None in needed:
            return
        now = plan.clock().monotonic
        wanted = frozenset(
            str(key[1])
            for reader in self._readers
            for key in reader.state.report(now).view.tables.get("wallets", {})
            if isinstance(key, tuple)
        )
        quotes = self._merged(now)
        prices = plan.reads.value(quotes, wanted | plan.reads.always)
        read_at = min(each[1] for each in needed if each is not None)
        plan.market.quoted(
            prices,
            wanted,
            quotes.funding_rates,
            read_at.monotonic,
            read_at.wall,
            marks=plan.reads.marks(quotes),
        )

    def _merged(self, now: float) -> Quotes:
        last: dict[str, float] = {}
        aliases: dict[str, str] = {}
        rates: dict[str, float] = {}
        for quotes, _ in self._quotes.values():
            last.update(quotes.last)
            aliases.update(quotes.aliases)
            rates.update(quotes.funding_rates)
        for name in self._plan.reads.anchors:
            anchor = self._plan.anchor(name, now)
            if anchor is not None:
                last[name] = anchor
        return Quotes(last, aliases, rates)

    def _ask(self, read: Read, reader: Reader | None) -> Reply | None:
        """Ask about an account, or about the venue."""
        if reader is None or not read.signed:
            return self._asker.ask(read.endpoint, read.ask, read.understand)
        return self._ask_signed(reader, read.endpoint, read.ask, read.understand)

    def _ask_signed(
        self,
        reader: Reader,
        endpoint: str,
        ask: Callable[[], Ask],
        understand: Callable[[int, bytes], T | Fault],
    ) -> T | None:
        """Ask with the account's key. Such a request never overtakes a login of the key."""
        turn = reader.turn

        def make() -> Ask | None:
            return turn.read(ask, seconds=TURN_WAIT, stopping=self._stopping.is_set)

        return self._asker.ask(endpoint, make, understand, reader.state.account)


def _live_since(state: AccountState, now: float) -> float | None:
    """Unix second since which every stream of the account is up, None while one is not."""
    streams = state.report(now).streams
    if not streams or not all(stream.is_up for stream in streams):
        return None
    return max(stream.since for stream in streams)
