"""Wallets, totals and margin of an account as samples."""

from __future__ import annotations

from exporter.core.model import ONLY, Margin, MarginSymbol, Totals, Wallet
from exporter.core.view import View
from exporter.exposition.dust import Dust
from exporter.exposition.samples import Samples, Selection


def wallets(view: View, select: Selection, dust: Dust, samples: Samples) -> None:
    """Balances, and what of them is available; a wallet that is gone is 0 for the retention time."""
    samples.add("exchange_wallet_dust_value_usd", dust.value)
    for row in view.gone.get("wallets", ()):
        if isinstance(row, Wallet) and select.currency(row.currency):
            samples.add("exchange_wallet_balance", row.balance, row.wallet, row.currency)
    for key, row in view.tables.get("wallets", {}).items():
        if not isinstance(row, Wallet) or not select.currency(row.currency) or key in dust.wallets:
            continue
        where = (row.wallet, row.currency)
        samples.add("exchange_wallet_balance", row.balance, *where)
        samples.add("exchange_wallet_available", row.available, *where)
        samples.add("exchange_wallet_available_timestamp_seconds", view.available_at.get(key), *where)
        samples.add("exchange_wallet_staked", row.staked, *where)
        samples.add("exchange_wallet_unsettled_interest", row.unsettled_interest, *where)


def totals(view: View, samples: Samples) -> None:
    """The venue's own totals."""
    row = view.tables.get("totals", {}).get(ONLY)
    if isinstance(row, Totals):
        samples.add("exchange_account_assets_usd", row.assets_usd)
        samples.add("exchange_account_net_assets_usd", row.net_assets_usd)


def margin(view: View, select: Selection, samples: Samples) -> None:
    """Margin of the account, and room to trade on the symbols that were asked for."""
    row = view.tables.get("margin", {}).get(ONLY)
    if isinstance(row, Margin):
        samples.add("exchange_margin_balance_usd", row.balance_usd)
        samples.add("exchange_margin_net_usd", row.net_usd)
        samples.add("exchange_margin_minimum_usd", row.minimum_usd)
        samples.add("exchange_margin_unrealized_pnl_usd", row.unrealized_pnl_usd)
        samples.add("exchange_margin_funding_cost_usd", row.funding_cost_usd)
    for key, room in view.tables.get("margin_symbols", {}).items():
        symbol = str(key)
        if isinstance(room, MarginSymbol) and select.symbol(symbol):
            samples.add("exchange_margin_tradable_balance", room.tradable_balance, symbol)
            samples.add("exchange_margin_gross_balance", room.gross_balance, symbol)
            samples.add("exchange_margin_buying_power", room.buying_power, symbol)
            samples.add("exchange_margin_selling_power", room.selling_power, symbol)
