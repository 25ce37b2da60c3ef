"""The dialogue: greeting, login, snapshots, heartbeats, questions, maintenance, loss."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from exporter.core.events import Gap, LoggedIn, Malformed, Platform, Refused, Snapshot, Upsert
from exporter.core.model import SNAPSHOT_TABLES
from exporter.exchanges.base import Drop, Retry, Send
from exporter.exchanges.bitfinex import SPEC
from exporter.exchanges.bitfinex.protocol import BitfinexConversation

Begin = Callable[..., Any]
Build = dict[str, Callable[..., list[Any]]]
TS: Final = 1700000015000
GREETING: Final = {"event": "info", "version": 2, "serverId": "x", "platform": {"status": 1}}
ACCEPTED: Final = {"event": "auth", "status": "OK", "chanId": 0, "userId": 4711}
ERROR_ROW: Final = [None, "ou-req", None, None, None, None, "ERROR", "x"]


def sends(answers: list[Any]) -> list[Any]:
    """What is sent, as JSON; nothing else may be among the answers."""
    assert all(isinstance(answer, Send) for answer in answers)
    return [json.loads(answer.text) for answer in answers]


def test_connects_to_the_stream_endpoint_without_headers(begin: Begin) -> None:
    """The login is a message, so the handshake carries nothing."""
    talk = begin()
    assert talk.conversation.handshake(talk.now) == ("ws://127.0.0.1:1/ws/2", {})


def test_waits_for_the_greeting_then_logs_in(begin: Begin) -> None:
    """The venue speaks first; then come the flags and the login, and nothing else."""
    talk = begin()
    assert talk.open() == []
    heard, answers = talk.say(GREETING)
    assert list(heard.events) == [Platform(operative=True)]
    conf, login = sends(answers)
    assert conf == {"event": "conf", "flags": 32768 + 65536}
    assert login["event"] == "auth"
    assert "dms" not in login
    assert talk.say(GREETING)[1] == []


@pytest.mark.parametrize(
    "greeting",
    [{"event": "info", "version": 2}, {"event": "info", "version": "2", "platform": None}],
)
def test_old_greetings_will_do(begin: Begin, greeting: dict[str, Any]) -> None:
    """A greeting without platform or server id is followed by the login, and says nothing of the platform."""
    talk = begin()
    talk.open()
    heard, answers = talk.say(greeting)
    assert heard.events == ()
    assert len(sends(answers)) == 2


def test_silent_venue_is_logged_in_to_after_a_while(begin: Begin) -> None:
    """Without a greeting the login goes out after three seconds, once."""
    talk = begin()
    talk.open()
    assert talk.wait(2.9) == []
    assert [message["event"] for message in sends(talk.wait(0.1))] == ["conf", "auth"]
    assert talk.wait(0.5) == []


def test_another_version_is_not_spoken(begin: Begin) -> None:
    """A venue of another version is left alone for a long while, and the key is not blamed."""
    talk = begin()
    talk.open()
    drop = talk.drop({"event": "info", "version": 3})
    assert drop == Drop(
        "protocol", Retry.LATER, "the venue speaks another version of the protocol (expected 2)", 600.0
    )
    assert talk.sent == []


def test_venue_in_maintenance_is_not_logged_in_to(begin: Begin) -> None:
    """Platform status 0 is maintenance: no login, no key is used up, and a later try."""
    talk = begin()
    talk.open()
    heard, (drop,) = talk.say({**GREETING, "platform": {"status": 0}})
    assert list(heard.events) == [Platform(operative=False)]
    assert (drop.reason, drop.retry, drop.after) == ("maintenance", Retry.LATER, 30.0)
    assert talk.sent == []


def test_login_must_be_answered(begin: Begin) -> None:
    """A login without an answer within its time ends the connection."""
    talk = begin(login_timeout=10.0)
    talk.open()
    talk.say(GREETING)
    assert talk.wait(9.9) == []
    (drop,) = talk.wait(0.1)
    assert drop == Drop("login_timeout", Retry.SOON, "the login was not answered in time")
    assert talk.wait(1.0) == []


def test_accepted_login_expects_every_snapshot(begin: Begin) -> None:
    """After the login every table of the wanted feeds must come."""
    talk = begin()
    talk.open()
    events = talk.events(ACCEPTED)
    assert events == [LoggedIn(None, frozenset(SNAPSHOT_TABLES)), Platform(operative=True)]


@pytest.mark.parametrize(
    ("feeds", "tables"),
    [
        ({"wallets"}, {"wallets"}),
        ({"trades", "notifications", "balance", "margin"}, set()),
        ({"funding", "orders"}, {"orders", "offers", "credits", "loans"}),
    ],
)
def test_feeds_that_are_not_wanted_owe_nothing(begin: Begin, feeds: set[str], tables: set[str]) -> None:
    """Only tables of wanted feeds are waited for."""
    talk = begin(feeds=frozenset(feeds))
    talk.open()
    assert talk.events(ACCEPTED)[0] == LoggedIn(None, frozenset(tables))  # type: ignore[arg-type]


def test_tables_that_the_key_may_not_read_owe_nothing(begin: Begin) -> None:
    """A table behind a scope that the key lacks is not waited for."""
    caps = {name: {"read": int(name != "funding"), "write": 0} for name in SPEC.scopes if name != "other"}
    talk = begin()
    talk.open()
    (accepted, _) = talk.events({**ACCEPTED, "caps": caps})
    assert accepted.expected == {"wallets", "orders", "positions"}
    assert accepted.permissions["funding", "read"] is False


@pytest.mark.parametrize("caps", ["{broken", '{"orders":{"read":1,"write":0},x: 1}', {}, None, 5])
def test_unreadable_scopes_do_not_fail_a_login(begin: Begin, caps: object) -> None:
    """Scopes in whatever form never make a login fail."""
    talk = begin()
    talk.open()
    assert talk.events({**ACCEPTED, "caps": caps})[0] == LoggedIn(None, frozenset(SNAPSHOT_TABLES))


def test_too_powerful_key_is_dropped_and_its_scopes_told(begin: Begin) -> None:
    """A key that may withdraw is dropped by us, and what it may do is told all the same."""
    talk = begin()
    talk.open()
    caps = {"withdraw": {"read": 0, "write": 1}}
    heard, (drop,) = talk.say({**ACCEPTED, "caps": caps})
    accepted, refused = heard.events
    assert isinstance(accepted, LoggedIn)
    assert accepted.permissions is not None
    assert accepted.permissions["withdraw", "write"]
    assert isinstance(refused, Refused)
    assert refused.code == "withdraw_scope"
    assert (drop.reason, drop.retry) == ("refused", Retry.CREDENTIALS)
    assert talk.wait(60.0) == []


@pytest.mark.parametrize("status", ["FAILED", "FAIL", "OKAY", "", None, 0])
@pytest.mark.parametrize("code", [10100, "10100"])
def test_any_status_but_ok_is_a_failure(begin: Begin, status: object, code: object) -> None:
    """Whatever the word for failure, and the code in quotes or not, the login failed."""
    talk = begin()
    talk.open()
    talk.say(GREETING)
    heard, (drop,) = talk.say({"event": "auth", "status": status, "code": code, "msg": "apikey: invalid"})
    assert [event.code for event in heard.events] == ["10100"]
    assert drop.retry is Retry.CREDENTIALS


def test_failure_may_come_as_an_error(begin: Begin) -> None:
    """An error in answer to the login is its failure; maintenance is a state of the venue."""
    talk = begin()
    talk.open()
    talk.say(GREETING)
    heard, (drop,) = talk.say({"event": "error", "code": 20060, "msg": "maintenance"})
    assert list(heard.events) == [Platform(operative=False)]
    assert drop.reason == "maintenance"


def test_error_about_the_flags_is_lived_with(begin: Begin) -> None:
    """Refused flags cost the numbers, not the connection."""
    talk = begin()
    talk.open()
    talk.say(GREETING)
    assert talk.say({"event": "conf", "status": "FAILED", "code": 10050})[1] == []
    assert talk.say({"event": "error", "code": 10050, "msg": "conf"})[1] == []
    talk.say(ACCEPTED)
    heard, answers = talk.say([0, "ws", []])
    assert list(heard.events) == [Snapshot("wallets", {})]
    assert answers == []


def test_error_while_running_is_only_counted(running: Any) -> None:
    """An error in a running connection ends nothing."""
    heard, answers = running.say({"event": "error", "code": 10100, "msg": "x"})
    assert (heard.message, list(heard.events), answers) == ("error", [], [])


def test_complaint_about_questions_silences_them(running: Any) -> None:
    """Error 10008 makes a pause of half a minute without questions."""
    running.say({"event": "error", "code": 10008, "msg": "calc: too many"})
    assert [running.wait(1.0) for _ in range(15)] == [[]] * 15
    assert sends(running.wait(15.0))[-1][1] == "calc"


def test_snapshots_must_come(begin: Begin) -> None:
    """Snapshots that do not come within 15 seconds end the connection, named, with a way out."""
    talk = begin()
    talk.log_in()
    for kind in ("ps", "ws", "os", "fos"):
        talk.say([0, kind, []])
    assert talk.wait(14.9) == []
    (drop,) = talk.wait(0.1)
    assert (drop.reason, drop.retry) == ("sync_timeout", Retry.SOON)
    assert drop.sentence == (
        "no snapshot of credits, loans came after the login; if the key may not read them, "
        "leave them out of the account's streams"
    )


def test_unreadable_snapshot_is_still_missing(begin: Begin) -> None:
    """A snapshot that could not be read has not come."""
    talk = begin(feeds=frozenset({"wallets"}))
    talk.log_in()
    assert talk.events([0, "ws", [["exchange"]]]) == [Malformed("payload")]
    (drop,) = talk.wait(15.0)
    assert drop.reason == "sync_timeout"


def test_nothing_is_asked_before_the_snapshots_are_there(begin: Begin) -> None:
    """Questions begin when every snapshot has come: `calc` is the only input, one message a second."""
    talk = begin()
    talk.log_in()
    assert talk.wait(1.0) == []
    for kind in ("ps", "ws", "os", "fos", "fcs", "fls"):
        talk.say([0, kind, []])
    (calc,) = sends(talk.wait(1.0))
    assert calc == [0, "calc", None, [["balance"], ["margin_base"]]]
    assert talk.wait(0.5) == []


def test_wallet_with_null_is_asked_for(running: Any, build: Build) -> None:
    """What is null in a row that came is asked for."""
    running.wait(1.0)
    running.say([0, "wu", build["wallet"]()])
    (calc,) = sends(running.wait(1.0))
    assert calc == [0, "calc", None, [["wallet_exchange_ETH"]]]


def test_ping_after_twenty_seconds_of_silence(begin: Begin) -> None:
    """A silent venue is pinged once in twenty seconds; anything heard puts it off."""
    talk = begin(feeds=frozenset({"orders"}))
    talk.log_in()
    talk.say([0, "os", []])
    assert talk.wait(19.9) == []
    assert sends(talk.wait(0.1)) == [{"event": "ping", "cid": 1}]
    assert talk.wait(10.0) == []
    heard, answers = talk.say({"event": "pong", "ts": 1700000000123})
    assert (heard.message, heard.is_data, answers) == ("pong", False, [])
    assert talk.wait(19.0) == []
    assert len(sends(talk.wait(1.0))) == 1


def test_heartbeat_is_life_and_no_data(running: Any) -> None:
    """A heartbeat is no fact of the account, and tells when it was sent."""
    heard, answers = running.say([0, "hb", 181, TS])
    assert (heard.message, heard.is_data, list(heard.events), answers) == ("hb", False, [], [])
    assert heard.sent_at == TS / 1000


def test_data_tells_when_it_was_sent(running: Any, build: Build) -> None:
    """A payload is a fact of the account, with the venue's time."""
    heard, _ = running.say([0, "wu", build["wallet"](), 5, 1, TS])
    assert (heard.message, heard.is_data, heard.sent_at) == ("wu", True, TS / 1000)


def test_frames_of_unwanted_feeds_are_counted_and_dropped(begin: Begin, build: Build) -> None:
    """What a broad filter word brings beyond the wanted feeds is heard, and changes nothing."""
    talk = begin(feeds=frozenset({"orders"}))
    talk.log_in()
    heard, _ = talk.say([0, "tu", build["fill"]()])
    assert (heard.message, list(heard.events)) == ("tu", [])


@pytest.mark.parametrize(
    "frame",
    [
        [0, "bsts", [1]],
        [0, "future", {"a": 1}, 1, 2, TS],
        [17, "te", [1, 2]],
        [0, "subscribed"],
        ["0", "wu", []],
    ],
)
def test_unknown_types_and_channels_are_counted(running: Any, frame: list[Any]) -> None:
    """A type of the future or another channel is counted as other, and is no fault."""
    heard, answers = running.say(frame)
    assert (heard.message, list(heard.events), answers) == ("other", [], [])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "json"),
        (b"no json", "json"),
        (b'[0,"wu"', "json"),
        (b"\xff\xfe", "json"),
        (b'["\xed\xa0\x80"]', "json"),
        (b"[" * 5000 + b"]" * 5000, "json"),
        (b"null", "frame"),
        (b"5", "frame"),
        (b'"text"', "frame"),
        (b"[]", "frame"),
        (b"[0]", "frame"),
        (b"[0,5,[]]", "frame"),
        (b"{}", "frame"),
        (b'{"event":[]}', "frame"),
        (b'{"error":"ERR_RATE_LIMIT"}', "frame"),
    ],
)
def test_what_is_no_message_is_counted_by_kind(running: Any, data: bytes, kind: str) -> None:
    """Garbage is counted by kind, answers nothing and ends nothing."""
    heard, answers = running.say(data)
    assert (heard.message, heard.is_data, list(heard.events), answers) == (
        "other",
        False,
        [Malformed(kind)],
        [],
    )


@pytest.mark.parametrize("index", [1, 6])
def test_deep_nesting_in_a_notification_is_harmless(running: Any, build: Build, index: int) -> None:
    """A subject or status nested a thousand deep is no text, and breaks nothing."""
    text = json.dumps([0, "n", build["notification"]({index: "DEEP"})])
    heard, _ = running.say(text.replace('"DEEP"', "[" * 1000 + "]" * 1000).encode())
    assert heard.message == "n"


def test_unreadable_payload_is_counted_under_its_type(running: Any) -> None:
    """A known message that could not be read keeps its name, and is no data."""
    heard, answers = running.say([0, "wu", ["exchange", "USD", "much"]])
    assert (heard.message, heard.is_data, list(heard.events)) == ("wu", False, [Malformed("number")])
    assert answers == []


def test_unknown_event_is_counted(running: Any) -> None:
    """An event of the future is counted as other."""
    heard, answers = running.say({"event": "future"})
    assert (heard.message, list(heard.events), answers) == ("other", [], [])


# -- maintenance and restart ------------------------------------------------------------------------


def test_maintenance_silences_us_and_its_end_starts_afresh(running: Any, build: Build) -> None:
    """In maintenance nothing is sent and the connection is kept; its end drops everything."""
    heard, answers = running.say({"event": "info", "code": 20060, "msg": "x"})
    assert (list(heard.events), answers) == ([Platform(operative=False)], [])
    running.say([0, "wu", build["wallet"]()])
    assert [running.wait(10.0) for _ in range(6)] == [[]] * 6
    heard, (drop,) = running.say({"event": "info", "code": 20061, "msg": "x"})
    assert list(heard.events) == [Platform(operative=True)]
    assert (drop.reason, drop.retry) == ("maintenance", Retry.SOON)


def test_maintenance_before_the_login_keeps_us_quiet(begin: Begin) -> None:
    """Maintenance that is told before the greeting holds the login back."""
    talk = begin()
    talk.open()
    talk.say({"event": "info", "code": 20060})
    assert talk.wait(30.0) == []


def test_maintenance_without_an_end_is_looked_after(running: Any) -> None:
    """Where the word of its end never comes, the connection is opened anew after a quarter of an hour."""
    running.say({"event": "info", "code": 20060, "msg": "x"})
    assert running.wait(600.0) == []
    running.say({"event": "info", "code": 20060, "msg": "x"})
    assert running.wait(299.0) == []
    (drop,) = running.wait(1.0)
    assert (drop.reason, drop.retry) == ("maintenance", Retry.SOON)


def test_login_does_not_end_maintenance(begin: Begin) -> None:
    """Maintenance that is told between login and answer goes on after the answer."""
    talk = begin()
    talk.open()
    talk.say(GREETING)
    talk.say({"event": "info", "code": 20060})
    assert [type(event) for event in talk.events(ACCEPTED)] == [LoggedIn]


def test_restart_is_an_ordinary_reconnect(running: Any) -> None:
    """Code 20051 ends the connection with backoff."""
    drop = running.drop({"event": "info", "code": "20051", "msg": "x"})
    assert drop == Drop("restart", Retry.SOON, "the venue restarts (code 20051)")


@pytest.mark.parametrize(
    "message", [{"code": 5000, "msg": "x"}, {"code": 99999}, {"msg": "x"}, {"code": None}]
)
def test_other_information_has_no_consequence(running: Any, message: dict[str, Any]) -> None:
    """Plain information and unknown codes are counted, no more."""
    heard, answers = running.say({"event": "info", **message})
    assert (heard.message, list(heard.events), answers) == ("info", [], [])


# -- loss ---------------------------------------------------------------------------------------------


def test_gap_asks_for_a_resync_and_keeps_the_frame(running: Any, build: Build) -> None:
    """A lost frame is told together with what came, and asks for a new connection."""
    running.say([0, "hb", 7, TS])
    heard, (drop,) = running.say([0, "wu", build["wallet"](), 9, 1, TS])
    assert isinstance(heard.events[0], Upsert)
    assert heard.events[1] == Gap("public")
    assert drop == Drop("gap", Retry.RESYNC, "messages were lost: gap in the public sequence")


def test_gap_shows_at_any_frame(running: Any, build: Build) -> None:
    """A heartbeat, an unknown type and an unreadable payload show a gap as well."""
    running.say([0, "hb", 1, TS])
    for number, frame in enumerate(([0, "hb"], [0, "future", []], [0, "wu", 5]), start=1):
        heard, _ = running.say([*frame, number * 10, *([0] if frame[1] != "hb" else []), TS])
        assert heard.events[-1] == Gap("public")


def test_account_gap_is_a_gap(running: Any, build: Build) -> None:
    """A jump of the account number alone is a loss too."""
    running.say([0, "wu", build["wallet"](), 7, 3, TS])
    heard, (drop,) = running.say([0, "wu", build["wallet"](), 8, 5, TS])
    assert heard.events[-1] == Gap("account")
    assert drop.retry is Retry.RESYNC


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(
    "row",
    [
        [TS, "on-req", None, None, None, None, "SUCCESS", "x"],
        ERROR_ROW,
        [TS, "uca", 1, None, None, 1, "FAILURE"],
    ],
)
def test_known_false_alarms_are_none(running: Any, build: Build, row: list[Any], *, counted: bool) -> None:
    """Answers to requests and error notifications may have taken a number or not: neither is a gap."""
    running.say([0, "wu", build["wallet"](), 7, 3, TS])
    for trailers in ([3, TS], [8, 99, TS], []):
        assert running.say([0, "n", row, *trailers])[1] == []
    public = 8 + 3 * counted
    assert running.say([0, "wu", build["wallet"](), public, 3, TS])[1] == []
    assert running.say([0, "hb", public + 1, TS])[1] == []


def test_transfer_notification_is_no_gap(running: Any, build: Build) -> None:
    """A plain notification takes a public number, and its account number is not looked at."""
    running.say([0, "wu", build["wallet"](), 7, 3, TS])
    assert running.say([0, "n", build["notification"]({1: "wallet_transfer"}), 8, 77, TS])[1] == []
    assert running.say([0, "wu", build["wallet"](), 9, 4, TS])[1] == []
    assert isinstance(running.drop([0, "n", build["notification"]({1: "wallet_transfer"}), 11, 5, TS]), Drop)


def test_frame_without_a_type_may_have_taken_a_number(running: Any) -> None:
    """A list that is no frame is counted as malformed, and the number it may have taken is no gap."""
    running.say([0, "hb", 7, TS])
    running.say([17, [1, 2], 8, TS])
    assert running.say([0, "hb", 9, TS])[1] == []


# -- recorded messages, secrets -----------------------------------------------------------------------


def test_resuming_takes_the_login_as_accepted(begin: Begin) -> None:
    """Recorded messages that begin after the login are read without one."""
    talk = begin()
    accepted = talk.conversation.resume(talk.now)
    assert accepted == LoggedIn(None, frozenset(SNAPSHOT_TABLES))
    assert talk.events([0, "ws", []]) == [Snapshot("wallets", {})]
    assert talk.sent == []


@pytest.mark.parametrize(
    ("status", "reason", "retry", "after"),
    [
        (429, "rate_limit", Retry.LATER, 60.0),
        (503, "remote_close", Retry.SOON, 0.0),
        (403, "remote_close", Retry.LATER, 60.0),
    ],
)
def test_rejected_upgrade(begin: Begin, status: int, reason: str, retry: Retry, after: float) -> None:
    """An HTTP answer in place of the upgrade is never the key's fault; 429 waits a minute."""
    drop = begin().conversation.rejected(status)
    assert (drop.reason, drop.retry, drop.after) == (reason, retry, after)
    assert f"HTTP {status}" in drop.sentence


def test_closed_connection_is_an_ending_like_any_other(running: Any) -> None:
    """That the venue closes says nothing of the key: every login is answered by a message."""
    assert list(running.conversation.closed(running.now)) == []


def test_conversation_shows_no_secret(begin: Begin) -> None:
    """Neither the conversation nor anything it says but the login holds the key."""
    talk = begin()
    talk.run()
    for _ in range(120):
        talk.wait(1.0)
    others = [text for text in talk.sent if '"auth"' not in text]
    assert len(others) == len(talk.sent) - 1
    assert "made-up" not in repr(talk.conversation) + "".join(others)


def test_only_conf_login_ping_and_calc_are_ever_sent(begin: Begin, build: Build) -> None:
    """Through a whole life nothing is sent but settings, login, pings and `calc`."""
    talk = begin(margin_symbols=("BTC/USD",))
    talk.run()
    for second in range(300):
        if second % 50 == 0:
            talk.say([0, "wu", build["wallet"]()])
            talk.say([0, "pn", build["position"]()])
        talk.wait(1.0)
    verbs = {
        message["event"] if isinstance(message, dict) else message[1]
        for message in map(json.loads, talk.sent)
    }
    assert verbs == {"conf", "auth", "ping", "calc"}


def test_spec_makes_this_conversation() -> None:
    """The exchange is known by this conversation, with microsecond nonces."""
    assert SPEC.streams["account"].converse is BitfinexConversation
    assert SPEC.nonce_scale == 1e6
    assert SPEC.stream_of(b'[0,"hb"]') == "account"
