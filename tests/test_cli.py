"""The command line: what it takes, what it says to mistakes, and how the process ends."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import __version__
from exporter.cli import COMMANDS, _parser, main
from exporter.demo.incidents import INCIDENTS


@pytest.fixture(autouse=True)
def _untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logging and the hooks of the test run stay as they are."""
    monkeypatch.setattr("exporter.cli.setup", lambda *_arguments, **_names: None)
    monkeypatch.setattr("exporter.cli.log_uncaught", lambda: None)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the program."""
    try:
        code = main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_version_is_told_with_that_of_python(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` works with and without a command."""
    version = f"exchange-exporter {__version__} (Python {sys.version.split()[0]})\n"
    assert said(capsys, "--version") == (0, version, "")
    assert said(capsys, "demo", "--version") == (0, version, "")


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` lists what there is, and exits 0."""
    code, out, _ = said(capsys, "--help")
    assert code == 0
    for command in ("run", "demo", "check", "replay", "record", "backfill"):
        assert f"    {command} " in out


def test_the_help_of_the_demo_names_every_incident(capsys: pytest.CaptureFixture[str]) -> None:
    """Each in one piece, as it has to be typed."""
    code, out, _ = said(capsys, "demo", "--help")
    assert code == 0
    assert set(INCIDENTS) <= set(out.replace(",", " ").split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_has_a_help_text(command: str) -> None:
    """No flag is listed without a word on what it is for."""
    chosen = next(
        action.choices[command] for action in _parser()._actions if isinstance(action.choices, dict)
    )
    assert [action.dest for action in chosen._actions if not action.help] == []


def test_without_a_command_it_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Flags of `run` are taken without its name; here they lead to a file that is not there."""
    missing = tmp_path / "none.yaml"
    code, out, err = said(capsys, f"--config.file={missing}")
    assert (code, out) == (2, "")
    assert err.startswith(f"{missing}: cannot read the configuration: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("frobnicate",), "invalid choice: 'frobnicate'"),
        (("run", "--frobnicate"), "unrecognized arguments: --frobnicate"),
        (("replay", "-"), "the following arguments are required: --exchange"),
        (("record", "-"), "the following arguments are required: --account"),
        (("demo", "--demo.speed=0"), "--demo.speed: expected a number above 0, at most 1000, got 0"),
        (("demo", "--demo.speed=nan"), "--demo.speed: expected a number above 0, at most 1000, got nan"),
        (("demo", "--demo.speed=1001"), "--demo.speed: expected a number above 0, at most 1000, got 1001"),
        (("demo", "--demo.speed=fast"), "--demo.speed: expected a number above 0, at most 1000, got fast"),
        (
            ("demo", "--incident=flood"),
            '--incident: no incident "flood" (known: calm, exchange-unreachable, ',
        ),
        (("run", "--web.max-requests=0"), "--web.max-requests: expected a whole number above 0, got 0"),
        (("run", "--web.max-requests=x"), "--web.max-requests: expected a whole number above 0, got x"),
        (("run", "--log.level=loud"), "invalid choice: 'loud'"),
        (
            ("run", "--web.telemetry-path=/-/metrics"),
            '--web.telemetry-path: cannot serve metrics at "/-/metrics": paths below /-/ are taken by health',
        ),
        (
            ("demo", "--web.listen-address=19700"),
            '--web.listen-address: cannot listen on "19700": expected host:port',
        ),
    ],
)
def test_a_wrong_flag_is_one_sentence_and_exit_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    """Usage errors name the flag, what was expected, and exit 2 without a traceback."""
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_a_port_in_use_is_exit_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A runtime failure: one sentence that names the address, exit 1."""
    config = tmp_path / "config.yaml"
    config.write_text("accounts: []\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [
            sys.executable,
            "-m",
            "exporter",
            f"--config.file={config}",
            f"--web.listen-address={address}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert (
        done.stderr.splitlines()[-1]
        == f"exchange-exporter: cannot listen on {address}: address already in use "
        "(--web.listen-address chooses another)"
    )
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_written_is_exit_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What the system refuses is told with the file's name and without numbers of errors."""
    config = tmp_path / "config.yaml"
    config.write_text("accounts: [{name: main, exchange: bitfinex, api_key: k, api_secret: s}]\n")
    config.chmod(0o600)
    out = tmp_path / "none" / "session.jsonl"
    answer = said(capsys, "record", f"--config.file={config}", "--account=main", str(out))
    assert answer == (1, "", f"exchange-exporter: cannot use {out}: no such file or directory\n")


def test_a_bad_web_configuration_is_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The web configuration is a configuration, too."""
    web = tmp_path / "web.yaml"
    web.write_text("tls_server_config: {}\nsurprise: 1\n")
    config = tmp_path / "config.yaml"
    config.write_text("accounts: []\n")
    command = [sys.executable, "-m", "exporter", f"--config.file={config}", f"--web.config.file={web}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert 'web.yaml:2: unknown key "surprise"' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_standard_error_is_no_reason_to_fail(tmp_path: Path) -> None:
    """Started without standard error, as some supervisors do, a bad file is still exit 2."""
    command = f"exec {sys.executable} -m exporter check --config.file={tmp_path}/none.yaml 2>&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60)  # noqa: S607
    assert done.returncode == 2


def test_who_reads_our_output_may_go_away() -> None:
    """`exchange-exporter replay ... | head -0` ends without a traceback."""
    command = f"echo '[0,\"hb\"]' | {sys.executable} -m exporter replay --exchange=bitfinex - | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)  # noqa: S607
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
