"""A made-up exchange: what a third one costs. This folder, and one line in `tests/exchanges/known.py`.

Its one stream is signed in by a header. `{"is": "wallets", "rows": {"BTC": "1.5"}}` is everything there is;
`{"is": "change", "currency": "BTC", "amount": "2"}` is one change; `{"is": "beat"}` is a heartbeat.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import orjson

from exporter.core.clock import Instant
from exporter.core.events import Event, Heard, LoggedIn, Malformed, Snapshot, Upsert
from exporter.core.model import Key, Wallet
from exporter.exchanges.base import (
    Answers,
    Drop,
    Endpoints,
    Handshake,
    Login,
    Tell,
    Wanted,
    http_rejection,
)
from exporter.exchanges.spec import ExchangeSpec, StreamSpec

EXPECTED: Final = LoggedIn(None, frozenset({"wallets"}))
MESSAGES: Final = ("wallets", "change", "beat", "other")


class AcmeConversation:
    """One connection: signed in by its handshake, then a table and its changes."""

    def __init__(self, login: Login, wanted: Wanted) -> None:
        self._login = login
        self._wanted = wanted

    def handshake(self, _now: Instant) -> Handshake:
        """A fresh nonce and its signature for each attempt."""
        nonce = str(self._login.nonce())
        headers = {"acme-key": self._login.api_key, "acme-sign": self._login.sign(nonce.encode())}
        return Handshake(self._wanted.endpoints.stream, headers)

    def rejected(self, status: int) -> Drop:
        """As everywhere."""
        return http_rejection(status)

    def opened(self, _now: Instant) -> Answers:
        """Who got this far is signed in."""
        return (Tell(EXPECTED),)

    def received(self, data: bytes, _now: Instant) -> tuple[Heard, Answers]:
        """One message."""
        try:
            said = orjson.loads(data)
        except orjson.JSONDecodeError:
            return Heard("other", is_data=False, events=(Malformed("json"),)), ()
        if not isinstance(said, dict) or not isinstance(said.get("is"), str):
            return Heard("other", is_data=False, events=(Malformed("frame"),)), ()
        kind = said["is"]
        if kind not in ("wallets", "change"):
            return Heard(kind if kind in MESSAGES else "other", is_data=False), ()
        try:
            return Heard(kind, is_data=True, events=_read(kind, said)), ()
        except (KeyError, TypeError, ValueError, AttributeError):
            return Heard(kind, is_data=False, events=(Malformed("payload"),)), ()

    def tick(self, _now: Instant) -> Answers:
        """Nothing is ever said."""
        return ()

    def closed(self, _now: Instant) -> Answers:
        """Nothing to add."""
        return ()

    def resume(self, _now: Instant) -> LoggedIn:
        """As after the handshake."""
        return EXPECTED


def _read(kind: str, said: Mapping[str, object]) -> list[Event]:
    if kind == "wallets":
        rows = said["rows"]
        if not isinstance(rows, dict):
            raise TypeError
        return [Snapshot("wallets", dict(_wallet(name, amount) for name, amount in rows.items()))]
    return [Upsert("wallets", *_wallet(said["currency"], said["amount"]))]


def _wallet(name: object, amount: object) -> tuple[Key, Wallet]:
    if not isinstance(name, str) or not isinstance(amount, str):
        raise TypeError
    balance = float(amount)
    if not math.isfinite(balance):
        raise ValueError(amount)
    return ("vault", name), Wallet("vault", name, balance)


def _only(_data: bytes) -> str:
    return "vault"


SPEC: Final = ExchangeSpec(
    name="acme",
    endpoints=Endpoints("wss://acme.example/", "https://acme.example", "https://acme.example"),
    feeds=("wallets",),
    needs_identity=False,
    wallets=("vault",),
    lists_unheld=False,
    streams={
        "vault": StreamSpec("vault", 10.0, ("wallets",), ("wallets",), MESSAGES, math.inf, AcmeConversation)
    },
    nonce_scale=1000.0,
    scopes=(),
    refusal_codes=("other",),
    notification_subjects=(),
    symbol=str.upper,
    reads=None,
    redact=str,
    stream_of=_only,
)
