"""The simulated BitoPro as the demo drives it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from exporter.demo.simulated import Rejection, Session, Simulated
from exporter.demo.taiwan import SCRIPT
from exporter.exchanges.bitopro import sim_rest
from exporter.exchanges.bitopro.sim_login import Refusal
from exporter.exchanges.bitopro.simulator import Simulator, admit
from exporter.exchanges.bitopro.venue import Venue, demo_venue

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from exporter.demo.script import Step

PING_INTERVAL: Final = 20.0


class SimulatedBitopro:
    """One venue behind a WebSocket for each stream, and REST."""

    ping_interval: float | None = PING_INTERVAL

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.answer = partial(sim_rest.answer, venue)

    def admit(self, path: str, headers: Mapping[str, str], now: float) -> Callable[[], Session] | Rejection:
        """The login is the handshake: who may not in is told so by its status."""
        verdict = admit(self.venue, path, dict(headers), now)
        if isinstance(verdict, Refusal):
            return Rejection(verdict.status, verdict.body.decode())
        return partial(Simulator, self.venue, verdict)


def begin(
    rng: random.Random, *, origin: float, speed: float, script: Sequence[Step] | None = None
) -> Simulated:
    """A venue that starts to live at `origin` (Unix seconds), at `speed` times the clock's pace.

    Without a script of its own it plays the demo's.
    """
    script = SCRIPT if script is None else script
    return SimulatedBitopro(demo_venue(rng, origin=origin, speed=speed, script=script))
