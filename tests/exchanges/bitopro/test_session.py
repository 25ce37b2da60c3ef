"""A session on the simulated BitoPro: every way of being turned down, its schedule, and long quiet hours."""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Mapping
from functools import partial

import pytest

from exporter.config.secret import Secret
from exporter.config.types import Account, Endpoints, StreamSettings
from exporter.core.backoff import Backoff, ConnectionBudget, Schedule
from exporter.core.stream import StreamReport
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.records import Event
from exporter.exchanges.base import Login, Nonces
from exporter.exchanges.bitopro import SPEC
from exporter.exchanges.bitopro.sim_login import Refusal
from exporter.exchanges.bitopro.simulator import Simulator, admit
from exporter.exchanges.bitopro.venue import CloseFrame, demo_venue
from exporter.follow import hmac_sha384, wanted, watch
from exporter.stream.budget import SharedBudget
from exporter.stream.means import Means
from exporter.stream.messages import Closed, Ping, Received
from exporter.stream.session import Session
from exporter.stream.transport import Abort, HandshakeRejected
from tests.simulated import EPOCH, FakeClock

WHO = next(account for account in ACCOUNTS if account.exchange == "bitopro")
BASE = "ws://127.0.0.1/bitopro"
EVERYTHING = frozenset(Event)


class FarLink:
    """A connection to the simulated venue as a session sees one, pings included."""

    def __init__(self, simulator: Simulator, clock: FakeClock, abort: Abort, *, pings: bool) -> None:
        self._simulator, self._clock, self._abort, self._pings = simulator, clock, abort, pings
        self._box: deque[Received] = deque()
        self._pinged = clock.now
        self._take(simulator.opened(clock().wall))

    def receive(self, timeout: float) -> Received:
        """The next message; without one, time passes."""
        if self._abort.aborted:
            return Closed(None, "aborted")
        if not self._box:
            self._clock.advance(timeout)
            self._take(self._simulator.tick(self._clock().wall))
            if self._pings and self._clock.now - self._pinged >= 20.0:
                self._pinged = self._clock.now
                self._box.append(Ping(b""))
        return self._box.popleft() if self._box else None

    def send(self, text: str) -> None:
        """Nothing is ever sent."""
        pytest.fail(f"sent {text!r}")

    def close(self) -> None:
        """Hang up."""
        self._simulator.gone()

    def _take(self, said: list[str | CloseFrame]) -> None:
        for each in said:
            if isinstance(each, CloseFrame):
                self._box.append(Closed(each.code, "eof" if each.code is None else "remote_close"))
            else:
                self._box.append([each.encode()])


class Stage:
    """One stream of the demo account, its session and the venue, all on one fake clock."""

    def __init__(self, stream: str = "balance", *, secret: str = "", pings: bool = True) -> None:
        self.clock = FakeClock()
        self.stream = stream
        rng = random.Random(1)  # noqa: S311 - the seed is the point, not secrecy
        self.venue = demo_venue(rng, origin=EPOCH, script=())
        self.attempts: list[float] = []
        self._pings = pings
        account = Account(
            WHO.name,
            "bitopro",
            Secret(WHO.api_key),
            Secret(secret or WHO.api_secret),
            Endpoints(BASE, "", ""),
            SPEC.feeds,
            identity=Secret(WHO.identity),
        )
        nonces = Nonces(lambda: self.clock().wall, SPEC.nonce_scale)
        login = Login(WHO.api_key, partial(hmac_sha384, account.api_secret), nonces.next, WHO.identity)
        settings = StreamSettings()
        self.state = watch(account, SPEC, settings, self.clock()).state
        self.session = Session(
            self.state,
            stream,
            partial(SPEC.streams[stream].converse, login, wanted(account, SPEC, settings)),
            Means(
                self._connect,
                self.clock,
                SharedBudget(ConnectionBudget()),
                settings.silence_timeout,
                pause=self._pause,
            ),
            Schedule(Backoff(maximum=settings.backoff_max, random=lambda: 0.5)),
        )

    def play(self, seconds: float) -> StreamReport:
        """Run the session for so long; how the stream was just before the end."""
        seen: list[StreamReport] = []
        self.clock.at(self.clock.now + seconds - 0.001, lambda: seen.append(self.report()))
        self.clock.at(self.clock.now + seconds, self.session.stop)
        self.session.run()
        return seen[0]

    def report(self) -> StreamReport:
        """How the stream is now."""
        streams = self.state.report(self.clock.now).streams
        return next(each for each in streams if each.name == self.stream)

    def _connect(self, url: str, headers: Mapping[str, str], *, abort: Abort) -> FarLink:
        self.attempts.append(self.clock.now)
        verdict = admit(self.venue, url.removeprefix(BASE), headers, self.clock().wall)
        if isinstance(verdict, Refusal):
            raise HandshakeRejected(url, verdict.status, None)
        return FarLink(Simulator(self.venue, verdict), self.clock, abort, pings=self._pings)

    def _pause(self, _stop: threading.Event, seconds: float) -> None:
        self.clock.advance(seconds)


@pytest.mark.parametrize(
    ("status", "expected", "least", "most"),
    [
        (401, ("refused", "401", 1), 600.0, 900.0),
        (403, ("refused", "403", 1), 600.0, 900.0),
        (404, ("refused", "404", 1), 600.0, 900.0),
        (409, ("backoff", "409", 1), 5.0, 6.0),
        (429, ("backoff", "", 0), 60.0, 66.0),
        (503, ("backoff", "", 0), 0.5, 2.0),
    ],
)
def test_each_status_of_the_handshake_has_its_state_and_schedule(
    status: int, expected: tuple[str, str, int], least: float, most: float
) -> None:
    """A bad key waits for minutes, a wrong clock for seconds, a rate limit for one; only keys are refused."""
    stage = Stage()
    stage.venue.faults.statuses["*"] = status
    first: list[StreamReport] = []
    stage.clock.at(0.4, lambda: first.append(stage.report()))
    stage.play(1000.0)
    assert (first[0].phase, first[0].refusal, first[0].auth_failures) == expected
    assert first[0].connect_failures == {"rejected": 1}
    assert least <= stage.attempts[1] - stage.attempts[0] <= most


def test_a_wrong_secret_is_logged_as_a_refused_key(caplog: pytest.LogCaptureFixture) -> None:
    """The venue checks the signature; one error line says so, and no secret is in it."""
    caplog.set_level(logging.INFO)
    stage = Stage(secret="not-the-secret-of-this-key")
    assert stage.play(10.0).refusal == "401"
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.getMessage() == "the key is refused"
    assert "not-the-secret" not in caplog.text
    assert WHO.identity not in caplog.text


def test_a_wrong_clock_five_times_in_a_row_counts_as_a_bad_key() -> None:
    """409 is tried again soon; the fifth in a row moves the key to the slow schedule."""
    stage = Stage()
    stage.venue.faults.statuses["*"] = 409
    report = stage.play(590.0)
    assert (report.phase, report.refusal, report.auth_failures) == ("refused", "409", 5)
    assert len(stage.attempts) == 5


def test_an_upgrade_closed_at_once_becomes_a_refusal() -> None:
    """A few in a row are taken for a refused key; when it ends, the stream comes live at the next try."""
    stage = Stage()
    stage.venue.faults.closes_at_once = True
    stage.clock.at(500.0, lambda: setattr(stage.venue.faults, "closes_at_once", False))
    seen: list[StreamReport] = []
    stage.clock.at(490.0, lambda: seen.append(stage.report()))
    report = stage.play(1000.0)
    assert (seen[0].phase, seen[0].refusal, seen[0].auth_failures) == ("refused", "closed", 5)
    assert seen[0].disconnects == {"refused": 5}
    assert report.is_up
    assert report.refusal == ""


def test_an_error_text_in_place_of_data_is_a_refusal() -> None:
    """It is counted as a message, the key as refused, and no other try follows for minutes."""
    stage = Stage("orders")
    stage.venue.faults.error_text = "Invalid Signature"
    report = stage.play(500.0)
    assert (report.phase, report.refusal, report.auth_failures) == ("refused", "error", 1)
    assert report.messages == {"error": 1}
    assert len(stage.attempts) == 1


@pytest.mark.parametrize("stream", ["balance", "orders", "trades"])
def test_hours_without_data_are_normal_while_pings_come(stream: str) -> None:
    """Pings keep a quiet stream up; nothing is reconnected."""
    stage = Stage(stream)
    stage.clock.at(10.0, lambda: stage.venue.faults.forgotten.update(EVERYTHING))
    report = stage.play(7200.0)
    assert report.is_up
    assert (report.connects, report.disconnects) == (1, {})
    assert report.liveness - report.data > 7000.0


def test_without_pings_and_data_the_link_is_dead() -> None:
    """After the silence timeout it is dropped and made anew."""
    stage = Stage("trades", pings=False)
    stage.venue.faults.forgotten.update(EVERYTHING)
    report = stage.play(60.0)
    assert report.disconnects == {"silence": 1}
    assert report.connects == 2


def test_each_attempt_has_a_nonce_of_its_own() -> None:
    """However often the link drops, no handshake is turned down for its nonce."""
    stage = Stage()
    for second in range(10, 300, 10):
        stage.clock.at(second, stage.venue.drop)
    report = stage.play(320.0)
    assert report.connects > 10
    assert report.auth_failures == 0
    assert stage.venue.violations == []
