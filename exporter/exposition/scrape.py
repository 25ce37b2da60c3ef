"""What a scrape is answered with: the page of the accounts and the figures of the machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from prometheus_client import Metric
from prometheus_client.exposition import generate_latest as text_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from exporter.exposition.collector import AccountCollector
from exporter.exposition.encode import OPENMETRICS, Format, negotiate
from exporter.exposition.heads import END

MACHINE_EVERY: Final = 1.0
"""Seconds for which the machine's figures are good: reading them costs more than all accounts."""


class Answer(NamedTuple):
    """The last answer in one format, and what it was made of."""

    page: Sequence[bytes]
    machine: bytes
    body: Sequence[bytes]


class Scrape:
    """Answers scrapes in every format. Safe for threads.

    `machine` is a registry of `prometheus_client`; `clock` is monotonic.
    """

    def __init__(
        self, accounts: AccountCollector, machine: Collector | None = None, *, clock: Callable[[], float]
    ) -> None:
        self._accounts = accounts
        self._machine = machine
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._texts = {False: b"", True: b""}
        self._answers: dict[bool, Answer] = {}

    def __call__(self, accept: str, names: Sequence[str] = ()) -> tuple[str, Sequence[bytes]]:
        """Content type and body; with names, only those families. The same body while nothing changed."""
        chosen = negotiate(accept)
        is_openmetrics = chosen.kind == OPENMETRICS
        if chosen.is_respelt:
            return chosen.content_type, [_respelt(self._body(names, openmetrics=True), chosen)]
        return chosen.content_type, self._body(names, openmetrics=is_openmetrics)

    def _body(self, names: Sequence[str], *, openmetrics: bool) -> Sequence[bytes]:
        if names:
            page = self._accounts.body(openmetrics=openmetrics, names=names)
            named = _only(self._machine, frozenset(names)) if self._machine is not None else None
            return [*page, _encoded(named, openmetrics=openmetrics)]
        page = self._accounts.body(openmetrics=openmetrics)
        with self._lock:
            machine = self._machine_text(openmetrics=openmetrics)
            last = self._answers.get(openmetrics)
            if last is None or last.page is not page or last.machine is not machine:
                last = self._answers[openmetrics] = Answer(page, machine, [*page, machine])
        return last.body

    def _machine_text(self, *, openmetrics: bool) -> bytes:
        now = self._clock()
        if now - self._read_at >= MACHINE_EVERY:
            # Read once for both formats, so that they agree.
            read = None if self._machine is None else _Families(list(self._machine.collect()))
            self._texts = {each: _encoded(read, openmetrics=each) for each in (False, True)}
            self._read_at = now
        return self._texts[openmetrics]


class _Families:
    """A registry of families that are there already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _only(registry: Collector, names: frozenset[str]) -> _Families:
    """The families that are named, by their own name or that of one of their samples.

    Whole ones, because half a histogram is no valid exposition.
    """
    return _Families(
        [
            family
            for family in registry.collect()
            if not names.isdisjoint({family.name, *(sample.name for sample in family.samples)})
        ]
    )


def _encoded(registry: Collector | None, *, openmetrics: bool) -> bytes:
    """The end of a page: what the library says of a registry, and the end mark where there is one."""
    if registry is None:
        return END if openmetrics else b""
    if openmetrics:
        # The library leaves this function without types.
        text: bytes = openmetrics_latest(registry)  # type: ignore[no-untyped-call]
        return text
    return text_latest(registry)


def _respelt(body: Sequence[bytes], chosen: Format) -> bytes:
    """A page of OpenMetrics with its names in another spelling: rare, and left to the library."""
    # The library leaves both functions without types.
    families = list(text_string_to_metric_families(b"".join(body).decode()))  # type: ignore[no-untyped-call]
    registry = _Families(families)
    if chosen.kind == OPENMETRICS:
        text: bytes = openmetrics_latest(registry, chosen.escaping)  # type: ignore[no-untyped-call]
        return text
    return text_latest(registry, chosen.escaping)
