"""The best that messages tell of the difference between two clocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.skew import STEP, WINDOW, Skew


def test_nothing_is_known_before_the_first_message() -> None:
    """Without a message that told its time there is no bound."""
    assert Skew().report(0.0) is None


def test_the_fastest_message_speaks() -> None:
    """Of several messages the least difference counts, also below 0."""
    skew = Skew()
    for second, seconds in ((1.0, 0.4), (20.0, 0.1), (40.0, 0.9)):
        skew.observe(seconds, second)
    assert skew.report(41.0) == 0.1
    skew.observe(-2.0, 42.0)
    assert skew.report(42.0) == -2.0


def test_old_messages_are_forgotten() -> None:
    """After the window a message proves nothing, and with the last of them the bound is gone."""
    skew = Skew()
    skew.observe(0.1, 0.0)
    skew.observe(0.5, WINDOW)
    assert skew.report(WINDOW) == 0.1
    assert skew.report(WINDOW + 1) == 0.5
    assert skew.report(2 * WINDOW + 1) is None


@given(
    offset=st.floats(-3600, 3600),
    delays=st.lists(st.floats(0, 30), min_size=1, max_size=50),
)
def test_it_is_never_below_the_true_difference(offset: float, delays: list[float]) -> None:
    """Whatever the delays, the bound holds, and it is too high by the least delay and no more."""
    skew = Skew()
    for number, delay in enumerate(delays):
        skew.observe(offset + delay, float(number))
    bound = skew.report(float(len(delays)))
    assert bound is not None
    assert bound >= offset - 1e-9
    assert bound == pytest.approx(offset + min(delays))


def test_it_stays_small() -> None:
    """However many messages come, no more than one figure per step of the window is kept."""
    skew = Skew()
    for number in range(20_000):
        skew.observe(1.0, number / 10)
    assert len(skew._past) <= WINDOW / STEP + 2
