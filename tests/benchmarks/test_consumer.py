"""What every measured program has in common."""

from __future__ import annotations

import pytest

from benchmarks import consumer
from benchmarks.consumer import steady


class Clock:
    """A clock that moves only when something is done."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[str] = []

    def perf_counter(self) -> float:
        """As that of `time`."""
        return self.now

    def act(self, name: str, seconds: float) -> None:
        """Something that takes its time."""
        self.done.append(name)
        self.now += seconds


def test_only_the_work_of_a_warm_program_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what is done between nor what the first moments took."""
    clock = Clock()
    monkeypatch.setattr(consumer, "time", clock)

    def work() -> None:
        clock.act("work", 0.05 if clock.now < consumer.SETTLING else 0.002)

    assert steady(lambda: clock.act("between", 0.003), work) == pytest.approx(0.002)
    assert clock.done[::2] == ["between"] * (len(clock.done) // 2)
    assert clock.done[1::2] == ["work"] * (len(clock.done) // 2)
    assert clock.now >= 2 * consumer.SETTLING


def test_what_takes_long_is_measured_often_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that takes."""
    clock = Clock()
    monkeypatch.setattr(consumer, "time", clock)
    steady(lambda: None, lambda: clock.act("work", 1.0), 3)
    assert len(clock.done) == 4
