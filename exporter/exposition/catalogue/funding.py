"""Lending and borrowing: metrics of the catalogue."""

from __future__ import annotations

from typing import Final

from exporter.exposition.catalogue.metric import CURRENCY, CURRENCY_STATE, NO_SUM, C, Metric, V, section

# One metric in two or three lines reads as a table; the formatter would make eight of them.
# fmt: off
FUNDING: Final[tuple[Metric, ...]] = section("Funding",
    V("funding_provided", "gauge", CURRENCY_STATE,
      "Amount lent, used in positions (Bitfinex fcs) or not (Bitfinex fls)." + NO_SUM),
    V("funding_taken", "gauge", CURRENCY_STATE,
      "Amount borrowed, used in positions (Bitfinex fcs) or not (Bitfinex fls)." + NO_SUM),
    V("funding_contracts", "gauge", CURRENCY_STATE,
      "Funding contracts, lent and borrowed (Bitfinex fcs, fls)."),
    V("funding_expected_daily_interest", "gauge", CURRENCY_STATE,
      "Amount lent times daily rate, before the venue's share; absent while the rate of a "
      "contract is unknown (Bitfinex fcs and fls fields 5, 11, 19)." + NO_SUM),
    V("funding_expiring", "gauge", (*CURRENCY, "horizon"),
      "Amount lent by time to its end, in disjoint horizons; contracts without a known end "
      "add nothing (Bitfinex fcs and fls fields 12 and 13)."),
    V("funding_next_expiry_timestamp_seconds", "gauge", CURRENCY,
      "When the next lent contract ends; absent when none is lent (Bitfinex fcs and fls "
      "fields 12 and 13)."),
    V("funding_offered", "gauge", CURRENCY,
      "Amount waiting to be lent (Bitfinex fos field 4)." + NO_SUM),
    V("funding_offers", "gauge", CURRENCY,
      "Open offers to lend; 0 is kept for currencies once seen (Bitfinex fos, fon, fou, foc)."),
    V("funding_offer_oldest_timestamp_seconds", "gauge", CURRENCY,
      "When the oldest open offer was made; absent when there is none (Bitfinex fos field 2)."),
    V("funding_idle_since_timestamp_seconds", "gauge", CURRENCY,
      "Since when more than lending.idle_minimum of the funding wallet is neither lent nor offered, as far "
      "as the exporter saw it; absent when not (Bitfinex wu field 4)."),
    V("funding_provided_daily_ratio", "gauge", CURRENCY,
      "The venue's weighted daily rate of what is lent (Bitfinex fiu field 1)."),
    V("funding_taken_daily_ratio", "gauge", CURRENCY,
      "The venue's weighted daily rate of what is borrowed (Bitfinex fiu field 0)."),
    V("funding_provided_duration_seconds", "gauge", CURRENCY,
      "The venue's weighted duration of what is lent (Bitfinex fiu field 3)."),
    V("funding_taken_duration_seconds", "gauge", CURRENCY,
      "The venue's weighted duration of what is borrowed (Bitfinex fiu field 2)."),
    C("funding_interest_received_total", "counter", CURRENCY,
      "Interest paid out for lending, after the venue's share (Bitfinex wu field 5)." + NO_SUM),
    C("funding_closed_total", "counter", CURRENCY_STATE,
      "Funding contracts that ended, each once (Bitfinex fcc, flc)."),
    C("funding_trades_total", "counter", (*CURRENCY, "side"),
      "Times that funding was provided or taken, each trade id once (Bitfinex fte, ftu)."),
    C("funding_trade_volume_total", "counter", (*CURRENCY, "side"),
      "Amount of funding provided or taken (Bitfinex fte and ftu field 4)." + NO_SUM),
)
# fmt: on
