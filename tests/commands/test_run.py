"""`run` as a process: bad files, signals, reload, a refused account beside a live one, no secret anywhere."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from exporter.cli import main
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer

if TYPE_CHECKING:
    from tests.commands.conftest import Process, Program

BAD = "a-key-that-nobody-knows-at-all"
Write = Callable[..., Path]
GOOD = "name: a, exchange: bitfinex, api_key: kkkk, api_secret: ssss"
UNSET = "{name: a, exchange: bitfinex, api_key: '${NOT_SET_ANYWHERE}', api_secret: ssss}"


def up(account: str, value: int) -> str:
    """The line that says whether a stream is up."""
    return f'exchange_stream_up{{account="{account}",exchange="bitfinex",stream="account"}} {value}.0'


def test_a_refused_key_never_touches_the_other_account(
    launch: Callable[..., Process], venue: DemoServer, config_file: Write
) -> None:
    """One key is refused and shown with its code, the other account is live; no secret is told anywhere."""
    path = config_file(venue, keys={"demo-main": BAD})
    exporter = launch(f"--config.file={path}", "--log.level=debug", "--log.format=json")
    refused = (
        'exchange_stream_refused{account="demo-main",code="10100",exchange="bitfinex",stream="account"} 1.0'
    )
    page = exporter.await_lines(up("demo-lender", 1), up("demo-main", 0), refused)
    assert 'exchange_wallet_balance{account="demo-lender"' in page
    assert 'exchange_wallet_balance{account="demo-main"' not in page
    state = (
        'exchange_stream_state{account="demo-main",exchange="bitfinex",state="refused",stream="account"} 1.0'
    )
    assert state in page
    landing = exporter.get("/")
    assert "refused" in landing
    assert exporter.end(signal.SIGTERM) == 0
    told = page + landing + exporter.log
    for secret in (BAD, *(each for who in ACCOUNTS for each in (who.api_key, who.api_secret))):
        assert secret not in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_with_code_0(
    launch: Callable[..., Process], venue: DemoServer, config_file: Write, number: int
) -> None:
    """Asked to end while both streams are live, it closes them and exits 0 without a traceback."""
    exporter = launch(f"--config.file={config_file(venue)}")
    exporter.await_lines(up("demo-main", 1), up("demo-lender", 1))
    assert exporter.end(number) == 0
    assert "Traceback" not in exporter.log
    assert "msg=stopping" in exporter.log


def test_a_hangup_reloads(launch: Callable[..., Process], venue: DemoServer, config_file: Write) -> None:
    """SIGHUP: a bad file changes nothing and is told as 0; a good one drops the account that is gone."""
    path = config_file(venue)
    exporter = launch(f"--config.file={path}")
    exporter.await_lines(up("demo-main", 1), up("demo-lender", 1))
    good = path.read_text()
    path.write_text("accounts: 7\n")
    exporter.popen.send_signal(signal.SIGHUP)
    page = exporter.await_lines("exchange_exporter_config_last_reload_successful 0.0")
    assert up("demo-main", 1) in page
    assert up("demo-lender", 1) in page
    path.write_text(good.replace("demo-lender\n", "renamed\n"))
    exporter.popen.send_signal(signal.SIGHUP)
    page = exporter.await_lines("exchange_exporter_config_last_reload_successful 1.0", up("renamed", 1))
    assert 'account="demo-lender"' not in page
    connects = 'exchange_stream_connects_total{account="demo-main",exchange="bitfinex",stream="account"} 1.0'
    assert connects in page
    assert exporter.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("accounts: [", "config.yaml:2: "),
        ("acounts: []", 'unknown key "acounts"'),
        (f"accounts: [{{{GOOD}}}, {{{GOOD}}}]", 'accounts[1].name: "a" is the name of accounts[0]'),
        ("accounts: []\naccounts: []", "config.yaml:2: "),
        ("accounts: [" + UNSET + "]", "accounts[0].api_key: "),
        (f"accounts: [{{{GOOD}, api_key_file: /nowhere}}]", "api_key_file"),
        ("stream: {stale_after: 5 parsecs}", "stream.stale_after: "),
        (
            f"accounts: [{{{GOOD}, endpoints: {{stream: 'ws://example.com/ws/2'}}}}]",
            "accounts[0].endpoints.stream: ",
        ),
    ],
)
def test_a_bad_file_is_clear_sentences_and_exit_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    text: str,
    sentence: str,
) -> None:
    """Each mistake is told with file, line and path; the exit code is 2; nothing is served or logged."""
    path = tmp_path / "config.yaml"
    path.write_text(text + "\n")
    path.chmod(0o600)
    monkeypatch.setattr("exporter.cli.setup", lambda *_arguments, **_names: None)
    monkeypatch.setattr("exporter.cli.log_uncaught", lambda: None)
    assert main([f"--config.file={path}"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert sentence in told.err
    assert all(line.startswith(str(path)) for line in told.err.splitlines())
    assert "ssss" not in told.err


def test_a_bad_file_has_no_traceback_as_a_process_either(program: Program, tmp_path: Path) -> None:
    """The process says one line and exits 2."""
    path = tmp_path / "config.yaml"
    path.write_text("acounts: []\n")
    done = program(f"--config.file={path}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f'{path}:1: unknown key "acounts"')


NEEDLESS: Final = {
    "asyncio": "streams and pages have threads",
    "bcrypt": "no user signs in",
    "concurrent.futures": "threads are started by name",
    "difflib": "no name in the file is misspelt",
    "exporter.commands.demo": "this is no demo",
    "exporter.demo": "nothing is simulated",
    "exporter.exchanges.bitfinex.simulator": "nothing is simulated",
    "exporter.exchanges.bitopro": "no account is there",
    "multiprocessing": "one process",
    "subprocess": "no other program",
    "websockets": "the server half, for the demo",
}
"""Modules that a process with accounts at Bitfinex alone must not load, each with the reason."""


def test_only_what_the_configuration_needs_is_loaded(
    launch: Callable[..., Process], venue: DemoServer, config_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without users, demo and other exchanges a live exporter has loaded none of what they need."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    exporter = launch(f"--config.file={config_file(venue)}")
    exporter.await_lines(up("demo-main", 1), up("demo-lender", 1))
    assert exporter.end(signal.SIGTERM) == 0
    loaded = set(re.findall(r"^import time: .*\| +([\w.]+)$", exporter.log, flags=re.MULTILINE))
    assert {"exporter.app", "orjson", "websocket"} <= loaded
    assert {name: NEEDLESS[name] for name in loaded & NEEDLESS.keys()} == {}


LATER: Final = {
    "encodings.idna": "with the first host name",
    "exporter.exchanges.bitfinex": "with the first account there",
    "importlib.resources": "with urllib3; a file beside a module is read by its path",
    "urllib3": "with the first request of a REST read",
    "zipfile": "with urllib3",
}
"""Modules that are loaded when they are needed, which is after the imports of `run`."""


def test_listening_does_not_wait_for_what_comes_later(repository: Path) -> None:
    """The server is up before the library of REST and its like are loaded."""
    command = [sys.executable, "-c", "import sys, exporter.cli, exporter.commands.run; print(*sys.modules)"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "exporter.rest.client" in loaded
    assert loaded & LATER.keys() == set()
