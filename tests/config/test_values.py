"""Tests of single values; the sentences of refusals are pinned by the files of tests/testdata/config."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import values
from exporter.config.document import Node, load


def node(written: str) -> Node:
    """The node of a scalar as it stands in a file."""
    root = load(f"- {written}", source="x.yaml")
    assert isinstance(root.value, list)
    return root.value[0]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0),
        ("250ms", 0.25),
        ("10s", 10),
        ("5m", 300),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1d", 86400),
        ("1m5s", 65),
    ],
)
def test_durations(written: str, seconds: float) -> None:
    """Durations are read in seconds, units from large to small."""
    assert values.duration("0", "1d")(node(written)) == seconds


@pytest.mark.parametrize(
    "written", ["10", "s", "10 s", "1.5s", "5s1m", "-1s", "1e3", "1w", "٣s", "9999999s", "''", "'0 '"]
)
def test_bad_durations(written: str) -> None:
    """Numbers without units, units without numbers, fractions and other spellings are refused."""
    with pytest.raises(values.Refusal, match=r"is no duration \(expected such as 10s"):
        values.duration("0", "1d")(node(written))


def test_bounds_are_included() -> None:
    """A duration may be at its bounds, and 0 only where it means off."""
    convert = values.duration("10s", "1m", off=True)
    assert [convert(node(written)) for written in ("10s", "60s", "0", "0s")] == [10, 60, 0, 0]
    with pytest.raises(values.Refusal, match="out of range"):
        convert(node("61s"))
    with pytest.raises(values.Refusal, match="out of range"):
        values.duration("10s", "1m")(node("0"))


@pytest.mark.parametrize(("written", "count"), [("64KiB", 65536), ("8MiB", 8388608), ("70000B", 70000)])
def test_sizes(written: str, count: int) -> None:
    """Sizes are read in bytes, with binary units."""
    assert values.size("64KiB", "64MiB")(node(written)) == count


@pytest.mark.parametrize("written", ["8MB", "8 MiB", "8mib", "1.5MiB", "-1MiB", "8"])
def test_bad_sizes(written: str) -> None:
    """Decimal units and numbers without units are refused, for they are read in two ways."""
    with pytest.raises(values.Refusal, match=r"is no size \(expected such as 512KiB"):
        values.size("64KiB", "64MiB")(node(written))


@pytest.mark.parametrize(
    "written",
    [
        "wss://api.bitfinex.com/ws/2",
        "wss://stream.bitopro.com:443/ws/v1",
        "wss://[2001:db8::1]:8443/",
        "ws://127.0.0.1:9000/x",
        "ws://127.8.9.10",
        "ws://localhost:1",
        "'ws://[::1]:9000/x'",
    ],
)
def test_stream_addresses(written: str) -> None:
    """A stream is encrypted, or on this machine."""
    given = node(written)
    assert values.url("wss")(given) == given.text


@pytest.mark.parametrize(
    "written",
    [
        "ws://api.bitfinex.com",
        "ws://127.0.0.1.example.com",
        "ws://localhost.example.com",
        "ws://127.1",
        "ws://0.0.0.0",
        "ws://192.168.0.1",
        "https://api.bitfinex.com",
        "WSS://api.bitfinex.com",
        "api.bitfinex.com",
        "wss:api.bitfinex.com",
        "wss:///path",
        "wss://user@host",
        "ws://127.0.0.1:80@evil.example.com/",
        "wss://host/?a=b",
        "'wss://host/#a'",
        "wss://host:0",
        "wss://host:65536",
        "wss://host:x",
        "wss://ho_st",
        "wss://bücher.example",
        "'wss://[::1'",
        "'wss://host\\path'",
        "'wss://host path'",
        '"wss://host\\npath"',
    ],
)
def test_bad_stream_addresses(written: str) -> None:
    """What is not encrypted, not an address, or carries more than one is refused without being repeated."""
    given = node(written)
    with pytest.raises(values.Refusal) as caught:
        values.url("wss")(given)
    assert given.text is not None
    assert given.text not in str(caught.value)
    assert "wss://" in str(caught.value)


def test_base_addresses_end_without_slash() -> None:
    """Base addresses of REST are joined with paths: a final slash is taken off."""
    assert values.url("https")(node("https://api.example.com/v3/")) == "https://api.example.com/v3"


@pytest.mark.parametrize("written", ["BTC/USD", "BTCF0/USTF0", "tBTCUSD", "tBTCF0:USTF0", "fUSD", "btc_twd"])
def test_symbols(written: str) -> None:
    """A symbol may be written as the label shows it or as the exchange does."""
    assert values.symbol(node(written)) == written


@pytest.mark.parametrize("written", ["/", "BTC/", "/USD", "BTC/USD/EUR", "BTC-USD", "b", "'BTC USD'"])
def test_bad_symbols(written: str) -> None:
    """What no exchange writes is refused."""
    with pytest.raises(values.Refusal, match=r"bad symbol .* \(expected such as BTC/USD,"):
        values.symbol(node(written))


def test_names_may_be_digits() -> None:
    """A name made of digits is a name."""
    assert values.name(node("007")) == "007"
    assert values.name(node("1")) == "1"


@given(st.text(max_size=50))
def test_names_are_label_values_without_surprise(text: str) -> None:
    """A name that is taken has only small letters, digits, underscores and hyphens."""
    try:
        name = values.name(Node(text, 1, 1, text))
    except values.Refusal:
        return
    assert 1 <= len(name) <= 40
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
