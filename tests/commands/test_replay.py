"""`replay`: recorded messages through the same adapter and state, on the recording's clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.commands.replay import replay
from exporter.exposition.catalogue import BY_NAME
from exporter.exposition.choices import Choices
from tests.simulated import EPOCH, Stage

if TYPE_CHECKING:
    from tests.commands.conftest import Program

SNAPSHOTS = [
    [0, "ps", []],
    [0, "ws", [["exchange", "USD", 100.5, 0, 90.25, None, None]]],
    [0, "os", []],
    [0, "fos", []],
    [0, "fcs", []],
    [0, "fls", []],
]
Replay = Callable[..., tuple[dict[str, float], str]]


def record(at: float, frame: object, direction: str = "in") -> str:
    """One line of a recording."""
    text = frame if isinstance(frame, str) else json.dumps(frame)
    return json.dumps({"t": EPOCH + at, "stream": "account", "dir": direction, "text": text})


@pytest.fixture
def play(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Replay:
    """Replay lines; gives the samples by `name{last label}` and what was said to the person."""

    def run(lines: Iterable[object], form: str = "text") -> tuple[dict[str, float], str]:
        path = tmp_path / "frames.jsonl"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        assert replay(str(path), "bitfinex", "replay", form) == 0
        told = capfd.readouterr()
        parse = parse_text if form == "text" else parse_openmetrics
        samples = {}
        for family in parse(told.out):
            for sample in family.samples:
                rest = [v for k, v in sample.labels.items() if k not in ("exchange", "account", "stream")]
                samples[f"{sample.name}{{{','.join(rest)}}}"] = sample.value
        return samples, told.err

    return run


def test_bare_frames_are_taken_as_a_stream_that_is_logged_in(play: Replay) -> None:
    """Six snapshots make the stream live and show the balance, without a login in the file."""
    samples, said = play(SNAPSHOTS)
    assert samples["exchange_stream_up{}"] == 1
    assert samples["exchange_wallet_balance{USD,exchange}"] == 100.5
    assert samples["exchange_wallet_available{USD,exchange}"] == 90.25
    assert said == "replayed 6 messages, 0 of them could not be read; stream account is live\n"


def test_what_cannot_be_read_is_counted_and_does_no_harm(play: Replay) -> None:
    """Garbage between good frames is counted by kind, in the exposition and for the person."""
    garbage = ["{not json", "[0]", [0, "wu", ["exchange", "USD", {}]], "", "   ", "null"]
    samples, said = play([*SNAPSHOTS[:3], *garbage, *SNAPSHOTS[3:]])
    assert samples["exchange_stream_up{}"] == 1
    assert samples["exchange_stream_parse_failures_total{}"] == 4
    assert samples["exchange_stream_malformed_total{json}"] == 1
    assert samples["exchange_stream_malformed_total{frame}"] == 2
    assert samples["exchange_wallet_balance{USD,exchange}"] == 100.5
    assert said.startswith("replayed 10 messages, 4 of them could not be read; ")


def test_an_incomplete_recording_shows_no_value_and_says_what_is_missing(play: Replay) -> None:
    """Without the orders snapshot nothing is believed, and the summary names it."""
    samples, said = play([frame for frame in SNAPSHOTS if frame[1] != "os"])
    assert samples["exchange_stream_up{}"] == 0
    assert not [name for name in samples if name.startswith("exchange_wallet")]
    assert "stream account is syncing, waiting for the snapshot of orders" in said


def test_the_recordings_clock_decides_what_is_stale(play: Replay) -> None:
    """Snapshots, and a heartbeat an hour later: not up, no values, health and counters still there."""
    frames = [record(0, frame) for frame in SNAPSHOTS]
    samples, _ = play([*frames, record(3600, [0, "hb"])])
    assert samples["exchange_stream_up{}"] == 0
    assert not [name for name in samples if name.startswith(("exchange_wallet_bal", "exchange_wallet_av"))]
    assert samples["exchange_stream_disconnects_total{silence}"] == 1
    assert samples["exchange_stream_messages_total{ws}"] == 1
    assert samples["exchange_stream_last_liveness_timestamp_seconds{}"] == EPOCH + 3600


def test_a_quiet_hour_with_heartbeats_is_no_fault(play: Replay) -> None:
    """Heartbeats every 15 s keep the stream up and the balance shown."""
    frames = [record(0, frame) for frame in SNAPSHOTS]
    samples, _ = play([*frames, *(record(at, [0, "hb"]) for at in range(15, 3600, 15))])
    assert samples["exchange_stream_up{}"] == 1
    assert samples["exchange_wallet_balance{USD,exchange}"] == 100.5
    assert "exchange_wallet_available{USD,exchange}" not in samples


def test_a_recorded_refusal_is_shown(play: Replay) -> None:
    """A recording whose login failed shows the code, and frames after it are not believed."""
    lines = [
        record(0, {"event": "info", "version": 2, "platform": {"status": 1}}),
        record(1, {"event": "auth", "status": "FAILED", "code": 10100, "msg": "apikey: invalid"}),
        *(record(2, frame) for frame in SNAPSHOTS),
    ]
    samples, _ = play(lines)
    assert samples["exchange_stream_auth_failures_total{}"] == 1
    assert samples["exchange_stream_up{}"] == 0
    assert not [name for name in samples if name.startswith("exchange_wallet")]


def test_what_we_said_ourselves_is_left_out(play: Replay) -> None:
    """Records of the direction `out` are no input."""
    samples, said = play([record(0, '[0,"ws","ours"]', "out"), *(record(0, frame) for frame in SNAPSHOTS)])
    assert samples["exchange_stream_parse_failures_total{}"] == 0
    assert said.startswith("replayed 6 messages")


@pytest.mark.parametrize(
    "line",
    [
        '{"t": "soon", "stream": "account", "dir": "in", "text": "[0,\\"hb\\"]"}',
        '{"t": true, "stream": [], "text": "[0,\\"hb\\"]"}',
        '{"t": 1, "stream": {"a": 1}, "text": "[0,\\"hb\\"]"}',
        '{"t": -1e300, "stream": "nowhere", "text": "[0,\\"hb\\"]"}',
        '{"text": 5}',
        '{"text": null, "dir": "in"}',
        "[" * 3000,
        "\x00\x01",
        "7",
    ],
)
def test_a_strange_line_never_ends_the_replay(play: Replay, line: str) -> None:
    """Records with fields of other types, or lines of anything, are read as far as they go."""
    samples, _ = play([*SNAPSHOTS, line])
    assert samples["exchange_stream_up{}"] == 1
    assert samples["exchange_wallet_balance{USD,exchange}"] == 100.5


def test_a_clock_that_steps_back_stands_still(play: Replay) -> None:
    """A record older than the one before it comes at the same moment, not in the past."""
    samples, _ = play([record(100, SNAPSHOTS[0]), *(record(50, frame) for frame in SNAPSHOTS[1:])])
    assert samples["exchange_stream_last_data_timestamp_seconds{}"] == EPOCH + 100


def test_an_empty_file_is_an_account_that_never_connected(play: Replay) -> None:
    """Nothing recorded: health at 0, no values, no error."""
    samples, said = play([])
    assert samples["exchange_stream_up{}"] == 0
    assert samples["exchange_stream_connects_total{}"] == 0
    assert said.startswith("replayed 0 messages")


def test_both_formats_say_the_same(play: Replay) -> None:
    """OpenMetrics holds the samples of the text format."""
    frames = [record(0, frame) for frame in SNAPSHOTS]
    text, openmetrics = play(frames)[0], play(frames, "openmetrics")[0]
    assert {name: value for name, value in text.items() if "collect_duration" not in name} == {
        name: value for name, value in openmetrics.items() if "collect_duration" not in name
    }


def test_a_live_recording_replays_to_the_live_page(play: Replay) -> None:
    """What a session saw, replayed: the same balances, orders, positions, fills and funding as it showed."""
    taped: list[str] = []
    stage = Stage(tap=lambda _stream, now, way, text: taped.append(record(now.wall - EPOCH, text, way)))
    # A recording knows no configuration.
    stage.watched = stage.watched._replace(choices=Choices())
    stage.state.idle.minimums = {}
    stage.freeze(90)
    live = {
        f"{name}{{{','.join(in_order(name, labels))}}}": value
        for name, samples in stage.samples().items()
        for labels, value in samples.items()
        if any(part in name for part in ("wallet", "order", "position", "fill", "fee", "funding"))
    }
    samples, _ = play(taped)
    assert live
    assert {name: samples.get(name) for name in live} == live


def in_order(name: str, labels: tuple[str, ...]) -> list[str]:
    """Label values behind exchange and account, in the order of the page."""
    return [value for _, value in sorted(zip(BY_NAME[name].labels[2:], labels[2:], strict=True))]


def test_standard_input_and_the_command_line(program: Program) -> None:
    """`-` reads standard input; the page goes to standard output and the summary to standard error."""
    frames = "\n".join(json.dumps(frame) for frame in SNAPSHOTS)
    done = program(
        "replay", "--exchange", "bitfinex", "--account", "x", "--format=openmetrics", "-", stdin=frames
    )
    assert done.returncode == 0
    assert done.stdout.endswith("# EOF\n")
    assert (
        'exchange_wallet_balance{account="x",currency="USD",exchange="bitfinex",wallet="exchange"} 100.5'
        in done.stdout
    )
    assert done.stderr == "replayed 6 messages, 0 of them could not be read; stream account is live\n"


def test_an_unknown_exchange_is_named_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    """Usage error 2, one sentence."""
    assert replay("-", "mtgox", "x", "text") == 2
    assert capsys.readouterr().err.startswith('--exchange: unknown exchange "mtgox" (known: bitfinex')


def test_a_file_that_cannot_be_read_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is named, with the reason."""
    missing = tmp_path / "missing.jsonl"
    assert replay(str(missing), "bitfinex", "x", "text") == 2
    assert capsys.readouterr().err == f"cannot read {missing}: No such file or directory\n"
