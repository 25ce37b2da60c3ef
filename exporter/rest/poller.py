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
from exporter.core.model import SNAPSHOT_TABLES, Rows, Table
from exporter.core.reconcile import agree
from exporter.exchanges.reads import Ask, Fault, FillRead, QuoteRead, Read, Reads, Reply
from exporter.logs import log
from exporter.rest.asker import Asker, Client, Meter
from exporter.rest.fills import Recovery
from exporter.rest.valuation import Valuation
from exporter.stream.turn import KeyTurn

logger: Final = logging.getLogger(__name__)
STEP: Final = 1.0
"""Seconds between two looks at what is due."""
SETTLE: Final = 5.0
"""Seconds after going live before a first comparison."""
LATE: Final = 2.0
"""Seconds that the stream gets to tell what REST knew already."""
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


class Told(NamedTuple):
    """A table as REST told it, and as the stream showed it before and after the read."""

    table: Table
    rows: Rows
    before: Rows
    after: Rows

    @property
    def moments(self) -> tuple[Rows, Rows]:
        """What the stream showed around the read."""
        return self.before, self.after


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
        self._valuation = Valuation(
            plan.reads, plan.quotes, plan.market, plan.anchor, plan.valuation_interval
        )
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
            self._valuation.step(plan.clock, self._asker, [reader.state for reader in self._readers])
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
        if now < reader.key_due or _live_for(reader.state, now) is None:
            return
        reader.key_due = now + AGAIN
        for event in self._ask(reader.permissions, reader) or ():
            if isinstance(event, Permitted):
                reader.state.permitted(event, self._plan.clock())
                reader.judge(event)

    def _reconcile(self, reader: Reader) -> None:
        """Compare every table with the stream, as far as both are known."""
        now = self._plan.clock()
        lasted = _live_for(reader.state, now.monotonic)
        if lasted is None or lasted < SETTLE:
            reader.due = now.monotonic + SETTLE
            return
        # A list, since every table is read though one of them fails.
        replies = [self._read(reader, read) for read in reader.tables]
        told = [each for found in replies for each in found or ()]
        self._compare(reader, told)
        now = self._plan.clock()
        complete = None not in replies
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

    def _read(self, reader: Reader, read: Read) -> list[Told] | None:
        """Ask for one table, or value; gives tables to compare, None when there was no answer."""
        before = self._shown(reader)
        if read.endpoint in SNAPSHOT_TABLES and read.endpoint not in before:
            # A stream that is complete without it: the key may not read it, here neither.
            live = _live_for(reader.state, self._plan.clock().monotonic)
            return None if live is None else []
        reply = self._ask(read, reader)
        if reply is None:
            return None
        after = self._shown(reader)
        told: list[Told] = []
        for event in reply:
            if isinstance(event, Upsert):
                reader.state.fill(event, self._plan.clock())
            elif isinstance(event, Snapshot) and event.table in before and event.table in after:
                told.append(Told(event.table, event.rows, before[event.table], after[event.table]))
        return told

    def _shown(self, reader: Reader) -> Mapping[Table, Rows]:
        return reader.state.report(self._plan.clock().monotonic).view.tables

    def _compare(self, reader: Reader, told: Sequence[Told]) -> None:
        for each in told:
            self._take_over(reader, each)
        if not all(agree(each.table, each.rows, each.moments) for each in told):
            # REST may be ahead of the stream: what it knew already gets a moment to arrive.
            self._plan.pause(self._stopping, LATE)
        later = self._shown(reader)
        for each in told:
            if each.table not in later:
                continue
            resync = reader.state.compare(each.table, each.rows, (*each.moments, later[each.table]))
            if resync and each.table not in self._plan.reads.replaces:
                who = {"exchange": reader.state.exchange, "account": reader.state.account}
                log(logger, logging.WARNING, "stream and REST differ for good, starting the stream afresh",
                    table=each.table, exc_info=None, **who)  # fmt: skip
                reader.resync(each.table)

    def _take_over(self, reader: Reader, told: Told) -> None:
        """Use what REST knows better than the stream; what the stream brought meanwhile is newer."""
        now = self._plan.clock()
        if told.table in self._plan.reads.replaces and told.before == told.after:
            reader.state.replace(told.table, told.after, told.rows, now)
        elif told.table == "wallets":
            reader.state.fill_available(told.before, told.rows, now)

    def _ask_platform(self, read: Read) -> None:
        """Ask whether the venue works, while a stream of it is not up."""
        now = self._plan.clock()
        self._platform_due = now.monotonic + PLATFORM_INTERVAL
        if all(_live_for(reader.state, now.monotonic) is not None for reader in self._readers):
            return
        for event in self._ask(read, None) or ():
            if isinstance(event, Platform):
                for reader in self._readers:
                    reader.state.permitted(event, self._plan.clock())

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


def _live_for(state: AccountState, now: float) -> float | None:
    """Seconds for which every stream of the account has been up, None while one is not."""
    streams = state.report(now).streams
    if not streams or not all(stream.is_up for stream in streams):
        return None
    return min(stream.lasted for stream in streams)
