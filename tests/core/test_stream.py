"""One stream: its phases, its two clocks, and whether to believe it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.clock import Instant
from exporter.core.events import Heard, Snapshot
from exporter.core.stream import DELAY_BOUNDS, NOTES_KEPT, PHASES, Delays, Phase, StreamState, Trust

At = Callable[[float], Instant]
SILENCE: Final = 40.0
STALE: Final = 60.0


def stream_at(now: Instant) -> StreamState:
    """A stream that nobody has connected yet."""
    return StreamState("account", Trust(silence_timeout=SILENCE, stale_after=STALE), now)


def live_at(now: Instant) -> StreamState:
    """A stream that went live at a moment, with an empty table of orders."""
    stream = stream_at(now)
    stream.connecting(now)
    stream.connected(now)
    stream.enter("syncing", now)
    stream.collecting.expected = frozenset(("orders",))
    stream.collecting.apply(Snapshot("orders", {}), now.monotonic)
    assert stream.complete(now)
    return stream


def test_phases_are_a_closed_set() -> None:
    """The phases that metrics show are all that exist, each once."""
    assert get_args(Phase) == PHASES


def test_nothing_is_up_or_shown_before_the_first_connection(at: At) -> None:
    """A stream begins as not up, with nothing shown and clocks at never."""
    report = stream_at(at(0)).report(0.0)
    assert (report.phase, report.is_up, report.liveness, report.data) == ("connecting", False, 0.0, 0.0)
    assert report.connects == report.gaps == report.auth_failures == 0
    assert not stream_at(at(0)).is_shown(0.0)


def test_up_only_when_complete(at: At) -> None:
    """Connected is not up, accepted is not up: up is when every expected snapshot has arrived."""
    stream = stream_at(at(0))
    stream.connecting(at(1))
    stream.connected(at(2))
    assert not stream.is_up(2.0)
    stream.enter("syncing", at(3))
    stream.collecting.expected = frozenset(("orders", "wallets"))
    stream.collecting.apply(Snapshot("orders", {}), 3.0)
    assert not stream.complete(at(3))
    assert not stream.is_up(3.0)
    assert stream.report(3.0).missing == ("wallets",)
    stream.collecting.apply(Snapshot("wallets", {}), 4.0)
    assert stream.complete(at(4))
    assert stream.is_up(4.0)
    assert stream.report(4.0).missing == ()
    assert stream.report(4.0).since == at(4).wall


def test_snapshots_before_the_login_do_not_complete(at: At) -> None:
    """Having every table is not enough while the login is not accepted."""
    stream = stream_at(at(0))
    stream.connected(at(0))
    stream.collecting.apply(Snapshot("orders", {}), 0.0)
    assert not stream.complete(at(0))
    assert not stream.synced


def test_silence_fells_it_at_once(at: At) -> None:
    """Up falls the moment the silence timeout has passed, whether anybody noticed or not."""
    stream = live_at(at(0))
    assert stream.is_up(SILENCE)
    assert not stream.is_up(SILENCE + 0.01)
    assert stream.visible_phase(SILENCE) == "live"
    assert stream.visible_phase(SILENCE + 0.01) == "stale"
    assert stream.report(SILENCE + 0.01).phase == "stale"


def test_values_outlive_silence_by_stale_after(at: At) -> None:
    """Values stay for `stale_after` from the moment the silence became too long, then vanish."""
    stream = live_at(at(0))
    assert stream.is_shown(SILENCE + STALE)
    assert not stream.is_shown(SILENCE + STALE + 0.01)


def test_any_sign_of_life_keeps_it_up(at: At) -> None:
    """A ping or heartbeat is liveness but no data: a quiet account raises no alarm."""
    stream = live_at(at(0))
    stream.heard(at(30))
    stream.heard(at(60), [Heard("hb", is_data=False)])
    assert stream.is_up(100.0)
    report = stream.report(100.0)
    assert (report.liveness, report.data) == (at(60).wall, 0.0)
    assert report.messages == {"hb": 1}


def test_data_moves_both_clocks(at: At) -> None:
    """A payload is a sign of life and data."""
    stream = live_at(at(0))
    stream.heard(at(5), [Heard("wu", is_data=True)])
    report = stream.report(5.0)
    assert (report.liveness, report.data) == (at(5).wall, at(5).wall)


@pytest.mark.parametrize("phase", ["stale", "backoff", "maintenance", "refused", "connecting", "stopped"])
def test_every_way_down_keeps_values_for_the_grace_time(at: At, phase: Phase) -> None:
    """However it fell, up is 0 at once, and values stay for `stale_after` and no longer."""
    stream = live_at(at(0))
    stream.heard(at(10))
    stream.enter(phase, at(20))
    assert not stream.is_up(20.0)
    assert stream.is_shown(20.0 + STALE)
    assert not stream.is_shown(20.0 + STALE + 0.01)


def test_grace_time_counts_from_the_first_fall(at: At) -> None:
    """A fall noticed late, and attempts that fail after it, do not prolong the life of values."""
    stream = live_at(at(0))
    stream.disconnected("silence", "backoff", at(SILENCE + 5))
    for moment in (50, 60, 70):
        stream.connecting(at(moment))
        stream.connected(at(moment))
        stream.enter("syncing", at(moment))
        stream.disconnected("reset", "backoff", at(moment + 1))
    assert stream.is_shown(SILENCE + STALE)
    assert not stream.is_shown(SILENCE + STALE + 0.01)


def test_reconnect_within_the_grace_time_is_no_hole(at: At) -> None:
    """Old values stay while a new connection collects, and the new ones replace them when complete."""
    stream = live_at(at(0))
    stream.disconnected("reset", "backoff", at(10))
    stream.connecting(at(11))
    stream.connected(at(12))
    stream.enter("syncing", at(12))
    stream.collecting.expected = frozenset(("orders",))
    assert stream.is_shown(12.0)
    assert not stream.synced
    stream.collecting.apply(Snapshot("orders", {}), 13.0)
    assert stream.complete(at(13))
    assert stream.is_up(13.0)
    assert stream.fell is None


def test_doubtful_stream_does_not_come_back_by_itself(at: At) -> None:
    """After a gap only a new connection with complete snapshots is believed, not more messages."""
    stream = live_at(at(0))
    stream.enter("stale", at(5))
    stream.heard(at(6), [Heard("wu", is_data=True)])
    assert not stream.complete(at(6))
    assert not stream.is_up(6.0)


def test_same_phase_again_does_not_restart_its_clock(at: At) -> None:
    """The moment since when a phase holds is that of its beginning."""
    stream = live_at(at(0))
    stream.enter("stale", at(5))
    stream.enter("stale", at(9))
    assert stream.report(9.0).since == at(5).wall


def test_ends_and_attempts_are_counted(at: At) -> None:
    """Attempts and ends by reason are counted, and a new connection clears the last refusal."""
    stream = live_at(at(0))
    stream.disconnected("gap", "backoff", at(1))
    stream.disconnected("gap", "backoff", at(2))
    stream.refusal = "10100"
    stream.connecting(at(3))
    assert stream.report(3.0).refusal == "10100"
    stream.connected(at(4))
    report = stream.report(4.0)
    assert (report.connects, report.disconnects, report.refusal) == (2, {"gap": 2}, "")


def test_delay_goes_to_the_first_bucket_that_holds_it() -> None:
    """A delay counts under the smallest bound that is not below it, the rest under none."""
    delays = Delays()
    for bound in DELAY_BOUNDS:
        delays.observe([bound])
    delays.observe([DELAY_BOUNDS[-1] + 0.1])
    assert delays.counts == [1] * (len(DELAY_BOUNDS) + 1)


def test_message_from_the_future_has_no_delay(at: At) -> None:
    """A clock that is behind the venue's gives a delay of 0, never a negative sum."""
    stream = live_at(at(0))
    stream.heard(at(5), [Heard("hb", is_data=False, sent_at=at(7).wall)])
    stream.heard(at(6), [Heard("hb", is_data=False, sent_at=at(5.75).wall)])
    stream.heard(at(7), [Heard("hb", is_data=False)])
    report = stream.report(7.0)
    assert report.delay_counts == (1, 0, 1, 0, 0, 0, 0, 0, 0)
    assert report.delay_total == 0.25


def test_only_the_last_notes_are_kept(at: At) -> None:
    """Sentences for the landing page are bounded in number, the newest kept."""
    stream = stream_at(at(0))
    for number in range(NOTES_KEPT + 5):
        stream.note(at(number), f"note {number}")
    sentences = [note.sentence for note in stream.report(0.0).notes]
    assert sentences == [f"note {number}" for number in range(5, NOTES_KEPT + 5)]


def test_report_is_a_copy(at: At) -> None:
    """A report does not change when the stream goes on."""
    stream = live_at(at(0))
    report = stream.report(0.0)
    stream.heard(at(1), [Heard("hb", is_data=False, sent_at=at(1).wall)])
    stream.note(at(1), "later")
    assert report.messages == {}
    assert report.delay_counts == (0,) * (len(DELAY_BOUNDS) + 1)
    assert report.notes == ()


@given(st.lists(st.floats(-5, 20) | st.sampled_from(DELAY_BOUNDS), min_size=1, max_size=20))
def test_delays_of_one_read_count_like_single_ones(seconds: list[float]) -> None:
    """Messages that came together are counted as if each had come alone."""
    together, alone = Delays(), Delays()
    together.observe(seconds)
    for delay in seconds:
        alone.observe([delay])
    assert (together.counts, together.total) == (alone.counts, alone.total)
