"""What the process tells of itself, and the registry that everything is on."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from exporter.exposition.catalogue import BY_NAME
from exporter.exposition.collector import AccountCollector

PREFIX: Final = "exchange_exporter_"


class Telemetry:
    """Build, configuration and sessions of this process on an explicit registry."""

    def __init__(self, *, version: str, revision: str, is_demo: bool) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        build = Info("exchange_exporter_build", _help("build_info"), registry=self.registry)
        build.info({"version": version, "revision": revision, "python_version": platform.python_version()})
        _gauge("demo_mode", self.registry).set(is_demo)
        self._reload_ok = _gauge("config_last_reload_successful", self.registry)
        self._reload_at = _gauge("config_last_reload_success_timestamp_seconds", self.registry)
        name = f"{PREFIX}session_restarts_total"
        labels = BY_NAME[name].labels
        self._restarts = Counter(name, BY_NAME[name].help, labels, registry=self.registry)
        self._loops = _gauge("session_last_loop_timestamp_seconds", self.registry)

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

    def session_restarted(self, labels: tuple[str, str, str]) -> None:
        """The watchdog replaced a dead session."""
        self._restarts.labels(*labels).inc()

    def session_looped(self, labels: tuple[str, str, str], at: float) -> None:
        """A session showed at Unix time `at` that it is running."""
        self._loops.labels(*labels).set(at)


def _help(name: str) -> str:
    return BY_NAME[PREFIX + name].help


def _gauge(name: str, registry: CollectorRegistry) -> Gauge:
    metric = BY_NAME[PREFIX + name]
    return Gauge(metric.name, metric.help, metric.labels, registry=registry)
