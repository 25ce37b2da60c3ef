"""How the simulated Bitfinex judges a login: key, payload, signature, nonce, filter; how it writes scopes."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from exporter.demo.records import Fill, FundingFill, Loan, Notice, Offer, Order, Position, Value, Wallet
from exporter.exchanges.bitfinex.sim_rows import symbol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.exchanges.bitfinex.venue import Key, Venue

AUTH_FAILED = 10100
AUTH_PAYLOAD = 10111
AUTH_SIGNATURE = 10112
AUTH_NONCE = 10114
LARGEST_NONCE = 2**53 - 1
GROUPS = frozenset({"trading", "funding", "wallet", "algo", "balance", "notify"})


class Refusal(NamedTuple):
    """Why a login is refused."""

    code: int
    text: str


def judge(venue: Venue, request: Mapping[str, Any]) -> Key | Refusal:
    """The key that this login proves to own, or why not. Only a good signature uses up its nonce."""
    name, payload, signature = (request.get(word) for word in ("apiKey", "authPayload", "authSig"))
    if not (isinstance(name, str) and isinstance(payload, str) and isinstance(signature, str)):
        return Refusal(AUTH_FAILED, "auth: invalid")
    refusal = venue.faults.refusals.get(name) or venue.faults.refusals.get("*")
    if refusal:
        return Refusal(*refusal)
    key = venue.keys.get(name)
    if key is None:
        return Refusal(AUTH_FAILED, "apikey: invalid")
    nonce = _nonce(request.get("authNonce"))
    if nonce is None:
        return Refusal(AUTH_NONCE, "nonce: invalid")
    if not payload.startswith(f"AUTH{nonce}"):
        return Refusal(AUTH_PAYLOAD, "auth: payload invalid")
    expected = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha384).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        return Refusal(AUTH_SIGNATURE, "apikey: digest invalid")
    if nonce <= venue.nonces.get(name, 0):
        return Refusal(AUTH_NONCE, "nonce: small")
    venue.nonces[name] = nonce
    return key


def caps(key: Key, form: str) -> dict[str, Any]:
    """The `caps` member of the answer, in one of the forms seen in the wild; empty when it is absent."""
    scopes = {name: {"read": read, "write": write} for name, (read, write) in key.scopes}
    match form:
        case "object":
            return {"caps": scopes}
        case "text":
            return {"caps": orjson.dumps(scopes).decode()}
        case "quoted":
            quoted = {name: {what: str(flag) for what, flag in rw.items()} for name, rw in scopes.items()}
            return {"caps": orjson.dumps(quoted).decode()}
        case "broken":
            text = orjson.dumps({n: rw for n, rw in scopes.items() if n != "ui_withdraw"}).decode()
            return {"caps": text[:-1] + ",ui_withdraw: { read: 0, write: 0 }}"}
        case "absent":
            return {}
        case _:
            raise ValueError(f"unknown form of caps {form!r}: use object, text, quoted, broken or absent")


class Filter:
    """Which frames a session asked for. No words means all."""

    def __init__(self, words: object) -> None:
        given = words if isinstance(words, list) else []
        self.words = frozenset(word for word in given if isinstance(word, str))

    def unknown(self) -> list[str]:
        """Words that the documentation does not list."""
        return sorted(word for word in self.words if word.split("-", 1)[0] not in GROUPS)

    def wants(self, value: Value) -> bool:
        """Whether a frame about this value is to be sent."""
        group, word = topic(value)
        return not self.words or group in self.words or word in self.words

    def wants_group(self, group: str) -> bool:
        """Whether any frame of a group may be sent, so that its snapshots are."""
        return not self.words or any(word.split("-", 1)[0] == group for word in self.words)


def topic(value: Value) -> tuple[str, str]:
    """The filter words that let a value through: its group, and the narrow one."""
    match value:
        case Order() | Position() | Fill():
            return "trading", f"trading-{symbol(value.pair)}"
        case Offer() | Loan() | FundingFill():
            return "funding", f"funding-f{value.currency}"
        case Wallet():
            return "wallet", f"wallet-{value.kind}-{value.currency}"
        case Notice():
            return "notify", "notify"
        case _:
            return "balance", "balance"


def _nonce(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST_NONCE:
        return None
    return value
