"""Lending and borrowing as a scraper sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.core.events import FundingClosed, FundingTraded, Removed, Upsert
from exporter.core.model import Contract, FundingInfo, Offer, Rows, Wallet

if TYPE_CHECKING:
    from tests.exposition.conftest import Desk

NOW = 1_700_000_000.0
DAY = 86_400.0


def lent(amount: float, days: float | None, *, rate: float | None = 0.001) -> Contract:
    """Money lent just now for some days."""
    return Contract("USD", "provided", "used", amount, rate, days, NOW)


def test_lent_money_is_summed_by_currency_and_state(desk: Desk) -> None:
    """Used and unused contracts apart, lent and borrowed apart."""
    borrowed = Contract("USD", "taken", "unused", 30.0, 0.002, 2.0, NOW)
    desk.sync({"credits": {1: lent(100.0, 2.0), 2: lent(50.0, 2.0)}, "loans": {3: borrowed}})
    used, unused = ("USD", "used"), ("USD", "unused")
    assert desk.family("funding_provided") == {used: 150, unused: 0}
    assert desk.family("funding_taken") == {used: 0, unused: 30}
    assert desk.family("funding_contracts") == {used: 2, unused: 1}
    assert desk.family("funding_expected_daily_interest") == {used: pytest.approx(0.15), unused: 0}


@pytest.mark.parametrize("unknown", [lent(50.0, 2.0, rate=None), lent(50.0, 2.0)._replace(amount=None)])
def test_interest_is_the_whole_or_nothing(desk: Desk, unknown: Contract) -> None:
    """While the rate or amount of one contract is unknown the sum is absent, not short of it."""
    desk.sync({"credits": {1: lent(100.0, 2.0), 2: unknown}})
    assert desk.family("funding_expected_daily_interest") == {("USD", "unused"): 0}
    desk.tell(Upsert("credits", 2, lent(50.0, 2.0, rate=0.0)))
    assert desk.family("funding_expected_daily_interest")["USD", "used"] == pytest.approx(0.1)


def test_idle_money_is_told_with_its_beginning(desk: Desk) -> None:
    """The clock runs while more than the minimum is available, through a moment in which it is not known."""
    desk.state.idle.minimums = {"USD": 150.0}
    key = ("funding", "USD")
    idle = "funding_idle_since_timestamp_seconds"
    desk.sync({"wallets": {key: Wallet("funding", "USD", 1000.0, 100.0)}})
    assert desk.family(idle) == {}
    desk.now = 10.0
    desk.tell(Upsert("wallets", key, Wallet("funding", "USD", 1000.0, 500.0)))
    desk.now = 20.0
    desk.tell(Upsert("wallets", key, Wallet("funding", "USD", 1001.0, None)))
    assert desk.family(idle) == {}
    desk.tell(Upsert("wallets", key, Wallet("funding", "USD", 1001.0, 501.0)))
    assert desk.family(idle) == {("USD",): NOW + 10}
    desk.tell(Upsert("wallets", key, Wallet("funding", "USD", 1001.0, 150.0)))
    assert desk.family(idle) == {}


def test_own_money_lent_to_oneself_counts_on_both_sides(desk: Desk) -> None:
    """A contract of the side `both` is lent and borrowed."""
    desk.sync({"credits": {1: Contract("USD", "both", "used", 10.0, 0.0, 2.0, NOW)}})
    assert desk.family("funding_provided")["USD", "used"] == 10
    assert desk.family("funding_taken")["USD", "used"] == 10


def test_the_expiry_ladder_is_disjoint(desk: Desk) -> None:
    """Each contract is on exactly one rung, by the time that is left; an unknown end is on none."""
    periods = (0.5, 1.0, 3.0, 7.0, 30.0, None)
    rows: Rows = {number: lent(2.0**number, days) for number, days in enumerate(periods)}
    desk.sync({"credits": rows})
    ladder = {horizon: amount for (_, horizon), amount in desk.family("funding_expiring").items()}
    assert ladder == {"0-1d": 1, "1-3d": 2, "3-7d": 4, "7-30d": 8, "30d+": 16}
    assert desk.family("funding_next_expiry_timestamp_seconds") == {("USD",): NOW + 0.5 * DAY}


def test_an_overdue_contract_is_on_the_first_rung(desk: Desk) -> None:
    """A contract past its end is due now, not nowhere."""
    desk.sync({"credits": {1: lent(5.0, 1.0)}})
    desk.now = 2 * DAY
    desk.tell()
    assert desk.family("funding_expiring")["USD", "0-1d"] == 5


def test_a_currency_once_seen_stays_at_zero(desk: Desk) -> None:
    """When all that was lent is back, the sums are 0 and there is no next expiry."""
    desk.sync({"credits": {1: lent(100.0, 2.0)}})
    desk.tell(Removed("credits", 1))
    assert desk.family("funding_provided") == {("USD", "used"): 0, ("USD", "unused"): 0}
    assert set(desk.family("funding_expiring").values()) == {0}
    assert desk.family("funding_next_expiry_timestamp_seconds") == {}


def test_offers_are_money_that_waits(desk: Desk) -> None:
    """Offers to lend are summed, counted and aged; offers to borrow are not money that waits."""
    offers: Rows = {
        1: Offer("USD", "provided", 100.0, 0.001, 2.0, NOW - 60),
        2: Offer("USD", "provided", 50.0, 0.001, 2.0, None),
        3: Offer("USD", "taken", 70.0, 0.001, 2.0, NOW - 90),
    }
    desk.sync({"offers": offers})
    assert desk.family("funding_offered") == {("USD",): 150}
    assert desk.family("funding_offers") == {("USD",): 2}
    assert desk.family("funding_offer_oldest_timestamp_seconds") == {("USD",): NOW - 60}
    for number in offers:
        desk.tell(Removed("offers", number))
    assert desk.family("funding_offers") == {("USD",): 0}
    assert desk.family("funding_offer_oldest_timestamp_seconds") == {}


def test_the_venues_averages_are_in_seconds_and_ratios(desk: Desk) -> None:
    """Durations in days become seconds; what is null stays away."""
    desk.sync({})
    desk.tell(Upsert("funding_info", "USD", FundingInfo(0.0002, 0.0003, None, 2.5)))
    assert desk.family("funding_taken_daily_ratio") == {("USD",): 0.0002}
    assert desk.family("funding_provided_daily_ratio") == {("USD",): 0.0003}
    assert desk.family("funding_taken_duration_seconds") == {}
    assert desk.family("funding_provided_duration_seconds") == {("USD",): 2.5 * DAY}


def test_closed_contracts_and_trades_count_once(desk: Desk) -> None:
    """The same close or trade told twice counts once, and the counters outlive the stream."""
    desk.sync({})
    desk.tell(*[FundingClosed(1, "USD", "used")] * 2, *[FundingTraded(5, "USD", "provided", 40.0)] * 2)
    desk.lose()
    desk.now = 9999
    assert desk.family("funding_closed_total") == {("USD", "used"): 1, ("USD", "unused"): 0}
    assert desk.family("funding_trades_total") == {("USD", "provided"): 1, ("USD", "taken"): 0}
    assert desk.family("funding_trade_volume_total") == {("USD", "provided"): 40, ("USD", "taken"): 0}


def test_include_hides_other_currencies(desk: Desk) -> None:
    """With include.currencies nothing of another currency's funding is shown."""
    desk.show_only(currencies=("BTC",))
    desk.sync({
        "credits": {1: lent(100.0, 2.0)},
        "offers": {1: Offer("USD", "provided", 100.0, 0.001, 2.0, NOW)},
    })  # fmt: skip
    desk.tell(Upsert("funding_info", "USD", FundingInfo(0.1, 0.1, 1.0, 1.0)))
    desk.tell(FundingTraded(5, "USD", "provided", 40.0))
    assert [name for name in desk.samples() if name.startswith("exchange_funding")] == []
