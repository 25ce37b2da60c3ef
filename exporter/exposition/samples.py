"""Samples of one account on their way to the page: checked against the catalogue, absent when unknown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar

from exporter.exposition.catalogue import BY_NAME

Labels = tuple[str, ...]
Families = dict[str, dict[Labels, float]]
Value = float | None
Series = tuple[str, Labels]
"""A metric's name, and the labels that follow exchange and account."""
NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
"""In place of a table that is not known: always the same object, as inputs of sections must be."""
K = TypeVar("K")
R = TypeVar("R")


class Samples:
    """Values by family and labels. A value of None leaves no trace: unknown is not a number."""

    def __init__(self, *prefix: str) -> None:
        self._prefix = prefix
        self.families: Families = {}

    def add(self, name: str, value: float | None, *labels: str) -> None:
        """Add one sample; labels follow the prefix in the catalogue's order."""
        if value is None:
            return
        whole = (*self._prefix, *labels)
        metric = BY_NAME[name]
        if len(whole) != len(metric.labels):
            msg = f"{name} takes labels {metric.labels}, got {len(whole)}"
            raise ValueError(msg)
        self.families.setdefault(name, {})[whole] = float(value)


class Section(NamedTuple):
    """Some samples of an account, made anew when an input is another object or their time is up.

    `write` adds them, and gives the Unix second from which on they are no longer true, None for never.
    """

    name: str
    inputs: tuple[object, ...]
    write: Callable[[Samples], float | None]

    def add_to(self, samples: Samples) -> None:
        """Add the samples."""
        self.write(samples)


class RowSection(NamedTuple, Generic[K, R]):
    """The same samples of every row of a table: a row that is the same object is not looked at again.

    `rows` is asked when an input is another object. `series` depends on nothing but the key, and
    `values` has one value for each of them. With `by_value` a row may also be another object that is equal.
    `beside` is what all values depend on besides their rows: should it be another object, so may all of them.
    """

    name: str
    inputs: tuple[object, ...]
    rows: Callable[[], Mapping[K, R]]
    series: Callable[[K, R], Sequence[Series]]
    values: Callable[[K, R], tuple[Value, ...]]
    by_value: bool = False
    beside: tuple[object, ...] = ()

    def add_to(self, samples: Samples) -> None:
        """Add the samples."""
        for key, row in self.rows().items():
            for (name, labels), value in zip(self.series(key, row), self.values(key, row), strict=True):
                samples.add(name, value, *labels)


class MapSection(NamedTuple):
    """One family straight from a mapping: its keys are the labels, or the one label, of its values."""

    name: str
    values: Mapping[Any, float]

    def add_to(self, samples: Samples) -> None:
        """Add the samples."""
        for labels, value in self.values.items():
            samples.add(self.name, value, *((labels,) if isinstance(labels, str) else labels))


class HistogramSection(NamedTuple):
    """One histogram family: by labels the counts between its bounds, the last one without bound, and the sum.

    `rows` is asked when an input is another object.
    """

    name: str
    inputs: tuple[object, ...]
    rows: Callable[[], Mapping[Labels, tuple[tuple[int, ...], float]]]
    bounds: tuple[float, ...]
    by_value: bool = True
    beside: tuple[object, ...] = ()


AnySection = Section | RowSection[Any, Any] | MapSection
PageSection = AnySection | HistogramSection
"""Of an account; beside these a page has histograms."""


class Group(NamedTuple):
    """Sections that are not even looked at while the inputs are the same objects and no time is up."""

    name: str
    inputs: tuple[object, ...]
    sections: Callable[[], Iterable[PageSection]]


class Selection:
    """Which currencies and symbols (as `BASE/QUOTE`) an account shows; nothing named means all."""

    def __init__(self, currencies: Collection[str] = (), symbols: Collection[str] = ()) -> None:
        self.currencies = currencies
        self.symbols = symbols

    def currency(self, name: str) -> bool:
        """Whether to show a currency."""
        return not self.currencies or name in self.currencies

    def symbol(self, name: str) -> bool:
        """Whether to show a symbol."""
        return not self.symbols or name in self.symbols


def chosen(values: Mapping[Any, R], wanted: Container[str]) -> Mapping[Any, R]:
    """Those whose one or first label is wanted; all of them, as the same object, where nothing is named."""
    if not wanted:
        return values
    return {
        labels: value
        for labels, value in values.items()
        if (labels if isinstance(labels, str) else labels[0]) in wanted
    }
