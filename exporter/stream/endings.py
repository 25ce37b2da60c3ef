"""How connections end, in the words of `DISCONNECT_REASONS` and of the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from exporter.core.events import Heard, Malformed
from exporter.core.stream import Phase
from exporter.exchanges.base import Drop, Retry
from exporter.stream.messages import Closed

CLOSE_REASONS: Final[Mapping[str, str]] = {
    "remote_close": "remote_close",
    "eof": "reset",
    "reset": "reset",
    "timeout": "reset",
    "tls": "reset",
    "protocol": "protocol",
    "oversize": "oversize",
    "aborted": "reconcile",
    "closed": "stopped",
}
"""How the transport says that a connection ended, in the words of `DISCONNECT_REASONS`."""
BY_PEER: Final = ("remote_close", "eof")
"""Endings that the venue meant, as the transport names them."""
LOGIN_PHASES: Final = ("connecting", "authenticating")
OVERSIZE: Final = Heard("other", is_data=False, events=(Malformed("oversize"),))
"""What an announced length above the limit means to the account."""
QUIET_REASONS: Final = ("stopped", "restart", "maintenance")
LONGEST_PAUSE: Final = 3600.0
"""Seconds after which a venue is tried again, however long it asked to be left alone."""
SENTENCES: Final[Mapping[Phase, str]] = {
    "refused": "the key is refused",
    "maintenance": "the venue is in maintenance",
    "backoff": "stream ended, will come back",
    "stopped": "stream is stopped",
}


def drop_of(closed: Closed) -> Drop:
    """What the end of a connection asks for."""
    code = "" if closed.code is None else f", code {closed.code}"
    reason = CLOSE_REASONS.get(closed.reason, "reset")
    retry = Retry.RESYNC if reason == "reconcile" else Retry.SOON
    return Drop(reason, retry, f"the connection was closed ({closed.reason}{code})")


def held(drop: Drop, asked: float) -> Drop:
    """The same ending where the venue asked to be left alone for so many seconds."""
    return drop._replace(retry=Retry.LATER, after=max(drop.after, min(asked, LONGEST_PAUSE)))


def level_of(phase: Phase, reason: str) -> int:
    """How loud the end of a connection is: what the venue announces is no warning, a refused key an error."""
    if phase == "refused":
        return logging.ERROR
    return logging.INFO if reason in QUIET_REASONS else logging.WARNING


def write_scopes(permissions: Mapping[tuple[str, str], bool] | None) -> str:
    """What the key may do beyond watching, as far as that is known, in one word for the log."""
    granted = permissions or {}
    return ",".join(sorted(scope for (scope, access), yes in granted.items() if yes and access == "write"))


def details(phase: Phase, drop: Drop, delay: float) -> dict[str, Any]:
    """What the log adds to the sentence: nothing where it was our own doing."""
    if phase == "stopped":
        return {}
    return {"reason": drop.reason, "detail": drop.sentence, "retry_in": round(delay, 1)}
