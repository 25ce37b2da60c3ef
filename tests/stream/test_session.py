"""Sessions against a simulated venue under a fake clock: every way a stream can end, and what follows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest

from exporter.config.types import StreamSettings
from exporter.core.events import Refused
from exporter.core.report import Report
from exporter.core.stream import StreamReport
from exporter.stream.messages import Closed, ConnectionLost, Ping
from exporter.stream.transport import ConnectFailed, HandshakeRejected
from tests.simulated import EPOCH, MAIN, Stage, VenueLink

KEY = MAIN.api_key


def stream(report: Report) -> StreamReport:
    """The only stream of the account."""
    return report.streams[0]


def has_wallets(report: Report) -> bool:
    """Whether balances are shown."""
    return bool(report.view.tables.get("wallets"))


def fail(error: Exception) -> Callable[[], None]:
    """An obstacle that raises."""

    def obstacle() -> None:
        raise error

    return obstacle


def test_a_healthy_stream_stays_up_on_one_connection() -> None:
    """Ten calm minutes: one connection, up, and nothing but questions after the login."""
    stage = Stage()
    seen = stage.watch_at(1, 599)
    stage.play(600)
    assert [stream(seen[second]).is_up for second in (1, 599)] == [True, True]
    assert stage.attempts == [0.0]
    assert stage.venue.violations == []
    assert {json.loads(text)[1] for text in stage.link.sent[2:]} == {"calc"}


def test_after_ten_minutes_the_balances_are_the_books() -> None:
    """What the account shows equals what the venue has in its books, wallet by wallet."""
    stage = Stage()
    truths: list[dict[object, float]] = []
    books = stage.venue.books[MAIN.name]
    stage.at(600, lambda: truths.append({key: float(row[0]) for key, row in books.wallets().items()}))
    seen = stage.watch_at(600)
    stage.play(601)
    shown = {key: getattr(row, "balance", None) for key, row in seen[600].view.tables["wallets"].items()}
    assert shown == truths[0]


def test_before_it_starts_nothing_is_believed() -> None:
    """A session that has not run shows no value, and all its counters at 0."""
    report = Stage().report()
    assert not stream(report).is_up
    assert report.view.tables == {}
    assert stream(report).connects == 0


def test_silence_is_found_within_the_timeout() -> None:
    """A peer that stops talking without closing is down by itself at 40 s, and is dropped and replaced."""
    stage = Stage()
    stage.at(100, partial(setattr, stage.venue.faults, "stalled", True))
    stage.at(150, partial(setattr, stage.venue.faults, "stalled", False))
    seen = stage.watch_at(99, 141, 143, 170)
    stage.play(171)
    assert [stream(report).is_up for report in seen.values()] == [True, False, False, True]
    assert stream(seen[170]).disconnects == {"silence": 1}
    assert stage.links[0].closed


def test_values_outlive_silence_by_the_grace_time_only() -> None:
    """Balances stay for stale_after from the moment of the fall, then vanish; counters and health stay."""
    stage = Stage()
    stage.at(100, partial(setattr, stage.venue.faults, "stalled", True))
    seen = stage.watch_at(99, 190, 202)
    stage.play(203)
    assert [has_wallets(report) for report in seen.values()] == [True, True, False]
    assert stream(seen[202]).messages["ws"] == 1


def test_pings_of_the_transport_are_signs_of_life() -> None:
    """A peer that only pings is alive for the session, and so is its stream."""
    stage = Stage()
    stage.at(50, partial(setattr, stage.venue.faults, "stalled", True))
    for second in range(55, 200, 10):
        stage.at(second, lambda: stage.link.inject(Ping(b"")))
    seen = stage.watch_at(195)
    stage.play(196)
    assert stream(seen[195]).is_up
    assert stage.attempts == [0.0]


def test_a_restart_is_followed_by_a_new_connection() -> None:
    """20051 ends the connection for the reason restart, and the stream is up again on the next."""
    stage = Stage()
    stage.at(50, stage.venue.restart)
    seen = stage.watch_at(55)
    stage.play(56)
    assert stream(seen[55]).disconnects == {"restart": 1}
    assert stream(seen[55]).is_up
    assert stage.attempts == [0.0, pytest.approx(51, abs=1.5)]


def test_a_close_frame_is_told_with_its_code() -> None:
    """Close code 1012 without a warning counts as remote_close, and its code is in the note."""
    stage = Stage()
    stage.at(50, partial(stage.venue.drop, code=1012))
    seen = stage.watch_at(55)
    stage.play(56)
    assert stream(seen[55]).disconnects == {"remote_close": 1}
    assert "code 1012" in " ".join(note.sentence for note in stream(seen[55]).notes)


def test_a_cut_cable_counts_as_reset() -> None:
    """An end of the stream without a close frame is a reset."""
    stage = Stage()
    stage.at(50, stage.venue.drop)
    stage.play(55)
    assert stream(stage.report()).disconnects["reset"] == 1


def test_a_lost_frame_is_mended_at_once() -> None:
    """A sequence gap takes the stream down, one resync brings it back, and the books are whole again."""
    stage = Stage()
    stage.at(50, stage.venue.lose)
    seen = stage.watch_at(80)
    stage.play(81)
    report = stream(seen[80])
    assert (report.gaps, report.resyncs, report.disconnects) == (1, {"gap": 1}, {"gap": 1})
    assert report.is_up
    assert stage.attempts[1] < 80


def test_a_second_gap_waits_and_is_not_believed_meanwhile() -> None:
    """Resyncs are five minutes apart; until then the stream stays connected, down, and withheld."""
    stage = Stage()
    stage.at(50, stage.venue.lose)
    stage.at(100, stage.venue.lose)
    seen = stage.watch_at(99, 130, 250, 380)
    stage.play(381)
    assert [stream(report).is_up for report in seen.values()] == [True, False, False, True]
    assert [stream(seen[second]).phase for second in (130, 250)] == ["stale", "stale"]
    assert not has_wallets(seen[250])
    assert len(stage.attempts) == 3
    assert stream(seen[380]).resyncs == {"gap": 2}
    assert stage.attempts[2] - stage.attempts[1] > 290


def test_a_delayed_resync_uses_up_its_permission() -> None:
    """After a resync that had to wait, the next gap waits for five minutes again."""
    stage = Stage()
    for second in (50, 100, 400):
        stage.at(second, stage.venue.lose)
    seen = stage.watch_at(380, 500)
    stage.play(501)
    assert [stream(report).is_up for report in seen.values()] == [True, False]
    assert len(stage.attempts) == 3


def test_a_long_life_is_remembered_through_a_gap() -> None:
    """What lived for minutes before a lost frame starts its backoff anew."""
    stage = Stage()
    stage.obstacles.extend([fail(ConnectFailed("refused", "venue:443", "nobody listens"))] * 8)
    stage.at(700, partial(stage.venue.lose, 3))
    stage.play(760)
    assert len(stage.attempts) == 10
    ended = next(note.at for note in stream(stage.report()).notes if "were lost" in note.sentence) - EPOCH
    assert ended >= 700
    assert stage.attempts[-1] - ended <= 2


def test_too_many_connections_pause_the_whole_process() -> None:
    """HTTP 429 holds the shared budget and this stream for a minute."""
    stage = Stage()
    stage.obstacles.append(fail(HandshakeRejected("venue:443", 429, None)))
    seen = stage.watch_at(30, 80)
    stage.play(81)
    assert stage.attempts == [0.0, pytest.approx(60, abs=2)]
    assert stream(seen[30]).connect_failures == {"rejected": 1}
    assert "too many connections" in stream(seen[30]).notes[-1].sentence
    assert stream(seen[80]).is_up


def test_429_holds_the_other_streams_of_the_process_too() -> None:
    """A second stream that shares the budget gets no slot before the pause is over."""
    stage = Stage()
    stage.obstacles.append(fail(HandshakeRejected("venue:443", 429, None)))
    waits: list[float] = []
    stage.at(10, lambda: waits.append(stage.budget.reserve(stage.clock.now)))
    stage.play(20)
    assert waits == [pytest.approx(50, abs=1)]


def test_a_pause_takes_the_slots_that_were_given_out_before_it() -> None:
    """Who waited for a slot when the pause began takes a new one after those that asked since."""
    stage = Stage()
    for _ in range(5):
        stage.budget.reserve(0.0)
    stage.at(5, lambda: stage.budget.pause(65.0))
    stage.at(6, lambda: [stage.budget.reserve(stage.clock.now) for _ in range(5)])
    stage.play(100)
    assert stage.attempts == [pytest.approx(80, abs=1)]


def test_an_endless_pause_is_not_kept() -> None:
    """A Retry-After of years, after which nobody would look again, counts as an hour."""
    stage = Stage()
    stage.obstacles.append(fail(HandshakeRejected("venue:443", 429, 999_999_999.0)))
    stage.play(3700)
    assert stage.attempts[:2] == [0.0, pytest.approx(3600, abs=2)]


def test_a_server_names_its_own_pause() -> None:
    """Retry-After longer than our own pause is kept."""
    stage = Stage()
    stage.obstacles.append(fail(HandshakeRejected("venue:443", 503, 200.0)))
    stage.play(230)
    assert stage.attempts == [0.0, pytest.approx(200, abs=2)]


def test_a_venue_that_is_away_is_asked_ever_less_often() -> None:
    """Connection failures are counted by reason, and their distance grows to backoff_max and no further."""
    stage = Stage()
    stage.obstacles.extend([fail(ConnectFailed("dns", "venue:443", "the name has no address"))] * 30)
    seen = stage.watch_at(899)
    stage.play(900)
    waits = [after - before for before, after in pairwise(stage.attempts)]
    assert waits == sorted(waits)
    assert waits[-1] <= 60
    assert stream(seen[899]).connect_failures == {"dns": len(stage.attempts)}
    assert stream(seen[899]).phase == "backoff"


def test_a_refused_key_is_tried_on_the_slow_schedule() -> None:
    """Code 10100 shows its code, counts a login failure, and is tried again after 10 to 15 minutes only."""
    stage = Stage()
    stage.venue.faults.refusals[KEY] = (10100, "apikey: invalid")
    stage.at(700, stage.venue.faults.refusals.clear)
    seen = stage.watch_at(10, 800)
    stage.play(801)
    report = stream(seen[10])
    assert (report.phase, report.refusal, report.auth_failures) == ("refused", "10100", 1)
    assert 600 <= stage.attempts[1] <= 900
    assert len(stage.attempts) == 2
    assert stream(seen[800]).is_up
    assert stream(seen[800]).refusal == ""


def test_a_wrong_secret_is_refused_by_its_signature() -> None:
    """The venue checks the signature: another secret is code 10112, and it is in nothing that is told."""
    stage = Stage(secret="not-the-secret-of-this-key")
    seen = stage.watch_at(10)
    stage.play(11)
    assert stream(seen[10]).refusal == "10112"
    assert "not-the-secret" not in repr(seen[10])


def test_small_nonces_five_times_in_a_row_count_as_a_bad_key() -> None:
    """10114 is tried again soon; the fifth in a row moves the key to the slow schedule."""
    stage = Stage()
    stage.venue.nonces[KEY] = 2**53 - 1
    seen = stage.watch_at(590)
    stage.play(591)
    report = stream(seen[590])
    assert (report.phase, report.refusal, report.auth_failures) == ("refused", "10114", 5)
    assert len(stage.attempts) == 5


def test_one_small_nonce_heals_by_itself() -> None:
    """One refused nonce is followed by a larger one, and the stream is up."""
    stage = Stage()
    stage.venue.nonces[KEY] = round((EPOCH + 0.5) * 1e6)
    seen = stage.watch_at(10)
    stage.play(11)
    assert stream(seen[10]).is_up
    assert stream(seen[10]).auth_failures == 1


def test_maintenance_is_a_state_in_which_nothing_is_sent() -> None:
    """20060 makes the state maintenance and the client mute; 20061 makes a fresh connection."""
    stage = Stage()
    stage.at(50, partial(stage.venue.maintain, on=True))
    seen = stage.watch_at(49, 60, 85, 100)
    stage.at(75, partial(stage.venue.maintain, on=False))
    said: list[int] = []
    for second in (52, 74):
        stage.at(second, lambda: said.append(len(stage.link.sent)))
    stage.play(101)
    assert [stream(report).phase for report in seen.values()] == ["live", "maintenance", "live", "live"]
    assert [report.operative for report in seen.values()] == [True, False, True, True]
    assert said[0] == said[1]
    assert stage.venue.violations == []
    assert stream(seen[60]).disconnects == {}


def test_a_venue_that_greets_with_maintenance_is_left_alone() -> None:
    """Platform status 0: no login, state maintenance, asked again after half a minute at the earliest."""
    stage = Stage()
    stage.venue.faults.platform_status = 0
    seen = stage.watch_at(20)
    stage.play(29)
    assert stream(seen[20]).phase == "maintenance"
    assert seen[20].operative is False
    assert stage.attempts == [0.0]
    assert stage.link.sent == []


def test_a_venue_that_refuses_connections_in_maintenance_is_still_in_maintenance() -> None:
    """Attempts that fail during maintenance do not turn the state into backoff."""
    stage = Stage()
    stage.venue.faults.platform_status = 0
    stage.obstacles.append(lambda: None)
    stage.obstacles.extend([fail(ConnectFailed("refused", "venue:443", "nobody listens"))] * 9)
    seen = stage.watch_at(60)
    stage.play(61)
    assert stream(seen[60]).connect_failures["refused"] >= 1
    assert stream(seen[60]).phase in ("maintenance", "connecting")


def test_an_oversize_message_ends_the_connection_and_is_counted() -> None:
    """What is too large is malformed of the kind oversize, and the state is as it was."""
    stage = Stage()
    stage.at(50, lambda: stage.link.inject(Closed(None, "oversize")))
    seen = stage.watch_at(49, 52)
    stage.play(60)
    assert stream(seen[52]).disconnects == {"oversize": 1}
    assert stream(seen[52]).malformed == {"oversize": 1}


def test_a_peer_that_breaks_websocket_counts_as_protocol() -> None:
    """A bad frame ends the connection for the reason protocol."""
    stage = Stage()
    stage.at(50, lambda: stage.link.inject(Closed(None, "protocol")))
    stage.play(60)
    assert stream(stage.report()).disconnects["protocol"] == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"{", "json"),
        (b"\xff\xfe\x00", "json"),
        (b"[" * 5000, "json"),
        (b"", "json"),
        (b"null", "frame"),
        (b"[]", "frame"),
        (b"[0]", "frame"),
        (b'[0,"wu",null]', "payload"),
        (b'[0,"wu",["exchange","USD",{}]]', "number"),
    ],
)
def test_garbage_is_counted_and_changes_nothing(text: bytes, kind: str) -> None:
    """A message that cannot be read is counted by kind; the stream stays up and the books are untouched."""
    stage = Stage()
    stage.at(50, partial(setattr, stage.venue.faults, "stalled", True))
    stage.at(51, lambda: stage.link.inject(text))
    seen = stage.watch_at(50, 53)
    stage.play(54)
    assert stream(seen[53]).malformed == {kind: 1}
    assert stream(seen[53]).is_up
    assert seen[53].view == seen[50].view
    assert len(stage.attempts) == 1


def test_nothing_is_taken_in_behind_what_ends_the_connection() -> None:
    """Of messages that came with one read, those behind the word of a restart are left alone."""
    stage = Stage()

    def together() -> None:
        for text in (b"null", b'{"event":"info","code":20051}', b"{"):
            stage.link.inject(text)

    stage.at(50, together)
    seen = stage.watch_at(55)
    stage.play(56)
    assert stream(seen[55]).disconnects == {"restart": 1}
    assert stream(seen[55]).malformed == {"frame": 1}


def test_an_unknown_event_and_an_unknown_frame_count_as_other() -> None:
    """Types of the future are no failure: counted as other, nothing malformed."""
    stage = Stage()
    stage.at(50, lambda: stage.venue.say('{"event":"surprise"}'))
    stage.at(51, lambda: stage.venue.say('[7,"zz",[1,2]]'))
    seen = stage.watch_at(55)
    stage.play(56)
    assert stream(seen[55]).messages["other"] == 2
    assert stream(seen[55]).malformed == {}


def test_a_snapshot_that_never_comes_is_named() -> None:
    """Without every expected snapshot the stream is not up, and says which one it waits for."""
    stage = Stage()
    stage.venue.faults.withheld.add("os")
    seen = stage.watch_at(10, 16)
    stage.play(17)
    assert stream(seen[10]).missing == ("orders",)
    assert not stream(seen[10]).is_up
    assert not has_wallets(seen[10])
    assert stream(seen[16]).disconnects == {"sync_timeout": 1}


def test_a_send_that_fails_is_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that breaks under a send ends the connection, and the next one works."""
    broken: list[str] = []
    send = VenueLink.send

    def flaky(link: VenueLink, text: str) -> None:
        if "calc" in text and not broken:
            broken.append(text)
            raise ConnectionLost("reset")
        send(link, text)

    monkeypatch.setattr(VenueLink, "send", flaky)
    stage = Stage()
    seen = stage.watch_at(60)
    stage.play(61)
    assert stream(seen[60]).disconnects == {"reset": 1}
    assert stream(seen[60]).is_up


def test_a_bug_in_the_program_ends_one_connection_and_not_the_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An unforeseen exception is logged with its traceback, counted as other, and the stream comes back."""
    stage = Stage()
    stage.obstacles.append(fail(RuntimeError("a bug")))
    seen = stage.watch_at(10)
    with caplog.at_level(logging.ERROR):
        stage.play(11)
    assert stream(seen[10]).is_up
    assert stream(seen[10]).disconnects == {"other": 1}
    assert any(record.exc_info for record in caplog.records)


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, set[str]]]:
    """Level, sentence and the names of what was added beyond the stream's own name."""
    own = {"exchange", "account", "stream"}
    return [
        (record.levelname, record.getMessage(), set(getattr(record, "fields", {})) - own)
        for record in caplog.records
        if record.levelno >= logging.INFO
    ]


def test_each_life_is_told_once_when_its_values_are_back(caplog: pytest.LogCaptureFixture) -> None:
    """Live is told when every snapshot is there, after a lost message too, and a stop adds nothing to it."""
    stage = Stage()
    stage.at(10, stage.venue.lose)
    with caplog.at_level(logging.DEBUG, logger="exporter"):
        stage.play(60)
    details = {"reason", "detail", "retry_in"}
    assert said(caplog) == [
        ("INFO", "stream is live", set()),
        ("WARNING", "stream ended, will come back", details),
        ("INFO", "stream is live", set()),
        ("INFO", "stream is stopped", set()),
    ]


def test_a_login_that_fails_is_never_told_as_live(caplog: pytest.LogCaptureFixture) -> None:
    """A refused key is an error with its reason; that the link stood for a moment is no news."""
    stage = Stage()
    stage.venue.faults.refusals["*"] = (10100, "apikey: invalid")
    with caplog.at_level(logging.INFO, logger="exporter"):
        stage.play(10)
    assert said(caplog) == [("ERROR", "the key is refused", {"reason", "detail", "retry_in"})]


def test_a_tap_sees_both_directions() -> None:
    """What is recorded is every text, with its direction and moment."""
    heard: list[tuple[float, str, str]] = []
    stage = Stage(tap=lambda _stream, now, direction, text: heard.append((now.wall, direction, text)))
    stage.play(5)
    assert [direction for _, direction, _ in heard[:4]] == ["in", "out", "out", "in"]
    assert heard[0][0] == EPOCH


def test_a_stop_while_receiving_ends_the_session_at_once() -> None:
    """Stopped in mid-stream: no further second passes, the link is closed, the phase is stopped."""
    stage = Stage()
    stage.play(50)
    assert stage.clock.now <= 50.5
    assert stage.link.closed
    assert stream(stage.report()).phase == "stopped"
    assert stream(stage.report()).disconnects == {"stopped": 1}


def test_a_stop_while_waiting_ends_the_session_at_once() -> None:
    """Stopped on the slow schedule of a refused key: it does not wait for the ten minutes."""
    stage = Stage()
    stage.venue.faults.refusals[KEY] = (10100, "apikey: invalid")
    stage.play(50)
    assert stage.clock.now <= 51
    assert stream(stage.report()).phase == "stopped"


def test_a_stop_while_connecting_aborts_the_attempt(caplog: pytest.LogCaptureFixture) -> None:
    """Stopped during a connect: the attempt's abort is set, and no warning is logged about it."""
    stage = Stage()

    def stopped_meanwhile() -> None:
        stage.session.stop()
        raise ConnectFailed("aborted", "venue:443", "stopped")

    stage.obstacles.append(stopped_meanwhile)
    stage.session.run()
    assert stage.attempts == [0.0]
    assert stream(stage.report()).phase == "stopped"
    assert caplog.records == []


def test_a_stop_before_the_start_never_connects() -> None:
    """A session that is stopped before its thread runs leaves the venue alone."""
    stage = Stage()
    stage.session.stop()
    stage.session.run()
    assert stage.attempts == []


def test_a_requested_resync_makes_a_new_connection() -> None:
    """What finds a difference to the venue can ask for fresh snapshots."""
    stage = Stage()
    stage.at(50, stage.session.request_resync)
    seen = stage.watch_at(60)
    stage.play(61)
    assert stream(seen[60]).disconnects == {"reconcile": 1}
    assert stream(seen[60]).is_up


def test_the_session_shows_life_while_it_waits() -> None:
    """The watchdog's sign of life moves at least every two seconds, also on the slow schedule."""
    stage = Stage()
    stage.venue.faults.refusals[KEY] = (10100, "apikey: invalid")
    ages: list[float] = []
    for second in range(100, 200, 7):
        stage.at(second, lambda: ages.append(stage.clock.now - stage.session.looped.monotonic))
    stage.play(201)
    assert max(ages) <= 2


def test_no_secret_is_logged_or_noted(caplog: pytest.LogCaptureFixture) -> None:
    """Key, secret and signature are in no log line and no note, through login, refusal and failure."""
    with caplog.at_level(logging.DEBUG):
        stage = Stage()
        stage.at(20, partial(stage.venue.faults.refusals.__setitem__, KEY, (10100, "apikey: invalid")))
        stage.at(21, stage.venue.restart)
        stage.play(60)
    told = caplog.text + repr(stage.report()) + repr([vars(record) for record in caplog.records])
    assert KEY not in told
    assert MAIN.api_secret not in told
    assert json.loads(stage.links[0].sent[1])["authSig"] not in told


def test_patience_comes_from_the_configuration() -> None:
    """silence_timeout and stale_after are the account's settings, not constants."""
    stage = Stage(settings=StreamSettings(silence_timeout=100.0, stale_after=0.0))
    stage.at(100, partial(setattr, stage.venue.faults, "stalled", True))
    seen = stage.watch_at(195, 202)
    stage.play(203)
    assert [stream(report).is_up for report in seen.values()] == [True, False]
    assert not has_wallets(seen[202])


def test_a_key_turned_away_while_live_waits_like_a_refused_one() -> None:
    """Our refusal ends a live stream as refused, on the slow schedule; the next login is judged anew."""
    stage = Stage()
    refused = Refused("withdraw_scope", "key refused: it may withdraw")
    stage.at(100, lambda: stage.session.refuse(refused))
    seen = stage.watch_at(99, 101, 161.5, 690, 1010)
    stage.play(1011)
    phases = [stream(report).phase for report in seen.values()]
    assert phases == ["live", "refused", "refused", "refused", "live"]
    assert stream(seen[101]).refusal == "withdraw_scope"
    assert stream(seen[101]).disconnects == {"refused": 1}
    assert stream(seen[101]).auth_failures == 1
    assert has_wallets(seen[101])
    assert not has_wallets(seen[161.5])
    assert len(stage.attempts) == 2
