"""The exposition of a seeded demo world, byte for byte.

The files in `tests/golden` are what two minutes of that world look like to a scraper, a dropped link
included. Look at the difference before you renew them, which is done by

    UPDATE_GOLDEN=1 make test ARGS=tests/test_golden.py
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.demo.script import SCRIPT
from exporter.exposition.encode import OPENMETRICS, TEXT
from tests.simulated import Stage

GOLDEN: Final = Path(__file__).parent / "golden"
FILES: Final = {"prom": TEXT, "om": OPENMETRICS}
SECONDS: Final = 120.0


@pytest.fixture(scope="module")
def pages() -> Mapping[str, str]:
    """The exposition of both demo accounts in both formats, by the suffix of its file."""
    main, lender = (Stage(script=SCRIPT, demo=number) for number in range(2))
    main.freeze(SECONDS)
    lender.freeze(SECONDS)
    return {suffix: main.page(lender, form=form) for suffix, form in FILES.items()}


def samples_of(metrics: list[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels; fails on a label set that comes twice."""
    found = [
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for metric in metrics
        for sample in metric.samples
    ]
    twice = [key for key, count in Counter(key for key, _ in found).items() if count > 1]
    assert not twice
    return dict(found)


@pytest.mark.parametrize("suffix", sorted(FILES))
def test_the_demo_world_shows_what_it_showed_before(pages: Mapping[str, str], suffix: str) -> None:
    """Text and OpenMetrics of the seeded world equal the committed files."""
    path = GOLDEN / f"demo.{suffix}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(pages[suffix], encoding="utf-8")
    assert pages[suffix] == path.read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_page() -> None:
    """Two runs differ in nothing; another seed differs."""
    runs = [Stage(seed=seed, script=SCRIPT) for seed in (1, 1, 2)]
    for stage in runs:
        stage.freeze(30.0)
    first, second, other = (stage.page() for stage in runs)
    assert first == second
    assert first != other


def test_both_formats_can_be_parsed_and_say_the_same(pages: Mapping[str, str]) -> None:
    """The official parsers read both pages, find no label set twice, and find equal samples."""
    text = samples_of(list(parse_text(pages["prom"])))
    openmetrics = samples_of(list(parse_openmetrics(pages["om"])))  # type: ignore[no-untyped-call]
    assert text == openmetrics
    assert len(text) > 500


def test_promtool_has_nothing_to_say(
    pages: Mapping[str, str], promtool: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """`promtool check metrics` finds no fault with names, types or help texts."""
    done = promtool("check", "metrics", stdin=pages["prom"])
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_both_accounts_are_shown_and_up(pages: Mapping[str, str]) -> None:
    """The golden page is worth its name: both accounts are live in it, after one dropped link each."""
    samples = samples_of(list(parse_text(pages["prom"])))
    by_family = {
        name: sorted(value for (family, _), value in samples.items() if family == name)
        for name in ("exchange_stream_up", "exchange_stream_connects_total")
    }
    assert by_family == {"exchange_stream_up": [1, 1], "exchange_stream_connects_total": [2, 2]}
