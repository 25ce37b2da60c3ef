"""Every metric there is: name, kind, class, labels, help, source.

The collector, the docs, the dashboards and the tests read this list. Labels `exchange` and `account` come
first where a metric has them. Help says where a number comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, Literal, NamedTuple

Kind = Literal["gauge", "counter", "histogram", "info"]
Group = Literal["health", "value", "counter"]
PREFIX: Final = "exchange_"
ACCOUNT: Final = ("exchange", "account")
STREAM: Final = (*ACCOUNT, "stream")
WALLET: Final = (*ACCOUNT, "wallet", "currency")
SYMBOL: Final = (*ACCOUNT, "symbol")
SYMBOL_SIDE: Final = (*SYMBOL, "side")
CURRENCY: Final = (*ACCOUNT, "currency")
CURRENCY_STATE: Final = (*CURRENCY, "state")
NO_SUM: Final = " In units of the currency: never sum over currency."


class Metric(NamedTuple):
    """One family. `health` is always exported, `value` only while believed, `counter` is never withheld."""

    group: Group
    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    section: str = ""


def _section(title: str, *metrics: Metric) -> tuple[Metric, ...]:
    return tuple(m._replace(name=PREFIX + m.name, section=title) for m in metrics)


H: Final = partial(Metric, "health")
V: Final = partial(Metric, "value")
C: Final = partial(Metric, "counter")

# One metric in two or three lines reads as a table; the formatter would make eight of them.
# fmt: off
METRICS: Final[tuple[Metric, ...]] = (
    *_section("Streams",
        H("account_expected", "gauge", ACCOUNT,
          "1 for each configured account (configuration)."),
        H("stream_expected", "gauge", STREAM,
          "1 for each stream of a configured account (configuration)."),
        H("stream_up", "gauge", STREAM,
          "1 while the stream is connected, its key accepted, every expected snapshot there, and "
          "it is not silent."),
        H("stream_state", "gauge", (*STREAM, "state"),
          "1 for the state the stream is in, 0 for the others."),
        H("stream_refused", "gauge", (*STREAM, "code"),
          "1 while the key is refused, for the venue's error code or our own reason."),
        H("stream_last_liveness_timestamp_seconds", "gauge", STREAM,
          "When anything last arrived, heartbeats and pings included; 0 for never."),
        H("stream_last_data_timestamp_seconds", "gauge", STREAM,
          "When account data last arrived; 0 for never. A quiet account is no fault."),
        H("stream_last_snapshot_timestamp_seconds", "gauge", (*STREAM, "snapshot"),
          "When a whole table last arrived (Bitfinex ws, ps, os, fos, fcs, fls); 0 for never."),
        H("stream_liveness_interval_seconds", "gauge", STREAM,
          "Within how many seconds a healthy stream gives a sign of life (Bitfinex heartbeats: "
          "15)."),
        C("stream_connects_total", "counter", STREAM,
          "Connection attempts."),
        C("stream_connect_failures_total", "counter", (*STREAM, "reason"),
          "Connection attempts that did not come to stand, by reason."),
        C("stream_auth_failures_total", "counter", STREAM,
          "Logins that were refused, by the venue or by our own rule on key scopes."),
        C("stream_disconnects_total", "counter", (*STREAM, "reason"),
          "Connections that ended, by reason."),
        C("stream_messages_total", "counter", (*STREAM, "message"),
          "Messages received, by kind; unknown kinds count as other."),
        C("stream_parse_failures_total", "counter", STREAM,
          "Messages that could not be read; they changed nothing."),
        C("stream_malformed_total", "counter", (*STREAM, "kind"),
          "What was wrong with the messages that could not be read; sums to the parse failures."),
        C("stream_sequence_gaps_total", "counter", STREAM,
          "Times that messages were lost, found by sequence number (Bitfinex conf flag 65536)."),
        C("stream_resyncs_total", "counter", (*STREAM, "trigger"),
          "Connections ended by us to fetch fresh snapshots, by trigger."),
        C("stream_delivery_delay_seconds", "histogram", ("exchange", "stream"),
          "Server time of a message until it arrived here, over all accounts (Bitfinex conf flag "
          "32768). Holds the difference of both clocks; below 0 counts as 0."),
        H("platform_operative", "gauge", ("exchange",),
          "1 while the venue works, 0 in maintenance; absent until it said so (Bitfinex info "
          "platform.status, codes 20060 and 20061)."),
        H("api_key_permission", "gauge", (*ACCOUNT, "scope", "access"),
          "Whether the key may do this; absent while the venue has not said so (Bitfinex auth "
          "caps)."),
    ),
    *_section("REST and reconciliation",
        C("rest_requests_total", "counter", (*ACCOUNT, "endpoint"),
          "REST requests; account is empty for public ones."),
        C("rest_request_failures_total", "counter", (*ACCOUNT, "endpoint", "reason"),
          "REST requests that brought no usable reply, by reason."),
        C("rest_request_duration_seconds", "histogram", ("exchange", "endpoint"),
          "How long REST requests took, failed ones included."),
        H("reconcile_last_success_timestamp_seconds", "gauge", ACCOUNT,
          "When REST and the streams were last compared, whole; 0 for never."),
        H("reconcile_mismatched_wallets", "gauge", ACCOUNT,
          "Wallets whose balance differed at the last comparison."),
        H("reconcile_difference", "gauge", WALLET,
          "What REST says less what the stream says; only wallets that differ." + NO_SUM),
        H("reconcile_mismatched_rows", "gauge", (*ACCOUNT, "table"),
          "Rows of a table that only REST or only the stream knew at the last comparison."),
    ),
    *_section("Prices",
        V("currency_price_usd", "gauge", ("exchange", "currency"),
          "US dollars per unit, from the venue's public tickers; absent without an honest price."),
        V("currency_price_timestamp_seconds", "gauge", ("exchange", "currency"),
          "When the tickers behind the price were read."),
        V("currency_unpriced", "gauge", ("exchange", "currency"),
          "1 for a currency in a wallet that has no price: totals leave it out."),
        V("currencies_unpriced", "gauge", ("exchange",),
          "How many currencies in wallets have no price."),
        V("funding_flash_return_rate_daily_ratio", "gauge", ("exchange", "currency"),
          "The venue's benchmark rate for lending (Bitfinex funding ticker field 1)."),
    ),
    *_section("Wallets",
        V("wallet_balance", "gauge", WALLET,
          "Balance of a wallet (Bitfinex ws and wu field 2)." + NO_SUM),
        V("wallet_available", "gauge", WALLET,
          "Part of the balance that is not tied up; absent while unknown (Bitfinex wu field 4)." + NO_SUM),
        V("wallet_available_timestamp_seconds", "gauge", WALLET,
          "When the available balance was last told (Bitfinex wu field 4)."),
        V("wallet_staked", "gauge", WALLET,
          "Part that is staked (BitoPro stake)." + NO_SUM),
        V("wallet_unsettled_interest", "gauge", WALLET,
          "Interest that is not settled yet (Bitfinex ws and wu field 3)." + NO_SUM),
        V("account_assets_usd", "gauge", ACCOUNT,
          "The venue's own total of all assets (Bitfinex bu field 0)."),
        V("account_net_assets_usd", "gauge", ACCOUNT,
          "The venue's own total less liabilities (Bitfinex bu field 1)."),
    ),
    *_section("Margin and positions",
        V("margin_balance_usd", "gauge", ACCOUNT,
          "Value of the margin wallets (Bitfinex miu base field 2)."),
        V("margin_net_usd", "gauge", ACCOUNT,
          "Value of the margin wallets after profit and loss (Bitfinex miu base field 3)."),
        V("margin_minimum_usd", "gauge", ACCOUNT,
          "Net value below which positions are liquidated (Bitfinex miu base field 4)."),
        V("margin_unrealized_pnl_usd", "gauge", ACCOUNT,
          "Profit and loss of the open positions (Bitfinex miu base field 0)."),
        V("margin_funding_cost_usd", "gauge", ACCOUNT,
          "Swaps of the positions (Bitfinex miu base field 1)."),
        V("margin_tradable_balance", "gauge", SYMBOL,
          "Buying power for a symbol in its quote currency (Bitfinex miu sym field 0)."),
        V("margin_gross_balance", "gauge", SYMBOL,
          "The same, funds reserved by orders included (Bitfinex miu sym field 1)."),
        V("margin_buying_power", "gauge", SYMBOL,
          "Largest amount of the base currency that can be bought at the best ask (Bitfinex miu "
          "sym field 2)."),
        V("margin_selling_power", "gauge", SYMBOL,
          "Largest amount of the base currency that can be sold at the best bid (Bitfinex miu sym "
          "field 3)."),
        V("positions", "gauge", ACCOUNT,
          "Open positions (Bitfinex ps, pn, pu, pc)."),
        V("position_amount", "gauge", SYMBOL,
          "Size of a position in the base currency, negative when short (Bitfinex ps and pu field "
          "2)."),
        V("position_entry_price", "gauge", SYMBOL,
          "Average entry price in the quote currency (Bitfinex pu field 3)."),
        V("position_liquidation_price", "gauge", SYMBOL,
          "Price at which the position is liquidated; absent when unknown or none (Bitfinex pu "
          "field 8)."),
        V("position_unrealized_pnl", "gauge", SYMBOL,
          "Profit and loss in the quote currency; absent while unknown (Bitfinex pu field 6)."),
        V("position_unrealized_pnl_ratio", "gauge", SYMBOL,
          "Profit and loss as a ratio; absent while unknown (Bitfinex pu field 7 / 100)."),
        V("position_leverage_ratio", "gauge", SYMBOL,
          "Effective leverage (Bitfinex pu field 9)."),
        V("position_funding_cost", "gauge", SYMBOL,
          "Funding used by or accrued on the position, in the quote currency (Bitfinex pu field "
          "4)."),
        V("position_collateral", "gauge", SYMBOL,
          "Collateral of a derivative (Bitfinex pu field 17)."),
        V("position_collateral_minimum", "gauge", SYMBOL,
          "Least collateral the position needs (Bitfinex pu field 18)."),
        V("position_opened_timestamp_seconds", "gauge", SYMBOL,
          "When the position was opened; absent where the stream does not say (Bitfinex ps field "
          "12)."),
        V("position_info", "info", (*SYMBOL, "base", "quote", "kind"),
          "1 for an open position, to join its currencies and kind (Bitfinex ps field 15)."),
    ),
    *_section("Orders and fills",
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
    ),
    *_section("Funding",
        V("funding_provided", "gauge", CURRENCY_STATE,
          "Amount lent, used in positions (Bitfinex fcs) or not (Bitfinex fls)." + NO_SUM),
        V("funding_taken", "gauge", CURRENCY_STATE,
          "Amount borrowed, used in positions (Bitfinex fcs) or not (Bitfinex fls)." + NO_SUM),
        V("funding_contracts", "gauge", CURRENCY_STATE,
          "Funding contracts, lent and borrowed (Bitfinex fcs, fls)."),
        V("funding_expected_daily_interest", "gauge", CURRENCY_STATE,
          "Amount lent times daily rate, before the venue's share; contracts without a known rate "
          "add nothing (Bitfinex fcs and fls fields 5, 11, 19)." + NO_SUM),
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
        V("funding_provided_daily_ratio", "gauge", CURRENCY,
          "The venue's weighted daily rate of what is lent (Bitfinex fiu field 1)."),
        V("funding_taken_daily_ratio", "gauge", CURRENCY,
          "The venue's weighted daily rate of what is borrowed (Bitfinex fiu field 0)."),
        V("funding_provided_duration_seconds", "gauge", CURRENCY,
          "The venue's weighted duration of what is lent (Bitfinex fiu field 3)."),
        V("funding_taken_duration_seconds", "gauge", CURRENCY,
          "The venue's weighted duration of what is borrowed (Bitfinex fiu field 2)."),
        C("funding_closed_total", "counter", CURRENCY_STATE,
          "Funding contracts that ended, each once (Bitfinex fcc, flc)."),
        C("funding_trades_total", "counter", (*CURRENCY, "side"),
          "Times that funding was provided or taken, each trade id once (Bitfinex fte, ftu)."),
        C("funding_trade_volume_total", "counter", (*CURRENCY, "side"),
          "Amount of funding provided or taken (Bitfinex fte and ftu field 4)." + NO_SUM),
    ),
    *_section("Exporter",
        H("exporter_build_info", "info", ("version", "revision", "python_version"),
          "1, with what this program is."),
        H("exporter_demo_mode", "gauge", (),
          "1 while all accounts are made up by the built-in simulator."),
        H("exporter_config_last_reload_successful", "gauge", (),
          "Whether the configuration was last read without a problem."),
        H("exporter_config_last_reload_success_timestamp_seconds", "gauge", (),
          "When the configuration was last read without a problem."),
        H("exporter_collect_success", "gauge", ACCOUNT,
          "1 when the account's series could be made at this scrape."),
        H("exporter_collect_duration_seconds", "gauge", (),
          "How long this scrape took to make the series of all accounts."),
        C("exporter_series_dropped_total", "counter", ("family",),
          "Series left out over all scrapes because an account had more than "
          "limits.series_per_account."),
        C("exporter_session_restarts_total", "counter", STREAM,
          "Times that the watchdog replaced a session that had died."),
        H("exporter_session_last_loop_timestamp_seconds", "gauge", STREAM,
          "When the session's thread last showed that it is running."),
    ),
)
# fmt: on
BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in METRICS}
SHOWN_VALUES: Final = ("Wallets", "Margin and positions", "Orders and fills", "Funding")
CAPPED: Final = tuple(metric.name for metric in METRICS if metric.section in SHOWN_VALUES)
"""Families that the series cap of an account may shorten: health never is."""
