"""The state of one account: the only place where what the streams said is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from exporter.core.clock import Instant
from exporter.core.events import (
    REASONS,
    Balances,
    Event,
    Fill,
    Gap,
    Heard,
    LoggedIn,
    OrderChanged,
    Permitted,
    Platform,
    Reason,
    Refused,
    Removed,
    Snapshot,
    Upsert,
)
from exporter.core.guard import Guard
from exporter.core.idle import IdleClocks
from exporter.core.model import Rows, Table, Wallet
from exporter.core.movements import Movements
from exporter.core.reconcile import Reconciliation, missing_available
from exporter.core.report import Report
from exporter.core.stream import Phase, StreamState, Trust
from exporter.core.tally import HAPPENINGS, Tally
from exporter.core.view import Memory


class AccountState:
    """Tables, streams and counters of one account, behind one lock.

    The lock is held for the events of one read, or for copying rows; never for I/O or formatting.
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
        reasons: Sequence[Reason] = REASONS,
    ) -> None:
        self.account = account
        self.exchange = exchange
        self.lock = Guard(lock)
        self.streams = {name: StreamState(name, trust, started) for name in streams}
        self.tally = Tally()
        self.permissions: Mapping[tuple[str, str], bool] | None = None
        self.operative: bool | None = None
        self.operative_since = 0.0
        self.reconciliation = Reconciliation()
        self.idle = IdleClocks()
        self.movements = Movements(reasons=reasons, lists_unheld=lists_unheld)
        self._memory = Memory(lists_unheld=lists_unheld)

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
        self.apply_all(stream, (heard,), now)

    def apply_all(self, stream: str, batch: Sequence[Heard], now: Instant) -> None:
        """Take in messages that were received together, in their order, as `apply` takes in each."""
        guard = self.lock
        with guard.lock:  # not the guard: this is called for every read, and that would cost twice
            guard.revision += 1
            state = self.streams[stream]
            state.heard(now, batch)
            for heard in batch:
                events = heard.events
                # After a loss a balance tells more than the message that brings it speaks of.
                if events and (state.phase == "stale" or type(events[-1]) is Gap):
                    events = [_unattributed(event) for event in events]
                for event in events:
                    # Nearly all there are; isinstance takes three times as long to say no.
                    if type(event) is Upsert:
                        self._put(state, event, now)
                    elif type(event) is Fill or type(event) is OrderChanged:
                        self.tally.count(event)
                    else:
                        self._apply(state, event, now)
                if state.phase == "syncing":
                    self._complete(state, now)
                # Once a message: money may be idle between one and the next.
                if self.idle.due and state.synced:
                    self.idle.look(state.shown.known("wallets"), now.wall)

    def compare(self, table: Table, told: Rows, moments: Sequence[Rows]) -> bool:
        """Compare what REST told with the stream around the read; True when only a resync can mend it."""
        with self.lock:
            return self.reconciliation.compare(table, told, moments)

    def reconciled(self, now: Instant) -> None:
        """A whole round of comparisons is done."""
        with self.lock:
            self.reconciliation.succeeded(now.wall)

    def fill_available(self, before: Rows, told: Rows, now: Instant) -> None:
        """Take from REST the available balances that a stream left out."""
        with self.lock:
            for state in self.streams.values():
                rows = state.shown.known("wallets") if state.synced else None
                for event in missing_available(rows or {}, before, told):
                    self._put(state, event, now)

    def fill(self, event: Upsert, now: Instant) -> None:
        """Take a single value from REST while no stream has told it."""
        with self.lock:
            for state in self.streams.values():
                known = state.shown.believed(event.table, now.monotonic)
                if state.synced and event.key not in known:
                    self._put(state, event._replace(reason="unobserved"), now)

    def replace(self, table: Table, before: Rows, rows: Rows, now: Instant) -> None:
        """Let REST have the last word on a table whose stream cannot tell that a row is gone.

        Only while the table is as it was around the read (`before`): what the stream brought since is newer.
        """
        with self.lock:
            for state in self.streams.values():
                if state.synced and state.shown.known(table) == before:
                    self._show(state, Snapshot(table, rows), now)

    def recover(self, fills: Iterable[Fill]) -> int:
        """Count executions of the venue's history once; gives how many of them no stream had told."""
        with self.lock:
            return self.tally.recover(fills)

    def permitted(self, event: Permitted | Platform, now: Instant) -> None:
        """Take in what REST tells of the key or of the venue."""
        with self.lock:
            if isinstance(event, Permitted):
                self._permit(event.permissions)
            else:
                self._operative(event.operative, now)

    def report(self, now: float) -> Report:
        """One consistent reading of all there is to tell at monotonic `now`."""
        with self.lock.lock:
            view = self._memory.view(self.streams.values(), now)
            return Report(
                account=self.account,
                exchange=self.exchange,
                view=view,
                streams=tuple(state.report(now) for state in self.streams.values()),
                tally=self.tally.report(),
                permissions=self.permissions,
                operative=self.operative,
                operative_since=self.operative_since,
                reconcile=self.reconciliation.report(),
                movements=self.movements.report(),
                idle=self.idle.report(view.tables.get("wallets", {})),
            )

    def _apply(self, state: StreamState, event: Event, now: Instant) -> None:
        # What comes often is asked for first.
        if isinstance(event, Upsert):
            self._put(state, event, now)
        elif isinstance(event, HAPPENINGS):
            self.tally.count(event)
        elif isinstance(event, Snapshot | Balances | Removed):
            self._apply_table(state, event, now)
        elif isinstance(event, LoggedIn):
            self._permit(event.permissions)
            state.collecting.expected = event.expected
            state.enter("syncing", now)
        elif isinstance(event, Refused):
            state.auth_failures += 1
            state.refusal = event.code
            state.note(now, event.sentence)
        elif isinstance(event, Permitted):
            self._permit(event.permissions)
        elif isinstance(event, Platform):
            self._operative(event.operative, now)
            if not event.operative:
                state.enter("maintenance", now)
                state.note(now, "the venue reports maintenance")
        elif isinstance(event, Gap):
            state.gaps += 1
            state.enter("stale", now)
            state.note(now, f"messages were lost: gap in the {event.sequence} sequence")
        else:
            state.malformed[event.kind] += 1

    def _permit(self, permissions: Mapping[tuple[str, str], bool] | None) -> None:
        if permissions != self.permissions:
            self.permissions = permissions

    def _operative(self, operative: bool, now: Instant) -> None:  # noqa: FBT001 - what the venue said
        self.operative, self.operative_since = operative, now.monotonic

    def _put(self, state: StreamState, event: Upsert, now: Instant) -> None:
        """Take in one row: with `_show` the only way into what is shown, lest a balance moves uncounted."""
        table, key, row, reason = event
        if not state.synced:
            state.collecting.apply(event, now.monotonic)
            self.tally.foresee(row)
            return
        state.shown.put(table, key, row, now.monotonic)
        if isinstance(row, Wallet):
            self.movements.moved(key, row.balance, reason)
            watched = self.idle.watched
            if watched and key in watched:
                self.idle.due = True
            self._memory.remember(key, row, now)
        elif self._memory.is_news(row):
            self.tally.foresee(row)
            self._memory.remember(key, row, now)

    def _merge(self, state: StreamState, event: Balances, now: Instant) -> None:
        """Take in many wallets, each as `_put` does, in one step where they are shown."""
        if not state.synced:
            for key, row in event.rows.items():
                self._put(state, Upsert("wallets", key, row, event.reason), now)
            return
        state.shown.merge(event, now.monotonic)
        self.movements.merged(event)
        watched = self.idle.watched
        if watched and not watched.isdisjoint(event.keys):
            self.idle.due = True
        self._memory.renew(event, now)

    def _apply_table(self, state: StreamState, event: Snapshot | Balances | Removed, now: Instant) -> None:
        if isinstance(event, Balances):
            self._merge(state, event, now)
            return
        if state.synced:
            self._show(state, event, now)
        else:
            state.collecting.apply(event, now.monotonic)
        if isinstance(event, Snapshot):
            state.snapshots[event.table] = now
            for key, row in event.rows.items():
                self.tally.foresee(row)
                if state.synced:
                    self._memory.remember(key, row, now)

    def _show(self, state: StreamState, event: Snapshot | Removed, now: Instant) -> None:
        state.shown.apply(event, now.monotonic)
        if event.table == "wallets":
            self.movements.take(event)
            self.idle.due = True

    def _complete(self, state: StreamState, now: Instant) -> None:
        """Go live if all has arrived; only then does what was collected aside leave a trace."""
        if not state.complete(now):
            return
        state.note(now, "complete: every expected snapshot has arrived")
        self.idle.due = True
        for event in state.collecting.wallets:
            self.movements.take(event)
        for rows in state.shown.rows.values():
            for key, row in rows.items():
                self._memory.remember(key, row, now)


def _unattributed(event: Event) -> Event:
    """The event without its word on why a balance changed."""
    return event._replace(reason="unobserved") if isinstance(event, Upsert | Balances) else event
