"""Tests of accounts that are valid; mistakes are files of tests/testdata/config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.secret import Secret
from exporter.config.types import Account, Endpoints, Include, Privacy, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.types import Config, Offer

SMALLEST = """
accounts:
  - name: main
    exchange: bitfinex
    api_key: ${API_KEY}
    api_secret: ${API_SECRET}
"""


def test_smallest(accepted: Callable[[str], Config], known: Mapping[str, Offer]) -> None:
    """Four keys make an account; the rest are the defaults of the types and of the exchange."""
    config = accepted(SMALLEST)
    assert config.accounts == (
        Account(
            name="main",
            exchange="bitfinex",
            api_key=Secret("k3yFromEnvironment"),
            api_secret=Secret("s3cretFromEnvironment"),
            endpoints=known["bitfinex"].endpoints,
            feeds=known["bitfinex"].feeds,
        ),
    )
    assert config.warnings == ()
    account = config.accounts[0]
    assert (account.require_read_only, account.allow_withdraw_scope) == (False, False)


def test_everything(accepted: Callable[[str], Config]) -> None:
    """Every key of an account reaches its field."""
    text = f"""{SMALLEST}
    require_read_only: true
    allow_withdraw_scope: false
    streams: [trades, wallets]
    include: {{currencies: [BTC, USD], symbols: [tBTCUSD], dust: 2.5}}
    margin_symbols: [tBTCUSD, tETHUSD]
    margin_level: 1.5
    lending: {{idle_minimum: {{USD: 150, BTC: 0}}}}
    privacy: {{hide_amounts: true}}
    thresholds:
      - {{wallet: exchange, currency: BTC, level: warning, minimum: 1.5}}
      - {{wallet: exchange, currency: BTC, level: critical, minimum: 1, maximum: 20}}
    endpoints: {{stream: "ws://127.0.0.1:9000/ws", rest: "http://[::1]:9001/", public: "https://proxy.example.com/p"}}
"""
    account = accepted(text).accounts[0]
    assert account.require_read_only
    assert account.feeds == ("wallets", "trades")
    assert account.include == Include(frozenset({"BTC", "USD"}), frozenset({"tBTCUSD"}), 2.5)
    assert (account.margin_level, account.privacy) == (1.5, Privacy(hide_amounts=True))
    assert account.lending.idle_minimum == {"USD": 150.0, "BTC": 0.0}
    assert account.margin_symbols == ("tBTCUSD", "tETHUSD")
    assert account.thresholds == (
        Threshold("exchange", "BTC", "warning", 1.5, None),
        Threshold("exchange", "BTC", "critical", 1.0, 20.0),
    )
    assert account.endpoints == Endpoints(
        "ws://127.0.0.1:9000/ws", "http://[::1]:9001", "https://proxy.example.com/p"
    )
    assert hash(account) == hash(accepted(text).accounts[0])


def test_privacy_of_the_file_holds_for_accounts_that_say_nothing_else(
    accepted: Callable[[str], Config],
) -> None:
    """An account follows the key privacy of the file, or its own."""
    second = SMALLEST.replace("accounts:\n", "").replace("main", "second").replace("${API_KEY}", "other")
    text = f"{SMALLEST}{second}    privacy: {{hide_amounts: false}}\nprivacy: {{hide_amounts: true}}\n"
    assert [account.privacy.hide_amounts for account in accepted(text).accounts] == [True, False]


def test_withdrawal_may_be_allowed(accepted: Callable[[str], Config]) -> None:
    """A key that can withdraw is taken by those who say so."""
    assert accepted(f"{SMALLEST}    allow_withdraw_scope: true\n").accounts[0].allow_withdraw_scope


def test_identity(accepted: Callable[[str], Config]) -> None:
    """An exchange that wants an identity gets it, as a secret."""
    text = SMALLEST.replace("bitfinex", "bitopro") + "    identity: trader@example.com\n"
    account = accepted(text).accounts[0]
    assert account.identity == Secret("trader@example.com")
    assert "trader" not in repr(account)
    assert hash(account) == hash(accepted(text).accounts[0])


def test_accounts_keep_their_order(accepted: Callable[[str], Config]) -> None:
    """Accounts come in the order of the file."""
    second = SMALLEST.replace("accounts:\n", "").replace("main", "second").replace("${API_KEY}", "other")
    assert [account.name for account in accepted(SMALLEST + second).accounts] == ["main", "second"]


def test_one_key_in_two_accounts(accepted: Callable[[str], Config]) -> None:
    """Two logins with one key get in each other's way: taken, with a warning."""
    second = SMALLEST.replace("accounts:\n", "").replace("main", "second")
    (warning,) = accepted(SMALLEST + second).warnings
    assert warning.endswith(
        "config.yaml:8: accounts[1]: the key of accounts[0] again: "
        "logins with one key refuse each other (make one each)"
    )
