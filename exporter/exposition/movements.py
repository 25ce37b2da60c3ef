"""Why balances changed, as samples."""

from __future__ import annotations

from exporter.core.movements import MovementsReport
from exporter.core.tally import TallyReport
from exporter.exposition.samples import Samples, Section, Selection


def movements(report: MovementsReport, select: Selection) -> Section:
    """Credits and debits since the first balances that were known."""

    def write(samples: Samples) -> None:
        for family, amounts in (
            ("exchange_wallet_credits_total", report.credits),
            ("exchange_wallet_debits_total", report.debits),
        ):
            for (currency, reason), amount in amounts.items():
                if select.currency(currency):
                    samples.add(family, amount, currency, reason)

    return Section("movements", (report.credits, report.debits), write)


def interest(report: MovementsReport, tally: TallyReport, select: Selection) -> Section:
    """Interest received, from 0 on for each currency that is offered or lent and whose wallets are known."""

    def write(samples: Samples) -> None:
        lent = {currency for currency, _ in tally.funding_closed}
        for (currency, reason), amount in report.credits.items():
            if reason == "interest" and (amount or currency in lent) and select.currency(currency):
                samples.add("exchange_funding_interest_received_total", amount, currency)

    return Section("interest", (report.credits, tally.funding_closed), write)
