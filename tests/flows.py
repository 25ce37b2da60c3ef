"""Movements as one mapping, for tests that look at all currencies together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.core.movements import MovementsReport


def credited(report: MovementsReport) -> dict[tuple[str, str], float]:
    """What was credited, by currency and reason."""
    return {
        (currency, reason): amount
        for currency, flows in report.by_currency.items()
        for reason, amount in flows.credits.items()
    }


def debited(report: MovementsReport) -> dict[tuple[str, str], float]:
    """What was debited, by currency and reason."""
    return {
        (currency, reason): amount
        for currency, flows in report.by_currency.items()
        for reason, amount in flows.debits.items()
    }
