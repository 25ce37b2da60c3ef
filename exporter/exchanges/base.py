"""What an exchange must be able to do, and nothing about how.

An exchange is one folder beside this file and one line in `exporter.exchanges.KNOWN`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from exporter.core.clock import Instant
from exporter.core.events import Event, Heard, LoggedIn


class Retry(enum.Enum):
    """When a dropped stream may try again."""

    SOON = "soon"
    """Backoff with jitter: the link broke, or the venue asked for it."""
    LATER = "later"
    """After `Drop.after` seconds at least: a rate limit, maintenance, a venue not ready."""
    CREDENTIALS = "credentials"
    """Every 10 to 15 minutes: the key was refused and does not heal by itself."""
    RESYNC = "resync"
    """At once, but at most once in five minutes: messages were lost."""


class Send(NamedTuple):
    """A text to send. Never anything but login, settings, pings and `calc`-like reads."""

    text: str


class Tell(NamedTuple):
    """Something that became true without a message: a login that is a handshake, for example."""

    event: Event


class Drop(NamedTuple):
    """End this connection; `reason` is one of `DISCONNECT_REASONS`, `sentence` is for a person."""

    reason: str
    retry: Retry
    sentence: str
    after: float = 0.0


DISCONNECT_REASONS: Final = (
    "remote_close",
    "reset",
    "silence",
    "login_timeout",
    "sync_timeout",
    "refused",
    "rate_limit",
    "restart",
    "maintenance",
    "gap",
    "protocol",
    "oversize",
    "reconcile",
    "stopped",
    "other",
)
"""Why a stream ended. `remote_close`: the venue closed it; `reset`: the link broke; `silence`: nothing came
for the silence timeout; `login_timeout`, `sync_timeout`: no answer to the login, or not every snapshot in
time; `refused`: the key; `restart`, `maintenance`: the venue said so; `gap`: messages were lost; `protocol`,
`oversize`: the peer broke the rules of WebSocket or sent too much; `stopped`: by us."""


Answers = Sequence[Send | Tell | Drop]
"""What a conversation wants done, in this order; nothing after a Drop."""


class Handshake(NamedTuple):
    """How to open the connection: the address, and the headers of this very attempt."""

    url: str
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        """Without the headers: they may hold the key."""
        return f"Handshake({self.url})"


class Conversation(Protocol):
    """One connection's half of the dialogue: messages in, meaning and answers out.

    One instance per connection. It has no socket and no clock, and never raises on what it receives.
    """

    def handshake(self, now: Instant) -> Handshake:
        """Where and how to connect; signs anew for each attempt where the venue wants that."""
        ...

    def rejected(self, status: int) -> Drop:
        """The upgrade was answered with an HTTP status other than 101.

        A Drop for the reason `refused` counts as a failed login, with the status as its code.
        """
        ...

    def opened(self, now: Instant) -> Answers:
        """The connection stands: what to say first."""
        ...

    def received(self, data: bytes, now: Instant) -> tuple[Heard, Answers]:
        """One whole message came: what it meant, and what to answer."""
        ...

    def tick(self, now: Instant) -> Answers:
        """Time passed: called at least once a second; pings, questions and deadlines."""
        ...

    def closed(self, now: Instant) -> Answers:
        """The venue ended the connection: what that means where it is more than an ending, else nothing.

        A venue whose login is the handshake may turn a key down by closing at once.
        """
        ...

    def resume(self, now: Instant) -> LoggedIn:
        """Take the login as accepted, for recorded messages that begin after it."""
        ...


def http_rejection(status: int) -> Drop:
    """What an HTTP status in place of the upgrade usually means."""
    sentence = f"the venue answered the connection with HTTP {status}"
    if status == TOO_MANY_REQUESTS:
        return Drop("rate_limit", Retry.LATER, f"{sentence}: too many connections", RATE_LIMIT_PAUSE)
    if status >= SERVER_ERRORS:
        return Drop("remote_close", Retry.SOON, sentence)
    return Drop("remote_close", Retry.LATER, sentence, RATE_LIMIT_PAUSE)


TOO_MANY_REQUESTS: Final = 429
SERVER_ERRORS: Final = 500
RATE_LIMIT_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base addresses of a venue."""

    stream: str
    rest: str
    public: str


@dataclass(frozen=True, slots=True)
class Login:
    """What proves who we are; `sign` keeps the secret to itself and gives a hex digest."""

    api_key: str = field(repr=False)
    sign: Callable[[bytes], str] = field(repr=False)
    nonce: Callable[[], int]
    """Strictly increasing per key, shared by everything that uses the key."""
    identity: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration asks of one account."""

    endpoints: Endpoints
    feeds: frozenset[str]
    margin_symbols: tuple[str, ...] = ()
    require_read_only: bool = False
    allow_withdraw_scope: bool = False
    login_timeout: float = 10.0
    """Seconds within which the login must be answered."""


@dataclass(slots=True)
class Nonces:
    """Strictly increasing numbers for one key, near the clock; its owner guards it with a lock."""

    now: Callable[[], float]
    scale: float
    last: int = 0

    def next(self) -> int:
        """The next number: the clock's, or one more than the last where the clock stands or steps back."""
        self.last = max(int(self.now() * self.scale), self.last + 1)
        return self.last
