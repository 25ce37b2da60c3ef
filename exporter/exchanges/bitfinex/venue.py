"""The simulated Bitfinex behind all its connections: keys, nonces, accounts, mail for sessions, faults.

A test plays the venue's troubles by the methods and by `faults`; it reads what clients did wrong in
`violations` and the truth in `books`.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.demo.accounts import ACCOUNTS
from exporter.demo.deeds import switch
from exporter.demo.records import Event, Fault, Happening, Scope, Text
from exporter.demo.script import SCRIPT
from exporter.demo.world import World

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from exporter.demo.books import Books
    from exporter.demo.script import Step

EVENT_STOP = 20051
MAINTENANCE_STARTS = 20060
MAINTENANCE_STOPS = 20061
FIRST_USER = 4711
READ_AND_WRITE = (1, 1)
# A request that was under way when maintenance began is nobody's fault.
GRACE = 1.0


class CloseFrame(NamedTuple):
    """The server ends the connection: with this close code, or without a word when it is None."""

    code: int | None
    reason: str = ""


class Info(NamedTuple):
    """An info event for every connection."""

    code: int
    text: str


class Say(NamedTuple):
    """A text to send as it stands, numbered or not, JSON or not."""

    text: str


class Lose(NamedTuple):
    """The next frames get their numbers and are never sent."""

    frames: int


Mail = Happening | CloseFrame | Info | Say | Lose


class Key(NamedTuple):
    """What the venue knows of an API key."""

    account: str
    secret: str
    scopes: tuple[tuple[str, tuple[int, int]], ...]
    user_id: int

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Key({self.account!r})"


@dataclass
class Faults:
    """What a test may switch on. Each holds until it is switched off again."""

    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    """API key to the code and text with which its logins are refused; the key "*" stands for all."""
    caps: str = "object"
    """Form of the scopes after login: object, text, quoted, broken, absent."""
    withheld: set[str] = field(default_factory=set)
    """Snapshots that never come, by type."""
    first_wave: bool = True
    """Whether computed values follow the snapshots."""
    stalled: bool = False
    """The server goes silent without closing; what it had to say comes when this ends."""
    platform_status: int | None = None
    """Platform status to greet with, whatever is true."""
    refuse_conf: bool = False
    """Refuse the flags that a client asks for."""
    request_notices_numbered: bool = False
    """Whether a `-req` notification takes part in the public count (it has changed over the years)."""
    mute_calc: bool = False
    """Take calculation requests and never answer them."""
    forgotten: set[Event] = field(default_factory=set)
    """Happenings that no stream is ever told of, without a gap in its numbers."""
    drift: dict[tuple[str, str], float] = field(default_factory=dict)
    """(kind, currency) to what REST says beyond the books, for every account that has the wallet."""
    rest_limited: bool = False
    """Every REST request is one too many."""
    rest_page: int = 0
    """Most rows in one page of the past, 0 for the documented number."""
    clock_ahead: float = 0.0
    """Seconds by which the times in its messages are ahead."""
    unanswered: float = 0.0
    """Seconds for which who connects is left without an answer."""
    rest_outage: str = ""
    """How REST fails: unavailable, page, empty, broken; it works when this is empty."""


class Mailbox:
    """What one connection has not been told yet; `account` is None until it has logged in."""

    def __init__(self) -> None:
        self.account: str | None = None
        self._mail: deque[Mail] = deque()

    def put(self, mail: Mail) -> None:
        """Add a letter."""
        self._mail.append(mail)

    def take(self) -> list[Mail]:
        """Take every letter out."""
        mail = list(self._mail)
        self._mail.clear()
        return mail


class Venue:
    """All that the connections of a simulated Bitfinex share. Not thread-safe: its driver holds a lock."""

    def __init__(self, world: World, keys: Mapping[str, Key]) -> None:
        self.world = world
        self.keys = dict(keys)
        self.nonces: dict[str, int] = {}
        self.faults = Faults()
        self.violations: list[str] = []
        self.logins = 0
        self.requests: dict[str, deque[float]] = {}
        """When each REST path was asked in the last minute."""
        self.opened: dict[int, int] = {}
        """When REST first showed a position, in milliseconds: it is the one to tell such times."""
        self._boxes: list[Mailbox] = []
        self._maintenance_since: float | None = None
        self._now = 0.0

    @property
    def books(self) -> dict[str, Books]:
        """The books of each account: what is true now, in the world as far as it has advanced."""
        return self.world.books

    @property
    def maintenance(self) -> bool:
        """Whether a maintenance window is open."""
        return self._maintenance_since is not None

    @property
    def platform_status(self) -> int:
        """1 operative, 0 maintenance, as the greeting says it."""
        if self.faults.platform_status is not None:
            return self.faults.platform_status
        return 0 if self.maintenance else 1

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._boxes)

    def advance(self, now: float) -> None:
        """Let the world live up to `now` and put what happened into the mailboxes."""
        self._now = max(now, self._now)
        for happening in self.world.advance(now):
            match happening.event:
                case Event.MAINTENANCE_BEGINS:
                    self.maintain(on=True)
                case Event.MAINTENANCE_ENDS:
                    self.maintain(on=False)
                case Event.LINK_DROPPED:
                    self.drop(happening.account)
                case Event.FRAME_LOST:
                    self.lose(account=happening.account)
                case Event.RESTART:
                    self.restart()
                case Event.TAMPERED:
                    self._tampered(happening)
                case event if event not in self.faults.forgotten:
                    self.post(happening, happening.account)

    def _tampered(self, happening: Happening) -> None:
        match happening.value:
            case Fault() as fault:
                switch(self.faults, fault)
            case Text(text):
                self.say(text, happening.account)
            case Scope(scope):
                for name, key in self.keys.items():
                    if key.account == happening.account:
                        scopes = {**dict(key.scopes), scope: READ_AND_WRITE}
                        self.keys[name] = key._replace(scopes=tuple(scopes.items()))
            case _:
                pass

    def join(self) -> Mailbox:
        """A mailbox for a new connection."""
        box = Mailbox()
        self._boxes.append(box)
        return box

    def leave(self, box: Mailbox) -> None:
        """Forget a connection that is gone."""
        if box in self._boxes:
            self._boxes.remove(box)

    def post(self, mail: Mail, account: str | None = None) -> None:
        """Put mail into the boxes of one account, or into all."""
        for box in self._boxes:
            if account is None or box.account == account:
                box.put(mail)

    def maintain(self, *, on: bool) -> None:
        """Begin or end a maintenance window."""
        if on == self.maintenance:
            return
        self._maintenance_since = self._now if on else None
        code = MAINTENANCE_STARTS if on else MAINTENANCE_STOPS
        self.post(Info(code, "maintenance: please hold" if on else "maintenance over: please reconnect"))

    def forbids_requests(self, now: float) -> bool:
        """Whether maintenance has been on long enough for every client to know."""
        return self._maintenance_since is not None and now - self._maintenance_since > GRACE

    def restart(self, *, close: bool = True) -> None:
        """Announce a restart, and close every connection unless told otherwise."""
        self.post(Info(EVENT_STOP, "stopping: please reconnect later"))
        if close:
            self.drop(code=1012)

    def drop(self, account: str | None = None, code: int | None = None) -> None:
        """Cut the connections of an account, or all: without a word unless a close code is given."""
        self.post(CloseFrame(code), account)

    def lose(self, frames: int = 1, account: str | None = None) -> None:
        """Lose the next frames on the way."""
        self.post(Lose(frames), account)

    def say(self, text: str, account: str | None = None) -> None:
        """Send a text as it stands: garbage, an unknown frame, a frame out of place."""
        self.post(Say(text), account)

    def violation(self, what: str) -> None:
        """Note something that a watching client must never do."""
        self.violations.append(what)

    def session_id(self) -> str:
        """An id for a login, in the form of a UUID; the same in each run."""
        self.logins += 1
        digest = hashlib.sha256(f"session {self.logins}".encode()).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def demo_venue(
    rng: random.Random,
    *,
    origin: float,
    speed: float = 1.0,
    script: Sequence[Step] = SCRIPT,
) -> Venue:
    """The venue of the demo and of the tests: a seeded world with the demo's accounts and keys."""
    accounts = [account for account in ACCOUNTS if account.exchange == "bitfinex"]
    world = World(rng, [account.profile for account in accounts], origin=origin, speed=speed, script=script)
    keys = {
        account.api_key: Key(account.name, account.api_secret, account.scopes, FIRST_USER + index)
        for index, account in enumerate(accounts)
    }
    return Venue(world, keys)
