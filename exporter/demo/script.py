"""What is bound to happen in the demo's world, and when.

Without named incidents the demo plays `SCRIPT`, so that every panel has something to show: one withdrawal
in a calm first minute, then a dropped link, maintenance, a lost frame, a restart; the same in every cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from exporter.demo.deeds import Withdrawal
from exporter.demo.records import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.demo.deeds import Deed
    from exporter.demo.records import Told

CYCLE = 300.0


Defect = Literal["config", "account", "session", "process"]
"""The configuration cannot be read again, an account not be shown; a thread dies, the process ends."""


class Step(NamedTuple):
    """Something at `at` world seconds, and again after each `every` of them if that is not 0.

    Times are multiples of the world's quantum. A step at 0 has happened before anybody looks.
    """

    at: float
    what: Event | Told | Deed
    every: float = 0.0


class Incident(NamedTuple):
    """Something that goes wrong at an exchange, or in how the exporter is set up.

    Steps count from the beginning of the incident. `settings` are those of the exporter that it takes, by
    their names in the configuration; `breaks` is what goes wrong in the exporter itself.
    """

    story: str
    fires: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    exchange: str = "bitfinex"
    at_start: bool = False
    settings: Mapping[str, float] = {}
    breaks: Defect | None = None

    @property
    def comes_later(self) -> bool:
        """Whether there is calm before it."""
        return self.breaks is not None or (bool(self.steps) and not self.at_start)


SCRIPT = (
    Step(40.0, Withdrawal("demo-main", "BTC"), CYCLE),
    Step(95.0, Event.LINK_DROPPED, CYCLE),
    Step(150.0, Event.MAINTENANCE_BEGINS, CYCLE),
    Step(165.0, Event.MAINTENANCE_ENDS, CYCLE),
    Step(215.0, Event.FRAME_LOST, CYCLE),
    Step(255.0, Event.RESTART, CYCLE),
)


def due(script: Sequence[Step], elapsed: float) -> list[Step]:
    """The steps of exactly this quantum of world time."""
    return [step for step in script if _is_due(step, elapsed - step.at)]


def _is_due(step: Step, since: float) -> bool:
    return since == 0 or (step.every > 0 and since > 0 and since % step.every == 0)
