"""What is known of one stream: its phase, its two clocks, its counters, and whether to believe it.

Phases and what leads from one to the next:

    connecting -> authenticating -> syncing -> live <-> stale
    any connected phase -> maintenance (the venue said so) -> connecting
    any phase -> backoff | refused | maintenance (connection ended) -> connecting
    any phase -> stopped

`stale` is a live connection whose data is in doubt: silence, or a gap that is not mended yet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeVar

from exporter.core.clock import Instant
from exporter.core.events import Heard
from exporter.core.model import Table
from exporter.core.skew import Skew
from exporter.core.tables import Collecting, Tables

K = TypeVar("K")
V = TypeVar("V")
Phase = Literal[
    "connecting",
    "authenticating",
    "syncing",
    "live",
    "stale",
    "backoff",
    "maintenance",
    "refused",
    "stopped",
]
PHASES: Final[tuple[Phase, ...]] = (
    "connecting",
    "authenticating",
    "syncing",
    "live",
    "stale",
    "backoff",
    "maintenance",
    "refused",
    "stopped",
)
NEVER: Final = Instant(float("-inf"), 0.0)
NOTES_KEPT: Final = 20
"""Sentences kept for the landing page."""


class Trust(NamedTuple):
    """How long to believe what; seconds."""

    silence_timeout: float
    """Without any sign of life for longer, the stream is not up."""
    stale_after: float
    """Values outlive the fall of their stream by this."""
    computed_lifetime: float = float("inf")
    """Values that the venue computes only when asked are not shown when older than this."""


DELAY_BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Delays:
    """How long messages were under way: counts by upper bound in seconds, the last one without bound."""

    def __init__(self) -> None:
        self.counts = [0] * (len(DELAY_BOUNDS) + 1)
        self.total = 0.0

    def observe(self, delays: Sequence[float]) -> None:
        """Count the delays, seconds, of one message or more; below 0 our clock is behind: they count as 0."""
        if min(delays) < 0.0:
            delays = [max(delay, 0.0) for delay in delays]
        place = bisect_left(DELAY_BOUNDS, min(delays))
        # What comes together was mostly under way for about as long.
        if place == bisect_left(DELAY_BOUNDS, max(delays)):
            self.counts[place] += len(delays)
        else:
            for delay in delays:
                self.counts[bisect_left(DELAY_BOUNDS, delay)] += 1
        self.total = sum(delays, self.total)


class Note(NamedTuple):
    """One thing that happened to a stream, for a person."""

    at: float
    sentence: str


class StreamReport(NamedTuple):
    """A consistent copy of a stream's health. Times are Unix seconds, 0 for never."""

    name: str
    phase: Phase
    since: float
    lasted: float
    """Seconds since then by the clock that never steps."""
    is_up: bool
    liveness: float
    data: float
    snapshots: Mapping[Table, float]
    missing: tuple[Table, ...]
    refusal: str
    messages: Mapping[str, int]
    malformed: Mapping[str, int]
    connects: int
    connect_failures: Mapping[str, int]
    disconnects: Mapping[str, int]
    auth_failures: int
    gaps: int
    resyncs: Mapping[str, int]
    delay_counts: tuple[int, ...]
    delay_total: float
    clock_difference: float | None
    """Seconds by which our clock is ahead of the venue's, at most."""
    notes: tuple[Note, ...]


class StreamState:
    """One stream of one account. Every method is called under the account's lock."""

    def __init__(self, name: str, trust: Trust, started: Instant) -> None:
        self.name = name
        self.trust = trust
        self.phase: Phase = "connecting"
        self.since = started
        self.shown = Tables(trust.computed_lifetime)
        self.collecting = Collecting(self.trust.computed_lifetime)
        self.synced = False
        """Whether the present connection has shown everything it owes: changes go to what is shown."""
        self.liveness = NEVER
        self.data = NEVER
        self.snapshots: dict[Table, Instant] = {}
        self.refusal = ""
        self.fell: float | None = None
        """Monotonic second at which it stopped being up; None when it never was up, or is."""
        self.messages: dict[str, int] = defaultdict(int)
        self.malformed: dict[str, int] = defaultdict(int)
        self.connects = 0
        self.connect_failures: dict[str, int] = defaultdict(int)
        self.disconnects: dict[str, int] = defaultdict(int)
        self.auth_failures = 0
        self.gaps = 0
        self.resyncs: dict[str, int] = defaultdict(int)
        self.delays = Delays()
        self.skew = Skew()
        self.notes: list[Note] = []
        self._last: StreamReport | None = None

    def enter(self, phase: Phase, now: Instant) -> None:
        """Change the phase; leaving `live` starts the grace time of the values."""
        if phase == self.phase:
            return
        if self.phase == "live":
            self.fell = min(now.monotonic, self.liveness.monotonic + self.trust.silence_timeout)
        if phase == "live":
            self.fell = None
        self.phase, self.since = phase, now

    def connecting(self, now: Instant) -> None:
        """A connection attempt begins."""
        self.connects += 1
        self.enter("connecting", now)

    def connected(self, now: Instant) -> None:
        """The connection stands; what it brings is collected aside."""
        self.collecting = Collecting(self.trust.computed_lifetime)
        self.synced = False
        self.liveness = now
        self.refusal = ""
        self.enter("authenticating", now)

    def disconnected(self, reason: str, phase: Phase, now: Instant) -> None:
        """The connection is over, for a reason of the closed set."""
        self.disconnects[reason] += 1
        self.enter(phase, now)

    def heard(self, now: Instant, batch: Iterable[Heard] = ()) -> None:
        """Whole messages, or none but a ping, arrived: the peer lives, and perhaps the account moved."""
        self.liveness = now
        monotonic, wall = now
        delays: list[float] = []
        for message, is_data, _, sent_at in batch:
            self.messages[message] += 1
            if is_data:
                self.data = now
            if sent_at is not None:
                delays.append(wall - sent_at)
        if delays:
            self.delays.observe(delays)
            self.skew.observe(min(delays), monotonic)

    def complete(self, now: Instant) -> bool:
        """Go live if nothing expected is missing any more; tells whether it did."""
        if self.phase != "syncing" or self.collecting.missing:
            return False
        self.synced = True
        self.shown.adopt(self.collecting.tables, now.monotonic)
        self.enter("live", now)
        return True

    def is_up(self, now: float) -> bool:
        """Connected, accepted, complete and not silent, at monotonic `now`."""
        return self.phase == "live" and now - self.liveness.monotonic <= self.trust.silence_timeout

    def is_shown(self, now: float) -> bool:
        """Whether its values may be shown at monotonic `now`."""
        if self.is_up(now):
            return True
        fell = self.fell
        if self.phase == "live":
            fell = self.liveness.monotonic + self.trust.silence_timeout
        return fell is not None and now - fell <= self.trust.stale_after

    def visible_phase(self, now: float) -> Phase:
        """The phase to tell: a live stream gone silent is stale though nobody noticed yet."""
        return "stale" if self.phase == "live" and not self.is_up(now) else self.phase

    def report(self, now: float) -> StreamReport:
        """What health metrics and the landing page tell, at monotonic `now`.

        Each mapping is the same object as in the last report while it did not change, and never changes.
        """
        last = self._last
        self._last = StreamReport(
            name=self.name,
            phase=self.visible_phase(now),
            since=self.since.wall,
            lasted=now - self.since.monotonic,
            is_up=self.is_up(now),
            liveness=self.liveness.wall,
            data=self.data.wall,
            snapshots=_copy(
                {table: at.wall for table, at in self.snapshots.items()}, last and last.snapshots
            ),
            missing=tuple(self.collecting.missing) if self.phase == "syncing" else (),
            refusal=self.refusal,
            messages=_copy(self.messages, last and last.messages),
            malformed=_copy(self.malformed, last and last.malformed),
            connects=self.connects,
            connect_failures=_copy(self.connect_failures, last and last.connect_failures),
            disconnects=_copy(self.disconnects, last and last.disconnects),
            auth_failures=self.auth_failures,
            gaps=self.gaps,
            resyncs=_copy(self.resyncs, last and last.resyncs),
            delay_counts=_row(self.delays.counts, last and last.delay_counts),
            delay_total=self.delays.total,
            clock_difference=self.skew.report(now),
            notes=_row(self.notes, last and last.notes),
        )
        return self._last

    def note(self, now: Instant, sentence: str) -> None:
        """Keep a sentence for the landing page."""
        self.notes.append(Note(now.wall, sentence))
        del self.notes[:-NOTES_KEPT]


# These are sets of a few dozen at most: to compare them costs less than to mark each change.
def _copy(live: Mapping[K, V], last: Mapping[K, V] | None) -> Mapping[K, V]:
    """The last copy while it is still true, else a new one."""
    return last if last is not None and last == live else dict(live)


def _row(live: Sequence[V], last: tuple[V, ...] | None) -> tuple[V, ...]:
    copy = tuple(live)
    return last if last is not None and last == copy else copy
