"""One account followed without sockets, threads or clocks: what a session does, driven by a test."""

from __future__ import annotations

import hashlib
import hmac
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import pytest

from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.stream import Phase, Trust
from exporter.demo.accounts import ACCOUNTS
from exporter.exchanges.base import (
    DISCONNECT_REASONS,
    Conversation,
    Drop,
    Endpoints,
    Login,
    Nonces,
    Retry,
    Send,
    Tell,
    Wanted,
)
from exporter.exchanges.bitfinex.simulator import Simulator
from exporter.exchanges.bitfinex.venue import Venue, demo_venue
from tests.exchanges.known import KNOWN

START: Final = 1_700_000_000.0
KEY: Final = "made-up-key-8c1f"
SECRET: Final = "made-up-secret-77ab"
IDENTITY: Final = "somebody-4f@example.org"
NOWHERE: Final = Endpoints("ws://127.0.0.1:1/x", "http://127.0.0.1:1", "http://127.0.0.1:1")
TRUST: Final = Trust(silence_timeout=40.0, stale_after=60.0, computed_lifetime=300.0)


def signer(secret: str) -> Callable[[bytes], str]:
    """Signs as the composition root does."""
    return lambda payload: hmac.new(secret.encode(), payload, hashlib.sha384).hexdigest()


class Far(Protocol):
    """The far end of one connection; what it says is a text, or something else for the end."""

    def opened(self, now: float) -> list[Any]:
        """What it says first."""
        ...

    def received(self, text: str, now: float) -> list[Any]:
        """What it answers."""
        ...

    def tick(self, now: float) -> list[Any]:
        """What it says as time passes."""
        ...

    def gone(self) -> None:
        """The connection is over."""
        ...


class Follower:
    """All streams of one account, each with a conversation and a far end."""

    def __init__(
        self,
        exchange: str,
        connect: Callable[[str], Far] | None = None,
        key: str = KEY,
        secret: str = SECRET,
        **wanted: Any,
    ) -> None:
        self.spec = KNOWN[exchange]
        self.now = Instant(0.0, START)
        nonces = Nonces(lambda: self.now.wall, self.spec.nonce_scale)
        self.login = Login(key, signer(secret), nonces.next, IDENTITY)
        self.wanted = Wanted(NOWHERE, frozenset(self.spec.feeds), **wanted)
        self.state = AccountState(
            account="main",
            exchange=exchange,
            streams=tuple(self.spec.streams),
            trust=TRUST,
            lock=threading.Lock(),
            started=self.now,
            lists_unheld=self.spec.lists_unheld,
            reasons=self.spec.reasons,
        )
        self.sent: list[str] = []
        self.drops: list[Drop] = []
        self._connect = connect
        self._talks: dict[str, Conversation] = {}
        self._far: dict[str, Far] = {}
        self._again: dict[str, float] = dict.fromkeys(self.spec.streams, 0.0)

    def talk(self, stream: str) -> Conversation:
        """The conversation of a stream that has no far end, begun when it is first needed."""
        if stream not in self._talks:
            self._talks[stream] = self._begin(stream)
        return self._talks[stream]

    def _begin(self, stream: str) -> Conversation:
        talk = self.spec.streams[stream].converse(self.login, self.wanted)
        self.state.change(stream, lambda state: state.connecting(self.now))
        talk.handshake(self.now)
        self.state.change(stream, lambda state: state.connected(self.now))
        return talk

    def hear(self, stream: str, data: bytes) -> None:
        """One message of a stream, and what it leads to."""
        talk = self.talk(stream)
        heard, answers = talk.received(data, self.now)
        self.state.apply(stream, heard, self.now)
        self.follow(stream, answers)

    def follow(self, stream: str, answers: Sequence[Any]) -> None:
        """Do what a conversation wants done."""
        for answer in answers:
            if isinstance(answer, Tell):
                self.state.tell(stream, answer.event, self.now)
            elif isinstance(answer, Send):
                self.sent.append(answer.text)
                if stream in self._far:
                    self._take(stream, self._far[stream].received(answer.text, self.now.wall))
            else:
                assert isinstance(answer, Drop)
                self.drops.append(answer)
                self._end(stream, answer)
            if stream not in self._talks:
                return

    def step(self, seconds: float = 0.25) -> None:
        """Time passes for both ends."""
        self.now = Instant(self.now.monotonic + seconds, self.now.wall + seconds)
        for stream in self.spec.streams:
            if stream in self._far:
                self._take(stream, self._far[stream].tick(self.now.wall))
            if stream in self._talks:
                self.follow(stream, self._talks[stream].tick(self.now))
            elif self._connect is not None and self.now.monotonic >= self._again[stream]:
                self._open(stream, self._connect)

    def _open(self, stream: str, connect: Callable[[str], Far]) -> None:
        talk = self._talks[stream] = self._begin(stream)
        far = self._far[stream] = connect(stream)
        self.follow(stream, talk.opened(self.now))
        self._take(stream, far.opened(self.now.wall))

    def _take(self, stream: str, said: Sequence[Any]) -> None:
        for text in said:
            if stream not in self._talks:
                return
            if isinstance(text, str):
                self.hear(stream, text.encode())
            else:
                self._end(stream, Drop("reset", Retry.SOON, "the link broke"))

    def _end(self, stream: str, drop: Drop) -> None:
        assert drop.reason in DISCONNECT_REASONS
        self._talks.pop(stream, None)
        far = self._far.pop(stream, None)
        if far is not None:
            far.gone()
        phase: Phase = "refused" if drop.retry is Retry.CREDENTIALS else "backoff"
        self.state.ended(stream, drop.reason, phase, self.now, drop.sentence)
        self._again[stream] = self.now.monotonic + max(drop.after, 1.0)


@pytest.fixture(scope="session")
def follow() -> Callable[..., Follower]:
    """A function that follows an account of an exchange with made-up credentials, without a far end."""
    return Follower


@pytest.fixture(scope="session")
def follow_demo() -> Callable[..., tuple[Follower, Venue]]:
    """A function that pairs a demo account with the simulated Bitfinex it lives on."""

    def pair(*, seed: int = 1, account: int = 0, **options: Any) -> tuple[Follower, Venue]:
        rng = random.Random(seed)  # noqa: S311 - the seed is the point, not secrecy
        venue = demo_venue(rng, origin=START, **options)
        who = ACCOUNTS[account]
        return Follower("bitfinex", lambda _: Simulator(venue), who.api_key, who.api_secret), venue

    return pair
