"""The clockwork of the demo: one seed, one history.

Time passes in quanta of half a second of world time; what happens in each depends on the seed and on how many
quanta have passed, never on how often or how irregularly `advance` is called.
"""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.demo.books import Books, Profile
from exporter.demo.lending import Lender
from exporter.demo.leverage import LeverageTrader
from exporter.demo.market import Market
from exporter.demo.past import past
from exporter.demo.records import Event, Happening, Loan, Told
from exporter.demo.script import SCRIPT, Step, due
from exporter.demo.spot import SpotTrader
from exporter.demo.treasury import Treasury

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Sequence

QUANTUM = 0.5
REFILL_EVERY = 10.0
TOTALS_EVERY = 5.0
FIRST_ID = 70_000_001
# Acts before the world begins, so that the first snapshots are not empty.
PROLOGUE = 12
LEVERAGE_PART = 0.15


class Actor:
    """One account with those who act on it."""

    def __init__(self, profile: Profile, market: Market, rng: random.Random, ids: Iterator[int]) -> None:
        self.books = Books(profile, ids)
        self.treasury = Treasury(self.books, market)
        self.market = market
        self.resting: set[str] = set()
        """On what nobody acts any more: trading, lending, interest, treasury."""
        self._rng = rng
        self._spot = SpotTrader(self.books, market, rng)
        self._leverage = LeverageTrader(self.books, market, rng)
        self._lender = Lender(self.books, market, rng)
        self._stirred = False

    def begin(self, now: int) -> None:
        """Build up the books as they are when the world begins; nobody is told of it."""
        self.books.now = now
        self.books.entries.extend(past(self.books.profile, now))
        for _ in range(PROLOGUE):
            self._spot.act()
        self._lender.open_all()
        self._leverage.open_all()
        if self.books.profile.margin:
            loan = Loan(next(self.books.ids), "UST", -1, now, now, Decimal(100), Decimal("0.0002"), 30, None)
            self.books.loans[loan.id] = loan
        self.books.log.clear()

    def act(self, elapsed: float) -> None:
        """Live through one quantum."""
        profile, before = self.books.profile, len(self.books.log)
        chance = self._rng.random()
        if chance < profile.trading:
            self._trade()
        elif chance < profile.trading + profile.lending and "lending" not in self.resting:
            self._lender.act()
        if "interest" not in self.resting:
            self._lender.settle(elapsed)
        if not elapsed % REFILL_EVERY and "treasury" not in self.resting:
            self.treasury.refill()
        self._stirred = self._stirred or len(self.books.log) > before
        if self._stirred and not elapsed % TOTALS_EVERY:
            self._stirred = False
            self.books.tell(Event.TOTALS, self.books.totals(self.market))

    def execute(self) -> None:
        """Trade without being asked."""
        if "trading" not in self.resting:
            self._spot.execute()

    def _trade(self) -> None:
        if "trading" in self.resting:
            return
        profile = self.books.profile
        if (profile.margin or profile.derivative) and self._rng.random() < LEVERAGE_PART:
            self._leverage.act()
        else:
            self._spot.act()


class World:
    """Prices and accounts that live from `origin` (wall seconds), `speed` times as fast as the wall clock."""

    def __init__(
        self,
        rng: random.Random,
        profiles: Iterable[Profile],
        *,
        origin: float,
        speed: float = 1.0,
        script: Sequence[Step] = SCRIPT,
        market: Market | None = None,
    ) -> None:
        self._origin = origin
        self._speed = speed
        self._script = script
        self._quanta = 0
        self._begun = False
        self.maintenance = False
        self.market = market or Market(rng)
        ids = itertools.count(FIRST_ID)
        self._actors = [Actor(profile, self.market, rng, ids) for profile in profiles]
        for actor in self._actors:
            actor.begin(round(origin * 1000))

    @property
    def books(self) -> dict[str, Books]:
        """The books of every account, by its name."""
        return {actor.books.profile.name: actor.books for actor in self._actors}

    def advance(self, now: float) -> list[Happening]:
        """Let the world live up to `now` (wall seconds) and tell what happened, in order."""
        last = int((now - self._origin) * self._speed / QUANTUM + 1e-6)
        told: list[Happening] = []
        if not self._begun:
            self._begun = True
            told += self._play(0.0, round(self._origin * 1000))
            told += self._hear()
        while self._quanta < last:
            self._quanta += 1
            told += self._pass_quantum()
        return told

    def _pass_quantum(self) -> list[Happening]:
        elapsed = self._quanta * QUANTUM
        at = round((self._origin + elapsed / self._speed) * 1000)
        for actor in self._actors:
            actor.books.now = at
        told = self._play(elapsed, at)
        self.market.move()
        for actor in self._actors:
            if not self.maintenance:
                actor.act(elapsed)
        return told + self._hear()

    def _play(self, elapsed: float, at: int) -> list[Happening]:
        """Let happen what the script wants at this moment; gives what befalls the exchange."""
        told: list[Happening] = []
        for step in due(self._script, elapsed):
            what = Told(step.what) if isinstance(step.what, Event) else step.what
            if not isinstance(what, Told):
                for actor in self._of(what.account):
                    what.befall(actor)
                continue
            told.append(Happening(at, what.account, what.event, what.value))
            if what.event is Event.LINK_DROPPED:
                # What nobody hears must be found out later: the demo is to show it.
                for actor in self._of(what.account):
                    actor.execute()
            if what.event in {Event.MAINTENANCE_BEGINS, Event.MAINTENANCE_ENDS}:
                self.maintenance = what.event is Event.MAINTENANCE_BEGINS
        return told

    def _of(self, account: str | None) -> list[Actor]:
        return [each for each in self._actors if account in {None, each.books.profile.name}]

    def _hear(self) -> list[Happening]:
        """What the accounts have to tell."""
        told: list[Happening] = []
        for actor in self._actors:
            told += actor.books.log
            actor.books.log.clear()
        return told
