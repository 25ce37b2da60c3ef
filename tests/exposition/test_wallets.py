"""Balances, totals and margin: zero, unknown and gone are three different things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.events import Removed, Snapshot, Upsert
from exporter.core.model import ONLY, Margin, MarginSymbol, Totals, Wallet

if TYPE_CHECKING:
    from tests.exposition.conftest import Desk

USD = ("exchange", "USD")
BTC = ("exchange", "BTC")


def test_an_emptied_wallet_stays_as_zero(desk: Desk) -> None:
    """A balance that goes to 0 is shown as 0 for as long as the stream is up."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0)}})
    desk.tell(Upsert("wallets", USD, Wallet(*USD, 0.0)))
    assert desk.family("wallet_balance") == {USD: 0}


def test_a_wallet_missing_from_a_fresh_snapshot_goes_to_zero_and_then_away(desk: Desk) -> None:
    """Gone is 0 for half an hour, and then no sample at all."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0, 5.0), BTC: Wallet(*BTC, 1.0)}})
    desk.now = 30
    desk.sync({"wallets": {BTC: Wallet(*BTC, 1.0)}})
    assert desk.family("wallet_balance") == {USD: 0, BTC: 1}
    assert USD not in desk.family("wallet_available")
    desk.now = 30 + 1800
    desk.tell()
    assert desk.family("wallet_balance") == {BTC: 1}


def test_a_wallet_that_comes_back_is_shown_once_with_its_balance(desk: Desk) -> None:
    """A wallet that was gone and returns has its new balance, not the 0 of its absence."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0)}})
    desk.sync({})
    desk.tell(Upsert("wallets", USD, Wallet(*USD, 7.0)))
    assert desk.family("wallet_balance") == {USD: 7}


def test_unknown_is_no_sample(desk: Desk) -> None:
    """Null for the available balance leaves no sample, not 0, and no moment of telling."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0, None, None)}})
    assert desk.family("wallet_balance") == {USD: 5}
    assert desk.family("wallet_available") == {}
    assert desk.family("wallet_available_timestamp_seconds") == {}
    assert desk.family("wallet_unsettled_interest") == {}


def test_available_is_shown_with_the_moment_it_was_told(desk: Desk) -> None:
    """The available balance carries its own timestamp, as it is told apart from the balance."""
    desk.sync({})
    desk.now = 7
    desk.tell(Upsert("wallets", USD, Wallet(*USD, 5.0, 3.0, 0.25)))
    assert desk.family("wallet_available") == {USD: 3}
    assert desk.family("wallet_available_timestamp_seconds") == {USD: 1_700_000_007}
    assert desk.family("wallet_unsettled_interest") == {USD: 0.25}


def test_values_vanish_a_minute_after_the_stream_fell_and_return_with_the_next_snapshots(desk: Desk) -> None:
    """What cannot be true any more is withheld; half of a new set of snapshots brings nothing back."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0)}})
    desk.now = 10
    desk.lose()
    desk.now = 69
    assert desk.family("wallet_balance") == {USD: 5}
    desk.now = 71
    assert desk.family("wallet_balance") == {}
    desk.connect()
    desk.tell(Snapshot("wallets", {USD: Wallet(*USD, 6.0)}))
    assert desk.family("wallet_balance") == {}
    desk.sync({"wallets": {USD: Wallet(*USD, 6.0)}})
    assert desk.family("wallet_balance") == {USD: 6}


def test_include_hides_other_currencies(desk: Desk) -> None:
    """With include.currencies only these are shown, the gone ones included."""
    desk.show_only(currencies=("BTC",))
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0), BTC: Wallet(*BTC, 1.0)}})
    desk.sync({"wallets": {}})
    assert desk.family("wallet_balance") == {BTC: 0}


def test_the_venues_totals_are_shown_when_told(desk: Desk) -> None:
    """Totals appear when the venue tells them, and an unknown one stays away."""
    desk.sync({})
    assert desk.family("account_assets_usd") == {}
    desk.tell(Upsert("totals", ONLY, Totals(100.0, None)))
    assert desk.family("account_assets_usd") == {(): 100}
    assert desk.family("account_net_assets_usd") == {}


def test_margin_is_shown_by_account_and_by_symbol(desk: Desk) -> None:
    """Base figures without labels, room to trade by symbol, nulls absent."""
    desk.sync({})
    desk.tell(Upsert("margin", ONLY, Margin(10.0, 11.0, 2.0, 1.0, None)))
    desk.tell(Upsert("margin_symbols", "ETH/USD", MarginSymbol(1.0, 2.0, None, 4.0)))
    shown = {name: dict(found) for name, found in desk.samples().items() if "margin_" in name}
    assert shown == {
        "exchange_margin_balance_usd": {(): 10},
        "exchange_margin_net_usd": {(): 11},
        "exchange_margin_minimum_usd": {(): 2},
        "exchange_margin_level_ratio": {(): 5.5},
        "exchange_margin_unrealized_pnl_usd": {(): 1},
        "exchange_margin_tradable_balance": {("ETH/USD",): 1},
        "exchange_margin_gross_balance": {("ETH/USD",): 2},
        "exchange_margin_selling_power": {("ETH/USD",): 4},
    }


def test_a_wallet_that_is_removed_reads_zero(desk: Desk) -> None:
    """An explicit removal is shown as 0, not as silence."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0)}})
    desk.tell(Removed("wallets", USD))
    assert desk.family("wallet_balance") == {USD: 0}
