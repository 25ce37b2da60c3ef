"""The connection budget that all streams of the process share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from exporter.core.backoff import ConnectionBudget
from exporter.stream.budget import SharedBudget


def test_five_connections_start_at_once_and_the_sixth_waits() -> None:
    """Five slots per 15 seconds, whoever asks."""
    budget = SharedBudget(ConnectionBudget())
    assert [budget.reserve(100.0) for _ in range(11)] == [0] * 5 + [15] * 5 + [30]


def test_threads_never_share_a_slot() -> None:
    """Fifty threads that ask together get exactly five slots per window."""
    budget = SharedBudget(ConnectionBudget())
    with ThreadPoolExecutor(16) as pool:
        waits = sorted(pool.map(budget.reserve, [0.0] * 50))
    assert waits == [15.0 * (index // 5) for index in range(50)]


def test_a_pause_holds_everybody() -> None:
    """After a 429 no slot is given out before its end, and a shorter pause does not shorten it."""
    budget = SharedBudget(ConnectionBudget())
    budget.pause(60.0)
    budget.pause(20.0)
    assert budget.reserve(10.0) == 50
