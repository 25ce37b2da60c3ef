"""The incidents that a demo can be asked for by name: what goes wrong, and which alerts that makes fire.

`exchange-exporter demo --incident NAME` plays them instead of the usual script, so that nothing else happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from exporter.demo.incidents_money import BALANCES, LENDING, MOVEMENTS, RISK
from exporter.demo.incidents_wire import EXPORTER, KEYS, STREAMS
from exporter.demo.script import Incident, Step

BEGIN: Final = 20.0
"""World seconds of calm before an incident, so that one sees the change."""
INCIDENTS: Final[Mapping[str, Incident]] = {
    "calm": Incident("Nothing goes wrong, not even what usually does in the demo.", ()),
    **STREAMS,
    **KEYS,
    **MOVEMENTS,
    **BALANCES,
    **RISK,
    **LENDING,
    **EXPORTER,
}


def scripts(names: Iterable[str], begin: float = BEGIN) -> dict[str, Sequence[Step]]:
    """What is bound to happen, by exchange, when these incidents begin after `begin` world seconds.

    Raises KeyError for a name that is not known.
    """
    found: dict[str, list[Step]] = {}
    for name in names:
        incident = INCIDENTS[name]
        start = 0.0 if incident.at_start else begin
        steps = [step._replace(at=start + step.at) for step in incident.steps]
        found.setdefault(incident.exchange, []).extend(steps)
    return {exchange: tuple(steps) for exchange, steps in found.items()}


def settings(names: Iterable[str]) -> dict[str, float]:
    """The settings that these incidents take, by their names in the configuration."""
    return {key: value for name in names for key, value in INCIDENTS[name].settings.items()}
