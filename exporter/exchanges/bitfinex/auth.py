"""Proving who we are to Bitfinex, and reading what the key may do and why it was turned down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from exporter.core.events import Refused
from exporter.exchanges.base import Drop, Endpoints, Login, Retry, Wanted
from exporter.exchanges.reads import Ask

OTHER_SCOPE: Final = "other"
SCOPES: Final = (
    "orders",
    "account",
    "funding",
    "history",
    "wallets",
    "withdraw",
    "positions",
    "ui_withdraw",
    OTHER_SCOPE,
)
ACCESSES: Final = ("read", "write")
WITHDRAW_SCOPES: Final = ("withdraw", "ui_withdraw")

FILTER_WORDS: Final[dict[str, str]] = {
    "orders": "trading",
    "positions": "trading",
    "trades": "trading",
    "funding": "funding",
    "wallets": "wallet",
    "balance": "balance",
    "margin": "balance",
    "notifications": "notify",
}
Permissions = Mapping[tuple[str, str], bool]


def login_message(login: Login, feeds: frozenset[str]) -> str:
    """The `auth` event. Its `filter` is left out when every feed is wanted; `dms` never exists."""
    nonce = login.nonce()
    payload = f"AUTH{nonce}"
    message: dict[str, object] = {
        "event": "auth",
        "apiKey": login.api_key,
        "authNonce": nonce,
        "authPayload": payload,
        "authSig": login.sign(payload.encode()),
    }
    if feeds != frozenset(FILTER_WORDS):
        message["filter"] = sorted({FILTER_WORDS[feed] for feed in feeds})
    return orjson.dumps(message).decode()


def permissions(caps: object) -> Permissions | None:
    """What the key may do, from `caps` of the auth reply; None when it cannot be read.

    The venue has sent an object, a JSON text, a text that no parser takes, and nothing at all.
    """
    if isinstance(caps, str):
        try:
            caps = orjson.loads(caps)
        except orjson.JSONDecodeError:
            return None
    if not isinstance(caps, dict) or not caps:
        return None
    granted: dict[tuple[str, str], bool] = {}
    for scope, accesses in caps.items():
        if not isinstance(accesses, dict):
            return None
        # A scope of the future may be one that can do harm: it is told too, though not by its name.
        known = scope if scope in SCOPES else OTHER_SCOPE
        for access in ACCESSES:
            flag = _flag(accesses.get(access))
            if flag is None:
                return None
            granted[known, access] = flag or granted.get((known, access), False)
    return granted or None


def _flag(value: object) -> bool | None:
    if isinstance(value, int | str):
        try:
            return int(value) == 1
        except ValueError:
            return None
    return None


def too_powerful(granted: Permissions | None, wanted: Wanted) -> Refused | None:
    """Our own refusal of a key that may do more than watch, as far as the configuration asks for it."""
    if granted is None:
        if wanted.require_read_only:
            return Refused(
                "unknown_scopes", "key refused: the venue did not say its scopes and read-only is required"
            )
        return None
    writes = sorted(scope for (scope, access), yes in granted.items() if yes and access == "write")
    withdraw = [scope for scope in writes if scope in WITHDRAW_SCOPES]
    if withdraw and not wanted.allow_withdraw_scope:
        return Refused(
            "withdraw_scope",
            "key refused: it may withdraw, which a monitoring key must not; "
            "make a read-only key, or set allow_withdraw_scope: true",
        )
    if writes and wanted.require_read_only:
        scopes = ", ".join(writes)
        return Refused("write_scope", f"key refused: read-only is required and it may write to {scopes}")
    return None


CODES: Final[dict[int, tuple[Retry, float]]] = {
    10000: (Retry.SOON, 0.0),
    10001: (Retry.CREDENTIALS, 0.0),
    10008: (Retry.SOON, 0.0),
    10020: (Retry.CREDENTIALS, 0.0),
    10100: (Retry.CREDENTIALS, 0.0),
    10111: (Retry.CREDENTIALS, 0.0),
    10112: (Retry.CREDENTIALS, 0.0),
    10113: (Retry.CREDENTIALS, 0.0),
    10114: (Retry.LATER, 1.0),
    10200: (Retry.SOON, 0.0),
    11000: (Retry.LATER, 5.0),
    11010: (Retry.LATER, 60.0),
    20060: (Retry.LATER, 60.0),
}
"""What a failed login's code asks for. An unknown code is treated as a refused key."""
NAMES: Final[dict[int, str]] = {
    10000: "unknown error",
    10008: "too many requests at once",
    10200: "unknown error",
    10001: "no permission",
    10020: "parameters not accepted",
    10100: "key not accepted",
    10111: "payload not accepted",
    10112: "signature not accepted",
    10113: "signature not accepted",
    10114: "nonce too small",
    11000: "venue not ready",
    11010: "rate limit",
    20060: "maintenance",
}
OWN_CODES: Final = ("withdraw_scope", "write_scope", "unknown_scopes")
VENUE_TROUBLES: Final[dict[int, str]] = {
    10000: "other",
    10008: "rate_limit",
    10200: "other",
    11000: "other",
    11010: "rate_limit",
    20060: "maintenance",
}
"""Codes that say nothing of the key, with the reason for which the connection ends."""
REFUSAL_CODES: Final = (*(str(code) for code in CODES if code not in VENUE_TROUBLES), *OWN_CODES, "other")


def failure(code: int | None) -> tuple[Sequence[Refused], Drop]:
    """What a failed login means: whether the key was refused, and when to try again."""
    retry, after = CODES.get(code or 0, (Retry.CREDENTIALS, 0.0))
    name = NAMES.get(code or 0, "refused")
    sentence = f"login failed: {name} (code {code})" if code is not None else "login failed: no code given"
    if code in VENUE_TROUBLES:
        return (), Drop(VENUE_TROUBLES[code], retry, sentence, after)
    refused = Refused(str(code) if code in CODES else "other", sentence)
    return (refused,), Drop("refused", retry, sentence, after)


NO_PARAMETERS: Final = b"{}"


def signed_ask(login: Login, endpoints: Endpoints, path: str, body: bytes = NO_PARAMETERS) -> Ask:
    """A REST request signed just now. The signature covers the venue's own path, not the endpoint's."""
    nonce = str(login.nonce())
    signature = login.sign(f"/api/v2/{path}{nonce}".encode() + body)
    headers = {
        "bfx-apikey": login.api_key,
        "bfx-nonce": nonce,
        "bfx-signature": signature,
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    return Ask("POST", f"{endpoints.rest.rstrip('/')}/v2/{path}", headers, body)


PRIVATE_FIELDS: Final = ("apiKey", "authNonce", "authPayload", "authSig", "userId", "auth_id", "authId")


def redact(text: str) -> str:
    """A message without key, signature and user, for recordings."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if not isinstance(message, dict) or message.get("event") != "auth":
        return text
    for field in PRIVATE_FIELDS:
        if field in message:
            message[field] = "<redacted>"
    return orjson.dumps(message).decode()
