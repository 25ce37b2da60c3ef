"""Every trouble that a test, or the demo's script, can make the simulated Bitfinex have."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from typing import Any

import pytest

from exporter.demo.accounts import ACCOUNTS
from exporter.exchanges.bitfinex.simulator import Outgoing, Simulator
from exporter.exchanges.bitfinex.venue import CloseFrame, Venue, demo_venue

START = 1_700_000_000.0


@pytest.fixture
def venue() -> Venue:
    """A venue without scripted incidents."""
    rng = random.Random(1)  # noqa: S311 - the seed is the point, not secrecy
    return demo_venue(rng, origin=START, script=())


def decode(said: list[Outgoing]) -> list[Any]:
    """Texts as JSON values; the end of a connection as it is."""
    return [json.loads(text) if isinstance(text, str) else text for text in said]


def connect(venue: Venue, now: float = START) -> tuple[Simulator, list[Any]]:
    """A new connection with sequence numbers, logged in as the first demo account, and what it heard."""
    simulator = Simulator(venue)
    heard = simulator.opened(now)
    heard += simulator.received('{"event":"conf","flags":98304}', now)
    nonce = max(venue.nonces.values(), default=0) + 1
    payload = f"AUTH{nonce}"
    signature = hmac.new(ACCOUNTS[0].api_secret.encode(), payload.encode(), hashlib.sha384).hexdigest()
    message = {"event": "auth", "apiKey": ACCOUNTS[0].api_key, "authNonce": nonce, "authPayload": payload}
    heard += simulator.received(json.dumps({**message, "authSig": signature}), now)
    return simulator, decode(heard)


def listen(simulator: Simulator, since: float, until: float) -> list[Any]:
    """What a connection hears between two times after the start."""
    heard: list[Any] = []
    for quarter in range(int(since * 4) + 1, int(until * 4) + 1):
        heard += decode(simulator.tick(START + quarter / 4))
    return heard


def answer_to_login(heard: list[Any]) -> dict[str, Any]:
    """The auth event among what was heard."""
    answer: dict[str, Any] = next(m for m in heard if isinstance(m, dict) and m["event"] == "auth")
    return answer


def kinds(heard: list[Any]) -> list[str]:
    """Types of the array frames."""
    return [frame[1] for frame in heard if isinstance(frame, list)]


@pytest.mark.parametrize("key", ["*", "demo-main-key"])
def test_a_refused_key_gets_the_code_and_text_of_the_test(venue: Venue, key: str) -> None:
    """A refusal holds for its key, or for all, until it is taken back."""
    venue.faults.refusals[key] = (11000, "not ready")
    answer = answer_to_login(connect(venue)[1])
    assert answer == {"event": "auth", "status": "FAILED", "chanId": 0, "code": 11000, "msg": "not ready"}
    venue.faults.refusals.clear()
    assert answer_to_login(connect(venue)[1])["status"] == "OK"


def test_caps_come_in_every_form_seen_in_the_wild(venue: Venue) -> None:
    """Scopes are an object, text, text with quoted flags, text that no parser takes, or absent."""
    forms: dict[str, Any] = {}
    for form in ("object", "text", "quoted", "broken", "absent"):
        venue.faults.caps = form
        forms[form] = answer_to_login(connect(venue)[1]).get("caps")
    assert forms["object"]["wallets"] == {"read": 1, "write": 0}
    assert json.loads(forms["text"]) == forms["object"]
    assert json.loads(forms["quoted"])["orders"] == {"read": "1", "write": "0"}
    with pytest.raises(json.JSONDecodeError):
        json.loads(forms["broken"])
    assert forms["absent"] is None
    venue.faults.caps = "sideways"
    with pytest.raises(ValueError, match="use object, text, quoted, broken or absent"):
        connect(venue)


def test_a_stalled_server_is_silent_and_then_says_it_all(venue: Venue) -> None:
    """Nothing is sent while stalled, not even a pong; afterwards it comes, numbered without a gap."""
    simulator, heard = connect(venue)
    last = heard[-1][3]
    venue.faults.stalled = True
    assert simulator.received('{"event":"ping"}', START) == []
    assert listen(simulator, 0, 60) == []
    venue.faults.stalled = False
    late = decode(simulator.tick(START + 60.25))
    assert late[0]["event"] == "pong"
    numbered = [f[3] for f in late[1:] if f[1] != "hb" and not (f[1] == "n" and f[2][1].endswith("-req"))]
    assert numbered == list(range(last + 1, last + 1 + len(numbered)))


@pytest.mark.parametrize("code", [None, 1012, 1006])
def test_a_dropped_connection_says_nothing_more_and_is_forgotten(venue: Venue, code: int | None) -> None:
    """The close is the last that is heard, whatever happens or is asked afterwards."""
    simulator, _ = connect(venue)
    venue.drop(code=code)
    venue.say("too late")
    assert simulator.tick(START)[-1] == CloseFrame(code)
    assert simulator.tick(START + 60) == []
    assert simulator.received('{"event":"ping"}', START + 61) == []
    assert venue.connections == 0


def test_only_the_named_account_is_dropped(venue: Venue) -> None:
    """A fault for another account leaves this one alone."""
    simulator, _ = connect(venue)
    venue.drop("demo-lender")
    assert CloseFrame(None) not in simulator.tick(START)


def test_lost_frames_leave_a_gap_in_the_numbers(venue: Venue) -> None:
    """A lost frame has its number and is never heard."""
    simulator, heard = connect(venue)
    venue.lose(2)
    first = next(f for f in listen(simulator, 0, 30) if f[1] != "hb" and len(f) == 6)
    assert first[3] == heard[-1][3] + 3


def test_garbage_is_sent_as_it_stands(venue: Venue) -> None:
    """Any text can be put on the wire."""
    simulator, _ = connect(venue)
    venue.say('[0,"wu",[')
    assert '[0,"wu",[' in simulator.tick(START)


def test_a_withheld_snapshot_never_comes_and_the_others_do(venue: Venue) -> None:
    """Each snapshot and the first wave can be left out."""
    venue.faults.withheld = {"os", "fls"}
    venue.faults.first_wave = False
    assert kinds(connect(venue)[1]) == ["ps", "ws", "fos", "fcs"]


def test_maintenance_is_announced_greeted_and_ended(venue: Venue) -> None:
    """20060 begins it, new connections are greeted with status 0, 20061 ends it; twice is once."""
    simulator, _ = connect(venue)
    venue.maintain(on=True)
    venue.maintain(on=True)
    assert [message["code"] for message in decode(simulator.tick(START))] == [20060]
    assert connect(venue)[1][0]["platform"] == {"status": 0}
    venue.maintain(on=False)
    assert [message["code"] for message in decode(simulator.tick(START))] == [20061]
    assert connect(venue)[1][0]["platform"] == {"status": 1}


def test_calc_during_maintenance_is_noted_once_everybody_knows(venue: Venue) -> None:
    """A request that crosses the announcement is forgiven, a later one is a violation without an answer."""
    simulator, _ = connect(venue)
    request = '[0,"calc",null,[["balance"]]]'
    venue.maintain(on=True)
    assert kinds(decode(simulator.received(request, START + 0.4))) == ["bu"]
    assert venue.violations == []
    simulator.tick(START + 5)
    assert "bu" not in kinds(decode(simulator.received(request, START + 5)))
    assert venue.violations == ["calc during maintenance"]


def test_a_restart_is_announced_and_closes_unless_told_otherwise(venue: Venue) -> None:
    """20051 comes first, then the close 1012."""
    simulator, _ = connect(venue)
    venue.restart(close=False)
    assert [message["code"] for message in decode(simulator.tick(START))] == [20051]
    venue.restart()
    info, end = decode(simulator.tick(START))
    assert (info["code"], end) == (20051, CloseFrame(1012))


def test_the_platform_status_can_be_forced(venue: Venue) -> None:
    """A greeting may say 0 without maintenance."""
    venue.faults.platform_status = 0
    assert connect(venue)[1][0]["platform"] == {"status": 0}


def test_flags_can_be_refused_and_frames_then_have_no_trailers(venue: Venue) -> None:
    """A refused conf is answered with 10050, and the login goes on without numbers."""
    venue.faults.refuse_conf = True
    _, heard = connect(venue)
    assert (heard[1]["status"], heard[1]["code"]) == ("FAILED", 10050)
    assert {len(frame) for frame in heard if isinstance(frame, list)} == {3}


def test_calc_can_be_left_without_answer(venue: Venue) -> None:
    """A mute venue takes requests and answers none."""
    venue.faults.mute_calc = True
    simulator, _ = connect(venue)
    assert simulator.received('[0,"calc",null,[["balance"]]]', START) == []
    assert venue.violations == []


@pytest.mark.parametrize("numbered", [False, True])
def test_request_notifications_carry_one_number_in_either_reading(venue: Venue, *, numbered: bool) -> None:
    """A `-req` notification has one number: the account's, or on request the public one, counted."""
    venue.faults.request_notices_numbered = numbered
    simulator, heard = connect(venue)
    public = heard[-1][3]
    requests = 0
    for frame in listen(simulator, 0, 120):
        if frame[1] == "n" and frame[2][1] == "on-req":
            requests += 1
            public += numbered
            assert len(frame) == 5
            assert not numbered or frame[3] == public
            assert frame[2][4][13] == "ACTIVE"
        else:
            public += 1
            assert frame[2 if frame[1] == "hb" else 3] == public
    assert requests


def test_the_demos_script_withdraws_drops_maintains_loses_and_restarts() -> None:
    """A cycle of the demo shows every incident to a client that reconnects, and a calm first half minute."""
    rng = random.Random(1)  # noqa: S311 - the seed is the point, not secrecy
    venue = demo_venue(rng, origin=START)
    simulator, _ = connect(venue)
    heard: list[Any] = []
    for quarter in range(1, 4 * 270):
        now = START + quarter / 4
        said = decode(simulator.tick(now))
        heard += [(now - START, message) for message in said]
        if any(isinstance(message, CloseFrame) for message in said):
            simulator, _ = connect(venue, now)
    events = [(at, m) for at, m in heard if not isinstance(m, list)]
    incidents = [(at, m.code if isinstance(m, CloseFrame) else m["code"]) for at, m in events]
    assert incidents == [(95.0, None), (150.0, 20060), (165.0, 20061), (255.0, 20051), (255.0, 1012)]
    frames = [(at, m) for at, m in heard if isinstance(m, list)]
    withdrawals = [at for at, m in frames if m[1] == "wu" and "Withdrawal" in str(m[2][5])]
    assert withdrawals == [40.0]
    calm = [at for at, m in frames if m[1] != "hb" and 151 < at < 165]
    assert calm == []


def test_no_secret_is_in_a_repr(venue: Venue) -> None:
    """Neither the venue's keys nor the demo's accounts print their secrets."""
    printed = repr(venue.keys) + repr(ACCOUNTS)
    assert not any(account.api_secret in printed for account in ACCOUNTS)
