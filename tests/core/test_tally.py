"""Counters: what happened, exactly once."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.core.events import Fill, FundingClosed, FundingTraded, Notified, OrderChanged
from exporter.core.tally import Tally


def fill(number: int = 1, *, final: bool = True, **changes: Any) -> Fill:
    """An execution of 0.5 BTC at 40000 with a fee of 4 USD in its final report."""
    value = Fill(number, "BTC/USD", "buy", "taker", 0.5, 40000.0, 4.0 if final else None, "USD", 100.0, final)
    return value._replace(**changes)


def test_early_and_final_report_are_one_fill() -> None:
    """The early and the final report of one execution count once, with the fee of the final one."""
    tally = Tally()
    tally.count(fill(final=False))
    assert not any(tally.report().fills.values())
    tally.count(fill())
    tally.settle()
    report = tally.report()
    assert report.fills["BTC/USD", "buy", "taker"] == 1
    assert report.base_volume["BTC/USD", "buy"] == 0.5
    assert report.quote_volume["BTC/USD", "buy"] == 20000.0
    assert report.fees == {"BTC": 0.0, "USD": 4.0}
    assert report.last_fill == {"BTC/USD": 100.0}


def test_early_report_is_forgotten_with_its_final_one() -> None:
    """What waits for its final report does not pile up over the life of a connection."""
    tally = Tally()
    for number in range(10):
        tally.count(fill(number, final=False))
        tally.count(fill(number))
    assert tally._early == {}


def test_final_report_again_counts_nothing() -> None:
    """A final report that comes again, or an early one after it, changes no counter."""
    tally = Tally()
    tally.count(fill())
    once = tally.report()
    tally.count(fill())
    tally.count(fill(final=False))
    tally.settle()
    assert tally.report() == once


def test_early_report_alone_counts_when_the_connection_ends() -> None:
    """An execution whose final report was lost with the connection is counted at its end, without a fee."""
    tally = Tally()
    tally.count(fill(final=False))
    tally.count(fill(final=False))
    tally.settle()
    assert tally.report().fills["BTC/USD", "buy", "taker"] == 1
    assert tally.report().fees["USD"] == 0.0


def test_late_final_report_brings_only_its_fee() -> None:
    """A final report after its early one was counted adds the fee, and no second fill."""
    tally = Tally()
    tally.count(fill(final=False))
    tally.settle()
    tally.count(fill())
    tally.count(fill())
    report = tally.report()
    assert report.fills["BTC/USD", "buy", "taker"] == 1
    assert report.base_volume["BTC/USD", "buy"] == 0.5
    assert report.fees["USD"] == 4.0


def test_early_report_of_old_times_may_carry_the_fee() -> None:
    """An early report with a fee and its final one pay the fee once."""
    tally = Tally()
    tally.count(fill(final=False, fee=4.0))
    tally.settle()
    tally.count(fill())
    assert tally.report().fees["USD"] == 4.0


@given(st.lists(st.sampled_from(["early", "final", "end"]), max_size=12))
def test_any_order_of_reports_counts_once(reports: list[str]) -> None:
    """In any order of early reports, final reports and lost connections, a fill and its fee count once."""
    tally = Tally()
    for report in [*reports, "end"]:
        if report == "end":
            tally.settle()
        else:
            tally.count(fill(final=report == "final"))
    counted = tally.report()
    assert sum(counted.fills.values()) == bool({"early", "final"} & set(reports))
    assert counted.fees.get("USD", 0.0) == (4.0 if "final" in reports else 0.0)


def test_rebate_is_no_negative_fee() -> None:
    """A fee that was received goes to the rebates: no counter ever falls."""
    tally = Tally()
    tally.count(fill(fee=-1.5, liquidity="maker"))
    report = tally.report()
    assert report.fees["USD"] == 0.0
    assert report.rebates["USD"] == 1.5


def test_fee_without_a_currency_is_not_counted() -> None:
    """A fee whose currency is not told cannot be counted anywhere."""
    tally = Tally()
    tally.count(fill(fee_currency=""))
    assert set(tally.report().fees.values()) == {0.0}


def test_fee_may_be_in_a_third_currency() -> None:
    """A fee counts in the currency it was paid in, which may be none of the pair's."""
    tally = Tally()
    tally.count(fill(fee_currency="LEO", fee=0.25))
    assert tally.report().fees == {"BTC": 0.0, "USD": 0.0, "LEO": 0.25}
    assert tally.report().rebates["LEO"] == 0.0


def test_last_fill_does_not_go_back() -> None:
    """The time of the last fill is the newest told, and unknown times leave it alone."""
    tally = Tally()
    for number, moment in enumerate((50.0, 200.0, 100.0, None)):
        tally.count(fill(number, at=moment))
    assert tally.report().last_fill == {"BTC/USD": 200.0}


def test_liquidity_may_be_unknown() -> None:
    """A fill that is neither maker nor taker is counted as such."""
    tally = Tally()
    tally.count(fill(liquidity="unknown", side="sell"))
    assert tally.report().fills["BTC/USD", "sell", "unknown"] == 1


def test_symbol_without_a_quote_is_counted() -> None:
    """A symbol of no known form is counted under its own name."""
    tally = Tally()
    tally.count(fill(symbol="ODD", fee=None))
    assert tally.report().fills["ODD", "buy", "taker"] == 1
    assert tally.report().fees == {"ODD": 0.0}


def test_foreseen_counters_begin_at_zero() -> None:
    """A symbol or currency that may count soon has all its series at 0 before."""
    tally = Tally()
    tally.foresee_symbol("ETH/USD")
    tally.foresee_funding("USD")
    report = tally.report()
    pairs = [(side, liquidity) for side in ("buy", "sell") for liquidity in ("maker", "taker")]
    assert report.fills == {("ETH/USD", *pair): 0 for pair in pairs}
    assert report.base_volume == report.quote_volume == {("ETH/USD", "buy"): 0.0, ("ETH/USD", "sell"): 0.0}
    assert report.fees == report.rebates == {"ETH": 0.0, "USD": 0.0}
    assert report.funding_closed == {("USD", "used"): 0, ("USD", "unused"): 0}
    assert report.funding_trades == {("USD", "provided"): 0, ("USD", "taken"): 0}
    assert report.funding_volume == {("USD", "provided"): 0.0, ("USD", "taken"): 0.0}


def test_foreseeing_never_resets() -> None:
    """Foreseeing what has counted already leaves the counts alone."""
    tally = Tally()
    tally.count(fill())
    tally.count(FundingTraded(1, "USD", "provided", 50.0))
    before = tally.report()
    tally.foresee_symbol("BTC/USD")
    tally.foresee_funding("USD")
    assert tally.report() == before


def test_order_change_counts_once_per_occurrence() -> None:
    """Two reports of one happening to an order count once, two happenings twice."""
    tally = Tally()
    for occurrence in (("a", 1), ("a", 1), ("a", 2)):
        tally.count(OrderChanged("partial", "BTC/USD", occurrence))
    assert tally.report().order_changes == {"partial": 2}


def test_closed_funding_counts_once() -> None:
    """A contract closes once per state, and a used and an unused contract of one id are two."""
    tally = Tally()
    for state in ("used", "used", "unused"):
        tally.count(FundingClosed(7, "USD", state))
    assert tally.report().funding_closed == {("USD", "used"): 1, ("USD", "unused"): 1}


def test_funding_trade_counts_once() -> None:
    """Two reports of one funding trade are one trade with its volume."""
    tally = Tally()
    tally.count(FundingTraded(9, "UST", "taken", 120.0))
    tally.count(FundingTraded(9, "UST", "taken", 120.0))
    assert tally.report().funding_trades["UST", "taken"] == 1
    assert tally.report().funding_volume["UST", "taken"] == 120.0


def test_ids_of_different_things_do_not_mix() -> None:
    """The same number as the id of a fill, a funding trade and a contract is three happenings."""
    tally = Tally()
    tally.count(fill(5))
    tally.count(FundingTraded(5, "USD", "provided", 1.0))
    tally.count(FundingClosed(5, "USD", "used"))
    report = tally.report()
    counts = (report.fills, report.funding_trades, report.funding_closed)
    assert [sum(count.values()) for count in counts] == [1, 1, 1]


def test_notifications_count_each() -> None:
    """Every notification counts, since none is told twice."""
    tally = Tally()
    for _ in range(3):
        tally.count(Notified("uca", "success"))
    assert tally.report().notifications == {("uca", "success"): 3}


def test_report_is_a_copy() -> None:
    """A report does not change when the counters go on."""
    tally = Tally()
    tally.count(fill(1))
    report = tally.report()
    tally.count(fill(2))
    assert report.fills["BTC/USD", "buy", "taker"] == 1


def test_history_and_stream_count_an_execution_once_in_any_order() -> None:
    """An execution told by history is counted once, whatever the stream said before or says later."""
    tally = Tally()
    tally.count(fill(1))
    tally.count(fill(2, final=False))
    assert tally.recover([fill(1), fill(2), fill(3)]) == 1
    tally.count(fill(2))
    tally.count(fill(3))
    assert tally.recover([fill(3)]) == 0
    report = tally.report()
    assert report.fills["BTC/USD", "buy", "taker"] == 3
    assert report.fees["USD"] == 12.0
    assert report.recovered == 1


def test_history_brings_the_fee_that_an_early_report_lacked() -> None:
    """A connection that ended between early and final report: history adds the fee and no second fill."""
    tally = Tally()
    tally.count(fill(final=False))
    tally.settle()
    assert tally.recover([fill()]) == 0
    report = tally.report()
    assert (report.fills["BTC/USD", "buy", "taker"], report.fees["USD"]) == (1, 4.0)


def test_a_flood_of_orders_pushes_no_fill_out_of_memory() -> None:
    """An execution that the history tells again after many thousand order events still counts once."""
    tally = Tally()
    tally.count(fill())
    for number in range(60_000):
        tally.count(OrderChanged("new", "BTC/USD", (number, "new")))
    assert tally.recover([fill()]) == 0
    assert tally.report().fills["BTC/USD", "buy", "taker"] == 1
