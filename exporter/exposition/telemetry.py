"""What the process tells of itself: build, configuration, sessions, REST requests, and the machine."""

from __future__ import annotations

import platform
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from exporter.core.guard import Guard
from exporter.exposition.samples import (
    HistogramSection,
    Labels,
    PageSection,
    RowSection,
    Samples,
    Section,
    Series,
)

SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for the duration of a request: a second is slow, ten are the time-out."""
NO_DURATIONS: Final = ((0,) * (len(SECONDS) + 1), 0.0)


class Asked(NamedTuple):
    """The requests of one endpoint of one account so far."""

    requests: int
    failures: Mapping[str, int]


class Running(NamedTuple):
    """One session's restarts, and the Unix second at which it last showed that it is running."""

    restarts: int = 0
    looped: float = 0.0


class Reload(NamedTuple):
    """How the configuration was last read."""

    success: bool = False
    at: float = 0.0


class Telemetry:
    """Figures of this process. Safe for threads: values are replaced whole, under one lock."""

    def __init__(self, *, version: str, revision: str, is_demo: bool) -> None:
        self._build = (version, revision, platform.python_version())
        self._is_demo = is_demo
        self._reload = Reload()
        self._sessions: dict[Labels, Running] = {}
        self._asked: dict[Labels, Asked] = {}
        self._durations: dict[Labels, tuple[tuple[int, ...], float]] = {}
        self._lock = Guard(threading.Lock())

    def sections(self) -> Iterator[PageSection]:
        """Everything but the machine, labels whole."""
        with self._lock.lock:
            # Copies of three small tables: whoever reads them later must not see them change.
            sessions, asked, durations = self._sessions.copy(), self._asked.copy(), self._durations.copy()
        yield Section("build", (), self._write_build)
        yield Section("reload", (self._reload,), partial(_write_reload, self._reload))
        yield RowSection("sessions", (sessions,), lambda: sessions, _session_series, lambda _, row: row)
        yield RowSection("requests", (asked,), lambda: asked, _request_series, _requests)
        name = "exchange_rest_request_duration_seconds"
        yield HistogramSection(name, (durations,), lambda: durations, SECONDS)

    @property
    def revision(self) -> int:
        """While this stays, nothing changed."""
        return self._lock.revision

    def reloaded(self, *, success: bool, at: float) -> None:
        """The configuration was read; the time moves only when that went well."""
        with self._lock:
            self._reload = Reload(success, at if success else self._reload.at)

    def expect_sessions(self, sessions: Iterable[tuple[str, str, str]]) -> None:
        """Let the series of these (exchange, account, stream) exist before anything happens."""
        with self._lock:
            for labels in sessions:
                self._sessions.setdefault(labels, Running())

    def forget_sessions(self, sessions: Iterable[tuple[str, str, str]]) -> None:
        """Let the series of sessions that are gone disappear."""
        with self._lock:
            for labels in sessions:
                self._sessions.pop(labels, None)

    def expect_requests(self, who: Iterable[tuple[str, str, str]], reasons: Iterable[str]) -> None:
        """Let the series of these (exchange, account, endpoint) exist before anything is asked."""
        none = dict.fromkeys(reasons, 0)
        with self._lock:
            for labels in who:
                self._asked.setdefault(labels, Asked(0, none))
                self._durations.setdefault((labels[0], labels[2]), NO_DURATIONS)

    def forget_requests(self, exchange: str, account: str) -> None:
        """Let the series of an account that is gone disappear."""
        with self._lock:
            for labels in [labels for labels in self._asked if labels[:2] == (exchange, account)]:
                del self._asked[labels]

    def asked(self, labels: tuple[str, str, str], seconds: float, failure: str | None) -> None:
        """One REST request of (exchange, account, endpoint) is over."""
        with self._lock:
            # A reply that comes late must not bring back the series of an account that is gone.
            if (before := self._asked.get(labels)) is not None:
                failures = before.failures
                if failure is not None:
                    failures = {**failures, failure: failures.get(failure, 0) + 1}
                self._asked[labels] = Asked(before.requests + 1, failures)
            where = (labels[0], labels[2])
            counts, total = self._durations.get(where, NO_DURATIONS)
            bucket = bisect_left(SECONDS, seconds)
            counts = (*counts[:bucket], counts[bucket] + 1, *counts[bucket + 1 :])
            self._durations[where] = (counts, total + seconds)

    def session_restarted(self, labels: tuple[str, str, str]) -> None:
        """The watchdog replaced a dead session."""
        with self._lock:
            before = self._sessions.get(labels, Running())
            self._sessions[labels] = before._replace(restarts=before.restarts + 1)

    def session_looped(self, labels: tuple[str, str, str], at: float) -> None:
        """A session showed at Unix time `at` that it is running."""
        with self._lock:
            self._sessions[labels] = self._sessions.get(labels, Running())._replace(looped=at)

    def _write_build(self, samples: Samples) -> None:
        samples.add("exchange_exporter_build_info", 1, *self._build)
        samples.add("exchange_exporter_demo_mode", self._is_demo)


def machine() -> CollectorRegistry:
    """The process's memory, CPU and garbage collector, as every Python exporter shows them."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _write_reload(reload: Reload, samples: Samples) -> None:
    samples.add("exchange_exporter_config_last_reload_successful", reload.success)
    samples.add("exchange_exporter_config_last_reload_success_timestamp_seconds", reload.at)


def _session_series(labels: Labels, _row: Running) -> list[Series]:
    return [
        ("exchange_exporter_session_restarts_total", labels),
        ("exchange_exporter_session_last_loop_timestamp_seconds", labels),
    ]


def _request_series(labels: Labels, row: Asked) -> list[Series]:
    failed = "exchange_rest_request_failures_total"
    return [
        ("exchange_rest_requests_total", labels),
        *((failed, (*labels, reason)) for reason in row.failures),
    ]


def _requests(_labels: Labels, row: Asked) -> tuple[float, ...]:
    return (row.requests, *row.failures.values())
