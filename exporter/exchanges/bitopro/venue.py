"""The simulated BitoPro behind all its connections: keys, nonces, an account, mail for sessions, faults.

A test plays the venue's troubles by the methods and by `faults`; it reads what clients did wrong in
`violations` and the truth in `books`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from exporter.demo.accounts import ACCOUNTS
from exporter.demo.deeds import switch
from exporter.demo.records import Event, Fault, Happening, Text
from exporter.demo.taiwan import SCRIPT, TaiwanMarket
from exporter.demo.world import World

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from exporter.demo.books import Books
    from exporter.demo.script import Step

RESTART_CODE = 1012


class CloseFrame(NamedTuple):
    """The server ends the connection: with this close code, or without a word when it is None."""

    code: int | None
    reason: str = ""


class Say(NamedTuple):
    """A text to send as it stands, JSON or not."""

    text: str


class Lose(NamedTuple):
    """The next pushes are never sent."""

    pushes: int


Mail = Happening | CloseFrame | Say | Lose


class Key(NamedTuple):
    """What the venue knows of an API key."""

    account: str
    secret: str
    identity: str

    def __repr__(self) -> str:
        """Without the secret and the address."""
        return f"Key({self.account!r})"


@dataclass
class Faults:
    """What a test may switch on. Each holds until it is switched off again."""

    statuses: dict[str, int] = field(default_factory=dict)
    """API key to the HTTP status with which its logins are refused; the key "*" stands for all."""
    rest_status: int | None = None
    """HTTP status of every REST reply."""
    closes_at_once: bool = False
    """The upgrade is granted and the connection closed."""
    error_text: str | None = None
    """The upgrade is granted, this error is sent and the connection closed."""
    closed: frozenset[str] = frozenset()
    """Streams that are not served at all."""
    withheld: set[str] = field(default_factory=set)
    """Streams on which nothing is ever said."""
    stalled: bool = False
    """The server goes silent without closing; what it had to say comes when this ends."""
    old_shapes: bool = False
    """As years ago: no event ids, every balance push whole, one time in an order."""
    whole_pairs: bool = False
    """An order push lists all open orders of the pair, and no ended one, rather than what changed."""
    number_ids: bool = False
    """Order ids of trades are numbers, and flags are texts."""
    forgotten: set[Event] = field(default_factory=set)
    """Happenings that no stream is ever told of."""
    drift: dict[str, Decimal] = field(default_factory=dict)
    """Currency to what REST says beyond the books."""


class Mailbox:
    """What one connection has not been told yet."""

    def __init__(self, account: str) -> None:
        self.account = account
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
    """All that the connections of a simulated BitoPro share. Not thread-safe: its driver holds a lock."""

    def __init__(self, world: World, keys: Mapping[str, Key]) -> None:
        self.world = world
        self.keys = dict(keys)
        self.nonces: dict[str, int] = {}
        self.faults = Faults()
        self.violations: list[str] = []
        self.logins = 0
        self.pushes = 0
        self._boxes: list[Mailbox] = []

    @property
    def books(self) -> dict[str, Books]:
        """The books of each account: what is true now, in the world as far as it has advanced."""
        return self.world.books

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._boxes)

    def advance(self, now: float) -> None:
        """Let the world live up to `now` and put what happened into the mailboxes."""
        for happening in self.world.advance(now):
            if happening.event is Event.LINK_DROPPED:
                self.drop(happening.account)
            elif happening.event is Event.TAMPERED:
                self._tampered(happening)
            elif happening.event not in self.faults.forgotten:
                self.post(happening, happening.account)

    def _tampered(self, happening: Happening) -> None:
        match happening.value:
            case Fault() as fault:
                switch(self.faults, fault)
            case Text(text):
                self.say(text, happening.account)
            case _:
                pass

    def join(self, account: str) -> Mailbox:
        """A mailbox for a new connection."""
        box = Mailbox(account)
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

    def restart(self) -> None:
        """Close every connection with the code of a service that restarts."""
        self.drop(code=RESTART_CODE)

    def drop(self, account: str | None = None, code: int | None = None) -> None:
        """Cut the connections of an account, or all: without a word unless a close code is given."""
        self.post(CloseFrame(code), account)

    def lose(self, pushes: int = 1, account: str | None = None) -> None:
        """Lose the next pushes of each stream on the way: nothing will ever tell."""
        self.post(Lose(pushes), account)

    def say(self, text: str, account: str | None = None) -> None:
        """Send a text as it stands: garbage, an unknown event, a push out of place."""
        self.post(Say(text), account)

    def violation(self, what: str) -> None:
        """Note something that a watching client must never do."""
        self.violations.append(what)

    def push_number(self) -> int:
        """The number of a new push; the same in each run."""
        self.pushes += 1
        return self.pushes


def demo_venue(
    rng: random.Random,
    *,
    origin: float,
    speed: float = 1.0,
    script: Sequence[Step] = SCRIPT,
) -> Venue:
    """The venue of the demo and of the tests: a seeded world with the demo's accounts and keys."""
    accounts = [account for account in ACCOUNTS if account.exchange == "bitopro"]
    profiles = [account.profile for account in accounts]
    market = TaiwanMarket(rng)
    world = World(rng, profiles, origin=origin, speed=speed, script=script, market=market)
    keys = {account.api_key: Key(account.name, account.api_secret, account.identity) for account in accounts}
    return Venue(world, keys)
