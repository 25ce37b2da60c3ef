"""The simulated Bitfinex as the demo drives it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from exporter.demo.simulated import Rejection, Session, Simulated
from exporter.exchanges.bitfinex import sim_rest
from exporter.exchanges.bitfinex.simulator import Simulator
from exporter.exchanges.bitfinex.venue import Venue, demo_venue

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

NOT_FOUND: Final = 404


class SimulatedBitfinex:
    """One venue behind a WebSocket at the root and REST below it."""

    ping_interval: float | None = None

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.answer = partial(sim_rest.answer, venue)

    def admit(self, path: str, _headers: Mapping[str, str], _now: float) -> Callable[[], Session] | Rejection:
        """Everybody may connect: the login is a message."""
        if path:
            return Rejection(NOT_FOUND, f"no stream at {path}\n")
        return partial(Simulator, self.venue)


def begin(rng: random.Random, *, origin: float, speed: float) -> Simulated:
    """A venue that starts to live at `origin` (Unix seconds), at `speed` times the clock's pace."""
    return SimulatedBitfinex(demo_venue(rng, origin=origin, speed=speed))
