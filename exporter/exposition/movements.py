"""Why balances changed, as samples."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from exporter.core.movements import Flows, MovementsReport
from exporter.core.tally import TallyReport
from exporter.exposition.samples import RowSection, Samples, Section, Selection, Series, Value


def movements(report: MovementsReport, select: Selection) -> RowSection[str, Flows]:
    """Credits and debits since the first balances that were known."""
    flows = report.by_currency
    return RowSection("movements", (flows,), partial(_shown, flows, select), _series, _values)


def _shown(flows: Mapping[str, Flows], select: Selection) -> Mapping[str, Flows]:
    return {currency: each for currency, each in flows.items() if select.currency(currency)}


def _series(currency: str, flows: Flows) -> list[Series]:
    return [
        *(("exchange_wallet_credits_total", (currency, reason)) for reason in flows.credits),
        *(("exchange_wallet_debits_total", (currency, reason)) for reason in flows.debits),
    ]


def _values(_currency: str, flows: Flows) -> tuple[Value, ...]:
    return (*flows.credits.values(), *flows.debits.values())


def interest(report: MovementsReport, tally: TallyReport, select: Selection) -> Section:
    """Interest received, from 0 on for each currency that is offered or lent and whose wallets are known."""
    flows = report.by_currency

    def write(samples: Samples) -> None:
        lent = {currency for currency, _ in tally.funding_closed}
        for currency, each in flows.items():
            amount = each.credits.get("interest")
            if amount is not None and (amount or currency in lent) and select.currency(currency):
                samples.add("exchange_funding_interest_received_total", amount, currency)

    return Section("interest", (flows, tally.funding_closed), write)
