"""From an account's report to its row on the landing page."""

from __future__ import annotations

import pytest

from exporter.overview import account_row, key_word
from tests.simulated import MAIN, Stage


def test_a_live_account_is_told_with_its_last_events_first() -> None:
    """State, up, wallets, key and events of an account that is live."""
    stage = Stage()
    stage.freeze(30)
    row = account_row(stage.report())
    (stream,) = row.streams
    assert (row.account, row.exchange, row.key) == ("demo-main", "bitfinex", "read only")
    assert row.wallets == len(stage.venue.books[MAIN.name].wallets())
    assert (stream.state, stream.up, stream.connects, stream.detail) == ("live", True, 1, "")
    assert stream.events[0].sentence == "complete: every expected snapshot has arrived"


def test_what_it_waits_for_is_named() -> None:
    """While snapshots are missing the row names them, and knows no number of wallets."""
    stage = Stage()
    stage.venue.faults.withheld |= {"ws", "os"}
    stage.freeze(5)
    row = account_row(stage.report())
    assert row.wallets is None
    assert row.streams[0].detail == "waiting for wallets, orders"


def test_a_refusal_is_named_by_its_code() -> None:
    """The row of a refused key shows the code, and its scopes are unknown."""
    stage = Stage()
    stage.venue.faults.refusals["*"] = (10100, "apikey: invalid")
    stage.freeze(5)
    row = account_row(stage.report())
    assert (row.streams[0].state, row.streams[0].detail, row.key) == ("refused", "refused: 10100", "unknown")


def test_an_account_that_never_heard_anything_has_no_last_message() -> None:
    """Never is nothing, not 1970."""
    row = account_row(Stage().report())
    assert row.streams[0].last_message is None


@pytest.mark.parametrize(
    ("granted", "word"),
    [
        ({("wallets", "read"): True, ("withdraw", "write"): False}, "read only"),
        ({("orders", "write"): True}, "can trade"),
        ({("orders", "write"): True, ("withdraw", "write"): True}, "can withdraw"),
        ({("ui_withdraw", "write"): True}, "can withdraw"),
        ({("withdraw", "read"): True}, "read only"),
        ({}, "read only"),
        (None, "unknown"),
    ],
)
def test_the_worst_that_a_key_may_do_is_its_word(
    granted: dict[tuple[str, str], bool] | None, word: str
) -> None:
    """Withdrawal outranks trade, which outranks reading; what was not told is unknown."""
    assert key_word(granted) == word
