"""Prices of an exchange as samples."""

from __future__ import annotations

from functools import partial

from exporter.core.market import MarketReport
from exporter.exposition.samples import Group, Samples, Section


def market_group(report: MarketReport) -> Group:
    """What currencies are worth, and which have no price."""
    inputs = (report.prices, report.priced_at, report.funding_rates)
    return Group("prices", inputs, lambda: [Section("prices", inputs, partial(_prices, report))])


def _prices(report: MarketReport, samples: Samples) -> None:
    for currency, price in report.prices.items():
        samples.add("exchange_currency_price_usd", price, currency)
        samples.add("exchange_currency_price_timestamp_seconds", report.priced_at, currency)
    for currency in report.unpriced:
        samples.add("exchange_currency_unpriced", 1, currency)
    if report.priced_at:
        samples.add("exchange_currencies_unpriced", len(report.unpriced))
    for currency, rate in report.funding_rates.items():
        samples.add("exchange_funding_flash_return_rate_daily_ratio", rate, currency)
