"""Formats, their negotiation, and the names asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.exposition.encode import ESCAPINGS, encode, negotiate

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_PROTOBUF_FIRST = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
    + PROMETHEUS_3
)
PROMETHEUS_3_TEXT_FIRST = (
    "text/plain;version=1.0.0;escaping=underscores;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5"
)

TEXT_0 = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8; escaping="
OPEN_0 = "application/openmetrics-text; version=0.0.1; charset=utf-8"
OPEN_1 = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="


def openmetrics(body: bytes) -> list[Metric]:
    """The families as the library's strict parser reads them back."""
    return list(parse_openmetrics(body.decode()))  # type: ignore[no-untyped-call]


class Collected:
    """A collector that describes nothing, as custom collectors often do not."""

    def collect(self) -> Iterator[Metric]:
        """One family of each kind that matters to names."""
        gauge = GaugeMetricFamily("lag_seconds", "Lag.", labels=["account"], unit="seconds")
        gauge.add_metric(["main"], 1.5)
        yield gauge
        counter = CounterMetricFamily("fills", "Fills.", labels=["account"])
        counter.add_metric(["main"], 3)
        yield counter
        yield HistogramMetricFamily("delay", "Delay.", buckets=[("1.0", 1), ("+Inf", 2)], sum_value=3)


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry with the collector above."""
    made = CollectorRegistry()
    made.register(Collected())
    return made


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (PROMETHEUS_2, OPEN_1 + "underscores"),
        (PROMETHEUS_3, OPEN_1 + "allow-utf-8"),
        (PROMETHEUS_3_PROTOBUF_FIRST, OPEN_1 + "allow-utf-8"),
        (PROMETHEUS_3_TEXT_FIRST, TEXT_1 + "underscores"),
        ("", TEXT_0),
        ("*/*", TEXT_0),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT_0),
        ("text/plain", TEXT_0),
        ("text/plain;version=0.0.4", TEXT_0),
        ("text/plain;version=1.0.0", TEXT_1 + "underscores"),
        ("text/plain; version=1.0.0; escaping=values", TEXT_1 + "values"),
        ('TEXT/PLAIN; Version="1.0.0"; Escaping=dots', TEXT_1 + "dots"),
        ("application/openmetrics-text", OPEN_1 + "underscores"),
        ("application/openmetrics-text;version=0.0.1", OPEN_0),
        ("application/openmetrics-text;version=0.0.1;escaping=allow-utf-8", OPEN_0),
        ("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4", TEXT_0),
        ("application/openmetrics-text;q=0,text/plain", TEXT_0),
        ("application/openmetrics-text;version=junk", TEXT_0),
        ("application/openmetrics-text;version=9.9.9", TEXT_0),
        ("application/openmetrics-text;version=2.0.0", TEXT_0),
        (
            "application/openmetrics-text;version=9,application/openmetrics-text;version=0.0.1;q=0.1",
            OPEN_0,
        ),
        ("text/plain;version=1.0.0;escaping=evil", TEXT_1 + "underscores"),
        ("text/plain;version=1.0.0;q=nan", TEXT_0),
        ("application/vnd.google.protobuf", TEXT_0),
        (",;=,;;,q=,=;", TEXT_0),
        ("x/y," * 10_000 + "application/openmetrics-text", TEXT_0),
    ],
)
def test_negotiation(registry: CollectorRegistry, accept: str, content_type: str) -> None:
    """Each scraper gets the best format that both know, and nonsense gets the oldest."""
    assert encode(registry, accept)[0] == content_type


@given(st.text(alphabet=st.sampled_from("aopentxt/*;,=q. 019version\"'\x00é")) | st.text())
def test_any_accept_selects_a_format(accept: str) -> None:
    """No header makes negotiation fail, or is echoed."""
    chosen = negotiate(accept)
    known = {TEXT_0, OPEN_0, *(TEXT_1 + each for each in ESCAPINGS), *(OPEN_1 + each for each in ESCAPINGS)}
    assert chosen.content_type in known


@pytest.mark.parametrize("accept", [PROMETHEUS_2, PROMETHEUS_3, "application/openmetrics-text;version=0.0.1"])
def test_openmetrics_is_complete(registry: CollectorRegistry, accept: str) -> None:
    """What is called OpenMetrics parses as such, with units and the end mark."""
    body = encode(registry, accept)[1]
    assert body.endswith(b"# EOF\n")
    assert b"# UNIT lag_seconds seconds\n" in body
    assert [family.name for family in openmetrics(body)] == ["lag_seconds", "fills", "delay"]


@pytest.mark.parametrize("accept", ["", "text/plain;version=1.0.0;escaping=allow-utf-8"])
def test_text_is_text(registry: CollectorRegistry, accept: str) -> None:
    """What is called text parses as such and has no end mark."""
    body = encode(registry, accept)[1].decode()
    assert "# EOF" not in body
    assert 'fills_total{account="main"} 3.0\n' in body
    assert [family.name for family in parse_text(body)] == ["lag_seconds", "fills", "delay"]


@pytest.mark.parametrize(
    ("names", "samples"),
    [
        (["lag_seconds"], ["lag_seconds"]),
        (["fills_total"], ["fills_total"]),
        (["fills"], ["fills_total"]),
        (["delay"], ["delay_bucket", "delay_bucket", "delay_count", "delay_sum"]),
        (
            ["delay_count", "lag_seconds"],
            ["lag_seconds", "delay_bucket", "delay_bucket", "delay_count", "delay_sum"],
        ),
        (["nothing"], []),
    ],
)
def test_names_restrict(registry: CollectorRegistry, names: list[str], samples: list[str]) -> None:
    """The name of a family or of one of its samples asks for the whole family; an unknown one for nothing."""
    body = encode(registry, PROMETHEUS_3, names)[1]
    found = [sample.name for family in openmetrics(body) for sample in family.samples]
    assert found == samples


def test_restriction_keeps_units(registry: CollectorRegistry) -> None:
    """A family asked for by name keeps its unit and type."""
    body = encode(registry, PROMETHEUS_3, ["lag_seconds"])[1].decode()
    assert body.startswith("# HELP lag_seconds Lag.\n# TYPE lag_seconds gauge\n# UNIT lag_seconds seconds\n")
