"""What an HTTP reply of Bitfinex is: an answer, or one of the many ways in which it says no.

Statuses are not to be trusted alone: errors come with 200, and answers never with anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import orjson

from exporter.exchanges.base import SERVER_ERRORS, TOO_MANY_REQUESTS
from exporter.exchanges.bitfinex.auth import NAMES
from exporter.exchanges.bitfinex.fields import UnreadableError, at, integer, optional_word
from exporter.exchanges.reads import Fault

OK: Final = 200
UNAUTHORIZED: Final = 401
GENERIC: Final = 10001
RATE_LIMIT: Final = "ERR_RATE_LIMIT"

FAULT_OF: Final[dict[int, str]] = {
    10008: "rate_limit",
    10100: "auth",
    10111: "auth",
    10112: "auth",
    10113: "auth",
    10114: "nonce",
    11000: "server",
    11010: "rate_limit",
    20051: "maintenance",
    20060: "maintenance",
}
"""What an error's code says; `GENERIC` needs a look at its text, and the rest are `other`."""

Answer = TypeVar("Answer")


def understood(
    endpoint: str, read: Callable[[list[object]], Answer], status: int, body: bytes
) -> Answer | Fault:
    """The answer that `read` makes of the reply's list, or why it is none.

    `read` may raise UnreadableError and nothing else.
    """
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    fault = _refusal(endpoint, status, said)
    if fault is not None:
        return fault
    if status != OK:
        return _by_status(endpoint, status)
    if not isinstance(said, list):
        return _unreadable(endpoint, "expected a JSON list")
    try:
        return read(said)
    except UnreadableError as error:
        return _unreadable(endpoint, _EXPECTED.get(error.kind, "a row has another shape than documented"))


_EXPECTED: Final[dict[str, str]] = {"number": "a field that must be a number is none"}


def _refusal(endpoint: str, status: int, said: object) -> Fault | None:
    """The body's own word that something is wrong: `["error", CODE, TEXT]`, or an object."""
    if isinstance(said, list) and said and said[0] == "error":
        return _by_code(endpoint, integer(at(said, 1)), optional_word(said, 2))
    if not isinstance(said, dict):
        return None
    word, code = said.get("error"), integer(said.get("code"))
    if word == RATE_LIMIT:
        return _rate_limit(endpoint)
    if code is not None and code in NAMES:
        return _by_code(endpoint, code, "")
    # Such as {"code": 503, "error": "temporarily_unavailable"}, whatever the status line says.
    return _by_status(endpoint, code if status == OK and code is not None else status)


def _by_code(endpoint: str, code: int | None, text: str) -> Fault:
    """The text is the venue's own and goes nowhere."""
    if code is None:
        return Fault("other", f"reading {endpoint} failed: the venue answered with an error without a code")
    reason = FAULT_OF.get(code, "other")
    if code == GENERIC and "perm" in text.lower():
        reason = "auth"
    name = "unknown error" if code == GENERIC and reason == "other" else NAMES.get(code, "unknown error")
    return Fault(reason, f"reading {endpoint} failed: {name} (code {code})")


def _by_status(endpoint: str, status: int) -> Fault:
    if status == TOO_MANY_REQUESTS:
        return _rate_limit(endpoint)
    reason = "server" if status >= SERVER_ERRORS else "auth" if status == UNAUTHORIZED else "other"
    if status == OK:
        return _unreadable(endpoint, "expected a JSON list")
    return Fault(reason, f"reading {endpoint} failed: the venue answered HTTP {status}")


def _rate_limit(endpoint: str) -> Fault:
    return Fault("rate_limit", f"reading {endpoint} failed: too many requests from this address")


def _unreadable(endpoint: str, expected: str) -> Fault:
    return Fault("unreadable", f"reading {endpoint} failed: the reply cannot be read: {expected}")
