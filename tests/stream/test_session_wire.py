"""Sessions over real sockets: what no fake can show, such as half a frame and an end from another thread."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from exporter.config.secret import Secret
from exporter.config.types import Account, Endpoints, StreamSettings
from exporter.core.clock import Instant
from exporter.core.stream import StreamReport
from exporter.exchanges.bitfinex import SPEC
from exporter.follow import Workshop

if TYPE_CHECKING:
    from tests.stream.conftest import Pair, Peer

PATIENCE: Final = 20.0
HASTE: Final = 200.0
"""The sessions' clock runs so many times as fast as the wall's: 40 s of silence pass in 0.2 s."""
SNAPSHOTS: Final = tuple(f'[0,"{kind}",[]]'.encode() for kind in ("ps", "ws", "os", "fos", "fcs", "fls"))
INFO: Final = b'{"event":"info","version":2,"platform":{"status":1}}'
WELCOME: Final = b'{"event":"auth","status":"OK"}'


class Wired:
    """One session in a thread, connected to a server whose every byte the test decides."""

    def __init__(self, pair: Pair, script: Callable[[Peer], None], haste: float) -> None:
        self.server = pair.serve(script)
        workshop = replace(
            Workshop.equip(StreamSettings()),
            clock=lambda: Instant(time.monotonic() * haste, time.time()),
        )
        account = Account(
            name="main",
            exchange="bitfinex",
            api_key=Secret("key"),
            api_secret=Secret("secret"),
            endpoints=Endpoints(self.server.url, "", ""),
            feeds=SPEC.feeds,
        )
        followed = workshop.follow(account)
        self._clock = workshop.clock
        self._state = followed.watched.state
        (self.session,) = followed.sessions
        self.thread = threading.Thread(target=self.session.run)
        self.thread.start()

    @property
    def stream(self) -> StreamReport:
        """The stream as a scrape would see it now."""
        return self._state.report(self._clock().monotonic).streams[0]

    def wait_until(self, wanted: Callable[[StreamReport], bool]) -> StreamReport:
        """The first report that is as wanted."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(report := self.stream):
            assert time.monotonic() < deadline, report
            self.thread.join(0.01)
        return report

    def stop(self) -> float:
        """Stop the session; how many seconds its thread took to end."""
        before = time.monotonic()
        self.session.stop()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        return time.monotonic() - before


@pytest.fixture
def wire(pair: Pair) -> Iterator[Callable[..., Wired]]:
    """A function from a server's script to a running session; all are stopped in the end."""
    made: list[Wired] = []

    def start(script: Callable[[Peer], None], *, haste: float = 1.0) -> Wired:
        made.append(Wired(pair, script, haste))
        return made[-1]

    yield start
    for wired in made:
        wired.stop()


def greet(peer: Peer) -> None:
    """Accept, log in whoever asks, and lay down empty books."""
    peer.accept()
    for text in (INFO, WELCOME, *SNAPSHOTS):
        peer.frame(1, text)


def test_half_a_frame_is_no_sign_of_life(wire: Callable[..., Wired]) -> None:
    """A frame that never gets whole does not keep a stream up: it is dropped as silent."""

    def script(peer: Peer) -> None:
        greet(peer)
        peer.send(b"\x81\x7e\x01\x00[0,")
        peer.stop.wait(PATIENCE)

    wired = wire(script, haste=HASTE)
    report = wired.wait_until(lambda stream: stream.disconnects.get("silence", 0) > 0)
    assert report.messages["ws"] >= 1
    assert report.malformed == {}


def test_bytes_that_drip_do_not_count_as_messages(wire: Callable[..., Wired]) -> None:
    """One byte now and then of an endless frame is silence, too."""

    def script(peer: Peer) -> None:
        greet(peer)
        peer.send(b"\x81\x7f" + (1 << 20).to_bytes(8, "big"))
        with contextlib.suppress(OSError):  # the client hangs up, which is the point
            while not peer.stop.wait(0.01):
                peer.send(b"x")

    wire(script, haste=HASTE).wait_until(lambda stream: stream.disconnects.get("silence", 0) > 0)


def test_a_message_above_the_limit_ends_the_connection(wire: Callable[..., Wired]) -> None:
    """The announced length is enough: nothing of it is waited for, and it is counted as oversize."""

    def script(peer: Peer) -> None:
        greet(peer)
        peer.send(b"\x81\x7f" + (1 << 40).to_bytes(8, "big"))
        peer.stop.wait(PATIENCE)

    report = wire(script).wait_until(lambda stream: bool(stream.disconnects))
    assert report.disconnects == {"oversize": 1}
    assert report.malformed == {"oversize": 1}


def test_what_speaks_no_websocket_is_a_failed_handshake(wire: Callable[..., Wired]) -> None:
    """An answer of another protocol is a connection failure with its reason."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")
        peer.hang_up()

    report = wire(script).wait_until(lambda stream: bool(stream.connect_failures))
    assert set(report.connect_failures) <= {"handshake", "eof", "reset"}
    assert report.phase == "backoff"


def test_a_session_ends_at_once_while_the_server_never_answers(wire: Callable[..., Wired]) -> None:
    """Stopped while it waits for the upgrade, it does not wait for the time-out of connecting."""
    reached = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_head()
        reached.set()
        peer.stop.wait(PATIENCE)

    wired = wire(script)
    assert reached.wait(PATIENCE)
    assert wired.stop() < StreamSettings().connect_timeout
    assert wired.stream.phase == "stopped"


def test_a_session_ends_at_once_while_it_listens(wire: Callable[..., Wired]) -> None:
    """Stopped in a quiet hour, it ends long before anything would arrive."""

    def script(peer: Peer) -> None:
        greet(peer)
        peer.stop.wait(PATIENCE)

    wired = wire(script)
    wired.wait_until(lambda stream: stream.is_up)
    wired.stop()
    assert wired.stream.disconnects == {"stopped": 1}


def test_a_session_ends_at_once_while_it_waits_to_try_again(wire: Callable[..., Wired]) -> None:
    """Stopped on the slow schedule of a refused key, it does not wait for ten minutes."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.frame(1, INFO)
        peer.frame(1, b'{"event":"auth","status":"FAILED","code":10100,"msg":"apikey: invalid"}')
        peer.stop.wait(PATIENCE)

    wired = wire(script)
    wired.wait_until(lambda stream: stream.phase == "refused")
    wired.stop()
    assert wired.stream.phase == "stopped"
