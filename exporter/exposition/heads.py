"""What stands above the lines of each family, as the encoders of `prometheus_client` have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import generate_latest as text_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest

from exporter.exposition.catalogue import Metric as Described
from exporter.exposition.page import Head

END: Final = b"# EOF\n"
"""What ends a page of OpenMetrics."""
SUFFIXES: Final = {"histogram": ("_bucket", "_count", "_sum"), "counter": (), "gauge": (), "info": ()}


class _One:
    """A registry of a single family."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family


def family(metric: Described) -> Metric:
    """A metric of the catalogue as an empty family of the library."""
    names = metric.labels
    if metric.kind == "info":
        return InfoMetricFamily(metric.name.removesuffix("_info"), metric.help)
    if metric.kind == "histogram":
        return HistogramMetricFamily(metric.name, metric.help, labels=names)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=names)


def head(metric: Described) -> Head:
    """The family's HELP and TYPE lines."""
    alone = _One(family(metric))
    # The library leaves this function without types.
    openmetrics: bytes = openmetrics_latest(alone)  # type: ignore[no-untyped-call]
    return Head(metric.name, text_latest(alone), openmetrics.removesuffix(END))


def families_named(names: Iterable[str], metrics: Collection[Described]) -> Iterator[str]:
    """Families whose own name, or that of one of their samples, is among these."""
    wanted = frozenset(names)
    for metric in metrics:
        own = {metric.name, *(metric.name + suffix for suffix in SUFFIXES[metric.kind])}
        if metric.kind in ("counter", "info"):
            own.add(metric.name.removesuffix("_total").removesuffix("_info"))
        if not own.isdisjoint(wanted):
            yield metric.name
