"""Lines in blocks: whatever comes, changes and goes, the page is what the library would have written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest as text_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.utils import floatToGoString

from exporter.exposition import heads
from exporter.exposition.catalogue import BY_NAME
from exporter.exposition.page import BLOCK_LINES, Page, histogram, prefix, spell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.exposition.page import Place

NAMES: Final = ("exchange_wallet_balance", "exchange_fees_paid_total", "exchange_account_expected")
DELAY: Final = "exchange_stream_delivery_delay_seconds"
SPECIAL: Final = st.sampled_from([1e6, 1e9, 1e10, 1e16, -0.0, 5e-324])
VALUES: Final = st.floats() | st.integers(-(10**18), 10**18) | SPECIAL
VALUES_AND_TIMES: Final = VALUES | st.floats(1e8, 2e10)
TEXTS: Final = st.text(alphabet='aB1"\\\n é=,{} ', max_size=4)


class Known:
    """A registry of what the page should hold, in the page's own order."""

    def __init__(self, families: list[Metric]) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        """The families."""
        yield from self.families


class Changes(RuleBasedStateMachine):
    """Series come, change and go in any order, and scrapes happen in between."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page(heads.head(BY_NAME[name]) for name in NAMES)
        self.places: dict[tuple[str, tuple[str, ...]], Place] = {}
        self.values: dict[tuple[str, tuple[str, ...]], float] = {}
        self.handed_out: list[tuple[list[bytes], bytes]] = []

    @rule(name=st.sampled_from(NAMES), texts=st.lists(TEXTS, min_size=4, max_size=4), value=VALUES)
    def put(self, name: str, texts: list[str], value: float) -> None:
        """A series is there with this value, new or not."""
        names = BY_NAME[name].labels
        key = (name, tuple(texts[: len(names)]))
        if key in self.places:
            block, at = self.places[key]
            # A line that is not there and a value that is not known are the caller's to see to.
            assert self.page.rewrite([None, block, block], [0, at, at], [value, value, None], range(3)) == [
                0,
                2,
            ]
        else:
            self.places[key] = self.page.add(name, prefix(name, names, key[1]), spell(value))
        self.values[key] = value

    @rule(count=st.integers(1, 3 * BLOCK_LINES))
    def put_many(self, count: int) -> None:
        """Enough at once for several blocks."""
        for number in range(count):
            self.put(NAMES[0], [str(number)] * 4, float(number))

    @precondition(lambda self: self.places)
    @rule(data=st.data(), count=st.integers(1, 2 * BLOCK_LINES))
    def remove(self, data: st.DataObject, count: int) -> None:
        """Some series go."""
        first = data.draw(st.sampled_from(sorted(self.places)))
        for key in [first, *list(self.places)[: count - 1]]:
            if key in self.places:
                self.page.remove(*self.places.pop(key))
                del self.values[key]

    @rule(openmetrics=st.booleans())
    def scrape(self, *, openmetrics: bool) -> None:
        """A scraper keeps what it got, and gets the same again while nothing changes."""
        body = self.page.body(openmetrics=openmetrics)
        assert self.page.body(openmetrics=openmetrics) is body
        self.handed_out.append((list(body), b"".join(body)))
        del self.handed_out[:-3]

    @invariant()
    def is_what_the_library_writes(self) -> None:
        """Both formats equal the library's encoders byte for byte, over the same series in the same order."""
        ordered = self.families_in_order()
        assert b"".join(self.page.body(openmetrics=False)) == text_latest(Known(ordered))
        expected = openmetrics_latest(Known(ordered))  # type: ignore[no-untyped-call]
        assert b"".join(self.page.body(openmetrics=True)) + heads.END == expected

    @invariant()
    def never_changes_what_it_gave(self) -> None:
        """Bodies under way stay as they were."""
        for pieces, whole in self.handed_out:
            assert b"".join(pieces) == whole

    def families_in_order(self) -> list[Metric]:
        """The model's series as families, in the order of the page's places."""
        order = {
            (id(block), index): position
            for position, (block, index) in enumerate(
                (block, index)
                for family in self.page.families.values()
                for block in family.blocks
                for index in range(len(block.pieces))
            )
        }
        families = {name: heads.family(BY_NAME[name]) for name in NAMES}
        for key in sorted(self.places, key=lambda key: order[id(self.places[key][0]), self.places[key][1]]):
            family = families[key[0]]
            assert isinstance(family, GaugeMetricFamily | CounterMetricFamily)
            family.add_metric(key[1], float(self.values[key]) + 0.0)
        return list(families.values())


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(VALUES_AND_TIMES)
def test_a_value_is_spelt_as_go_does(value: float) -> None:
    """Every number has the library's spelling, but that there is no -0."""
    said = spell(value).decode()
    expected = floatToGoString(0.0 if value == 0 else value)  # type: ignore[no-untyped-call]
    assert said == f"{expected}\n"
    assert math.isnan(value) or float(said) == float(value)


@given(st.lists(st.integers(0, 10**7), min_size=3, max_size=3), st.floats(0, 1e9))
def test_a_histogram_is_what_the_library_writes(counts: list[int], total: float) -> None:
    """Cumulative buckets, count and sum, in the library's order."""
    metric = BY_NAME[DELAY]
    family = heads.family(metric)
    sums = [counts[0], counts[0] + counts[1], sum(counts)]
    buckets = list(zip(("0.05", "10.0", "+Inf"), sums, strict=True))
    family.add_metric(("bitfinex", "a"), buckets=buckets, sum_value=total)  # type: ignore[attr-defined]
    lines = histogram(DELAY, metric.labels, ("bitfinex", "a"), (0.05, 10.0), (counts, total))
    assert heads.head(metric).text + lines == text_latest(Known([family]))


def test_some_families_alone() -> None:
    """A part has the heads and lines of the families that were chosen, and no other."""
    page = Page(heads.head(BY_NAME[name]) for name in NAMES)
    page.add(NAMES[1], b"x ", b"1.0\n")
    page.add(NAMES[0], b"y ", b"1.0\n")
    head = heads.head(BY_NAME[NAMES[1]])
    assert page.part([NAMES[1]], openmetrics=False) == [head.text, b"x 1.0\n"]
    assert page.part([NAMES[1]], openmetrics=True) == [head.openmetrics, b"x 1.0\n"]


@pytest.mark.parametrize("wrong", [("a",), ("a", "b", "c")])
def test_labels_that_do_not_fit_are_refused(wrong: tuple[str, ...]) -> None:
    """A line with the wrong number of labels is a mistake of ours, and not written."""
    with pytest.raises(ValueError, match="zip"):
        prefix("name", ("one", "two"), wrong)
