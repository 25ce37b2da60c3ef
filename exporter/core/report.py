"""What an account tells at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from exporter.core.movements import MovementsReport
from exporter.core.reconcile import ReconcileReport
from exporter.core.stream import StreamReport
from exporter.core.tally import TallyReport
from exporter.core.view import View


class Report(NamedTuple):
    """One consistent reading of an account: health and counters always, values as far as believed.

    Nothing in it ever changes. What did not change since the last report is the very same object as there:
    `view`, its tables and their rows; `tally` and each of its mappings; the flows of each currency; the
    mappings of each stream; `permissions`, `reconcile` and `idle`. To see what is new, compare with `is`.
    """

    account: str
    exchange: str
    view: View
    streams: tuple[StreamReport, ...]
    tally: TallyReport
    permissions: Mapping[tuple[str, str], bool] | None
    operative: bool | None
    operative_since: float
    """Monotonic second at which the venue last said whether it works."""
    reconcile: ReconcileReport
    movements: MovementsReport
    idle: Mapping[str, float]
    """Unix second since which money that could be lent is idle, by currency."""
