"""Prices of an exchange as samples."""

from __future__ import annotations

from exporter.core.market import MarketReport
from exporter.exposition.samples import Samples


def market_samples(report: MarketReport) -> Samples:
    """What currencies are worth, and which have no price."""
    samples = Samples(report.exchange)
    for currency, price in report.prices.items():
        samples.add("exchange_currency_price_usd", price, currency)
        samples.add("exchange_currency_price_timestamp_seconds", report.priced_at, currency)
    for currency in report.unpriced:
        samples.add("exchange_currency_unpriced", 1, currency)
    if report.priced_at:
        samples.add("exchange_currencies_unpriced", len(report.unpriced))
    for currency, rate in report.funding_rates.items():
        samples.add("exchange_funding_flash_return_rate_daily_ratio", rate, currency)
    return samples
