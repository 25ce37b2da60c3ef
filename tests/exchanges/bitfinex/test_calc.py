"""Asking for what is null: paced, bounded, and only for what the account holds."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from exporter.core.events import Event, Removed, Snapshot, Upsert
from exporter.core.model import Contract, Key, Offer, Order, Position, Row, Table, Wallet
from exporter.exchanges.bitfinex import SPEC
from exporter.exchanges.bitfinex.calc import MESSAGE_INTERVAL, NAMES_PER_MESSAGE, SLOW_DOWN, CalcPlan

ALL = frozenset(SPEC.feeds)


def plan(*feeds: str, margin_symbols: tuple[str, ...] = ()) -> CalcPlan:
    """A plan for these feeds."""
    return CalcPlan(margin_symbols, frozenset(feeds))


def names(message: str | None) -> list[str]:
    """The names in a message, which must be a `calc` with one-element lists and nothing else."""
    if message is None:
        return []
    channel, verb, nothing, asked = json.loads(message)
    assert (channel, verb, nothing) == (0, "calc", None)
    assert all(len(name) == 1 for name in asked)
    return [name for (name,) in asked]


def ask(plan: CalcPlan, start: float, seconds: int) -> Counter[str]:
    """All names asked for while time passes second by second."""
    asked: Counter[str] = Counter()
    for second in range(seconds):
        asked.update(names(plan.message(start + second)))
    return asked


def told(table: Table, key: Key, row: Row) -> list[Event]:
    """One row that was told."""
    return [Upsert(table, key, row)]


def usd(available: float | None = None) -> list[Event]:
    """A USD wallet that was told."""
    return told("wallets", ("exchange", "USD"), Wallet("exchange", "USD", 5.0, available))


def test_asks_for_nothing_without_feeds() -> None:
    """A plan with nothing wanted asks for nothing, whatever the account holds."""
    quiet = plan()
    quiet.observe(usd(), 0.0)
    quiet.observe(told("positions", 1, Position("BTC/USD", 1.0)), 0.0)
    quiet.observe(told("offers", 1, Offer("USD", "provided", 1.0, 0.1, 2.0, None)), 0.0)
    assert quiet.message(1.0) is None


def test_names_are_in_the_venues_spelling() -> None:
    """Each kind of name is spelled as the venue wants it, from what the account holds."""
    full = plan(*ALL, margin_symbols=("BTC/USD", "tDUSK:USD"))
    full.observe([*usd(), *told("positions", 1, Position("BTCF0/USTF0", 1.0))], 0.0)
    full.observe(told("credits", 1, Contract("UST", "provided", "used", 1.0, 0.1, 2.0, None)), 0.0)
    assert set(ask(full, 0.0, 2)) == {
        "balance",
        "margin_base",
        "margin_sym_tBTCUSD",
        "margin_sym_tDUSK:USD",
        "wallet_exchange_USD",
        "position_tBTCF0:USTF0",
        "funding_sym_fUST",
    }


def test_snapshot_and_single_rows_are_learnt_alike() -> None:
    """What a snapshot brings is asked for like what comes by itself."""
    plain = plan("wallets")
    plain.observe([Snapshot("wallets", {("margin", "BTC"): Wallet("margin", "BTC", 1.0)})], 0.0)
    assert names(plain.message(0.0)) == ["wallet_margin_BTC"]


def test_value_that_came_with_the_row_is_not_asked_for() -> None:
    """A wallet whose available is told waits a whole refresh."""
    plain = plan("wallets")
    plain.observe(usd(4.0), 0.0)
    assert ask(plain, 0.0, 60) == {}
    assert names(plain.message(60.0)) == ["wallet_exchange_USD"]


def test_each_kind_is_refreshed_at_its_own_pace() -> None:
    """Positions are asked every 10 s, margin every 30 s, balance and funding every 60 s."""
    full = plan("balance", "margin", "positions", "funding")
    full.observe(told("positions", 1, Position("BTC/USD", 1.0, leverage=2.0)), -10.0)
    full.observe(told("offers", 1, Offer("USD", "provided", 1.0, 0.1, 2.0, None)), 0.0)
    assert ask(full, 0.0, 120) == {
        "position_tBTCUSD": 12,
        "margin_base": 4,
        "balance": 2,
        "funding_sym_fUSD": 2,
    }


def test_null_is_asked_for_at_once_and_again_after_a_while() -> None:
    """A value that turned null is asked for soon, but not twice within five seconds."""
    plain = plan("wallets")
    plain.observe(usd(), 0.0)
    assert names(plain.message(0.0)) == ["wallet_exchange_USD"]
    plain.observe(usd(), 1.0)
    assert ask(plain, 1.0, 4) == {}
    assert names(plain.message(5.0)) == ["wallet_exchange_USD"]


def test_null_long_after_the_last_question_is_asked_at_once() -> None:
    """A value that turns null long after it was asked for is asked for without delay."""
    plain = plan("wallets")
    plain.observe(usd(), 0.0)
    plain.message(0.0)
    plain.observe(usd(4.0), 1.0)
    plain.observe(usd(), 20.0)
    assert names(plain.message(20.0)) == ["wallet_exchange_USD"]


def test_closed_position_is_not_asked_for() -> None:
    """A name is dropped with the last position that has it."""
    plain = plan("positions")
    for key in (1, 2):
        plain.observe(told("positions", key, Position("BTC/USD", 1.0)), 0.0)
    plain.observe([Removed("positions", 1)], 0.0)
    assert names(plain.message(0.0)) == ["position_tBTCUSD"]
    plain.observe([Removed("positions", 2), Removed("positions", 3)], 1.0)
    assert ask(plain, 1.0, 60) == {}


def test_orders_are_not_asked_for() -> None:
    """Rows without computed values bring no question."""
    full = plan("orders", "wallets")
    full.observe(told("orders", 1, Order("BTC/USD", "buy", 1.0, 2.0, None)), 0.0)
    assert full.message(0.0) is None


def test_too_many_questions_make_a_pause() -> None:
    """After the venue's complaint nothing is asked for half a minute."""
    plain = plan("balance")
    plain.slow_down(0.0)
    assert plain.message(SLOW_DOWN - 0.1) is None
    assert names(plain.message(SLOW_DOWN)) == ["balance"]


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 120)), max_size=60))
def test_pace_holds_whatever_is_due(steps: list[tuple[float, int]]) -> None:
    """However many values are null, no second holds more than 8 names, and no name stands twice in one."""
    full, now, sent = plan(*ALL), 0.0, []
    for wait, currencies in steps:
        now += wait
        for number in range(currencies):
            name = f"C{number}"
            full.observe(told("wallets", ("exchange", name), Wallet("exchange", name, 1.0)), now)
        asked = names(full.message(now))
        if asked:
            assert len(asked) == len(set(asked)) <= NAMES_PER_MESSAGE
            sent.append(now)
    assert all(later - earlier >= MESSAGE_INTERVAL - 1e-6 for earlier, later in pairwise(sent))


def test_everything_gets_its_turn() -> None:
    """With more due than fits, every name is asked for: the one that waits longest first."""
    full = plan("wallets", "balance")
    for number in range(100):
        full.observe(told("wallets", ("exchange", f"C{number}"), Wallet("exchange", f"C{number}", 1.0)), 0.0)
    asked = ask(full, 0.0, 14)
    assert len(asked) == 101
    assert set(asked.values()) <= {1, 2}
