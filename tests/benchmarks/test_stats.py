"""Medians, ratios and verdicts of the bench."""

from __future__ import annotations

import pytest

from benchmarks.stats import Figure, Outcome, Row, judge, per_round, verdict_of

RATIO = Row("key", "title", "group", Figure("rate", against="peer"), goal=15, floor=10)


def test_ratios_are_taken_round_by_round() -> None:
    """A round in which all was slow counts like any other: the ratio of its two figures."""
    runs = {"ours": [{"rate": 40.0}, {"rate": 10.0}, {"rate": 30.0}], "peer": [{"rate": 2.0}, {"rate": 1.0}]}

    assert per_round(Figure("rate", against="peer"), runs) == [20.0, 10.0]


def test_two_figures_of_one_run_may_be_compared() -> None:
    """The other figure of a ratio may have another name, as a scrape and a copy of its body have."""
    runs = {"ours": [{"scrape": 8.0, "copy": 2.0}]}

    assert per_round(Figure("scrape", against="ours", against_name="copy"), runs) == [4.0]


def test_the_value_of_a_row_is_the_median() -> None:
    """One odd round moves the extremes and not the value."""
    outcome = Outcome(
        runs={"ours": [{"rate": rate} for rate in (16.0, 90.0, 17.0)], "peer": [{"rate": 1.0}] * 3}
    )

    result = judge(RATIO, outcome)

    assert (result.value, result.low, result.high, result.rounds) == (17.0, 16.0, 90.0, 3)
    assert result.verdict == "met"


@pytest.mark.parametrize(
    ("value", "verdict"), [(15.0, "met"), (14.9, "above floor"), (10.0, "above floor"), (9.9, "UNDER FLOOR")]
)
def test_verdict_where_more_is_better(value: float, verdict: str) -> None:
    """Goal and floor themselves are reached by being equal to them."""
    assert verdict_of(RATIO, value) == verdict


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.15, "met"), (1.16, "above floor"), (1.4, "above floor"), (1.41, "UNDER FLOOR")]
)
def test_verdict_where_less_is_better(value: float, verdict: str) -> None:
    """Of a cost less is better, for goal and floor alike."""
    row = Row("key", "title", "group", Figure("cpu"), higher_is_better=False, goal=1.15, floor=1.4)

    assert verdict_of(row, value) == verdict


def test_a_row_without_limits_is_only_measured() -> None:
    """What has neither goal nor floor gets no judgement."""
    assert verdict_of(Row("key", "title", "group", Figure("cpu")), 1.0) == "measured"


def test_a_missing_peer_is_told_with_its_reason() -> None:
    """A row whose peer is not installed says so, and says what would help."""
    outcome = Outcome(runs={"ours": [{"rate": 1.0}], "peer": []}, missing={"peer": "make bench-peers"})

    result = judge(RATIO, outcome)

    assert (result.value, result.verdict, result.why) == (None, "peer missing", "peer: make bench-peers")


def test_a_failed_case_fails_its_rows() -> None:
    """A run that went wrong is no measurement, however many rounds went well."""
    outcome = Outcome(runs={"ours": [{"rate": 1.0}], "peer": [{"rate": 1.0}]}, failed={"ours": "lost 3"})

    assert judge(RATIO, outcome).verdict == "FAILED"


def test_a_figure_that_no_run_told_is_a_failure() -> None:
    """A figure that nobody measured does not pass for one."""
    outcome = Outcome(runs={"ours": [{"cpu": 1.0}], "peer": [{"cpu": 1.0}]})

    assert judge(RATIO, outcome).verdict == "FAILED"
