"""Comparing REST with the stream."""

from __future__ import annotations

from exporter.core.model import Rows, Wallet
from exporter.core.reconcile import Reconciliation


def rows(**balances: float | None) -> Rows:
    """Exchange wallets by currency."""
    return {
        ("exchange", currency): Wallet("exchange", currency, amount) for currency, amount in balances.items()
    }


def test_equal_balances_differ_in_nothing() -> None:
    """Balances that agree leave no difference and ask for no resync."""
    found = Reconciliation()

    assert not found.compare("wallets", rows(BTC=1.5), [rows(BTC=1.5), rows(BTC=1.5)])
    assert found.report().differences == {}


def test_a_difference_names_its_wallet_and_sign() -> None:
    """A difference is REST less stream, by wallet and currency."""
    found = Reconciliation()
    found.compare("wallets", rows(BTC=2.0, USD=10.0), [rows(BTC=1.5, USD=10.0), rows(BTC=1.5, USD=10.0)])

    assert found.report().differences == {("exchange", "BTC"): 0.5}


def test_rounding_is_no_difference() -> None:
    """Balances that differ by the way over decimal text are the same."""
    found = Reconciliation()
    found.compare(
        "wallets", rows(USD=123456789.12345601), [rows(USD=123456789.123456), rows(USD=123456789.123456)]
    )

    assert found.report().differences == {}


def test_what_moved_during_the_read_is_not_judged() -> None:
    """A balance that changed while REST was asked fits neither moment and is left for the next time."""
    found = Reconciliation()
    found.compare("wallets", rows(BTC=1.2), [rows(BTC=1.0), rows(BTC=1.5)])

    assert found.report().differences == {}


def test_rest_may_show_either_moment() -> None:
    """REST may have answered before or after a change that the stream told meanwhile."""
    found = Reconciliation()
    found.compare("wallets", rows(BTC=1.0, ETH=3.0), [rows(BTC=1.0, ETH=2.0), rows(BTC=1.5, ETH=3.0)])

    assert found.report().differences == {}


def test_a_wallet_that_only_one_side_lists_counts_as_nothing_there() -> None:
    """A wallet that is missing on one side differs only when the other side holds something."""
    found = Reconciliation()
    found.compare("wallets", rows(BTC=0.0, ETH=1.0), [rows(), rows()])

    assert found.report().differences == {("exchange", "ETH"): 1.0}


def test_a_lasting_difference_asks_for_one_resync() -> None:
    """The same difference twice in a row asks once; one that outlives the resync is shown, not chased."""
    found = Reconciliation()
    answers = [found.compare("wallets", rows(BTC=2.0), [rows(BTC=1.0), rows(BTC=1.0)]) for _ in range(4)]

    assert answers == [False, True, False, False]


def test_a_new_difference_asks_again() -> None:
    """A difference that healed and came back asks for another resync."""
    found = Reconciliation()
    for _ in range(2):
        found.compare("wallets", rows(BTC=2.0), [rows(BTC=1.0), rows(BTC=1.0)])
    found.compare("wallets", rows(BTC=2.0), [rows(BTC=2.0), rows(BTC=2.0)])

    assert not found.compare("wallets", rows(BTC=3.0), [rows(BTC=2.0), rows(BTC=2.0)])
    assert found.compare("wallets", rows(BTC=3.0), [rows(BTC=2.0), rows(BTC=2.0)])


def test_rows_that_one_side_lacks_are_counted() -> None:
    """Rows that only REST or only the stream knows are counted by table; lasting ones ask for a resync."""
    found = Reconciliation()
    stream: Rows = {1: Wallet("", "", 0), 2: Wallet("", "", 0)}
    rest: Rows = {2: Wallet("", "", 0), 3: Wallet("", "", 0)}

    assert not found.compare("orders", rest, [stream, stream])
    assert found.report().mismatched_rows == {"orders": 2}
    assert found.compare("orders", rest, [stream, stream])
    assert not found.compare("orders", rest, [stream, stream])


def test_rows_that_came_or_went_during_the_read_are_fine() -> None:
    """A row that the stream brought or took away while REST was asked is no mismatch."""
    found = Reconciliation()
    row = Wallet("", "", 0)
    found.compare("orders", {1: row, 2: row}, [{1: row}, {2: row}])
    found.compare("positions", {}, [{1: row}, {}])

    assert found.report().mismatched_rows == {"orders": 0, "positions": 0}


def test_an_unknown_balance_is_not_judged() -> None:
    """Where the stream does not know a balance there is nothing to compare."""
    found = Reconciliation()
    found.compare("wallets", rows(USD=5.0), [rows(USD=None), rows(USD=None)])
    found.compare("wallets", rows(USD=None), [rows(USD=5.0), rows(USD=5.0)])

    assert found.report().differences == {}


def test_success_moves_only_when_told() -> None:
    """The time of the last success moves with a whole round, not with a comparison."""
    found = Reconciliation()
    found.compare("wallets", rows(), [rows(), rows()])
    assert found.report().last_success == 0.0

    found.succeeded(1700000000.0)
    assert found.report().last_success == 1700000000.0
