"""What one read brought becomes state in one step, whatever the messages are and lead to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import pytest

from exporter.core.account import AccountState
from exporter.core.backoff import ResyncGate
from exporter.core.clock import Instant
from exporter.core.events import Heard, LoggedIn, Snapshot, Upsert
from exporter.core.model import Wallet
from exporter.core.stream import Trust
from exporter.exchanges.base import Answers, Drop, Handshake, Retry, Send, Tell
from exporter.stream.dialogue import Dialogue

NOW: Final = Instant(1000.0, 1.7e9)
KEY: Final = ("spot", "BTC")
SENT: Final = Heard("answered", is_data=False)
END: Final = Drop("restart", Retry.SOON, "the venue restarts")


class Flaw(float):
    """A balance at which the state fails, as an error of ours would make it."""

    def __mul__(self, other: float) -> float:
        raise ArithmeticError


FLAW: Final = Flaw(5.0)


class Echo:
    """A conversation that takes a number for a balance; its other words are made up here."""

    def received(self, data: bytes, now: Instant) -> tuple[Heard, Answers]:
        """A balance, or what the word stands for."""
        assert now is NOW
        if data == b"ask":
            return SENT, (Send("question"),)
        if data == b"tell":
            return SENT, (Tell(Upsert("wallets", ("spot", "TWD"), Wallet("spot", "TWD", 7.0))),)
        if data == b"end":
            return SENT, (END,)
        if data == b"fail":
            return Heard(
                "balance", is_data=True, events=[Upsert("wallets", KEY, Wallet("spot", "BTC", FLAW))]
            ), ()
        row = Wallet("spot", "BTC", float(data))
        return Heard("balance", is_data=True, events=[Upsert("wallets", KEY, row)]), ()

    def handshake(self, now: Instant) -> Handshake:
        """Never asked here."""
        raise NotImplementedError

    def rejected(self, status: int) -> Drop:
        """Never asked here."""
        raise NotImplementedError

    def opened(self, now: Instant) -> Answers:
        """Never asked here."""
        raise NotImplementedError

    def resume(self, now: Instant) -> LoggedIn:
        """Never asked here."""
        raise NotImplementedError

    tick = closed = opened


class Scene:
    """A live account, its dialogue, and what was sent."""

    def __init__(self, tap: Callable[[str, Instant, str, str], None] | None = None) -> None:
        trust = Trust(silence_timeout=60.0, stale_after=60.0)
        self.state = AccountState(
            account="main", exchange="acme", streams=("s",), trust=trust, lock=threading.Lock(), started=NOW
        )
        self.state.resumed("s", LoggedIn(None, frozenset(("wallets",))), NOW)
        self.state.apply("s", Heard("balance", is_data=True, events=[Snapshot("wallets", {})]), NOW)
        self.sent: list[tuple[str, float | None]] = []
        self.dialogue = Dialogue(self, Echo(), self.state, "s", gate=ResyncGate(), tap=tap)

    def send(self, text: str) -> None:
        """As a link; keeps what the account held when it was asked to send."""
        self.sent.append((text, self.balance))

    def receive(self, timeout: float) -> None:
        """Never asked here."""
        raise NotImplementedError

    def close(self) -> None:
        """As a link."""

    @property
    def balance(self) -> float | None:
        """What the account holds now."""
        row = self.state.report(NOW.monotonic).view.tables["wallets"].get(KEY)
        return row.balance if isinstance(row, Wallet) else None

    @property
    def counted(self) -> int:
        """Messages after the first."""
        return sum(self.state.streams["s"].messages.values()) - 1


def test_messages_of_one_read_are_one_change() -> None:
    """All of them are counted and the last one stands, and a scrape looks before or after, not between."""
    scene = Scene()
    before = scene.state.lock.revision
    assert scene.dialogue.hear([b"1", b"2", b"3"], NOW) is None
    assert (scene.balance, scene.counted, scene.state.lock.revision - before) == (3.0, 3, 1)


def test_what_was_said_comes_before_what_it_makes_us_do() -> None:
    """A question goes out, and a thing is told, when the messages up to there are state."""
    scene = Scene()
    assert scene.dialogue.hear([b"1", b"2", b"ask", b"3", b"tell", b"4"], NOW) is None
    assert scene.sent == [("question", 2.0)]
    assert (scene.balance, scene.counted) == (4.0, 6)
    assert ("spot", "TWD") in scene.state.report(NOW.monotonic).view.tables["wallets"]


def test_nothing_is_heard_after_the_end() -> None:
    """What ends the connection is counted, and the messages behind it are not."""
    scene = Scene()
    assert scene.dialogue.hear([b"1", b"end", b"2"], NOW) is END
    assert (scene.balance, scene.counted) == (1.0, 2)


def test_messages_before_an_error_of_ours_are_not_lost() -> None:
    """Should a conversation fail at a message, those before it have been taken in."""
    scene = Scene()
    with pytest.raises(ValueError, match="could not convert"):
        scene.dialogue.hear([b"1", b"2", b"?", b"3"], NOW)
    assert (scene.balance, scene.counted) == (2.0, 2)


@pytest.mark.parametrize("last", [b"2", b"ask"])
def test_no_message_is_taken_in_twice(last: bytes) -> None:
    """Should the state fail at a message, nothing of the same read is counted again on the way out."""
    scene = Scene()
    with pytest.raises(ArithmeticError):
        scene.dialogue.hear([b"1", b"fail", last], NOW)
    assert scene.counted == 3


def test_the_tap_sees_each_message_before_it_is_understood() -> None:
    """A recording holds also the message at which something fails."""
    seen: list[str] = []
    scene = Scene(lambda _stream, _now, way, text: seen.append(f"{way} {text}"))
    with pytest.raises(ValueError, match="could not convert"):
        scene.dialogue.hear([b"1", b"ask", b"?"], NOW)
    assert seen == ["in 1", "in ask", "out question", "in ?"]
