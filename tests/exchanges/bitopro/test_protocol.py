"""One connection to a private stream of BitoPro: handshake, acceptance, refusals, pushes, deadlines."""

from __future__ import annotations

import hashlib
import hmac
import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.clock import Instant
from exporter.core.events import Balances, LoggedIn, Malformed, Refused, Snapshot
from exporter.exchanges.base import Conversation, Drop, Endpoints, Login, Retry, Tell, Wanted
from exporter.exchanges.bitopro import SPEC

START = Instant(100.0, 1_700_000_000.0)
COIN = {"currency": "BTC", "amount": "1", "available": "1", "stake": "0", "tradable": True}
BALANCE = {"event": "ACCOUNT_BALANCE", "timestamp": 1_700_000_000_500, "data": {"BTC": COIN}}


def later(seconds: float) -> Instant:
    """So many seconds after the connection stood."""
    return Instant(START.monotonic + seconds, START.wall + seconds)


def converse(stream: str = "balance", base: str = "wss://stream.example:9443/ws/v1/") -> Conversation:
    """A conversation whose connection does not stand yet."""
    login = Login(
        "key",
        lambda payload: hmac.new(b"secret", payload, hashlib.sha384).hexdigest(),
        count(1).__next__,
        "trader@example.com",
    )
    wanted = Wanted(Endpoints(base, "", ""), frozenset(SPEC.feeds))
    return SPEC.streams[stream].converse(login, wanted)


def opened(stream: str = "balance") -> Conversation:
    """A conversation whose connection stands."""
    talk = converse(stream)
    talk.handshake(START)
    assert talk.opened(START) == ()
    return talk


def say(talk: Conversation, message: Any, seconds: float = 0.5) -> tuple[Any, Any]:
    """Let it hear one message."""
    return talk.received(json.dumps(message).encode(), later(seconds))


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("balance", "pub/auth/account-balance"),
        ("orders", "pub/auth/orders"),
        ("trades", "pub/auth/user-trades"),
    ],
)
def test_each_stream_has_its_path_below_the_configured_base(stream: str, path: str) -> None:
    """Port and base are the configuration's, such as the old port."""
    assert converse(stream).handshake(START).url == f"wss://stream.example:9443/ws/v1/{path}"


def test_the_default_address_is_port_443() -> None:
    """Where nothing is configured, the current port is used."""
    assert SPEC.endpoints.stream == "wss://stream.bitopro.com:443/ws/v1"


def test_each_handshake_signs_anew() -> None:
    """A second attempt never repeats the nonce of the first."""
    talk = converse()
    first, second = talk.handshake(START), talk.handshake(START)
    assert first.headers["X-BITOPRO-PAYLOAD"] != second.headers["X-BITOPRO-PAYLOAD"]
    assert "secret" not in repr(first)
    assert "key" not in repr(first.headers).lower().replace("x-bitopro-apikey", "")


def test_the_first_push_is_acceptance_and_snapshot_in_one_step() -> None:
    """Who is told the account's data has been let in; the time of sending is known."""
    heard, answers = say(opened(), BALANCE)
    accepted, snapshot = heard.events
    assert accepted == LoggedIn(None, frozenset({"wallets"}))
    assert isinstance(snapshot, Snapshot)
    assert (heard.message, heard.is_data, heard.sent_at) == ("ACCOUNT_BALANCE", True, 1_700_000_000.5)
    assert answers == ()


def test_standing_for_two_seconds_is_acceptance() -> None:
    """Quiet accounts have nothing to tell: that nobody hung up is the answer."""
    talk = opened("trades")
    assert talk.tick(later(1.9)) == ()
    assert talk.tick(later(2.0)) == (Tell(LoggedIn(None, frozenset())),)
    assert talk.tick(later(2.5)) == ()
    assert talk.tick(later(100_000.0)) == ()


def test_a_close_before_acceptance_is_a_refusal() -> None:
    """An upgrade that is granted and closed at once turns the key down."""
    told, drop = opened().closed(later(0.1))
    assert isinstance(told, Tell)
    assert isinstance(told.event, Refused)
    assert isinstance(drop, Drop)
    assert drop.reason == "refused"


def test_a_close_after_acceptance_is_an_ordinary_one() -> None:
    """Once let in, a close says nothing of the key."""
    talk = opened()
    say(talk, BALANCE)
    assert talk.closed(later(0.6)) == ()
    standing = opened("trades")
    standing.tick(later(2.0))
    assert standing.closed(later(2.1)) == ()


def test_an_error_before_acceptance_is_a_refusal() -> None:
    """A text in place of the first push is the answer to the login."""
    heard, (drop,) = say(opened(), {"error": "Invalid Signature"})
    assert heard.message == "error"
    assert heard.events == (Refused("error", drop.sentence),)
    assert drop[:2] == ("refused", Retry.CREDENTIALS)


def test_an_error_after_acceptance_is_counted_and_ends_the_stream() -> None:
    """It is no word about the key any more."""
    talk = opened()
    say(talk, BALANCE)
    heard, (drop,) = say(talk, {"error": "oops"})
    assert (heard.message, heard.is_data, heard.events) == ("error", False, ())
    assert drop[:2] == ("other", Retry.SOON)


def test_without_a_first_push_the_stream_is_given_up() -> None:
    """A minute after acceptance the whole must have come; the sentence says what is missing."""
    talk = opened("orders")
    talk.tick(later(2.0))
    assert talk.tick(later(61.0)) == ()
    (drop,) = talk.tick(later(62.0))
    assert drop == Drop("sync_timeout", Retry.SOON, "no snapshot of orders came within 60 s of the login")


def test_hours_without_a_push_are_normal() -> None:
    """After the first push no silence of the account ends anything."""
    talk = opened()
    say(talk, BALANCE)
    assert talk.tick(later(3600.0 * 12)) == ()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{", "json"),
        (b"\xff", "json"),
        (b'{"event":"ACCOUNT_BALANCE","data":{"BTC":{"amount":"x"}}}', "number"),
        (b'{"event":"ACCOUNT_BALANCE"}', "payload"),
    ],
)
def test_an_unreadable_first_push_is_never_followed_by_a_part_taken_for_the_whole(
    data: bytes, kind: str
) -> None:
    """What comes next may be only a change: it is not shown, and the stream begins again."""
    talk = opened()
    heard, answers = talk.received(data, later(0.1))
    assert (heard.events, answers) == ((Malformed(kind),), ())
    assert say(talk, BALANCE, 0.2)[0].events == ()
    (drop,) = talk.tick(later(0.5))
    assert isinstance(drop, Drop)
    assert (drop.reason, drop.sentence) == (
        "protocol",
        f"the first message of pub/auth/account-balance could not be read ({kind})",
    )


def test_an_unreadable_later_push_changes_nothing() -> None:
    """It is counted, and the next one is merged as ever."""
    talk = opened()
    say(talk, BALANCE)
    heard, answers = talk.received(b'{"event":"ACCOUNT_BALANCE","data":[]}', later(1.0))
    assert (heard.message, heard.events, answers) == ("ACCOUNT_BALANCE", (Malformed("payload"),), ())
    assert isinstance(say(talk, BALANCE)[0].events[0], Balances)
    assert talk.tick(later(2.0)) == ()


@pytest.mark.parametrize(
    ("stream", "event", "kind"),
    [
        ("orders", "RECENT_HISTORY_ORDERS", "RECENT_HISTORY_ORDERS"),
        ("balance", "RECENT_HISTORY_ORDERS", "other"),
        ("balance", "ACTIVE_ORDERS", "other"),
        ("orders", "TICKER", "other"),
    ],
)
def test_foreign_events_are_counted_and_mean_nothing(stream: str, event: str, kind: str) -> None:
    """A push of another stream, of the public ones or of the future tells the account nothing."""
    heard, answers = say(opened(stream), {"event": event, "timestamp": 1_700_000_000_000, "data": {}})
    assert (heard.message, heard.is_data, heard.events, answers) == (kind, False, (), ())


@pytest.mark.parametrize("data", [b"[]", b"5", b'"x"', b"null", b"{}", b'{"event":5}'])
def test_json_that_is_no_push_is_a_frame_error(data: bytes) -> None:
    """Arrays, bare values and objects without an event are counted as such."""
    heard, answers = opened().received(data, later(0.1))
    assert (heard.events, answers) == ((Malformed("frame"),), ())


def test_resuming_counts_as_accepted() -> None:
    """A recording begins after the login: its first message is the whole."""
    talk = converse()
    assert talk.resume(START) == LoggedIn(None, frozenset({"wallets"}))
    assert [type(event) for event in say(talk, BALANCE)[0].events] == [Snapshot]


@pytest.mark.parametrize(
    ("data", "stream"),
    [
        (b'{"event":"ACCOUNT_BALANCE"}', "balance"),
        (b'{"event":"ACTIVE_ORDERS"}', "orders"),
        (b'{"event":"RECENT_HISTORY_ORDERS"}', "orders"),
        (b'{"event":"USER_TRADE"}', "trades"),
        (b'{"event":"USER_TRADE", oops', "trades"),
        (b'{"event":"TICKER"}', "balance"),
        (b"[]", "balance"),
        (b"{", "balance"),
    ],
)
def test_a_bare_message_is_laid_to_its_stream(data: bytes, stream: str) -> None:
    """By its event, also where the rest of it cannot be read."""
    assert SPEC.stream_of(data) == stream


@settings(max_examples=200)
@given(
    stream=st.sampled_from(sorted(SPEC.streams)),
    messages=st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.builds(
                lambda event, data: json.dumps({"event": event, "data": data}).encode(),
                st.sampled_from(["ACCOUNT_BALANCE", "ACTIVE_ORDERS", "USER_TRADE", "X"]),
                st.recursive(
                    st.one_of(st.none(), st.text(max_size=5), st.integers(), st.just("1"), st.booleans()),
                    lambda inner: st.one_of(
                        st.lists(inner, max_size=3),
                        st.dictionaries(
                            st.sampled_from(["id", "pair", "amount", "action", "status", "BTC", "eth_twd"]),
                            inner,
                            max_size=4,
                        ),
                    ),
                    max_leaves=10,
                ),
            ),
        ),
        max_size=6,
    ),
)
def test_nothing_that_is_heard_raises(stream: str, messages: list[bytes]) -> None:
    """Whatever comes is understood or counted, with a message kind of the closed set."""
    talk = opened(stream)
    for message in messages:
        heard, _ = talk.received(message, later(0.5))
        assert heard.message in SPEC.streams[stream].messages
        talk.tick(later(0.6))
