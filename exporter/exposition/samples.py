"""Samples of one account on their way to the page: checked against the catalogue, absent when unknown."""

from __future__ import annotations

from collections.abc import Container

from exporter.exposition.catalogue import BY_NAME

Labels = tuple[str, ...]
Families = dict[str, dict[Labels, float]]


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


class Selection:
    """Which currencies and symbols an account shows; nothing named means all."""

    def __init__(self, currencies: Container[str] = (), symbols: Container[str] = ()) -> None:
        self._currencies = currencies
        self._symbols = symbols

    def currency(self, name: str) -> bool:
        """Whether to show a currency."""
        return not self._currencies or name in self._currencies

    def symbol(self, name: str) -> bool:
        """Whether to show a symbol, as `BASE/QUOTE`."""
        return not self._symbols or name in self._symbols
