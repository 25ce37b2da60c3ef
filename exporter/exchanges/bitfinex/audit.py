"""Watching the sequence numbers that `conf` flag 65536 adds, by rules that spare the known false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

SMALLEST_TIMESTAMP: Final = 100_000_000_000
"""Trailers from here on are milliseconds since the epoch: no sequence number grows that far."""
MILLIS: Final = 1000.0


class Trailers(NamedTuple):
    """What stands behind the payload of a frame; what is missing is None."""

    public: int | None
    account: int | None
    sent_at: float | None


def trailers(frame: Sequence[object], *, heartbeat: bool) -> Trailers:
    """The numbers behind the payload, whichever `conf` flags are in force."""
    numbers: list[int] = []
    sent_at = None
    for value in frame[2 if heartbeat else 3 :]:
        if isinstance(value, int) and not isinstance(value, bool):
            if value >= SMALLEST_TIMESTAMP:
                # What the venue may one day append behind it is not for us.
                sent_at = value / MILLIS
                break
            numbers.append(value)
    public = numbers[0] if numbers else None
    account = numbers[1] if len(numbers) > 1 and not heartbeat else None
    return Trailers(public, account, sent_at)


class SequenceAudit:
    """Finds lost frames of one connection.

    The public sequence counts every array frame. The account sequence counts changes of the account: it
    is 0 until the first sync is over, may stand still, and never moves on a notification. A notification
    that answers a request, or tells of an error, may have lost a number or carry another one in its place,
    so it is not looked at, and the frame after it may or may not have been counted past it.
    """

    def __init__(self) -> None:
        self._public: int | None = None
        self._account: int | None = None
        self._skipped = 0

    def skip(self) -> None:
        """A frame passed whose numbers say nothing, though it may have taken a public one."""
        self._skipped += 1

    def follows(self, public: int, account: int) -> bool:
        """Whether a frame with both numbers is plainly the next; if not, nothing changes: `check` decides."""
        if public - 1 != self._public:
            return False
        last = self._account
        if account - 1 != last and account != last and last:
            return False
        self._public, self._account, self._skipped = public, account, 0
        return True

    def check(self, found: Trailers, *, notification: bool) -> Literal["public", "account"] | None:
        """The sequence in which a gap shows at this frame, if any."""
        gap: Literal["public", "account"] | None = None
        if found.public is not None:
            if self._public is not None:
                step = found.public - self._public
                gap = None if 1 <= step <= 1 + self._skipped else "public"
            self._public = found.public
            self._skipped = 0
        if found.account is not None and not notification:
            if self._account and found.account - self._account not in (0, 1):
                gap = gap or "account"
            self._account = found.account
        return gap
