"""Small wallets folded into one series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config.types import Threshold
from exporter.core.model import Key, Rows, Wallet
from exporter.exposition.choices import Choices

if TYPE_CHECKING:
    from tests.exposition.conftest import Desk

BALANCES = {"USD": 500.0, "BTC": 0.00001, "ETH": -0.0001, "LTC": 0.0, "XYZ": 3.0}
PRICES = {"USD": 1.0, "BTC": 60000.0, "ETH": 2000.0, "LTC": 70.0}


@pytest.fixture
def holder(desk: Desk) -> Desk:
    """An account with large, small, empty and unpriced wallets, and dust below a dollar folded."""
    desk.watched = desk.watched._replace(choices=Choices(dust=1.0))
    rows: Rows = {("exchange", name): Wallet("exchange", name, held, held) for name, held in BALANCES.items()}
    desk.sync({"wallets": rows})
    desk.prices = dict(PRICES)
    return desk


def shown(desk: Desk, family: str = "wallet_balance") -> set[str]:
    """Currencies that have a series of their own."""
    return {labels[-1] for labels in desk.family(family)}


def test_small_wallets_are_one_value(holder: Desk) -> None:
    """Wallets below the limit lose their series; their worth, debts included, is in one."""
    for family in ("wallet_balance", "wallet_available", "wallet_available_timestamp_seconds"):
        assert shown(holder, family) == {"USD", "LTC", "XYZ"}
    assert holder.family("wallet_dust_value_usd") == {(): pytest.approx(0.6 - 0.2)}


def test_an_empty_wallet_and_one_without_price_are_never_dust(holder: Desk) -> None:
    """The fall to 0 is news, and what has no price may be worth anything."""
    assert {"LTC", "XYZ"} <= shown(holder)


def test_a_wallet_with_a_threshold_is_never_dust(holder: Desk) -> None:
    """What an alert watches keeps its series."""
    limits = (Threshold("exchange", "BTC", "warning", 1.0),)
    holder.watched = holder.watched._replace(choices=Choices(limits, dust=1.0))
    assert "BTC" in shown(holder)


def test_without_prices_nothing_is_folded(holder: Desk) -> None:
    """When no price is known every wallet is shown, and the sum is absent, not 0."""
    holder.prices = {}
    assert shown(holder) == set(BALANCES)
    assert holder.family("wallet_dust_value_usd") == {}


def test_include_goes_first(holder: Desk) -> None:
    """A currency that is not shown is in no sum either."""
    holder.show_only(currencies=("ETH", "USD"))
    assert holder.family("wallet_dust_value_usd") == {(): pytest.approx(-0.2)}


def test_it_is_off_by_default(desk: Desk) -> None:
    """Without the setting every wallet has its series and there is no sum."""
    key: Key = ("exchange", "BTC")
    desk.sync({"wallets": {key: Wallet("exchange", "BTC", 0.00001)}})
    desk.prices = dict(PRICES)
    assert shown(desk) == {"BTC"}
    assert desk.family("wallet_dust_value_usd") == {}
