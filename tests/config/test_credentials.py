"""Tests of where secrets come from, and of where they must not go."""

from __future__ import annotations

import copy
import traceback
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from exporter.config.credentials import Sources
from exporter.config.reader import ConfigError, parse, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from exporter.config.types import Account, Config, Offer

KEY = "QhB4vXs81xWq0pTZs7dKcJm2nRy5uLfEo3aGiP6tXyZ"  # as long as a real one


def account(line: str) -> str:
    """A file with one account whose key is given by the line."""
    return f"accounts:\n- name: main\n  exchange: bitfinex\n  api_secret: ${{API_SECRET}}\n  {line}\n"


@pytest.fixture
def key_of(accepted: Callable[[str], Config]) -> Callable[[str], str]:
    """The key that a line of an account gives."""

    def reveal(line: str) -> str:
        first: Account = accepted(account(line)).accounts[0]
        return first.api_key.reveal()

    return reveal


@pytest.mark.parametrize("content", [b"k3y", b"k3y\n", b"k3y\r\n"])
def test_file_beside_the_configuration(tmp_path: Path, key_of: Callable[[str], str], content: bytes) -> None:
    """A relative name starts at the folder of the file; one new line at the end of a secret is dropped."""
    (tmp_path / "key").write_bytes(content)
    assert key_of("api_key_file: key") == "k3y"


@pytest.mark.parametrize(
    "content", [b"k3y\n\n", b" k3y", b"k3y\t", b"k 3", b"\xef\xbb\xbfk3y", b"k\x003", "ké".encode()]
)
def test_strange_content(tmp_path: Path, refused: Callable[[str], list[str]], content: bytes) -> None:
    """White space, control characters and letters outside ASCII are refused, for no key has them."""
    (tmp_path / "key").write_bytes(content)
    sentence = "a secret with white space or a character outside ASCII (expected one word on one line)"
    assert refused(account("api_key_file: key")) == [f"config.yaml:5: accounts[0].api_key_file: {sentence}"]


def test_absolute_file(tmp_path: Path, key_of: Callable[[str], str]) -> None:
    """An absolute name is taken as it is."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "key").write_text("k3y")
    assert key_of(f"api_key_file: {tmp_path}/elsewhere/key") == "k3y"


def test_credentials_directory(tmp_path: Path, environ: dict[str, str], key_of: Callable[[str], str]) -> None:
    """The folder that systemd provides is found."""
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "bfx_key").write_text("k3y\n")
    environ["CREDENTIALS_DIRECTORY"] = str(tmp_path / "credentials")
    assert key_of("api_key_file: ${CREDENTIALS_DIRECTORY}/bfx_key") == "k3y"


@pytest.mark.parametrize(
    ("written", "key"),
    [("0123456789", "0123456789"), ("1e10", "1e10"), ("0.10", "0.10"), ("true", "true"), ("'#a:b'", "#a:b")],
)
def test_inline_text_is_taken_as_written(key_of: Callable[[str], str], written: str, key: str) -> None:
    """A secret made of digits, or that looks like something else, stays the text that it is."""
    assert key_of(f"api_key: {written}") == key


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_inline_secret_that_others_can_read(
    config_file: Callable[[str], Path],
    environ: Mapping[str, str],
    known: Mapping[str, Offer],
    mode: int,
    warned: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    """A secret in a file that every user can read is warned of; references in such a file are not."""
    path = config_file(account(f"api_key: {KEY}"))
    path.chmod(mode)
    sentence = (
        f"{path}:5: accounts[0].api_key: a secret in a file that every user of this machine can read "
        '(chmod 600, or better "api_key_file")'
    )
    assert read(path, environ, known).warnings == ((sentence,) if warned else ())


def test_nothing_shows_a_secret(accepted: Callable[[str], Config], environ: dict[str, str]) -> None:
    """A configuration prints, copies and turns into dictionaries without its secrets."""
    environ["API_SECRET"] = KEY
    config = accepted(account(f"api_key: {KEY}"))
    assert config.accounts[0].api_key.reveal() == config.accounts[0].api_secret.reveal() == KEY
    shown = [repr(config), str(config), repr(asdict(config)), repr(copy.deepcopy(config)), *config.warnings]
    assert KEY not in " ".join(shown)
    assert "<secret>" in repr(config)


def test_sources_do_not_show_the_environment(tmp_path: Path) -> None:
    """The environment is full of secrets, ours and others'."""
    assert KEY not in repr(Sources(tmp_path, {"KEY": KEY}))


PLACES = """\
accounts:
- name: main
  exchange: bitfinex
  api_key: ${API_KEY}
  api_secret_file: secret
  identity: x
  require_read_only: true
  allow_withdraw_scope: false
  streams: [wallets]
  include: {currencies: [BTC], symbols: [tBTCUSD]}
  margin_symbols: [tBTCUSD]
  thresholds:
  - {wallet: exchange, currency: BTC, level: warning, minimum: 1}
  endpoints: {stream: wss://a, rest: https://a, public: https://a}
stream: {connect_timeout: 5s, max_message_bytes: 1MiB}
reconcile: {interval: 5m}
limits: {series_per_account: 500}
"""
WORDS = sorted({word.strip("{}[],:-") for word in PLACES.split()} - {""})


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "pasted",
    [KEY, f"[{KEY}]", f"'{KEY}'", f"*{KEY}", f"&{KEY}", f"!{KEY}", f'"{KEY}', f"${{{KEY}}}", f"x: {KEY}"],
)
def test_a_secret_in_any_wrong_place_is_not_repeated(
    tmp_path: Path, environ: Mapping[str, str], known: Mapping[str, Offer], word: str, pasted: str
) -> None:
    """A key pasted over any key or value of the file appears in no message, and in nothing an error holds."""
    text = PLACES.replace(word, pasted, 1)
    try:
        parse(text, "config.yaml", Sources(tmp_path, environ), known)
    except ConfigError as error:
        shown = "\n".join([repr(error), *error.problems, *traceback.format_exception(error)])
        hidden = error.__context__
    else:
        shown, hidden = "accepted", None
    assert shown != "accepted"  # `identity` and the missing file keep the file from being valid
    assert KEY not in shown
    assert hidden is None
