"""What the process tells of itself."""

from __future__ import annotations

import platform

import pytest
from prometheus_client import generate_latest

from exporter.exposition.telemetry import Telemetry

KEY = ("bitfinex", "main", "account")
LABELS = {"exchange": "bitfinex", "account": "main", "stream": "account"}
PREFIX = "exchange_exporter_"


@pytest.fixture
def telemetry() -> Telemetry:
    """A process of version 1.2.3 that is no demo."""
    return Telemetry(version="1.2.3", revision="abc", is_demo=False)


def value(telemetry: Telemetry, name: str, labels: dict[str, str] | None = None) -> float | None:
    """One sample, or None when it does not exist."""
    return telemetry.registry.get_sample_value(PREFIX + name, labels or {})


def test_the_build_is_named(telemetry: Telemetry) -> None:
    """Version, revision and Python version are labels of a constant 1."""
    labels = {"version": "1.2.3", "revision": "abc", "python_version": platform.python_version()}
    assert value(telemetry, "build_info", labels) == 1
    assert value(telemetry, "demo_mode") == 0
    assert (
        Telemetry(version="1", revision="r", is_demo=True).registry.get_sample_value(PREFIX + "demo_mode")
        == 1
    )


def test_two_processes_share_no_registry(telemetry: Telemetry) -> None:
    """There is no global state: two can live side by side."""
    telemetry.reloaded(success=True, at=5.0)
    assert value(Telemetry(version="1", revision="r", is_demo=True), "config_last_reload_successful") == 0


def test_a_bad_reload_leaves_the_time_of_the_last_good_one(telemetry: Telemetry) -> None:
    """Success and its time are two series, and a failure moves only the first."""
    telemetry.reloaded(success=True, at=100.0)
    telemetry.reloaded(success=False, at=0.0)
    assert value(telemetry, "config_last_reload_successful") == 0
    assert value(telemetry, "config_last_reload_success_timestamp_seconds") == 100


def test_sessions_are_there_before_they_do_anything(telemetry: Telemetry) -> None:
    """Expected sessions start at 0; what they do counts; forgotten ones are gone."""
    telemetry.expect_sessions([KEY])
    assert value(telemetry, "session_restarts_total", LABELS) == 0
    assert value(telemetry, "session_last_loop_timestamp_seconds", LABELS) == 0
    telemetry.session_restarted(KEY)
    telemetry.session_looped(KEY, 77.0)
    assert value(telemetry, "session_restarts_total", LABELS) == 1
    assert value(telemetry, "session_last_loop_timestamp_seconds", LABELS) == 77
    telemetry.forget_sessions([KEY])
    assert value(telemetry, "session_restarts_total", LABELS) is None
    assert value(telemetry, "session_last_loop_timestamp_seconds", LABELS) is None


def test_the_machine_shows_memory_and_no_created_series(telemetry: Telemetry) -> None:
    """The process's own CPU, memory and descriptors are on the page; no `_created` doubles the counters."""
    telemetry.add_machine()
    telemetry.expect_sessions([KEY])
    page = generate_latest(telemetry.registry).decode()
    assert "process_resident_memory_bytes " in page
    assert "python_gc_collections_total" in page
    assert "_created" not in page
