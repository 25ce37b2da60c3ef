"""`record`: a live stream written down without what proves or names the user, ready for `replay`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.commands.record import Recorder, record
from exporter.core.clock import Instant
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer
from exporter.logs import Redactor

if TYPE_CHECKING:
    from tests.commands.conftest import Program

PATIENCE = 60.0
Write = Callable[..., Path]


def start(repository: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The recorder as a process."""
    command = [sys.executable, "-m", "exporter", "record", *arguments]
    env = {**os.environ, "PYTHONPATH": str(repository)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


def test_a_recording_holds_the_stream_and_no_secret_and_replays(
    repository: Path, tmp_path: Path, venue: DemoServer, config_file: Write, program: Program
) -> None:
    """From login to SIGTERM: private file, both directions, nothing that proves the user, and it replays."""
    path = tmp_path / "stream.jsonl"
    path.touch(mode=0o644)
    process = start(repository, f"--config.file={config_file(venue)}", "--account=demo-main", str(path))
    try:
        seen = b""
        while b'\\"fls\\"' not in seen:
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"the recorder ended with code {process.wait(timeout=0.05)}")
            seen = path.read_bytes()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert b"messages of demo-main\n" in err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    records = [json.loads(line) for line in text.splitlines()]
    assert {(each["stream"], each["dir"]) for each in records} == {("account", "in"), ("account", "out")}
    assert [each["t"] for each in records] == sorted(each["t"] for each in records)
    for secret in (ACCOUNTS[0].api_key, ACCOUNTS[0].api_secret):
        assert secret not in text
        assert secret.encode() not in err
    auth = next(json.loads(each["text"]) for each in records if "authSig" in each["text"])
    assert {auth[name] for name in ("apiKey", "authNonce", "authPayload", "authSig")} == {"<redacted>"}
    replayed = program("replay", "--exchange=bitfinex", str(path))
    assert 'exchange_stream_up{account="replay",exchange="bitfinex",stream="account"} 1.0' in replayed.stdout


def test_an_unknown_account_is_named_with_those_that_are_known(
    tmp_path: Path, venue: DemoServer, config_file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage error 2, and no file is made."""
    path = tmp_path / "stream.jsonl"
    assert record(str(config_file(venue)), "nobody", str(path), Redactor()) == 2
    said = '--account: unknown account "nobody" (known: demo-main, demo-lender)\n'
    assert capsys.readouterr().err == said
    assert not path.exists()


def test_a_secret_in_any_message_is_redacted() -> None:
    """Even a venue that echoes the key in a message of another kind does not bring it into the file."""
    out = io.BytesIO()
    recorder = Recorder(out, "bitfinex", Redactor(["the-key-itself"]))
    recorder.tap("account", Instant(0.0, 5.0), "in", '{"event":"error","msg":"the-key-itself is bad"}')
    assert json.loads(out.getvalue()) == {
        "t": 5.0,
        "stream": "account",
        "dir": "in",
        "text": '{"event":"error","msg":"<redacted> is bad"}',
    }
    assert recorder.count == 1


def test_a_reader_that_goes_away_ends_the_recording() -> None:
    """A pipe that nobody reads any more is told once per message and raises nothing into the session."""

    class Closed(io.BytesIO):
        def write(self, _data: object) -> int:
            raise BrokenPipeError

    gone: list[str] = []
    recorder = Recorder(Closed(), "bitfinex", Redactor(), gone=lambda: gone.append("gone"))
    recorder.tap("account", Instant(0.0, 5.0), "in", '[0,"hb"]')
    assert gone == ["gone"]
    assert recorder.count == 0
