"""Wallets, totals and margin of an account as samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from exporter.core.model import ONLY, Key, Margin, MarginSymbol, Row, Totals, Wallet
from exporter.core.view import View
from exporter.exposition.choices import Choices
from exporter.exposition.dust import Dust, dust_of
from exporter.exposition.samples import NOTHING, AnySection, RowSection, Samples, Section, Selection, Value

WALLET: Final = (
    "exchange_wallet_balance",
    "exchange_wallet_available",
    "exchange_wallet_available_timestamp_seconds",
    "exchange_wallet_staked",
    "exchange_wallet_unsettled_interest",
)


NONE: Final = (None,) * len(WALLET)


def wallets(
    view: View, select: Selection, choices: Choices, prices: Mapping[str, float]
) -> Iterator[AnySection]:
    """Balances, and what of them is available; a wallet that is gone is 0 for the retention time."""
    gone, held, at = view.gone.get("wallets", ()), view.tables.get("wallets", NOTHING), view.available_at
    folded = partial(dust_of, view, select, choices, prices)
    # Prices matter only to what is worth little: without that choice they cost nothing.
    inputs = (held, prices) if choices.dust else (held,)

    def shown() -> Mapping[Key, Row]:
        if not choices.dust and not select.currencies:
            return held
        dust: Dust = folded()
        return {
            key: row
            for key, row in held.items()
            if isinstance(row, Wallet) and key not in dust.wallets and select.currency(row.currency)
        }

    def values(key: Key, row: Row) -> tuple[Value, ...]:
        if not isinstance(row, Wallet):
            return NONE
        return row.balance, row.available, at.get(key), row.staked, row.unsettled_interest

    if choices.dust:
        yield Section(
            "dust", inputs, lambda samples: samples.add("exchange_wallet_dust_value_usd", folded().value)
        )
    if gone:
        yield Section("wallets gone", (gone,), partial(_gone, gone, select))
    yield RowSection(
        "wallets",
        inputs,
        shown,
        lambda key, _: [(name, key) for name in WALLET],
        values,
    )


def _gone(gone: Sequence[Row], select: Selection, samples: Samples) -> None:
    for row in gone:
        if isinstance(row, Wallet) and select.currency(row.currency):
            samples.add("exchange_wallet_balance", row.balance, row.wallet, row.currency)


def totals(view: View) -> Section:
    """The venue's own totals."""
    row = view.tables.get("totals", NOTHING).get(ONLY)

    def write(samples: Samples) -> None:
        if isinstance(row, Totals):
            samples.add("exchange_account_assets_usd", row.assets_usd)
            samples.add("exchange_account_net_assets_usd", row.net_assets_usd)

    return Section("totals", (row,), write)


def margin(view: View, select: Selection) -> Iterator[Section]:
    """Margin of the account, and room to trade on the symbols that were asked for."""
    row = view.tables.get("margin", NOTHING).get(ONLY)
    rooms = view.tables.get("margin_symbols", NOTHING)
    yield Section("margin", (row,), partial(_margin, row))
    if rooms:
        yield Section("margin symbols", (rooms,), partial(_rooms, rooms, select))


def _margin(row: Row | None, samples: Samples) -> None:
    if isinstance(row, Margin):
        samples.add("exchange_margin_balance_usd", row.balance_usd)
        samples.add("exchange_margin_net_usd", row.net_usd)
        samples.add("exchange_margin_minimum_usd", row.minimum_usd)
        samples.add("exchange_margin_unrealized_pnl_usd", row.unrealized_pnl_usd)
        samples.add("exchange_margin_funding_cost_usd", row.funding_cost_usd)


def _rooms(rooms: Mapping[Key, Row], select: Selection, samples: Samples) -> None:
    for key, room in rooms.items():
        symbol = str(key)
        if isinstance(room, MarginSymbol) and select.symbol(symbol):
            samples.add("exchange_margin_tradable_balance", room.tradable_balance, symbol)
            samples.add("exchange_margin_gross_balance", room.gross_balance, symbol)
            samples.add("exchange_margin_buying_power", room.buying_power, symbol)
            samples.add("exchange_margin_selling_power", room.selling_power, symbol)
