"""`check`: every problem of a file, and with `--login` what each key may do; never a secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.commands.check import check
from exporter.config.reader import ConfigError
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer
from exporter.logs import Redactor

if TYPE_CHECKING:
    from tests.commands.conftest import Program

BAD = "a-key-that-nobody-knows-at-all"
Write = Callable[..., Path]


def test_a_valid_file_is_called_valid(
    venue: DemoServer, config_file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """The accounts are named, and nothing is connected to without --login."""
    path = config_file(venue)
    assert check(str(path), Redactor(), login=False) == 0
    assert f"{path}: valid; accounts: demo-main, demo-lender\n" in capsys.readouterr().out
    assert venue.venues["bitfinex"].connections == 0


def test_a_login_shows_scopes_streams_and_series(
    venue: DemoServer, config_file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both accounts come live; scopes, verdict and the number of series are printed, and no secret is."""
    assert check(str(config_file(venue)), Redactor(), login=True) == 0
    out = capsys.readouterr().out
    assert "demo-main (bitfinex):\n  stream account: live\n  key: read only\n" in out
    assert "demo-lender (bitfinex):\n  stream account: live\n  key: read only\n" in out
    assert "    orders: read\n" in out
    assert "    withdraw: nothing\n" in out
    assert "  series: " in out
    for account in ACCOUNTS:
        assert account.api_key not in out
        assert account.api_secret not in out


def test_one_refused_key_does_not_hide_the_other(
    venue: DemoServer, config_file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first key is refused with its code, the second account is tried all the same; exit 1."""
    path = config_file(venue, keys={"demo-main": BAD})
    assert check(str(path), Redactor(), login=True) == 1
    out = capsys.readouterr().out
    assert "  stream account: refused: login failed: key not accepted (code 10100)\n  key: unknown\n" in out
    assert "demo-lender (bitfinex):\n  stream account: live\n" in out
    assert BAD not in out


def test_a_bad_file_raises_every_problem(tmp_path: Path) -> None:
    """Two mistakes, two sentences."""
    path = tmp_path / "config.yaml"
    path.write_text("accounts: [{name: A B, exchange: mtgox}]\nstraem: {}\n")
    with pytest.raises(ConfigError) as error:
        check(str(path), Redactor(), login=False)
    assert len(error.value.problems) >= 3


def test_the_command_line_exits_2_for_a_bad_file_and_0_for_a_good_one(
    program: Program, venue: DemoServer, config_file: Write, tmp_path: Path
) -> None:
    """Codes of the process: configuration is 2, valid is 0."""
    good = program("check", f"--config.file={config_file(venue)}")
    assert (good.returncode, good.stderr) == (0, "")
    bad = tmp_path / "bad.yaml"
    bad.write_text("accounts: [{}]\n")
    done = program("check", f"--config.file={bad}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0].startswith(f"{bad}:1: accounts[0]: ")
