"""What the process tells of itself."""

from __future__ import annotations

import platform
from typing import Final

import pytest

from exporter.core.clock import Instant
from exporter.exposition.collector import AccountCollector
from exporter.exposition.telemetry import Telemetry

KEY: Final = ("bitfinex", "main", "account")
LABELS: Final = {"exchange": "bitfinex", "account": "main", "stream": "account"}
READ: Final = ("bitfinex", "main", "wallets")
READING: Final = {"exchange": "bitfinex", "account": "main", "endpoint": "wallets"}
PREFIX: Final = "exchange_"


@pytest.fixture
def telemetry() -> Telemetry:
    """A process of version 1.2.3 that is no demo."""
    return Telemetry(version="1.2.3", revision="abc", is_demo=False)


@pytest.fixture
def source(telemetry: Telemetry) -> AccountCollector:
    """A page of no accounts that lives on while the process changes."""
    return AccountCollector(
        list, clock=lambda: Instant(0.0, 0.0), series_per_account=lambda: 1, process=telemetry
    )


def value(source: AccountCollector, name: str, labels: dict[str, str] | None = None) -> float | None:
    """One sample, or None when it does not exist."""
    found = [
        sample.value
        for family in source.collect()
        for sample in family.samples
        if sample.name == PREFIX + name and sample.labels == (labels or {})
    ]
    return found[0] if found else None


def test_the_build_is_named(source: AccountCollector) -> None:
    """Version, revision and Python version are labels of a constant 1."""
    labels = {"version": "1.2.3", "revision": "abc", "python_version": platform.python_version()}
    assert value(source, "exporter_build_info", labels) == 1
    assert value(source, "exporter_demo_mode") == 0


def test_a_demo_says_so() -> None:
    """Nobody takes made-up accounts for real ones."""
    demo = Telemetry(version="1", revision="r", is_demo=True)
    page = AccountCollector(list, clock=lambda: Instant(0.0, 0.0), series_per_account=lambda: 1, process=demo)
    assert value(page, "exporter_demo_mode") == 1


def test_a_bad_reload_leaves_the_time_of_the_last_good_one(
    telemetry: Telemetry, source: AccountCollector
) -> None:
    """Success and its time are two series, and a failure moves only the first."""
    telemetry.reloaded(success=True, at=100.0)
    assert value(source, "exporter_config_last_reload_successful") == 1
    telemetry.reloaded(success=False, at=0.0)
    assert value(source, "exporter_config_last_reload_successful") == 0
    assert value(source, "exporter_config_last_reload_success_timestamp_seconds") == 100


def test_sessions_are_there_before_they_do_anything(telemetry: Telemetry, source: AccountCollector) -> None:
    """Expected sessions start at 0; what they do counts; forgotten ones are gone."""
    telemetry.expect_sessions([KEY])
    assert value(source, "exporter_session_restarts_total", LABELS) == 0
    assert value(source, "exporter_session_last_loop_timestamp_seconds", LABELS) == 0
    telemetry.session_restarted(KEY)
    telemetry.session_looped(KEY, 77.0)
    assert value(source, "exporter_session_restarts_total", LABELS) == 1
    assert value(source, "exporter_session_last_loop_timestamp_seconds", LABELS) == 77
    telemetry.forget_sessions([KEY])
    assert value(source, "exporter_session_restarts_total", LABELS) is None
    assert value(source, "exporter_session_last_loop_timestamp_seconds", LABELS) is None


def test_requests_are_counted_with_their_failures_and_durations(
    telemetry: Telemetry, source: AccountCollector
) -> None:
    """Expected endpoints start at 0 with every reason; durations are of all accounts of a venue."""
    other = ("bitfinex", "second", "wallets")
    telemetry.expect_requests([READ, other], ["timeout", "refused"])
    name = "rest_request_duration_seconds"
    venue = {"exchange": "bitfinex", "endpoint": "wallets"}
    assert value(source, "rest_request_failures_total", {**READING, "reason": "refused"}) == 0
    assert value(source, f"{name}_count", venue) == 0
    telemetry.asked(READ, 0.25, None)
    telemetry.asked(READ, 20.0, "timeout")
    telemetry.asked(other, 0.3, None)
    assert value(source, "rest_requests_total", READING) == 2
    assert value(source, "rest_request_failures_total", {**READING, "reason": "timeout"}) == 1
    assert value(source, "rest_request_failures_total", {**READING, "reason": "refused"}) == 0
    buckets = [value(source, f"{name}_bucket", {**venue, "le": le}) for le in ("0.1", "0.25", "0.5", "10.0")]
    assert buckets == [0, 1, 2, 2]
    assert value(source, f"{name}_bucket", {**venue, "le": "+Inf"}) == 3
    assert value(source, f"{name}_sum", venue) == pytest.approx(20.55)


def test_requests_of_an_account_that_is_gone_are_gone(telemetry: Telemetry, source: AccountCollector) -> None:
    """Its counters vanish, and a late reply brings none back; a reason nobody foresaw is counted as well."""
    telemetry.expect_requests([READ], ["timeout"])
    telemetry.asked(READ, 0.25, "surprise")
    assert value(source, "rest_request_failures_total", {**READING, "reason": "surprise"}) == 1
    telemetry.forget_requests("bitfinex", "second")
    assert value(source, "rest_requests_total", READING) == 1
    telemetry.forget_requests("bitfinex", "main")
    telemetry.asked(READ, 9.0, None)
    assert value(source, "rest_requests_total", READING) is None
    assert value(source, "rest_request_failures_total", {**READING, "reason": "surprise"}) is None
