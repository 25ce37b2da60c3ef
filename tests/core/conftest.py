"""Moments for tests of the core: it has no clock, so every test hands it the time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exporter.core.clock import Instant

EPOCH = 1_700_000_000.0


@pytest.fixture(scope="session")
def at() -> Callable[[float], Instant]:
    """A function from seconds since the start of a test to that moment on both clocks."""

    def moment(seconds: float) -> Instant:
        return Instant(seconds, EPOCH + seconds)

    return moment
