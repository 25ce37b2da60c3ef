"""The watchdog of the sessions' threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from exporter.stream.session import Session
from exporter.stream.supervisor import Supervisor
from tests.simulated import Stage

PATIENCE = 30.0


class Held(Session):
    """A session whose thread does nothing until told, and can be made to die."""

    def __init__(self, stage: Stage) -> None:
        self.__dict__.update(vars(stage.session))
        self.runs = 0
        self.running = threading.Semaphore(0)
        self.release = threading.Event()
        self.dies = False

    def run(self) -> None:
        """Wait to be stopped, or die."""
        self.runs += 1
        self.running.release()
        self.release.wait(PATIENCE)

    def stop(self) -> None:
        """Let the thread end."""
        self.release.set()

    def die(self, supervisor: Supervisor) -> None:
        """End the thread though nobody asked."""
        self.release.set()
        supervisor._threads[self].join(PATIENCE)
        self.release.clear()


class Watch:
    """A supervisor with a clock in the test's hand, and what it told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.restarted: list[tuple[str, str, str]] = []
        self.supervisor = Supervisor(
            clock=lambda: self.now, stuck_after=lambda: 40.0, restarted=self.restarted.append
        )
        self.stage = Stage()
        self.stage.clock.now = self.now
        self.stage.session.looped = self.stage.clock()
        self.session = Held(self.stage)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """A watch over one running session, stopped afterwards."""
    watch = Watch()
    watch.supervisor.start([watch.session])
    assert watch.session.running.acquire(timeout=PATIENCE)
    yield watch
    watch.supervisor.stop()


def test_a_running_session_is_no_problem(watch: Watch) -> None:
    """A session that shows life is healthy, and is not restarted."""
    watch.supervisor.check()
    assert watch.supervisor.problem() is None
    assert watch.supervisor.sessions == (watch.session,)
    assert watch.session.runs == 1


def test_a_dead_session_is_replaced_and_told(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """A thread that died is a problem until the next check starts it again, and is counted."""
    watch.session.die(watch.supervisor)
    assert watch.supervisor.problem() == "session bitfinex/demo-main/account is not running"
    with caplog.at_level(logging.ERROR):
        watch.supervisor.check()
    assert watch.session.running.acquire(timeout=PATIENCE)
    assert watch.supervisor.problem() is None
    assert watch.restarted == [("bitfinex", "demo-main", "account")]
    assert "session died and is started again" in caplog.text


def test_a_session_that_keeps_dying_is_restarted_once_a_minute(watch: Watch) -> None:
    """No restart loop: the second restart waits for a minute after the first."""
    told: list[int] = []
    for later in (0, 59, 1):
        if watch.supervisor._threads[watch.session].is_alive():
            watch.session.die(watch.supervisor)
        watch.now += later
        watch.supervisor.check()
        told.append(len(watch.restarted))
    assert told == [1, 1, 2]


def test_a_stuck_session_is_a_problem_but_not_restarted(watch: Watch) -> None:
    """No sign of life for longer than connecting may take: told, and left to the orchestrator."""
    watch.now += 41
    watch.supervisor.check()
    assert watch.supervisor.problem() == "session bitfinex/demo-main/account is stuck"
    assert watch.restarted == []


def test_stopping_ends_every_thread(watch: Watch) -> None:
    """After stop no session is left, and none is restarted by a later check."""
    thread = watch.supervisor._threads[watch.session]
    watch.supervisor.stop()
    assert not thread.is_alive()
    watch.supervisor.check()
    assert watch.supervisor.sessions == ()
    assert watch.restarted == []


def test_a_session_that_is_being_stopped_is_no_problem(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for the health while sessions are stopped is not told of a dead one."""
    told: list[str | None] = []
    thread = watch.supervisor._threads[watch.session]

    def stop() -> None:
        watch.session.release.set()
        thread.join(PATIENCE)
        told.append(watch.supervisor.problem())

    monkeypatch.setattr(watch.session, "stop", stop)
    watch.supervisor.stop()
    assert told == [None]


def test_one_session_can_be_stopped_alone(watch: Watch) -> None:
    """Stopping an account's sessions leaves the others running."""
    other = Held(Stage(demo=1))
    watch.supervisor.start([other])
    assert other.running.acquire(timeout=PATIENCE)
    watch.supervisor.stop([other])
    assert watch.supervisor.sessions == (watch.session,)
    assert watch.supervisor._threads[watch.session].is_alive()


def test_a_thread_that_will_not_end_does_not_hold_the_exit(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session stuck in the C library is given up after the deadline, with its name in the log."""
    monkeypatch.setattr("exporter.stream.supervisor.STOP_SECONDS", 0.01)
    watch = Watch()
    monkeypatch.setattr(watch.session, "stop", lambda: None)
    watch.supervisor.start([watch.session])
    thread = watch.supervisor._threads[watch.session]
    with caplog.at_level(logging.WARNING):
        watch.supervisor.stop()
    assert "session did not stop in time" in caplog.text
    assert thread.daemon
    watch.session.release.set()
    thread.join(PATIENCE)
