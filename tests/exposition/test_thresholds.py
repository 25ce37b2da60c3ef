"""Limits of the configuration beside what they limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config.types import Threshold
from exporter.core.events import Upsert
from exporter.core.model import ONLY, Margin, Wallet
from exporter.exposition.choices import Choices

if TYPE_CHECKING:
    from tests.exposition.conftest import Desk

BTC = ("exchange", "BTC")
WARNING = (*BTC, "warning")
CRITICAL = (*BTC, "critical")


@pytest.fixture
def limited(desk: Desk) -> Desk:
    """An account with two limits on one wallet, not connected yet."""
    limits = (Threshold(*BTC, "warning", 1.5, 3.0), Threshold(*BTC, "critical", maximum=5.0))
    desk.watched = desk.watched._replace(choices=Choices(limits, margin_level=2.0))
    return desk


def test_limits_are_there_before_any_connection(limited: Desk) -> None:
    """Minimum and maximum are exported at once, each only where it is configured."""
    assert limited.family("wallet_balance_minimum") == {WARNING: 1.5}
    assert limited.family("wallet_balance_maximum") == {WARNING: 3.0, CRITICAL: 5.0}
    assert limited.family("wallet_balance_outside") == {}


@pytest.mark.parametrize(
    ("balance", "warning", "critical"), [(1.5, 0, 0), (1.4999, 1, 0), (3.0, 0, 0), (3.1, 1, 0), (5.1, 1, 1)]
)
def test_outside_is_below_the_minimum_or_above_the_maximum(
    limited: Desk, balance: float, warning: float, critical: float
) -> None:
    """The bounds themselves are inside."""
    limited.sync({"wallets": {BTC: Wallet(*BTC, balance)}})
    assert limited.family("wallet_balance_outside") == {WARNING: warning, CRITICAL: critical}


def test_a_wallet_that_is_not_listed_counts_as_empty(limited: Desk) -> None:
    """An alert on a drained wallet does not end when the series of the wallet does."""
    limited.sync({"wallets": {}})
    assert limited.family("wallet_balance_outside") == {WARNING: 1, CRITICAL: 0}


def test_an_unknown_balance_is_neither_inside_nor_outside(limited: Desk) -> None:
    """Null for the balance, or no stream, shows no verdict."""
    limited.sync({"wallets": {BTC: Wallet(*BTC, None)}})
    assert limited.family("wallet_balance_outside") == {}
    limited.tell(Upsert("wallets", BTC, Wallet(*BTC, 0.0)))
    assert limited.family("wallet_balance_outside")[WARNING] == 1
    limited.lose()
    limited.now = 1000.0
    assert limited.family("wallet_balance_outside") == {}
    assert limited.family("wallet_balance_minimum") == {WARNING: 1.5}


def margin(net: float | None, minimum: float | None) -> Upsert:
    """The margin of the account."""
    return Upsert("margin", ONLY, Margin(net, net, minimum, 0.0, 0.0))


def test_what_the_margin_wallets_lack(limited: Desk) -> None:
    """The level is net over required; the need is what would make it the configured one, 0 above that."""
    limited.sync({})
    limited.tell(margin(150.0, 100.0))
    assert limited.family("margin_level_ratio") == {(): 1.5}
    assert limited.family("margin_needed_usd") == {(): 50.0}
    limited.tell(margin(250.0, 100.0))
    assert limited.family("margin_needed_usd") == {(): 0.0}


def test_no_level_where_nothing_is_required(limited: Desk) -> None:
    """Without positions there is no level, and nothing is needed; without figures neither is known."""
    limited.sync({})
    limited.tell(margin(150.0, 0.0))
    assert limited.family("margin_level_ratio") == {}
    assert limited.family("margin_needed_usd") == {(): 0.0}
    limited.tell(margin(150.0, None))
    assert limited.family("margin_needed_usd") == {}


def test_no_need_without_a_configured_level(desk: Desk) -> None:
    """What is needed depends on a level that somebody wants."""
    desk.sync({})
    desk.tell(margin(150.0, 100.0))
    assert desk.family("margin_needed_usd") == {}
    assert desk.family("margin_level_ratio") == {(): 1.5}
