"""What a measurement is given: how thorough to be, and payloads made once."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.frames import Payload
from benchmarks.runner import Case, Prepared, measure
from benchmarks.stats import Outcome


@dataclass(slots=True)
class Setting:
    """One call of the bench."""

    quick: bool
    order: random.Random
    rounds: int
    """How often each case runs, besides the run that checks what it received."""
    seconds: float
    """About how long one run should take, so that start-up and noise do not matter."""
    wanted: set[str] = field(default_factory=set)
    """The cases that rows ask for."""
    payloads: dict[str, Prepared] = field(default_factory=dict)

    def payload(self, name: str, make: Callable[[], Payload]) -> Prepared:
        """A payload by name, made at the first call."""
        if name not in self.payloads:
            self.payloads[name] = Prepared(name, make())
        return self.payloads[name]

    def measure(self, cases: Mapping[str, Case], *, rounds: int = 0) -> Outcome:
        """Run those of the cases that are wanted, `rounds` times at most."""
        wanted = {name: case for name, case in cases.items() if name in self.wanted}
        return measure(wanted, min(self.rounds, rounds or self.rounds), self.order)
