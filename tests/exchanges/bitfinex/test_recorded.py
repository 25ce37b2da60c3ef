"""Recorded-like messages: a whole session, and every trap of the protocol that is a message."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from exporter.core.account import AccountState
from exporter.core.events import Malformed
from exporter.core.model import Contract, Order, Position, Totals, Wallet
from exporter.core.stream import Trust
from exporter.exchanges.base import Drop

FIXTURES: Final = Path(__file__).parents[2] / "fixtures" / "bitfinex"
SESSION: Final = [json.loads(line) for line in (FIXTURES / "session.jsonl").read_text().splitlines()]
TRAPS: Final = [json.loads(line) for line in (FIXTURES / "traps.jsonl").read_text().splitlines()]
Begin = Callable[..., Any]


@pytest.fixture
def played(begin: Begin) -> AccountState:
    """The account after the recorded session."""
    talk = begin()
    state = AccountState(
        account="main",
        exchange="bitfinex",
        streams=("account",),
        trust=Trust(40.0, 60.0, 300.0),
        lock=threading.Lock(),
        started=talk.now,
    )
    talk.open()
    state.change("account", lambda stream: stream.connecting(talk.now))
    state.change("account", lambda stream: stream.connected(talk.now))
    for message in SESSION:
        heard, answers = talk.say(message)
        state.apply("account", heard, talk.now)
        assert not any(isinstance(answer, Drop) for answer in answers)
    return state


def test_recorded_session_is_live_and_whole(played: AccountState) -> None:
    """A session without faults is live, with no gap and nothing malformed."""
    (stream,) = played.report(1000.0).streams
    assert (stream.is_up, stream.gaps, stream.malformed, stream.missing) == (True, 0, {}, ())
    assert sum(stream.messages.values()) == len(SESSION)
    assert "other" not in stream.messages


def test_recorded_session_tables(played: AccountState) -> None:
    """What the session told last is what is shown; what it closed is gone."""
    view = played.report(1000.0).view
    assert view.tables["wallets"] == {
        ("exchange", "USD"): Wallet("exchange", "USD", 23999.4999, None, 0.0),
        ("exchange", "ETH"): Wallet("exchange", "ETH", 13.0, None, 0.0),
        ("exchange", "LTC"): Wallet("exchange", "LTC", 0.0, None, 0.0),
        ("margin", "USTF0"): Wallet("margin", "USTF0", 4000.0, None, 0.0),
        ("funding", "USD"): Wallet("funding", "USD", 12000.0, 9300.0, 1.25),
    }
    assert view.tables["orders"] == {
        502: Order("ETH/USD", "buy", 1.5, 2001.0, 1700000000.0),
        503: Order("BTC/USD", "buy", 0.1, 39000.0, 1700000000.0),
    }
    assert list(view.tables["positions"]) == [900123]
    assert view.gone["positions"] == [Position("ETH/USD", 0.0)]
    assert view.tables["offers"] == view.tables["credits"] == {}
    assert view.tables["loans"][3202] == Contract(
        "USD", "provided", "unused", 400.0, 0.0004, 30.0, 1700000000.0
    )
    assert view.tables["totals"] == {"": Totals(81000.5, 80100.0)}


def test_recorded_session_counters(played: AccountState) -> None:
    """Each happening of the session counts once, though some were told twice."""
    tally = played.report(1000.0).tally
    assert {key: count for key, count in tally.fills.items() if count} == {("ETH/USD", "buy", "maker"): 1}
    assert tally.fees["USD"] == 0.5001
    assert tally.order_changes == {"new": 1, "partial": 1, "cancel": 1}
    assert tally.funding_trades["USD", "provided"] == 1
    assert tally.funding_volume["USD", "provided"] == 400.0
    assert tally.funding_closed["USD", "used"] == 1
    assert tally.notifications == {("wallet_transfer", "success"): 1}


@pytest.mark.parametrize(
    "trap", TRAPS, ids=[f"{number}-trap{trap['trap']}" for number, trap in enumerate(TRAPS)]
)
def test_trap(begin: Begin, trap: dict[str, Any]) -> None:
    """Each trap is counted under its name, with its fault if it has one, and ends what it must."""
    talk = begin()
    opening = '"auth"' in trap["text"]
    if opening:
        talk.open()
        talk.say({"event": "info", "version": 2})
    else:
        talk.run()
    heard, answers = talk.say(trap["text"].encode())
    kinds = [event.kind for event in heard.events if isinstance(event, Malformed)]
    ends = [answer.reason for answer in answers if isinstance(answer, Drop)]
    assert heard.message == trap["message"]
    assert kinds == trap["malformed"]
    assert ends == ([trap["ends"]] if trap["ends"] else [])


def test_every_trap_that_is_a_message_is_there() -> None:
    """The list of traps is complete: those missing are about requests, addresses or documents."""
    about_others = {1, 2, 3, 6, 25, 26, 32, 33}
    assert {trap["trap"] for trap in TRAPS} == set(range(1, 34)) - about_others
