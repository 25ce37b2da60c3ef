"""How long messages were under way, over all accounts of a venue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from exporter.core.account import AccountState
from exporter.core.report import Report
from exporter.core.stream import DELAY_BOUNDS
from exporter.exposition.samples import Group, HistogramSection, Labels

DELAY: Final = "exchange_stream_delivery_delay_seconds"
NONE: Final = ((0,) * (len(DELAY_BOUNDS) + 1), 0.0)
Row = tuple[tuple[int, ...], float]
"""Counts between the bounds, and the sum of seconds."""


class VenueDelays:
    """Adds up the accounts there are and those there were: a counter does not fall because one leaves."""

    def __init__(self) -> None:
        self._last: dict[AccountState, Report] = {}
        """The last report of each account; one that cannot be shown now is still counted."""
        self._gone: dict[Labels, Row] = {}
        """What accounts counted that are gone, by exchange and stream."""

    def group(self, reports: Iterable[tuple[AccountState, Report | None]]) -> Group:
        """What to show when these are all accounts; None stands for one that cannot be shown."""
        now = dict(reports)
        for state in self._last.keys() - now.keys():
            _add(self._gone, self._last.pop(state))
        self._last |= {state: report for state, report in now.items() if report is not None}
        last = list(self._last.values())

        def rows() -> Mapping[Labels, Row]:
            found = dict(self._gone)
            for report in last:
                _add(found, report)
            return found

        inputs = tuple([stream.delay_counts for report in last for stream in report.streams])
        return Group("delays", inputs, lambda: [HistogramSection(DELAY, inputs, rows, DELAY_BOUNDS)])


def _add(rows: dict[Labels, Row], report: Report) -> None:
    for stream in report.streams:
        key = (report.exchange, stream.name)
        counts, total = rows.get(key, NONE)
        added = tuple([a + b for a, b in zip(counts, stream.delay_counts, strict=True)])
        rows[key] = (added, total + stream.delay_total)
