"""Orders and what came of them: metrics of the catalogue."""

from __future__ import annotations

from typing import Final

from exporter.exposition.catalogue.metric import (
    ACCOUNT,
    CURRENCY,
    NO_SUM,
    SYMBOL,
    SYMBOL_SIDE,
    C,
    Metric,
    V,
    section,
)

# One metric in two or three lines reads as a table; the formatter would make eight of them.
# fmt: off
ORDERS: Final[tuple[Metric, ...]] = section("Orders and fills",
    V("open_orders", "gauge", SYMBOL_SIDE,
      "Open orders; 0 is kept for symbols once seen (Bitfinex os, on, ou, oc)."),
    V("open_orders_remaining", "gauge", SYMBOL_SIDE,
      "Amount still to be filled, in the base currency (Bitfinex os and ou field 6)."),
    V("open_orders_notional", "gauge", SYMBOL_SIDE,
      "Remaining amount times price, in the quote currency; orders without a price add "
      "nothing (Bitfinex os and ou fields 6 and 16)."),
    V("open_order_oldest_timestamp_seconds", "gauge", SYMBOL_SIDE,
      "When the oldest open order was made; absent when there is none (Bitfinex os field 4)."),
    C("order_events_total", "counter", (*ACCOUNT, "event"),
      "What happened to orders, each happening once (Bitfinex on, ou, oc field 13; n for "
      "rejects)."),
    C("fills_total", "counter", (*SYMBOL_SIDE, "liquidity"),
      "Executions, each trade id once (Bitfinex tu; te where its tu was lost)."),
    C("fills_recovered_total", "counter", ACCOUNT,
      "Executions that no stream told, because it was down, and that were fetched after the next "
      "login; they are in all the other counters, too (Bitfinex REST trades/hist)."),
    C("fill_base_volume_total", "counter", SYMBOL_SIDE,
      "Amount filled, in the base currency (Bitfinex tu field 4)."),
    C("fill_quote_volume_total", "counter", SYMBOL_SIDE,
      "Amount filled times price, in the quote currency (Bitfinex tu fields 4 and 5)."),
    C("fees_paid_total", "counter", CURRENCY,
      "Trading fees paid (Bitfinex tu field 9)." + NO_SUM),
    C("fee_rebates_total", "counter", CURRENCY,
      "Trading fees received (Bitfinex tu field 9 above 0)." + NO_SUM),
    C("last_fill_timestamp_seconds", "gauge", SYMBOL,
      "When the last execution took place, by the venue's clock (Bitfinex tu field 2)."),
    C("notifications_total", "counter", (*ACCOUNT, "subject", "status"),
      "Notifications by subject and status (Bitfinex n fields 1 and 6)."),
)
# fmt: on
