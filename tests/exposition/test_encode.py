"""Formats and their negotiation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.encode import ESCAPINGS, negotiate

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
def test_negotiation(accept: str, content_type: str) -> None:
    """Each scraper gets the best format that both know, and nonsense gets the oldest."""
    assert negotiate(accept).content_type == content_type


@given(st.text(alphabet=st.sampled_from("aopentxt/*;,=q. 019version\"'\x00é")) | st.text())
def test_any_accept_selects_a_format(accept: str) -> None:
    """No header makes negotiation fail, or is echoed."""
    chosen = negotiate(accept)
    known = {TEXT_0, OPEN_0, *(TEXT_1 + each for each in ESCAPINGS), *(OPEN_1 + each for each in ESCAPINGS)}
    assert chosen.content_type in known
