"""The state of one account: the only place where what the streams said is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from exporter.core.clock import Instant
from exporter.core.events import (
    Event,
    Gap,
    Heard,
    LoggedIn,
    Malformed,
    Permitted,
    Platform,
    Refused,
    Removed,
    Snapshot,
    Upsert,
)
from exporter.core.model import Contract, Key, Offer, Order, Position, Row, Rows, Table, Wallet
from exporter.core.reconcile import ReconcileReport, Reconciliation
from exporter.core.stream import Phase, StreamReport, StreamState, Trust
from exporter.core.tally import Tally, TallyReport


class View(NamedTuple):
    """One consistent reading of the tables: only what may be believed is in it.

    A table that is absent is not known; one that is empty is known to be empty.
    """

    tables: Mapping[Table, Rows]
    gone: Mapping[Table, Sequence[Row]]
    available_at: Mapping[Key, float]
    order_symbols: frozenset[str]
    offer_currencies: frozenset[str]


class Report(NamedTuple):
    """One consistent copy of an account: health and counters always, values as far as believed."""

    account: str
    exchange: str
    view: View
    streams: tuple[StreamReport, ...]
    tally: TallyReport
    permissions: Mapping[tuple[str, str], bool] | None
    operative: bool | None
    operative_since: float
    """Monotonic second at which the venue last said whether it works."""
    reconcile: ReconcileReport


class AccountState:
    """Tables, streams and counters of one account, behind one lock.

    The lock is held for the events of one frame, or for copying rows; never for I/O or formatting.
    """

    def __init__(
        self,
        *,
        account: str,
        exchange: str,
        streams: Iterable[str],
        trust: Trust,
        lock: AbstractContextManager[object],
        started: Instant,
        lists_unheld: bool = False,
    ) -> None:
        self.account = account
        self.exchange = exchange
        self.lock = lock
        self.streams = {name: StreamState(name, trust, started) for name in streams}
        self.tally = Tally()
        self.permissions: Mapping[tuple[str, str], bool] | None = None
        self.operative: bool | None = None
        self.operative_since = 0.0
        self.reconciliation = Reconciliation()
        self._lists_unheld = lists_unheld
        self._held: set[Key] = set()
        self._available_at: dict[Key, float] = {}
        self._order_symbols: set[str] = set()
        self._offer_currencies: set[str] = set()

    def change(self, stream: str, step: Callable[[StreamState], None]) -> None:
        """Let a session record a step of its connection."""
        with self.lock:
            step(self.streams[stream])

    def tell(self, stream: str, event: Event, now: Instant) -> None:
        """Take in what became true without a message."""
        with self.lock:
            state = self.streams[stream]
            self._apply(state, event, now)
            self._complete(state, now)

    def resumed(self, stream: str, accepted: LoggedIn, now: Instant) -> None:
        """Take a stream as connected and its login as accepted, for recorded messages."""
        with self.lock:
            state = self.streams[stream]
            state.connecting(now)
            state.connected(now)
            self._apply(state, accepted, now)
            self._complete(state, now)

    def ended(self, stream: str, reason: str, phase: Phase, now: Instant, sentence: str) -> None:
        """A connection of the stream is over; counts why, and what waited for more."""
        with self.lock:
            state = self.streams[stream]
            state.disconnected(reason, phase, now)
            state.note(now, sentence)
            self.tally.settle()

    def apply(self, stream: str, heard: Heard, now: Instant) -> None:
        """Take in one received message: all of it, or, if it was malformed, only its count."""
        with self.lock:
            state = self.streams[stream]
            state.heard(now, heard)
            for event in heard.events:
                self._apply(state, event, now)
            self._complete(state, now)

    def compare(self, table: Table, before: Rows, told: Rows, after: Rows) -> bool:
        """Compare a table with what REST told of it; True when only a resync can explain or mend it."""
        with self.lock:
            if table == "wallets":
                return self.reconciliation.wallets(before, told, after)
            return self.reconciliation.rows(table, before, told, after)

    def reconciled(self, now: Instant) -> None:
        """A whole round of comparisons is done."""
        with self.lock:
            self.reconciliation.succeeded(now.wall)

    def fill_available(self, before: Rows, told: Rows, now: Instant) -> None:
        """Take from REST the available balances that a stream left out.

        Only where the wallet is now as it was before the read (`before`), and the balances agree.
        """
        with self.lock:
            for state in self.streams.values():
                rows = state.shown.rows.get("wallets", {}) if state.synced else {}
                for key, row in tuple(rows.items()):
                    other = told.get(key)
                    if (
                        isinstance(row, Wallet)
                        and isinstance(other, Wallet)
                        and row.available is None
                        and row == before.get(key)
                        and other.available is not None
                        and row.balance == other.balance
                    ):
                        filled = row._replace(available=other.available)
                        state.shown.apply(Upsert("wallets", key, filled), now.monotonic)
                        self._available_at[key] = now.wall

    def fill(self, event: Upsert, now: Instant) -> None:
        """Take a single value from REST while no stream has told it."""
        with self.lock:
            for state in self.streams.values():
                known = event.table in state.shown.rows and event.key in state.shown.believed(
                    event.table, now.monotonic
                )
                if state.synced and not known:
                    state.shown.apply(event, now.monotonic)

    def replace(self, table: Table, rows: Rows, now: Instant) -> None:
        """Let REST have the last word on a table whose stream cannot tell that a row is gone."""
        with self.lock:
            for state in self.streams.values():
                if state.synced and table in state.shown.rows:
                    state.shown.apply(Snapshot(table, rows), now.monotonic)

    def permitted(self, event: Permitted | Platform, now: Instant) -> None:
        """Take in what REST tells of the key or of the venue."""
        with self.lock:
            if isinstance(event, Permitted):
                self.permissions = event.permissions
            else:
                self._operative(event.operative, now)

    def report(self, now: float) -> Report:
        """One consistent copy of all there is to tell at monotonic `now`."""
        with self.lock:
            return Report(
                account=self.account,
                exchange=self.exchange,
                view=self._view(now),
                streams=tuple(state.report(now) for state in self.streams.values()),
                tally=self.tally.report(),
                permissions=self.permissions,
                operative=self.operative,
                operative_since=self.operative_since,
                reconcile=self.reconciliation.report(),
            )

    def _view(self, now: float) -> View:
        tables: dict[Table, Rows] = {}
        gone: dict[Table, list[Row]] = {}
        for state in self.streams.values():
            if not state.is_shown(now):
                continue
            state.shown.expire(now)
            for table in state.shown.rows:
                rows = state.shown.believed(table, now)
                # A venue that lists every currency there is would drown the ones that were ever held.
                if table == "wallets" and self._lists_unheld:
                    rows = {key: row for key, row in rows.items() if key in self._held}
                tables[table] = rows
            for table, graves in state.shown.gone.items():
                gone.setdefault(table, []).extend(row for row, _ in graves.values())
        return View(
            tables,
            gone,
            dict(self._available_at),
            frozenset(self._order_symbols),
            frozenset(self._offer_currencies),
        )

    def _apply(self, state: StreamState, event: Event, now: Instant) -> None:
        if isinstance(event, Snapshot | Upsert | Removed):
            self._apply_rows(state, event, now)
        elif isinstance(event, LoggedIn):
            self.permissions = event.permissions
            state.collecting.expected = event.expected
            state.enter("syncing", now)
        elif isinstance(event, Refused):
            state.auth_failures += 1
            state.refusal = event.code
            state.note(now, event.sentence)
        elif isinstance(event, Permitted):
            self.permissions = event.permissions
        elif isinstance(event, Platform):
            self._operative(event.operative, now)
            if not event.operative:
                state.enter("maintenance", now)
                state.note(now, "the venue reports maintenance")
        elif isinstance(event, Gap):
            state.gaps += 1
            state.enter("stale", now)
            state.note(now, f"messages were lost: gap in the {event.sequence} sequence")
        elif isinstance(event, Malformed):
            state.malformed[event.kind] += 1
        else:
            self.tally.count(event)

    def _operative(self, operative: bool, now: Instant) -> None:  # noqa: FBT001 - what the venue said
        self.operative, self.operative_since = operative, now.monotonic

    def _apply_rows(self, state: StreamState, event: Snapshot | Upsert | Removed, now: Instant) -> None:
        (state.shown if state.synced else state.collecting).apply(event, now.monotonic)
        if isinstance(event, Snapshot):
            state.snapshots[event.table] = now
            told = event.rows
        else:
            told = {event.key: event.row} if isinstance(event, Upsert) else {}
        for key, row in told.items():
            self._foresee(row)
            if state.synced:
                self._remember(key, row, now)

    def _complete(self, state: StreamState, now: Instant) -> None:
        """Go live if all has arrived; only then does what was collected aside leave a trace."""
        if not state.complete(now):
            return
        state.note(now, "complete: every expected snapshot has arrived")
        for rows in state.shown.rows.values():
            for key, row in rows.items():
                self._remember(key, row, now)

    def _remember(self, key: Key, row: Row, now: Instant) -> None:
        """Keep what a shown row tells beyond its own life."""
        if isinstance(row, Wallet):
            if row.balance:
                self._held.add(key)
            if row.available is not None:
                self._available_at[key] = now.wall
        elif isinstance(row, Order):
            self._order_symbols.add(row.symbol)
        elif isinstance(row, Offer):
            self._offer_currencies.add(row.currency)

    def _foresee(self, row: Row) -> None:
        """Let the counters that a row announces start at 0, shown or not: they are never withheld."""
        if isinstance(row, Order | Position):
            self.tally.foresee_symbol(row.symbol)
        elif isinstance(row, Offer | Contract):
            self.tally.foresee_funding(row.currency)
