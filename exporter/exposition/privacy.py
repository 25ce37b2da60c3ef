"""Which families say how much there is: with `hide_amounts` they are left out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import compress
from typing import Final

from exporter.exposition.catalogue import METRICS
from exporter.exposition.catalogue.metric import PREFIX
from exporter.exposition.samples import NOTHING, MapSection, PageSection, RowSection, Samples, Section

HARMLESS_SECTIONS: Final = ("Streams", "Prices", "Exporter")
"""Nothing in these is an amount of an account."""
HARMLESS: Final = frozenset(
    PREFIX + name
    for name in (
        # States.
        *("wallet_balance_outside", "position_info"),
        # Counts.
        *("positions", "open_orders", "order_events_total", "fills_total", "fills_recovered_total"),
        *("notifications_total", "funding_contracts", "funding_offers"),
        *("funding_closed_total", "funding_trades_total"),
        *("reconcile_mismatched_wallets", "reconcile_mismatched_rows"),
        *("rest_requests_total", "rest_request_failures_total"),
        # Ratios and rates.
        *("margin_level_ratio", "position_unrealized_pnl_ratio", "position_leverage_ratio"),
        *("funding_provided_daily_ratio", "funding_taken_daily_ratio"),
        # Prices, which do not tell of how much.
        *("position_entry_price", "position_liquidation_price", "position_mark_price"),
        # Times.
        *("wallet_available_timestamp_seconds", "position_opened_timestamp_seconds"),
        *("open_order_oldest_timestamp_seconds", "last_fill_timestamp_seconds"),
        *("funding_next_expiry_timestamp_seconds", "funding_offer_oldest_timestamp_seconds"),
        *("funding_idle_since_timestamp_seconds", "reconcile_last_success_timestamp_seconds"),
        *("funding_provided_duration_seconds", "funding_taken_duration_seconds"),
        "rest_request_duration_seconds",
    )
)
AMOUNTS: Final = frozenset(
    metric.name
    for metric in METRICS
    if metric.section not in HARMLESS_SECTIONS and metric.name not in HARMLESS
)
"""Everything else, so that a family nobody thought about is hidden rather than shown."""


def discreet(section: PageSection) -> PageSection:
    """The section without the samples that say how much there is."""
    if isinstance(section, RowSection):
        series, values = section.series, section.values

        def harmless(key: object, row: object) -> list[bool]:
            return [name not in AMOUNTS for name, _ in series(key, row)]

        return section._replace(
            series=lambda key, row: list(compress(series(key, row), harmless(key, row))),
            values=lambda key, row: tuple(compress(values(key, row), harmless(key, row))),
        )
    if isinstance(section, MapSection):
        return section._replace(values=NOTHING) if section.name in AMOUNTS else section
    if isinstance(section, Section):
        return section._replace(write=partial(_write_discreetly, section.write))
    return section


def _write_discreetly(write: Callable[[Samples], float | None], samples: Samples) -> float | None:
    until = write(samples)
    for name in AMOUNTS & samples.families.keys():
        del samples.families[name]
    return until
