"""A session on a simulated venue without sockets, threads or waiting: everything moves by one fake clock.

Used by tests of several folders as `from tests.simulated import Stage`.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from exporter.commands.demo import MARGIN_LEVEL, THRESHOLDS
from exporter.config.secret import Secret
from exporter.config.types import Account, Endpoints, Lending, StreamSettings
from exporter.core.backoff import Backoff, ConnectionBudget, Schedule
from exporter.core.clock import Instant
from exporter.core.report import Report
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.script import Step
from exporter.exchanges.base import Conversation, Login, Nonces
from exporter.exchanges.bitfinex import SPEC
from exporter.exchanges.bitfinex.simulator import Outgoing, Simulator
from exporter.exchanges.bitfinex.venue import CloseFrame, Venue, demo_venue
from exporter.exposition.collector import AccountCollector, Watched, account_samples
from exporter.exposition.encode import TEXT
from exporter.exposition.scrape import Scrape
from exporter.follow import hmac_sha384, wanted, watch
from exporter.stream.budget import SharedBudget
from exporter.stream.means import Means, Tap
from exporter.stream.messages import Closed, CloseReason, Ping, Received
from exporter.stream.session import Session
from exporter.stream.transport import Abort

EPOCH: Final = 1_700_000_000.0
"""Unix time at which every stage begins; its monotonic clock begins at 0."""
BITFINEX: Final = tuple(account for account in ACCOUNTS if account.exchange == "bitfinex")
MAIN, LENDER = BITFINEX
IDLE: Final[Mapping[str, Lending]] = {
    "demo-main": Lending({"USD": 150.0, "UST": 150.0}),
    "demo-lender": Lending({"USD": 76000.0, "UST": 39000.0}),
}
"""For one always, for the other now and then more than that is idle."""


class FakeClock:
    """Both clocks of a machine, moved by who waits; what is due on the way happens at its second."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, Callable[[], object]]] = []

    def __call__(self) -> Instant:
        """The present moment."""
        return Instant(self.now, EPOCH + self.now)

    def at(self, second: float, action: Callable[[], object]) -> None:
        """Let something happen at a second of the monotonic clock."""
        self._due.append((second, action))
        self._due.sort(key=lambda entry: entry[0])

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            second, action = self._due.pop(0)
            self.now = max(self.now, second)
            action()
        self.now = max(self.now, until)


class _FrozenError(BaseException):
    """Goes through a session, which lives on after any Exception."""


def _freeze() -> None:
    raise _FrozenError


class VenueLink:
    """A connection to a simulated venue, as a session sees one."""

    def __init__(self, venue: Venue, clock: FakeClock, abort: Abort) -> None:
        self._simulator = Simulator(venue)
        self._clock = clock
        self._abort = abort
        self._box: deque[bytes | Ping | Closed] = deque()
        self.sent: list[str] = []
        self.closed = False
        self._take(self._simulator.opened(clock().wall))

    def inject(self, received: bytes | Ping | Closed) -> None:
        """Let something arrive that the simulator would not say."""
        self._box.append(received)

    def receive(self, timeout: float) -> Received:
        """All messages up to what is none; without any, time passes."""
        if self._abort.aborted:
            return Closed(None, "aborted")
        if not self._box:
            self._clock.advance(timeout)
            self._take(self._simulator.tick(self._clock().wall))
        messages: list[bytes] = []
        while self._box:
            if not isinstance(first := self._box.popleft(), bytes):
                if not messages:
                    return first
                self._box.appendleft(first)
                break
            messages.append(first)
        return messages or None

    def send(self, text: str) -> None:
        """Say something to the venue."""
        self.sent.append(text)
        self._take(self._simulator.received(text, self._clock().wall))

    def close(self) -> None:
        """Hang up."""
        self.closed = True
        self._simulator.gone()

    def _take(self, said: Sequence[Outgoing]) -> None:
        for each in said:
            if isinstance(each, CloseFrame):
                reason: CloseReason = "eof" if each.code is None else "remote_close"
                self._box.append(Closed(each.code, reason))
            else:
                self._box.append(each.encode())


class Stage:
    """One account, its session and its venue; `play` runs them and `report` tells what came of it."""

    def __init__(
        self,
        *,
        seed: int = 1,
        script: tuple[Step, ...] = (),
        demo: int = 0,
        settings: StreamSettings | None = None,
        tap: Tap | None = None,
        secret: str = "",
    ) -> None:
        self.settings = settings or StreamSettings()
        self.clock = FakeClock()
        rng = random.Random(seed)  # noqa: S311 - the seed is the point, not secrecy
        self.venue = demo_venue(rng, origin=EPOCH, script=script)
        who = BITFINEX[demo]
        self.account = Account(
            name=who.name,
            exchange=who.exchange,
            api_key=Secret(who.api_key),
            api_secret=Secret(secret or who.api_secret),
            endpoints=Endpoints("ws://127.0.0.1/bitfinex", "", ""),
            feeds=SPEC.feeds,
            margin_symbols=("ETH/USD",),
            margin_level=MARGIN_LEVEL,
            thresholds=THRESHOLDS[who.name],
            lending=IDLE[who.name],
        )
        self._login = Login(
            api_key=self.account.api_key.reveal(),
            sign=partial(hmac_sha384, self.account.api_secret),
            nonce=Nonces(lambda: self.clock().wall, SPEC.nonce_scale).next,
        )
        self.watched: Watched = watch(self.account, SPEC, self.settings, self.clock())
        self.state = self.watched.state
        self.budget = SharedBudget(ConnectionBudget())
        self.links: list[VenueLink] = []
        self.attempts: list[float] = []
        self.obstacles: deque[Callable[[], None]] = deque()
        """Called one by one before a connection stands; what they raise is how it fails."""
        means = Means(
            self._connect,
            self.clock,
            self.budget,
            self.settings.silence_timeout,
            tap=tap,
            pause=self._pause,
        )
        schedule = Schedule(Backoff(maximum=self.settings.backoff_max, random=lambda: 0.5))
        self.session = Session(self.state, "account", self._converse, means, schedule)

    @property
    def link(self) -> VenueLink:
        """The present connection."""
        return self.links[-1]

    def play(self, seconds: float) -> None:
        """Run the session from now on for this long, and stop it."""
        self.clock.at(self.clock.now + seconds, self.session.stop)
        self.session.run()

    def freeze(self, seconds: float) -> None:
        """Run the session from now on for this long, and leave everything as it is then."""
        self.clock.at(self.clock.now + seconds, _freeze)
        with contextlib.suppress(_FrozenError):
            self.session.run()

    def report(self) -> Report:
        """What the account shows now."""
        return self.state.report(self.clock.now)

    def at(self, second: float, action: Callable[[], object]) -> None:
        """Let something happen at this second of the play."""
        self.clock.at(second, action)

    def watch_at(self, *seconds: float) -> dict[float, Report]:
        """Reports taken at these seconds of the play, filled in while it runs."""
        reports: dict[float, Report] = {}
        for second in seconds:
            self.clock.at(second, lambda second=second: reports.__setitem__(second, self.report()))  # type: ignore[misc]
        return reports

    def samples(self) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        """Every sample of the account now, by family and label values."""
        return account_samples(self.watched, self.report(), self.clock()).families

    def page(self, *others: Stage, form: str = TEXT, limit: int = 1_000_000) -> str:
        """What a scrape of this account, and others, shows now in one of the formats."""
        stages = (self, *others)
        collector = AccountCollector(
            lambda: [stage.watched for stage in stages], clock=self.clock, series_per_account=lambda: limit
        )
        return b"".join(Scrape(collector, clock=lambda: self.clock().monotonic)(form)[1]).decode()

    def _converse(self) -> Conversation:
        return SPEC.streams["account"].converse(self._login, wanted(self.account, SPEC, self.settings))

    def _connect(self, url: str, headers: Mapping[str, str], *, abort: Abort) -> VenueLink:
        self.attempts.append(self.clock.now)
        if self.obstacles:
            self.obstacles.popleft()()
        link = VenueLink(self.venue, self.clock, abort)
        self.links.append(link)
        return link

    def _pause(self, _stop: threading.Event, seconds: float) -> None:
        self.clock.advance(seconds)
