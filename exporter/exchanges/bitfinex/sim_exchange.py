"""The simulated Bitfinex as the demo drives it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from exporter.demo.script import SCRIPT
from exporter.demo.simulated import Rejection, Session, Silence, Simulated
from exporter.exchanges.bitfinex import sim_rest
from exporter.exchanges.bitfinex.simulator import Simulator
from exporter.exchanges.bitfinex.venue import Venue, demo_venue

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from exporter.demo.script import Step

NOT_FOUND: Final = 404


class SimulatedBitfinex:
    """One venue behind a WebSocket at the root and REST below it."""

    ping_interval: float | None = None

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.answer = partial(sim_rest.answer, venue)

    def admit(
        self, path: str, _headers: Mapping[str, str], now: float
    ) -> Callable[[], Session] | Rejection | Silence:
        """Everybody may connect: the login is a message."""
        self.venue.advance(now)
        if self.venue.faults.unanswered:
            return Silence(self.venue.faults.unanswered)
        if path:
            return Rejection(NOT_FOUND, f"no stream at {path}\n")
        return partial(Simulator, self.venue)


def begin(
    rng: random.Random, *, origin: float, speed: float, script: Sequence[Step] | None = None
) -> Simulated:
    """A venue that starts to live at `origin` (Unix seconds), at `speed` times the clock's pace.

    Without a script of its own it plays the demo's.
    """
    script = SCRIPT if script is None else script
    return SimulatedBitfinex(demo_venue(rng, origin=origin, speed=speed, script=script))
