"""Balances of the past as OpenMetrics."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.core.past import Course
from exporter.exposition.catalogue import BY_NAME
from exporter.exposition.past import exposition

COURSES = (
    Course("exchange", "BTC", 1.5, [(120.0, 0.25)]),
    Course("funding", "USD", 3.1e-7, ()),
)


def test_the_parser_of_the_library_reads_it_back() -> None:
    """Name, help, type, labels, values and times are those that were put in; it ends with its mark."""
    text = "".join(exposition(COURSES, {"exchange": "venue", "account": "main"}, 60, 180, 60))
    (family,) = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    metric = BY_NAME["exchange_wallet_balance"]
    assert (family.name, family.documentation, family.type) == (metric.name, metric.help, "gauge")
    found = [(each.labels["wallet"], float(each.timestamp), each.value) for each in family.samples]
    assert found == [
        ("exchange", 60.0, 1.5),
        ("exchange", 120.0, 0.25),
        ("exchange", 180.0, 0.25),
        ("funding", 60.0, 3.1e-7),
        ("funding", 120.0, 3.1e-7),
        ("funding", 180.0, 3.1e-7),
    ]
    assert set(family.samples[0].labels) == set(metric.labels)
    assert text.endswith("\n# EOF\n")


def test_labels_of_the_user_are_escaped() -> None:
    """Quotes, backslashes and line ends in a label do not break the format."""
    labels = {"instance": 'a"b\\c\nd'}
    text = "".join(exposition(COURSES[:1], labels, 60, 60, 60))
    (family,) = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    assert family.samples[0].labels["instance"] == 'a"b\\c\nd'


def test_nothing_to_tell_is_still_a_valid_exposition() -> None:
    """Without wallets there are no samples, but header and end."""
    text = "".join(exposition((), {}, 0, 60, 60))
    (family,) = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    assert not family.samples
