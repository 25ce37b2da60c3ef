"""Why balances changed, as samples."""

from __future__ import annotations

from exporter.core.movements import Flows, MovementsReport
from exporter.core.tally import TallyReport
from exporter.exposition.samples import RowSection, Selection, Series, Value, chosen


def movements(report: MovementsReport, select: Selection) -> RowSection[str, Flows]:
    """Credits and debits since the first balances that were known."""
    flows = report.by_currency
    return RowSection("movements", (flows,), lambda: chosen(flows, select.currencies), _series, _values)


def _series(currency: str, flows: Flows) -> list[Series]:
    return [
        *(("exchange_wallet_credits_total", (currency, reason)) for reason in flows.credits),
        *(("exchange_wallet_debits_total", (currency, reason)) for reason in flows.debits),
    ]


def _values(_currency: str, flows: Flows) -> tuple[Value, ...]:
    return (*flows.credits.values(), *flows.debits.values())


def interest(report: MovementsReport, tally: TallyReport, select: Selection) -> RowSection[str, Flows]:
    """Interest received, from 0 on for each currency that is offered or lent and whose wallets are known."""
    flows, closed = report.by_currency, tally.funding_closed

    def value(currency: str, each: Flows) -> tuple[Value, ...]:
        received = each.credits.get("interest")
        return (received if received or (currency, "used") in closed else None,)

    return RowSection(
        "interest",
        (flows, closed),
        lambda: chosen(flows, select.currencies),
        lambda currency, _: [("exchange_funding_interest_received_total", (currency,))],
        value,
        beside=(closed,),
    )
