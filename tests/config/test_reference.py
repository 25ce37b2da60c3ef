"""Tests of what users read: the commented config.yaml and docs/configuration.md."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from exporter.config import accounts, reader, types, values
from exporter.config.document import Node, load
from exporter.config.reader import read
from exporter.config.types import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from exporter.config.types import Offer

PARTS = (
    *(types.Config, types.Account, types.Endpoints, types.Include, types.Threshold),
    *(types.Lending, types.Privacy),
    *(types.StreamSettings, types.Reconcile, types.Valuation, types.Limits),
)
SECTIONS = ("stream", "reconcile", "valuation", "limits", "privacy")
KEYS = {
    *reader.CONFIG_KEYS,
    *reader.STREAM_KEYS,
    *accounts.ACCOUNT_KEYS,
    *accounts.ENDPOINT_KEYS,
    *accounts.INCLUDE_KEYS,
    *accounts.THRESHOLD_KEYS,
    *accounts.LENDING_KEYS,
    *accounts.PRIVACY_KEYS,
    "interval",
    "series_per_account",
}


@pytest.fixture
def example(repository: Path) -> str:
    """The text of config.yaml."""
    return (repository / "config.yaml").read_text(encoding="utf-8")


@pytest.fixture
def reference(repository: Path) -> str:
    """The text of docs/configuration.md."""
    return (repository / "docs" / "configuration.md").read_text(encoding="utf-8")


def uncommented(example: str) -> str:
    """The example with its accounts switched on as its remarks say."""
    text = example.replace("accounts: []", "accounts:")
    return re.sub(r"^#(?=  )", "", text, flags=re.MULTILINE)


def test_example_is_valid_as_it_stands(repository: Path, known: Mapping[str, Offer]) -> None:
    """On a fresh clone config.yaml passes, and says the defaults."""
    config = read(repository / "config.yaml", {}, known)
    assert config == Config()
    (warning,) = config.warnings
    assert warning.endswith("config.yaml:6: no accounts: nothing to watch")


def test_example_shows_every_setting(example: str) -> None:
    """Each setting outside of accounts stands in config.yaml, not only in a remark."""
    root = load(example, source="config.yaml")
    assert isinstance(root.value, dict)
    for name in SECTIONS:
        section: Node = root.value[name]
        assert isinstance(section.value, dict)
        assert list(section.value) == [field.name for field in fields(getattr(Config(), name))]


def test_accounts_of_the_example_are_valid(
    tmp_path: Path,
    example: str,
    known: Mapping[str, Offer],
    accepted: Callable[[str], Config],
    environ: dict[str, str],
) -> None:
    """With its accounts switched on, config.yaml is valid and says the defaults of accounts too."""
    for name in ("bfx_key", "bfx_secret"):
        (tmp_path / name).write_text(f"made-up-{name}\n")
    for name in ("BITOPRO_API_KEY", "BITOPRO_API_SECRET", "BITOPRO_EMAIL"):
        environ[name] = f"made-up-{name}"
    config = accepted(uncommented(example).replace("/run/secrets/", f"{tmp_path}/"))
    bitfinex, bitopro = config.accounts
    assert (bitfinex.exchange, bitopro.exchange) == ("bitfinex", "bitopro")
    assert (bitfinex.endpoints, bitfinex.feeds) == (known["bitfinex"].endpoints, known["bitfinex"].feeds)
    assert bitopro.feeds == known["bitopro"].feeds
    assert (bitfinex.require_read_only, bitfinex.allow_withdraw_scope) == (False, False)
    assert bitfinex.include == types.Include()
    assert len(bitfinex.thresholds) == 1
    assert config.warnings == ()


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_explained(example: str, reference: str, key: str) -> None:
    """Every key that the reader takes stands in config.yaml and, as a key, in the reference."""
    assert re.search(rf"\b{key}:", uncommented(example)) or key.endswith("_file") or key == "interval"
    assert re.search(rf"(^|[\[(| -]){key}:( |$)", reference, re.MULTILINE), f"{key} is not in the reference"


@pytest.mark.parametrize("section", SECTIONS)
def test_defaults_in_the_reference(reference: str, section: str) -> None:
    """The defaults that the reference states are those of the types."""
    settings = getattr(Config(), section)
    for field in fields(settings):
        block = reference.partition(f"## `<{section}>`")[2]
        match = re.search(rf"\[ {field.name}: <(\w+)> \| default = (\w+) \]", block)
        assert match is not None, f"{section}.{field.name} has no default in docs/configuration.md"
        kind, written = match.groups()
        convert: Mapping[str, Callable[[Node], float]] = {
            "duration": values.duration("0", "1d"),
            "size": values.size("0B", "1GiB"),
            "integer": values.integer(0, 10**9),
            "boolean": values.boolean,
        }
        items = load(f"- {written}", source="x").value
        assert isinstance(items, list)
        assert convert[kind](items[0]) == getattr(settings, field.name)


def test_every_field_is_a_key() -> None:
    """Every field of the types can be written in the file; `feeds` is called `streams` there."""
    names = {field.name for part in PARTS for field in fields(part)}
    assert names - {"feeds", "warnings"} | {"streams"} <= KEYS


def test_worked_example_of_the_reference(
    tmp_path: Path, reference: str, accepted: Callable[[str], Config], environ: dict[str, str]
) -> None:
    """The example at the end of the reference is valid."""
    for name in ("bfx_key", "bfx_secret"):
        (tmp_path / name).write_text(f"made-up-{name}\n")
    for name in ("BITOPRO_API_KEY", "BITOPRO_API_SECRET", "BITOPRO_EMAIL"):
        environ[name] = f"made-up-{name}"
    text = reference.partition("## An example\n\n```yaml\n")[2].partition("```")[0]
    config = accepted(text.replace("/run/secrets/", f"{tmp_path}/"))
    assert [account.name for account in config.accounts] == ["main", "taipei"]
