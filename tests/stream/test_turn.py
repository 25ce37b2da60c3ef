"""The order of nonces among everything that uses a key."""

from __future__ import annotations

import threading

import pytest

from exporter.exchanges.base import Nonces
from exporter.stream.turn import KeyTurn


@pytest.fixture(name="turn")
def _turn() -> KeyTurn:
    return KeyTurn(Nonces(lambda: 1000.0, 1.0))


def never() -> bool:
    """Nobody stops."""
    return False


def test_nonces_rise_though_the_clock_stands(turn: KeyTurn) -> None:
    """Each nonce is larger than the one before, whatever the clock says."""
    assert [turn.nonce() for _ in range(3)] == [1000, 1001, 1002]


def test_nonces_rise_over_threads(turn: KeyTurn) -> None:
    """Threads that ask at once get numbers that never repeat."""
    taken: list[int] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(turn.nonce() for _ in range(200))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(taken)) == 800


def test_a_read_makes_no_nonce_while_a_login_is_under_way(turn: KeyTurn) -> None:
    """A request of the same key is not even signed until the login was answered."""
    who = object()
    assert turn.begin_login(who, seconds=1.0, stopping=never)

    assert turn.read(turn.nonce, seconds=0.0, stopping=never) is None
    turn.end_login(who)
    assert turn.read(turn.nonce, seconds=0.0, stopping=never) == 1000


def test_a_read_that_waits_goes_on_when_the_login_is_answered(turn: KeyTurn) -> None:
    """A waiting request wakes with the answer of the login and then takes the larger nonce."""
    who = object()
    turn.begin_login(who, seconds=1.0, stopping=never)
    login_nonce = turn.nonce()
    got: list[int | None] = []
    waiting = threading.Event()

    def stopping() -> bool:
        waiting.set()
        return False

    thread = threading.Thread(
        target=lambda: got.append(turn.read(turn.nonce, seconds=30.0, stopping=stopping))
    )
    thread.start()
    assert waiting.wait(10.0)
    assert got == []
    turn.end_login(who)
    thread.join(10.0)

    assert got == [login_nonce + 1]


def test_logins_of_one_key_come_one_after_the_other(turn: KeyTurn) -> None:
    """A second login waits for the first; when its patience ends it goes on all the same."""
    first, second = object(), object()
    turn.begin_login(first, seconds=1.0, stopping=never)

    assert not turn.begin_login(second, seconds=0.0, stopping=never)
    turn.end_login(first)  # no longer the holder: changes nothing
    assert turn.read(turn.nonce, seconds=0.0, stopping=never) is None
    turn.end_login(second)
    assert turn.begin_login(first, seconds=0.0, stopping=never)


def test_stopping_ends_the_wait(turn: KeyTurn) -> None:
    """Who stops does not wait for a turn."""
    turn.begin_login(object(), seconds=1.0, stopping=never)

    assert turn.read(turn.nonce, seconds=60.0, stopping=lambda: True) is None
