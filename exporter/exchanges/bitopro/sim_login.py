"""How the simulated BitoPro judges the three headers of a request: key, payload, signature, nonce, clock."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.exchanges.bitopro.venue import Key, Venue

UNAUTHORIZED, CONFLICT = 401, 409
TEXTS = {
    401: "Invalid Signature",
    403: "Permission denied",
    404: "Not found",
    409: "Local Machine Time Mismatch",
    429: "Too many requests",
}
WINDOW = 60_000
"""Milliseconds by which a nonce may be off the venue's clock."""


class Refusal(NamedTuple):
    """Why a request is refused, as an HTTP answer."""

    status: int
    text: str

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return orjson.dumps({"error": self.text})


def refusal(status: int) -> Refusal:
    """A refusal with the text that belongs to its status."""
    return Refusal(status, TEXTS.get(status, "Server error"))


def judge(venue: Venue, headers: Mapping[str, str], now: float) -> Key | Refusal:
    """The key that this request proves to own, or why not. Only a good signature uses up its nonce."""
    given = {name.lower(): value for name, value in headers.items()}
    name, payload, signature = (
        given.get(f"x-bitopro-{part}", "") for part in ("apikey", "payload", "signature")
    )
    status = venue.faults.statuses.get(name) or venue.faults.statuses.get("*")
    if status:
        return refusal(status)
    key = venue.keys.get(name)
    if key is None:
        return refusal(UNAUTHORIZED)
    expected = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha384).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        return refusal(UNAUTHORIZED)
    said = _decoded(payload)
    if said.get("identity") != key.identity:
        return Refusal(UNAUTHORIZED, "Invalid identity")
    nonce = said.get("nonce")
    if isinstance(nonce, bool) or not isinstance(nonce, int) or abs(nonce - now * 1000) > WINDOW:
        return refusal(CONFLICT)
    if nonce <= venue.nonces.get(name, 0):
        venue.violation("nonce not above the last one")
        return refusal(CONFLICT)
    venue.nonces[name] = nonce
    return key


def _decoded(payload: str) -> dict[str, object]:
    try:
        said = orjson.loads(base64.b64decode(payload, validate=True))
    except (binascii.Error, orjson.JSONDecodeError):
        return {}
    return said if isinstance(said, dict) else {}
