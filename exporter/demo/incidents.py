"""The script of the demo: what goes wrong, and when, so that every panel and alert has something to show.

Times are world seconds within one cycle. The first minute is calm but for a withdrawal.
"""

from __future__ import annotations

from typing import NamedTuple

from exporter.demo.records import Event

CYCLE = 300.0


class Incident(NamedTuple):
    """Something scripted; `event` None is a withdrawal, which befalls an account and not the exchange."""

    at: float
    event: Event | None


SCRIPT = (
    Incident(40.0, None),
    Incident(95.0, Event.LINK_DROPPED),
    Incident(150.0, Event.MAINTENANCE_BEGINS),
    Incident(165.0, Event.MAINTENANCE_ENDS),
    Incident(215.0, Event.FRAME_LOST),
    Incident(255.0, Event.RESTART),
)


def due(script: tuple[Incident, ...], elapsed: float) -> list[Incident]:
    """The incidents of exactly this quantum of world time."""
    moment = elapsed % CYCLE
    return [incident for incident in script if incident.at == moment]
