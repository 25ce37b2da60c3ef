"""Credits and debits as samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.core.events import REASONS, Reason, Upsert
from exporter.core.model import Contract, Wallet

if TYPE_CHECKING:
    from tests.exposition.conftest import Desk

USD: Final = ("exchange", "USD")
LENT: Final = ("funding", "USD")
LOAN: Final = Contract("USD", "provided", "used", 100.0, 0.0003, 2.0, None)


def changed(key: tuple[str, str], balance: float, reason: Reason) -> Upsert:
    """A wallet that has this balance now."""
    return Upsert("wallets", key, Wallet(*key, balance), reason)


def test_every_reason_is_zero_when_the_account_comes_up(desk: Desk) -> None:
    """With the first balances come all reasons of their currencies, in both directions, at 0."""
    assert desk.family("wallet_credits_total") == {}
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0)}})
    zeros = {("USD", reason): 0.0 for reason in REASONS}
    assert desk.family("wallet_credits_total") == desk.family("wallet_debits_total") == zeros


def test_a_withdrawal_is_a_debit_of_its_currency(desk: Desk) -> None:
    """Movements of all wallets of a currency share a series."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0), LENT: Wallet(*LENT, 7.0)}})
    desk.tell(changed(USD, 4.0, "withdrawal"), changed(LENT, 5.0, "withdrawal"))
    assert desk.family("wallet_debits_total")["USD", "withdrawal"] == 3.0
    assert desk.family("wallet_credits_total")["USD", "withdrawal"] == 0.0


def test_movements_outlive_their_stream(desk: Desk) -> None:
    """Counters are shown while balances are withheld, and book what happened meanwhile as unobserved."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0)}})
    desk.lose()
    desk.now += 3600
    assert desk.family("wallet_balance") == {}
    assert desk.family("wallet_debits_total")["USD", "unobserved"] == 0.0
    desk.sync({"wallets": {USD: Wallet(*USD, 2.0)}})
    assert desk.family("wallet_debits_total")["USD", "unobserved"] == 3.0


def test_only_selected_currencies_are_shown(desk: Desk) -> None:
    """A currency that is left out of the account has no movements either."""
    desk.sync(
        {"wallets": {USD: Wallet(*USD, 5.0), ("exchange", "BTC"): Wallet("exchange", "BTC", 1.0)},
         "credits": {1: LOAN}}
    )  # fmt: skip
    desk.show_only(currencies=("BTC",))
    assert {currency for currency, _ in desk.family("wallet_credits_total")} == {"BTC"}
    assert desk.family("funding_interest_received_total") == {}


def test_interest_starts_at_zero_where_something_is_lent(desk: Desk) -> None:
    """A contract announces interest; currencies that are only held have no such series."""
    btc = ("exchange", "BTC")
    desk.sync({"wallets": {LENT: Wallet(*LENT, 7.0), btc: Wallet(*btc, 1.0)}, "credits": {1: LOAN}})
    assert desk.family("funding_interest_received_total") == {("USD",): 0.0}
    desk.tell(changed(LENT, 7.25, "interest"))
    desk.tell(changed(LENT, 7.5, "interest"))
    assert desk.family("funding_interest_received_total") == {("USD",): 0.5}


def test_interest_is_not_zero_where_wallets_are_not_known(desk: Desk) -> None:
    """Without wallets nobody can tell that no interest was paid."""
    desk.sync({"credits": {1: LOAN}})
    assert desk.family("funding_interest_received_total") == {}
