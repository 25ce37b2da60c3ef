"""Who may in, and how often: basic auth against bcrypt hashes, and a token bucket. Time is an argument."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.web.webconfig import RateLimit

MAX_PASSWORD_BYTES: Final = 72
MAX_VERDICTS: Final = 100
MAX_WAITING: Final = 8


class CrowdedError(Exception):
    """Too many passwords wait to be checked."""


def checkpw(password: bytes, hashed: bytes) -> bool:
    """Whether this is the password of the hash. Raises ValueError for what is no hash."""
    # Half a megabyte that most do not need.
    import bcrypt  # noqa: PLC0415 - loaded with the first password

    return bcrypt.checkpw(password, hashed)


class Doorkeeper:
    """Checks basic auth. Verdicts are remembered so that a scrape does not pay for bcrypt each time.

    What is remembered is a keyed digest of user, hash and password: `pepper` must be random and never stored.
    Good and bad verdicts are kept apart, so that guessing cannot push a scraper's verdict out.
    """

    def __init__(self, pepper: bytes, check: Callable[[bytes, bytes], bool] = checkpw) -> None:
        self._pepper = pepper
        self._check = check
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._waiting = 0
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._bad: OrderedDict[bytes, None] = OrderedDict()

    def admits(self, users: Mapping[str, bytes], header: str) -> bool:
        """Whether the Authorization header names a user with the right password. Raises CrowdedError."""
        credentials = _credentials(header)
        if credentials is None or not users:
            return False
        user, password = credentials
        if len(password) > MAX_PASSWORD_BYTES:
            # bcrypt raises on these, and no stored hash can be of one.
            return False
        known = users.get(user)
        # A stranger is compared with someone's hash, so that refusing takes as long as for a known name.
        hashed = known if known is not None else next(iter(users.values()))
        digest = self._digest(user, hashed, password)
        with self._lock:
            if digest in self._good:
                return True
            if digest in self._bad:
                return False
        right = self._verify(password, hashed) and known is not None
        with self._lock:
            verdicts = self._good if right else self._bad
            verdicts[digest] = None
            if len(verdicts) > MAX_VERDICTS:
                verdicts.popitem(last=False)
        return right

    def _digest(self, user: str, hashed: bytes, password: bytes) -> bytes:
        parts = (user.encode(), hashed, password)
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._pepper, message, hashlib.sha256)

    def _verify(self, password: bytes, hashed: bytes) -> bool:
        # bcrypt is made to burn a core: one at a time, and a short queue only.
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise CrowdedError
            self._waiting += 1
        try:
            with self._one_at_a_time:
                return self._check(password, hashed)
        except ValueError:
            return False
        finally:
            with self._lock:
                self._waiting -= 1


def _credentials(header: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        name = user.decode()
    except (binascii.Error, ValueError):
        return None
    # bcrypt ends at a zero byte: what follows would not be compared.
    return (name, password) if colon and b"\0" not in password else None


class TokenBucket:
    """Lets `burst` requests through at once and one per interval after that. `now` is any monotonic clock."""

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._tokens = float(limit.burst)
        self._seen = now

    def take(self, now: float) -> bool:
        """Whether one more request may pass now."""
        with self._lock:
            earned = max(0.0, now - self._seen) / self._limit.interval
            self._tokens = min(float(self._limit.burst), self._tokens + earned)
            self._seen = max(self._seen, now)
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True
