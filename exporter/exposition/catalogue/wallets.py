"""What an account holds, and what it is worth: metrics of the catalogue."""

from __future__ import annotations

from typing import Final

from exporter.exposition.catalogue.metric import (
    ACCOUNT,
    CURRENCY,
    NO_SUM,
    SYMBOL,
    WALLET,
    C,
    H,
    Metric,
    V,
    section,
)

# One metric in two or three lines reads as a table; the formatter would make eight of them.
# fmt: off
PRICES: Final[tuple[Metric, ...]] = section("Prices",
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
)
WALLETS: Final[tuple[Metric, ...]] = section("Wallets",
    V("wallet_balance", "gauge", WALLET,
      "Balance of a wallet (Bitfinex ws and wu field 2)." + NO_SUM),
    V("wallet_available", "gauge", WALLET,
      "Part of the balance that is not tied up; absent while unknown (Bitfinex wu field 4)." + NO_SUM),
    V("wallet_available_timestamp_seconds", "gauge", WALLET,
      "When the available balance was last told (Bitfinex wu field 4)."),
    V("wallet_dust_value_usd", "gauge", ACCOUNT,
      "What the wallets below include.dust are worth together; they have no series of their own. Absent "
      "without include.dust or prices."),
    H("wallet_balance_minimum", "gauge", (*WALLET, "level"),
      "Least balance that the wallet should have (configuration)." + NO_SUM),
    H("wallet_balance_maximum", "gauge", (*WALLET, "level"),
      "Largest balance that the wallet should have (configuration)." + NO_SUM),
    V("wallet_balance_outside", "gauge", (*WALLET, "level"),
      "1 while the balance is below its minimum or above its maximum; a wallet that the venue does not "
      "list counts as 0."),
    V("wallet_staked", "gauge", WALLET,
      "Part that is staked (BitoPro stake)." + NO_SUM),
    V("wallet_unsettled_interest", "gauge", WALLET,
      "Interest that is not settled yet (Bitfinex ws and wu field 3)." + NO_SUM),
    V("account_assets_usd", "gauge", ACCOUNT,
      "The venue's own total of all assets (Bitfinex bu field 0)."),
    V("account_net_assets_usd", "gauge", ACCOUNT,
      "The venue's own total less liabilities (Bitfinex bu field 1)."),
)
MOVEMENTS: Final[tuple[Metric, ...]] = section("Balance movements",
    C("wallet_credits_total", "counter", (*CURRENCY, "reason"),
      "What wallets gained, by reason; unobserved is what changed while no message told of it "
      "(Bitfinex wu fields 5 and 6, and differences of snapshots)." + NO_SUM),
    C("wallet_debits_total", "counter", (*CURRENCY, "reason"),
      "What wallets lost, by reason; credits less debits are the change of the balances "
      "(Bitfinex wu fields 5 and 6, and differences of snapshots)." + NO_SUM),
)
MARGIN: Final[tuple[Metric, ...]] = section("Margin and positions",
    V("margin_balance_usd", "gauge", ACCOUNT,
      "Value of the margin wallets (Bitfinex miu base field 2)."),
    V("margin_net_usd", "gauge", ACCOUNT,
      "Value of the margin wallets after profit and loss (Bitfinex miu base field 3)."),
    V("margin_minimum_usd", "gauge", ACCOUNT,
      "Net value below which positions are liquidated (Bitfinex miu base field 4)."),
    V("margin_level_ratio", "gauge", ACCOUNT,
      "Net value over the least it may be: at 1 positions are liquidated; absent while nothing is required "
      "(Bitfinex miu base fields 3 and 4)."),
    V("margin_needed_usd", "gauge", ACCOUNT,
      "What the margin wallets lack to reach margin_level, 0 when they do; absent without that setting "
      "(Bitfinex miu base fields 3 and 4)."),
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
    V("position_mark_price", "gauge", SYMBOL,
      "Last price of the symbol in its quote currency; of a derivative the venue's own mark can differ; "
      "absent when the tickers are too old (Bitfinex tickers field 7)."),
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
)
# fmt: on
