"""What the process tells of itself, and the registry that everything is on."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from exporter.exposition.catalogue import BY_NAME, PREFIX
from exporter.exposition.collector import AccountCollector

SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for the duration of a request: a second is slow, ten are the time-out."""


class Telemetry:
    """Build, configuration, sessions and REST requests of this process on an explicit registry."""

    def __init__(self, *, version: str, revision: str, is_demo: bool) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves it without types
        self.registry = CollectorRegistry()
        build = Info(
            "exchange_exporter_build", BY_NAME["exchange_exporter_build_info"].help, registry=self.registry
        )
        build.info({"version": version, "revision": revision, "python_version": platform.python_version()})
        _gauge("exporter_demo_mode", self.registry).set(is_demo)
        self._reload_ok = _gauge("exporter_config_last_reload_successful", self.registry)
        self._reload_at = _gauge("exporter_config_last_reload_success_timestamp_seconds", self.registry)
        self._restarts = _counter("exporter_session_restarts_total", self.registry)
        self._requests = _counter("rest_requests_total", self.registry)
        self._request_failures = _counter("rest_request_failures_total", self.registry)
        self._request_seconds = _histogram("rest_request_duration_seconds", self.registry)
        self._loops = _gauge("exporter_session_last_loop_timestamp_seconds", self.registry)

    def add_machine(self) -> None:
        """Let the process's memory, CPU and collector show too."""
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def watch(self, collector: AccountCollector) -> None:
        """Put the accounts on the registry."""
        self.registry.register(collector)

    def reloaded(self, *, success: bool, at: float) -> None:
        """The configuration was read; the time moves only when that went well."""
        self._reload_ok.set(success)
        if success:
            self._reload_at.set(at)

    def expect_sessions(self, sessions: Iterable[tuple[str, str, str]]) -> None:
        """Let the series of these (exchange, account, stream) exist before anything happens."""
        for labels in sessions:
            self._restarts.labels(*labels)
            self._loops.labels(*labels)

    def forget_sessions(self, sessions: Iterable[tuple[str, str, str]]) -> None:
        """Let the series of sessions that are gone disappear."""
        for labels in sessions:
            self._restarts.remove(*labels)
            self._loops.remove(*labels)

    def expect_requests(self, who: Iterable[tuple[str, str, str]], reasons: Iterable[str]) -> None:
        """Let the series of these (exchange, account, endpoint) exist before anything is asked."""
        why = tuple(reasons)
        for labels in who:
            self._requests.labels(*labels)
            self._request_seconds.labels(labels[0], labels[2])
            for reason in why:
                self._request_failures.labels(*labels, reason)

    def forget_requests(self, exchange: str, account: str) -> None:
        """Let the series of an account that is gone disappear."""
        chosen = {"exchange": exchange, "account": account}
        self._requests.remove_by_labels(chosen)
        self._request_failures.remove_by_labels(chosen)

    def asked(self, labels: tuple[str, str, str], seconds: float, failure: str | None) -> None:
        """One REST request of (exchange, account, endpoint) is over."""
        self._requests.labels(*labels).inc()
        self._request_seconds.labels(labels[0], labels[2]).observe(seconds)
        if failure is not None:
            self._request_failures.labels(*labels, failure).inc()

    def session_restarted(self, labels: tuple[str, str, str]) -> None:
        """The watchdog replaced a dead session."""
        self._restarts.labels(*labels).inc()

    def session_looped(self, labels: tuple[str, str, str], at: float) -> None:
        """A session showed at Unix time `at` that it is running."""
        self._loops.labels(*labels).set(at)


def _gauge(name: str, registry: CollectorRegistry) -> Gauge:
    metric = BY_NAME[PREFIX + name]
    return Gauge(metric.name, metric.help, metric.labels, registry=registry)


def _counter(name: str, registry: CollectorRegistry) -> Counter:
    metric = BY_NAME[PREFIX + name]
    return Counter(metric.name, metric.help, metric.labels, registry=registry)


def _histogram(name: str, registry: CollectorRegistry) -> Histogram:
    metric = BY_NAME[PREFIX + name]
    return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=SECONDS)
