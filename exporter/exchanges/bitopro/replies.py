"""What an HTTP reply of BitoPro is: an answer, or one of the ways in which it says no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import orjson

from exporter.exchanges.base import SERVER_ERRORS, TOO_MANY_REQUESTS
from exporter.exchanges.bitopro.fields import UnreadableError
from exporter.exchanges.reads import Fault

OK: Final = 200
FAULTS: Final[dict[int, tuple[str, str]]] = {
    401: ("auth", "key or signature not accepted"),
    403: ("auth", "the key may not read this"),
    408: ("server", "the request took too long to arrive"),
    409: ("clock", "clock or repeated nonce"),
    TOO_MANY_REQUESTS: ("rate_limit", "too many requests"),
}
EXPECTED: Final[dict[str, str]] = {"number": "a field that must be a number is none"}

Answer = TypeVar("Answer")


def understood(endpoint: str, read: Callable[[object], Answer], status: int, body: bytes) -> Answer | Fault:
    """The answer that `read` makes of the reply's `data`, or why it is none.

    `read` may raise UnreadableError and nothing else.
    """
    failed = f"reading {endpoint} failed"
    if status in FAULTS:
        reason, sentence = FAULTS[status]
        return Fault(reason, f"{failed}: {sentence} (HTTP {status})")
    if status != OK:
        # What the body says is the venue's own and goes nowhere.
        reason = "server" if status >= SERVER_ERRORS else "other"
        return Fault(reason, f"{failed}: the venue answered HTTP {status}")
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        return _unreadable(failed, "expected a JSON object")
    if "error" in said:
        return Fault("other", f"{failed}: the venue answered with an error")
    try:
        return read(said.get("data"))
    except UnreadableError as error:
        return _unreadable(failed, EXPECTED.get(error.kind, "it has another shape than documented"))


def _unreadable(failed: str, expected: str) -> Fault:
    return Fault("unreadable", f"{failed}: the reply cannot be read: {expected}")
