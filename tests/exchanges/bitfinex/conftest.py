"""A conversation with a scripted Bitfinex: a test says what the venue says, and sees what it meant."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from exporter.core.clock import Instant
from exporter.core.events import Event, Heard
from exporter.exchanges.base import Drop, Endpoints, Login, Nonces, Send, Wanted
from exporter.exchanges.bitfinex import SPEC
from exporter.exchanges.bitfinex.protocol import BitfinexConversation

START: Final = 1_700_000_000.0
KEY: Final = "made-up-key-8c1f"
SECRET: Final = "made-up-secret-77ab"
ENDPOINTS: Final = Endpoints("ws://127.0.0.1:1/ws/2", "http://127.0.0.1:1", "http://127.0.0.1:1")
SNAPSHOTS: Final = ("ps", "ws", "os", "fos", "fcs", "fls")


class Talk:
    """One connection: `say` is the venue speaking, `wait` is time passing."""

    def __init__(self, **wanted: Any) -> None:
        self.now = Instant(1000.0, START)
        self.nonces = Nonces(lambda: self.now.wall, SPEC.nonce_scale)
        login = Login(KEY, _sign, self.nonces.next)
        options = {"endpoints": ENDPOINTS, "feeds": frozenset(SPEC.feeds), **wanted}
        self.conversation = BitfinexConversation(login, Wanted(**options))
        self.sent: list[str] = []

    def _note(self, answers: Sequence[Any]) -> list[Any]:
        self.sent += [answer.text for answer in answers if isinstance(answer, Send)]
        return list(answers)

    def say(self, message: object) -> tuple[Heard, list[Any]]:
        """A message of the venue, as JSON unless it is bytes; what it meant and what is answered."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        heard, answers = self.conversation.received(data, self.now)
        return heard, self._note(answers)

    def events(self, message: object) -> list[Event]:
        """What a message meant."""
        return list(self.say(message)[0].events)

    def drop(self, message: object) -> Drop:
        """How a message ended the connection."""
        (drop,) = self.say(message)[1]
        assert isinstance(drop, Drop)
        return drop

    def wait(self, seconds: float) -> list[Any]:
        """Time passes; what is said or done then."""
        self.now = Instant(self.now.monotonic + seconds, self.now.wall + seconds)
        return self._note(self.conversation.tick(self.now))

    def open(self) -> list[Any]:
        """The connection stands."""
        self.conversation.handshake(self.now)
        return self._note(self.conversation.opened(self.now))

    def log_in(self, **reply: Any) -> Talk:
        """Up to the venue's answer to the login."""
        self.open()
        self.say({"event": "info", "version": 2, "serverId": "x", "platform": {"status": 1}})
        self.say({"event": "conf", "status": "OK", "flags": 98304})
        self.say({"event": "auth", "status": "OK", "chanId": 0, "userId": 4711, **reply})
        return self

    def run(self) -> Talk:
        """Up to a login and empty snapshots of everything."""
        self.log_in()
        for kind in SNAPSHOTS:
            self.say([0, kind, []])
        return self


def _sign(payload: bytes) -> str:
    return hmac.new(SECRET.encode(), payload, hashlib.sha384).hexdigest()


@pytest.fixture
def begin() -> Callable[..., Talk]:
    """A function that makes a conversation; arguments change what the configuration asks for."""
    return Talk


@pytest.fixture
def running() -> Talk:
    """A conversation after login and empty snapshots."""
    return Talk().run()


Build = Callable[..., list[Any]]


def _row(base: list[Any]) -> Build:
    def build(changes: dict[int, Any] | None = None, length: int | None = None) -> list[Any]:
        row = list(base)
        for index, value in (changes or {}).items():
            row[index] = value
        return row if length is None else (row + [None] * length)[:length]

    return build


@pytest.fixture(scope="session")
def build() -> dict[str, Build]:
    """Makers of rows by name: `build["order"]({13: "CANCELED"}, length=26)`."""
    now = 1700000000000
    order: list[Any] = [501, None, 1700000000001, "tDUSK:USD", now, now + 3000, -40, -100, "EXCHANGE LIMIT"]
    order += [None, None, None, 4096, "ACTIVE", None, None, 0.21, 0, 0, 0, None, None, None, 0, 0]
    order += [None, None, None, "API>BFX", None, None, {}]
    position: list[Any] = [
        "tBTCF0:USTF0",
        "ACTIVE",
        -0.05,
        61000,
        0.0021,
        0,
        -3.1,
        -0.1016,
        70210.5,
        4.9,
        None,
    ]
    position += [900123, None, None, None, 1, None, 650, 152.5, {"reason": "TRADE", "liq_stage": None}]
    offer: list[Any] = [
        41,
        "fUSD",
        now,
        now + 1,
        400.0,
        1000.0,
        "LIMIT",
        None,
        None,
        0,
        "ACTIVE",
        None,
        None,
        None,
    ]
    offer += [0.0004, 30, 0, 0, None, 0, None]
    credit: list[Any] = [
        3100,
        "fUSD",
        1,
        now,
        now + 600000,
        1500.5,
        0,
        "ACTIVE",
        "FIXED",
        None,
        None,
        0.00031,
        2,
    ]
    credit += [now, None, None, 0, None, 0, None, 0, "tBTCUSD"]
    fill = [77001, "tETHUSD", now + 500, 501, 0.5, 2000.5, "EXCHANGE LIMIT", 2001, 1, -0.5001, "USD"]
    return {
        "order": _row(order),
        "position": _row(position),
        "offer": _row(offer),
        "credit": _row(credit),
        "fill": _row(fill),
        "wallet": _row(["exchange", "ETH", 12.5, 0, None, "Exchange 1.5 ETH", {"reason": "TRADE"}]),
        "funding trade": _row([61, "fUSD", now, 41, 600.0, 0.0004, 30, 1]),
        "notification": _row([now, "on-req", None, None, None, None, "SUCCESS", "text"]),
    }
