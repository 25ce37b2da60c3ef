"""The scanner finds what an expression names, and nothing else."""

from __future__ import annotations

from tests.prometheus.expressions import scan


def test_names_matchers_lists_and_windows() -> None:
    """Metrics are told apart from functions, words, labels, texts and numbers."""
    found = scan(
        'sum by (exchange, le) (rate(a_bucket{le="5.0", job=~"x|y"}[1h30m])) > 604800'
        " and on (account) b:c_d unless e"
    )
    assert found.metrics == {"a_bucket": {"le", "job"}, "b:c_d": set(), "e": set()}
    assert found.labels == {"exchange", "le", "account"}
    assert found.windows == [5400]


def test_labels_that_an_expression_makes() -> None:
    """What label_replace writes counts as made."""
    assert scan(
        'label_replace(label_replace(a, "currency", "$1", "base", "(.*)"), "leg", "x", "", "")'
    ).made == {
        "currency",
        "leg",
    }
