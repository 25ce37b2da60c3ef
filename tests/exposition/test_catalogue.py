"""The list of every metric: well named, helped, and really produced."""

from __future__ import annotations

import re
from functools import partial

import pytest
from prometheus_client.core import Metric as Family

from exporter.demo.script import SCRIPT
from exporter.exposition.catalogue import BY_NAME, CAPPED, METRICS, Metric
from exporter.exposition.collector import PROCESS_FAMILIES, AccountCollector
from exporter.exposition.telemetry import Telemetry
from tests.simulated import MAIN, Stage

ELSEWHERE = {
    "exchange_position_mark_price": "a price, which comes by REST (test_trading)",
    "exchange_wallet_dust_value_usd": "needs prices, which come by REST (test_dust)",
    "exchange_position_opened_timestamp_seconds": "no message that the demo sends tells it (test_trading)",
    "exchange_wallet_staked": "a figure of another exchange than the one on this stage",
}
"""Families that the stage below does not produce, with the reason."""
READ_BY_REST = ("REST and reconciliation", "Prices")
"""Sections that come from requests of their own, which are no part of a session."""


def families(stage: Stage) -> dict[str, Family]:
    """Everything that a process with this account exposes, by the catalogue's names."""
    telemetry = Telemetry(version="1", revision="r", is_demo=True)
    source = AccountCollector(
        lambda: [stage.watched], clock=stage.clock, series_per_account=lambda: 5000, process=telemetry
    )
    telemetry.expect_sessions([stage.session.key])
    found = {}
    for family in source.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        found[family.name + suffix] = family
    return found


@pytest.fixture(scope="module")
def demo() -> dict[str, Family]:
    """The demo's main account after five minutes with every scripted incident."""
    stage = Stage(script=SCRIPT)
    stage.freeze(290)
    return families(stage)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_says_its_unit_and_kind(metric: Metric) -> None:
    """Counters end in _total, infos in _info, times in _seconds, and none has the library's own suffixes."""
    assert re.fullmatch(r"exchange_[a-z][a-z0-9_]*[a-z]", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_info") == (metric.kind == "info")
    assert not re.search(r"_(bucket|sum|created|gauge|counter|percent|ms|minutes)$", metric.name)
    assert ("timestamp" in metric.name) == metric.name.endswith("_timestamp_seconds")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_help_is_one_sentence_with_an_end(metric: Metric) -> None:
    """Help is one line, ends in a full stop, begins with a capital or a number, and repeats no name."""
    assert re.fullmatch(r"[A-Z0-9][^\n]+\.", metric.help)
    assert metric.name not in metric.help


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_labels_are_words_of_ours(metric: Metric) -> None:
    """No label is reserved by Prometheus or a scrape, and exchange and account come first where they are."""
    assert not {"job", "instance", "le", "quantile", "name", "type"} & set(metric.labels)
    assert len(set(metric.labels)) == len(metric.labels)
    if "account" in metric.labels:
        assert metric.labels[:2] == ("exchange", "account")


def test_every_name_is_there_once() -> None:
    """No two rows of the catalogue share a name, nor a name once suffixes are taken off."""
    assert len(BY_NAME) == len(METRICS)
    bare = [metric.name.removesuffix("_total").removesuffix("_info") for metric in METRICS]
    assert len(set(bare)) == len(bare)


def test_what_sums_over_currencies_would_be_nonsense_says_so() -> None:
    """Amounts in units of their currency carry the warning not to add them up over currencies."""
    warned = {metric.name for metric in METRICS if "never sum over currency" in metric.help}
    assert {"exchange_wallet_balance", "exchange_funding_provided", "exchange_fees_paid_total"} <= warned
    assert all("currency" in BY_NAME[name].labels for name in warned)


def test_health_is_never_capped() -> None:
    """The series cap of an account cuts values and account counters only."""
    assert not {metric.name for metric in METRICS if metric.group == "health"} & set(CAPPED)
    assert "exchange_wallet_balance" in CAPPED


def test_nothing_is_emitted_that_is_not_in_the_catalogue(demo: dict[str, Family]) -> None:
    """Every family of the process is in the catalogue, and the other way round."""
    assert set(demo) == set(BY_NAME)
    assert set(BY_NAME) >= PROCESS_FAMILIES


def test_help_kind_and_labels_are_the_catalogues(demo: dict[str, Family]) -> None:
    """What a scraper reads of a family is what the catalogue says of it."""
    for name, family in demo.items():
        metric = BY_NAME[name]
        assert (name, family.type) == (name, metric.kind)
        assert family.documentation == metric.help
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), name


def test_every_family_has_a_sample_in_the_demo() -> None:
    """No family is only promised: the demo produces it, a refused key does, or the reason is written down."""
    refused = Stage()
    refused.venue.faults.refusals[MAIN.api_key] = (10100, "apikey: invalid")
    refused.freeze(5)
    pages = [families(refused)]
    # Positions come and go, so one moment is not enough.
    stage = Stage(script=SCRIPT)
    for second in range(10, 290, 10):
        stage.at(second, lambda: pages.append(families(stage)))
    stage.freeze(290)
    produced = {name for found in pages for name, family in found.items() if family.samples}
    missing = {name for name in set(BY_NAME) - produced if BY_NAME[name].section not in READ_BY_REST}
    assert missing == set(ELSEWHERE)


def test_values_are_withheld_and_nothing_else() -> None:
    """Three minutes after the venue went silent exactly the families of class V are empty."""
    stage = Stage()
    stage.at(100, partial(setattr, stage.venue.faults, "stalled", True))
    stage.freeze(99)
    before = {name for name, family in families(stage).items() if family.samples}
    stage.freeze(200)
    after = {name for name, family in families(stage).items() if family.samples}
    assert before - after == {name for name in before if BY_NAME[name].group == "value"}
    assert after <= before
