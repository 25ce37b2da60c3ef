"""Tests of whole files. Each file of tests/testdata/config has one mistake, and the answer at its end."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config.credentials import Sources
from exporter.config.document import MAX_CHARACTERS
from exporter.config.reader import CONFIG_KEYS, STREAM_KEYS, ConfigError, parse, read
from exporter.config.types import Config, Limits, Privacy, Reconcile, StreamSettings, Valuation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.types import Offer

MISTAKES = sorted((Path(__file__).parents[1] / "testdata" / "config").glob("*.yaml"))
MARK = "# expect: "


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_mistakes(path: Path, environ: Mapping[str, str], known: Mapping[str, Offer]) -> None:
    """Each mistake gets exactly the sentences written at the end of its file, in the order of lines."""
    lines = path.read_text().splitlines()
    expected = [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]
    with pytest.raises(ConfigError) as caught:
        read(path, environ, known)
    assert caught.value.problems == [
        f"{path}:{sentence}" if sentence[0].isdigit() else f"{path}: {sentence}" for sentence in expected
    ]
    assert str(caught.value) == "\n".join(caught.value.problems)


def test_mistakes_are_there() -> None:
    """The folder of mistakes was found."""
    assert len(MISTAKES) > 90


def test_contract_sentence(refused: Callable[[str], list[str]]) -> None:
    """The sentence that the design promises, word for word."""
    text = "\n" * 9 + "accounts:\n- name: main\n  exchange: x\n  api_key: k\n  api_secret: s\n"
    expected = 'config.yaml:12: accounts[0].exchange: unknown exchange "x" (known: bitfinex, bitopro)'
    assert refused(text) == [expected]


def test_defaults(accepted: Callable[[str], Config]) -> None:
    """A file without settings gives the defaults of the types, with a warning that nothing is watched."""
    config = accepted("accounts: []\n")
    assert config == Config((), StreamSettings(), Reconcile(), Valuation(), Limits())
    assert [warning.rpartition("/")[2] for warning in config.warnings] == [
        "config.yaml:1: no accounts: nothing to watch"
    ]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "accounts:\n#  - name: main\nstream:\n#  stale_after: 1s\n"]
)
def test_sections_may_be_empty(accepted: Callable[[str], Config], text: str) -> None:
    """A section whose keys are all commented out counts as absent."""
    assert accepted(text) == Config()


def test_every_setting(accepted: Callable[[str], Config]) -> None:
    """Every key outside of accounts reaches its field, in seconds and bytes."""
    config = accepted("""
stream: {connect_timeout: 5s, silence_timeout: 1m, stale_after: 0, max_message_bytes: 1MiB, backoff_max: 2m}
reconcile: {interval: 1h}
valuation: {interval: 0}
limits: {series_per_account: 123}
privacy: {hide_amounts: true}
""")
    assert config.privacy == Privacy(hide_amounts=True)
    assert config.stream == StreamSettings(5.0, 60.0, 0.0, 2**20, 120.0)
    assert (config.reconcile, config.valuation, config.limits) == (
        Reconcile(3600.0),
        Valuation(0.0),
        Limits(123),
    )


def test_a_quiet_stream_must_have_time(accepted: Callable[[str], Config]) -> None:
    """A silence that healthy quiet streams reach is taken, with a warning."""
    config = accepted("stream: {silence_timeout: 15s}\n")
    assert config.warnings[1].endswith(
        "config.yaml:1: stream.silence_timeout: "
        "not longer than the 20s between two signs of life of a quiet, healthy stream"
    )


def test_silence_may_be_as_short_as_connecting(accepted: Callable[[str], Config]) -> None:
    """The two patiences may be equal."""
    stream = accepted("stream: {connect_timeout: 30s, silence_timeout: 30s}\n").stream
    assert stream.connect_timeout == stream.silence_timeout == 30.0


def test_keys_are_those_of_the_types() -> None:
    """Every section and every setting of the types can be written in the file."""
    assert set(CONFIG_KEYS) == {field.name for field in fields(Config)} - {"warnings"}
    assert set(STREAM_KEYS) == {field.name for field in fields(StreamSettings)}


def test_missing_file(tmp_path: Path, known: Mapping[str, Offer]) -> None:
    """A file that is not there is one sentence."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "none.yaml", {}, known)
    expected = "cannot read the configuration: no such file (expected a YAML file, named by --config.file)"
    assert caught.value.problems == [f"{tmp_path}/none.yaml: {expected}"]


def test_relative_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Mapping[str, Offer]) -> None:
    """The file is named in messages as it was on the command line."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^config\.yaml: cannot read the configuration: no such file"):
        read("config.yaml", {}, known)


def test_large_file(tmp_path: Path, known: Mapping[str, Offer]) -> None:
    """A file beyond the limit is one sentence."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"#" * (MAX_CHARACTERS + 1))
    with pytest.raises(
        ConfigError, match=r"config\.yaml: cannot read .*: too large \(at most 262144 bytes\)"
    ):
        read(path, {}, known)


def test_bytes_that_are_no_text(tmp_path: Path, known: Mapping[str, Offer]) -> None:
    """A file in another encoding is one sentence with the line, and the error holds none of its bytes."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"accounts: []\n# caf\xe9 hunter2\n")
    with pytest.raises(ConfigError) as caught:
        read(path, {}, known)
    assert caught.value.problems == [f"{path}:2: not UTF-8 text"]
    assert caught.value.__context__ is None


def test_byte_order_mark(tmp_path: Path, known: Mapping[str, Offer]) -> None:
    """A file from an editor that writes a byte order mark is read."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbfaccounts: []\n")
    assert read(path, {}, known) == Config()


def test_reload_sees_what_changed(accepted: Callable[[str], Config]) -> None:
    """Two readings of one file are equal, a changed secret or setting makes them differ."""
    text = "accounts:\n- {name: a, exchange: bitfinex, api_key: k, api_secret: s}\n"
    assert accepted(text) == accepted(text + "# a remark\n")
    assert accepted(text) != accepted(text.replace("api_secret: s", "api_secret: t"))
    assert accepted(text) != accepted(text + "limits: {series_per_account: 100}\n")


_WORDS = st.sampled_from(
    [
        *("accounts", "name", "exchange", "bitfinex", "api_key", "api_key_file", "endpoints", "stream"),
        *("streams", "include", "currencies", "thresholds", "wallet", "level", "minimum", "limits", "rest"),
        *("reconcile", "interval", "10s", "8MiB", "true", "0", "-1", "1e3", "${A}", "wss://x", "ws://["),
    ]
)
_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=5),
)


@settings(deadline=None, max_examples=200)
@given(_DATA)
def test_any_data_is_a_configuration_or_a_list_of_problems(data: object) -> None:
    """Whatever stands where, the answer is a Config or a ConfigError with printable sentences."""
    text = _yaml(data)
    try:
        parse(text, "c.yaml", Sources(Path("/nonexistent"), {}), {})
        problems = ["none"]
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(problem.isprintable() for problem in problems)


def _yaml(data: object) -> str:
    if isinstance(data, dict):
        return "{" + ", ".join(f"{key}: {_yaml(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(_yaml(value) for value in data) + "]"
    if isinstance(data, str):
        return "'" + data.replace("'", "''") + "'"
    return str(data)
