"""Proving who we are to BitoPro, and what it means when that is turned down.

A login is three headers: of the upgrade request for a stream, of the request for a read.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson

from exporter.core.events import Refused
from exporter.exchanges.base import (
    RATE_LIMIT_PAUSE,
    Answers,
    Drop,
    Login,
    Retry,
    Tell,
    http_rejection,
)

CLOCK_PAUSE: Final = 5.0
"""Seconds before a new nonce is tried where the last one was turned down."""
CLOSED, ERROR, OTHER = "closed", "error", "other"


class Refusal(NamedTuple):
    """What an HTTP status says of a key."""

    sentence: str
    retry: Retry = Retry.CREDENTIALS
    after: float = 0.0


REFUSALS: Final[dict[int, Refusal]] = {
    401: Refusal("login failed: key or signature not accepted (HTTP 401)"),
    403: Refusal("login failed: the key may not read this (HTTP 403)"),
    404: Refusal("login failed: no such path (HTTP 404); the known address is stream.bitopro.com, port 443"),
    409: Refusal(
        "login failed: clock or repeated nonce (HTTP 409); compare this machine's clock with the true time",
        Retry.LATER,
        CLOCK_PAUSE,
    ),
}
REFUSAL_CODES: Final = (*(str(status) for status in REFUSALS), CLOSED, ERROR, OTHER)
"""`closed`: the connection stood and was ended before a word; `error`: ended by an error message."""


class Credentials(dict[str, str]):
    """Headers that prove who asks; only their names are ever printed."""

    def __repr__(self) -> str:
        return f"Credentials({', '.join(self)})"


def headers(login: Login) -> Mapping[str, str]:
    """Headers with a nonce of their own, good for one attempt. What is signed is the text, not the JSON."""
    payload = base64.b64encode(orjson.dumps({"identity": login.identity, "nonce": login.nonce()}))
    return Credentials(
        {
            "X-BITOPRO-APIKEY": login.api_key,
            "X-BITOPRO-PAYLOAD": payload.decode(),
            "X-BITOPRO-SIGNATURE": login.sign(payload),
        }
    )


def rejection(status: int) -> Drop:
    """The upgrade was answered with an HTTP status."""
    refusal = REFUSALS.get(status)
    if refusal is not None:
        return Drop("refused", refusal.retry, refusal.sentence, refusal.after)
    return http_rejection(status)


def ended_early() -> Answers:
    """The connection stood and was closed before it told anything, which is a way to turn down a key.

    A front end that restarts looks the same, so it takes a row of them to be believed.
    """
    sentence = "login failed: the venue closed the connection at once, without a word"
    drop = Drop("refused", Retry.LATER, sentence, CLOCK_PAUSE)
    return Tell(Refused(CLOSED, sentence)), drop


TEXTS: Final[Mapping[str, str]] = {
    "signature": "signature not accepted",
    "api key": "key not accepted",
    "apikey": "key not accepted",
    "permission": "no permission",
    "unauthorized": "not authorized",
    "nonce": "nonce not accepted",
    "time": "clock not accepted",
}
"""Words in the venue's error texts and ours for them: its own may repeat what must not be printed."""
LIMITS: Final = ("too many", "rate limit")


def error_drop(text: object, *, accepted: bool) -> Drop:
    """An error message in place of data: the answer to the login, or the end of a stream that worked."""
    said = text.lower() if isinstance(text, str) else ""
    if any(limit in said for limit in LIMITS):
        sentence = "the venue sent an error: too many requests"
        return Drop("rate_limit", Retry.LATER, sentence, RATE_LIMIT_PAUSE)
    known = next((ours for theirs, ours in TEXTS.items() if theirs in said), "of an unknown kind")
    if accepted:
        return Drop("other", Retry.SOON, f"the venue sent an error in place of data: {known}")
    sentence = f"login failed: the venue sent an error: {known}"
    if "nonce" in said or "time" in said:
        return Drop("refused", Retry.LATER, sentence, CLOCK_PAUSE)
    return Drop("refused", Retry.CREDENTIALS, sentence)


PRIVATE_FIELDS: Final = ("identity", "email", "userID", "userId", "user", "apiKey")


def redact(text: str) -> str:
    """A message without what names the user, for recordings; key and signature are never in one."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if not isinstance(message, dict):
        return text
    data = message.get("data")
    hidden = [part for part in (message, data) if isinstance(part, dict)]
    found = False
    for part in hidden:
        for field in PRIVATE_FIELDS:
            if field in part:
                part[field] = "<redacted>"
                found = True
    return orjson.dumps(message).decode() if found else text
