"""Health of streams and keys: there from the first scrape, and never withheld."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.events import MALFORMED_KINDS, Gap, LoggedIn, Malformed, Platform, Refused, Snapshot
from exporter.core.model import SNAPSHOT_TABLES, Wallet
from exporter.core.stream import PHASES
from exporter.exchanges.base import DISCONNECT_REASONS
from exporter.exchanges.bitfinex import SPEC
from exporter.exposition.catalogue import METRICS
from exporter.exposition.health import RESYNC_TRIGGERS

if TYPE_CHECKING:
    from tests.exposition.conftest import Desk

USD = ("exchange", "USD")
NOT_YET = {
    *("exchange_stream_refused", "exchange_platform_operative", "exchange_api_key_permission"),
    "exchange_clock_difference_seconds",
}
OF_ALL = {"exchange_account_expected"}
"""Told of every account by the collector, whatever else of it can be shown."""


def test_before_any_connection_every_known_series_is_zero(desk: Desk) -> None:
    """Every health and counter family of a stream exists at once, with every member of its closed sets."""
    shown = desk.samples()
    expected = {
        metric.name
        for metric in METRICS
        if metric.section == "Streams" and metric.kind != "histogram" and metric.name not in NOT_YET
    }
    assert expected - OF_ALL <= set(shown)
    for name, values in (
        ("stream_messages_total", SPEC.streams["account"].messages),
        ("stream_disconnects_total", DISCONNECT_REASONS),
        ("stream_malformed_total", MALFORMED_KINDS),
        ("stream_resyncs_total", RESYNC_TRIGGERS),
        ("stream_last_snapshot_timestamp_seconds", SNAPSHOT_TABLES),
    ):
        assert desk.family(name) == {("account", value): 0 for value in values}
    for name in ("connects", "auth_failures", "parse_failures", "sequence_gaps"):
        assert desk.family(f"stream_{name}_total") == {("account",): 0}
    assert desk.family("stream_up") == {("account",): 0}
    assert desk.family("stream_expected") == {("account",): 1}
    assert desk.family("stream_liveness_interval_seconds") == {("account",): 15}


def test_exactly_one_state_is_one(desk: Desk) -> None:
    """Whatever happens, one of the states is 1 and all others are 0."""
    told = []
    for step in (desk.connect, desk.sync, desk.lose):
        step()
        states = desk.family("stream_state")
        assert sorted(states.values()) == [0] * (len(PHASES) - 1) + [1]
        told += [labels[1] for labels, value in states.items() if value]
    assert told == ["syncing", "live", "backoff"]


def test_up_needs_every_snapshot(desk: Desk) -> None:
    """A stream is not up while one expected snapshot is missing."""
    desk.connect()
    for table in SNAPSHOT_TABLES:
        assert desk.family("stream_up") == {("account",): 0}
        desk.tell(Snapshot(table, {}))
    assert desk.family("stream_up") == {("account",): 1}


def test_up_falls_by_itself_in_silence(desk: Desk) -> None:
    """Nobody has to notice: after the silence timeout a scrape sees 0 and the state stale."""
    desk.sync()
    desk.now = 40
    assert desk.family("stream_up") == {("account",): 1}
    desk.now = 41
    assert desk.family("stream_up") == {("account",): 0}
    assert desk.family("stream_state")["account", "stale"] == 1


def test_health_outlives_everything(desk: Desk) -> None:
    """A day after the end, every health family is still there and every value is gone."""
    desk.sync({"wallets": {USD: Wallet(*USD, 5.0)}})
    before = set(desk.samples())
    desk.lose()
    desk.now = 86_400
    after = set(desk.samples())
    groups = {metric.name: metric.group for metric in METRICS}
    assert {groups[name] for name in before - after} == {"value"}
    assert not [name for name in after if groups[name] == "value"]


def test_a_refusal_shows_its_code_and_ends_with_the_next_connection(desk: Desk) -> None:
    """The code is a label of a series that exists only while it is true."""
    desk.connect()
    desk.tell(Refused("10100", "login failed"))
    assert desk.family("stream_refused") == {("account", "10100"): 1}
    assert desk.family("stream_auth_failures_total") == {("account",): 1}
    desk.sync()
    assert desk.family("stream_refused") == {}


def test_two_clocks(desk: Desk) -> None:
    """Liveness moves with any message, data with facts only, and each snapshot has its own time."""
    desk.sync()
    desk.now = 20
    desk.state.change("account", lambda stream: stream.heard(desk.instant))
    assert desk.family("stream_last_liveness_timestamp_seconds") == {("account",): 1_700_000_020}
    assert desk.family("stream_last_data_timestamp_seconds") == {("account",): 1_700_000_000}
    assert desk.family("stream_last_snapshot_timestamp_seconds")["account", "wallets"] == 1_700_000_000


def test_what_could_not_be_read_sums_up(desk: Desk) -> None:
    """The kinds of malformed messages sum to the parse failures."""
    desk.sync()
    desk.tell(Malformed("json"))
    desk.tell(Malformed("number"))
    assert desk.family("stream_parse_failures_total") == {("account",): 2}
    assert sum(desk.family("stream_malformed_total").values()) == 2


def test_a_gap_takes_the_stream_down(desk: Desk) -> None:
    """Lost messages are counted and the stream is not up."""
    desk.sync()
    desk.tell(Gap("public"))
    assert desk.family("stream_sequence_gaps_total") == {("account",): 1}
    assert desk.family("stream_up") == {("account",): 0}


def test_what_the_key_may_do_is_shown_as_told(desk: Desk) -> None:
    """Granted is 1, withheld is 0, and unknown is absent."""
    assert desk.family("api_key_permission") == {}
    desk.connect()
    desk.tell(LoggedIn({("orders", "read"): True, ("withdraw", "write"): False}, frozenset()))
    assert desk.family("api_key_permission") == {("orders", "read"): 1, ("withdraw", "write"): 0}


def test_maintenance_is_a_state(desk: Desk) -> None:
    """The venue's own word takes the stream down without any disconnect or failure."""
    desk.sync()
    desk.tell(Platform(operative=False))
    assert desk.family("stream_state")["account", "maintenance"] == 1
    assert set(desk.family("stream_disconnects_total").values()) == {0}
