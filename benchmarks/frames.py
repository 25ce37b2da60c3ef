"""What the bench's exchange says: Bitfinex-like and BitoPro-like messages, always the same for a seed.

Bitfinex frames carry what `conf` flags 32768 and 65536 add: both sequence numbers and a time stamp.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

EPOCH_MS: Final = 1_760_000_000_000
COINS: Final = ("BTC", "ETH", "LTC", "XRP", "SOL", "ADA", "DOT", "TRX", "XLM", "UNI")
PAIRS: Final = tuple(f"t{coin}USD" for coin in COINS)
KINDS: Final = ("wu", "ou", "tu", "bu")
WEIGHTS: Final = (40, 35, 20, 5)
SMALL: Final = 126
MEDIUM: Final = 1 << 16


class Payload(NamedTuple):
    """Messages in the order of sending; the first `prologue` of them belong to the login."""

    messages: Sequence[bytes]
    prologue: int = 0

    @property
    def said(self) -> Sequence[bytes]:
        """What comes after the prologue, the part that is measured."""
        return self.messages[self.prologue :]

    @property
    def size(self) -> int:
        """Bytes of the measured messages, without frame headers."""
        return sum(map(len, self.said))

    @property
    def digest(self) -> str:
        """What every receiver's digest of the measured messages must be."""
        sha = hashlib.sha1(usedforsecurity=False)
        for message in self.said:
            sha.update(message + b"\n")
        return sha.hexdigest()


def framed(messages: Iterable[bytes]) -> bytes:
    """The messages as a server's text frames."""
    return b"".join(part for message in messages for part in (header(len(message)), message))


def header(length: int) -> bytes:
    """The header of one final, unmasked text frame."""
    if length < SMALL:
        return bytes((0x81, length))
    if length < MEDIUM:
        return struct.pack("!BBH", 0x81, 126, length)
    return struct.pack("!BBQ", 0x81, 127, length)


def _say(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Script:
    """Writes the frames of one Bitfinex-like connection, with numbers that leave no gap."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._number = 0
        self.orders: dict[int, str] = {}

    def login(self, wallets: Sequence[tuple[str, str]] = (), positions: Sequence[object] = ()) -> list[bytes]:
        """What an exchange says until the account is complete; without wallets, those that frames move."""
        rights = {
            scope: [1, 0] for scope in ("account", "history", "orders", "positions", "funding", "wallets")
        }
        held = wallets or [("exchange", coin) for coin in (*COINS, "USD")]
        said: list[object] = [
            {"event": "info", "version": 2, "serverId": "bench", "platform": {"status": 1}},
            {"event": "auth", "status": "OK", "chanId": 0, "userId": 1, "caps": rights},
            self._numbered("ps", positions),
            self._numbered("ws", [[kind, coin, 1000.0, 0, 1000.0, None, None] for kind, coin in held]),
            *(self._numbered(kind, []) for kind in ("os", "fos", "fcs", "fls")),
        ]
        return [_say(each) for each in said]

    def frames(self, count: int) -> Iterator[bytes]:
        """So many frames of a busy account."""
        kinds = self._random.choices(KINDS, WEIGHTS, k=count)
        writers = {"wu": self._wallet, "ou": self._order, "tu": self._fill, "bu": self._totals}
        for kind in kinds:
            yield _say(self._numbered(kind, writers[kind]()))

    def said(self, kind: str, payload: object) -> bytes:
        """One more frame."""
        return _say(self._numbered(kind, payload))

    def _numbered(self, kind: str, payload: object) -> list[object]:
        self._number += 1
        return [0, kind, payload, self._number, self._number, EPOCH_MS + self._number]

    def _amount(self, digits: int = 8) -> float:
        return round(self._random.uniform(0.01, 50_000.0), digits)

    def _wallet(self) -> list[object]:
        coin = self._random.choice(COINS)
        balance = self._amount()
        words = f"Trading fees for {self._amount(4)} {coin} ({coin}USD) @ {self._amount(2)} on BFX (0.2%)"
        reason = {"reason": "TRADE", "order_id": self._random.randrange(10**11)}
        return ["exchange", coin, balance, 0, round(balance / 2, 8), words, reason]

    def _order(self) -> list[object]:
        number = 1_000_000_000 + self._random.randrange(40)
        pair = PAIRS[number % len(PAIRS)]
        at = EPOCH_MS + self._number
        amount, price = self._amount(), self._amount(2)
        nothing: list[object] = [None] * 3
        return [
            *(number, None, at % 10**11, pair, EPOCH_MS, at, amount, amount * 2, "EXCHANGE LIMIT", None),
            *(None, None, 0, "ACTIVE", None, None, price, 0, 0, 0),
            *(*nothing, 0, 0, None, *nothing, "API>BFX", None, None, None),
        ]

    def _fill(self) -> list[object]:
        # Executions have ids of their own, so that a counter of them counts each.
        number = 2_000_000_000 + self._number
        pair = self._random.choice(PAIRS)
        amount, price, fee = self._amount(), self._amount(2), -self._amount(6)
        at = EPOCH_MS + self._number
        order = 1_000_000_000 + self._random.randrange(40)
        kind = "EXCHANGE LIMIT"
        return [number, pair, at, order, amount, price, kind, price, 1, fee, pair[1:4], at % 10**11]

    def _totals(self) -> list[object]:
        return [self._amount(2), self._amount(2)]


def bitfinex(count: int, seed: int = 1) -> Payload:
    """A login and so many frames."""
    script = Script(seed)
    login = script.login()
    return Payload([*login, *script.frames(count)], len(login))


def bitopro(count: int, seed: int = 1) -> Payload:
    """Whole balances of 100 currencies, again and again, each time with other numbers."""
    rng = random.Random(seed)
    names = [f"{letter}{number:02d}" for letter in "ABCDEFGHIJ" for number in range(10)]
    return Payload([_balances(names, rng, number) for number in range(count)])


def _balances(names: Sequence[str], rng: random.Random, number: int) -> bytes:
    data = {
        name: {
            "currency": name,
            "amount": f"{rng.uniform(1, 9e4):.8f}",
            "available": f"{rng.uniform(1, 9e4):.8f}",
            "stake": "0",
            "tradable": True,
        }
        for name in names
    }
    at = EPOCH_MS + number
    moment = {"timestamp": at, "datetime": "2026-01-01T00:00:00.000Z"}
    return _say({"event": "ACCOUNT_BALANCE", **moment, "data": data})
