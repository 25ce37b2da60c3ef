"""Recorded messages of BitoPro replayed: whole and partial pushes, old and new shapes, quiet hours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from exporter.commands.replay import replay

FIXTURES = Path(__file__).parents[2] / "fixtures" / "bitopro"
Page = Callable[[str], dict[tuple[str, ...], float]]


@pytest.fixture
def page(capsysbinary: pytest.CaptureFixture[bytes]) -> Page:
    """A function that replays a file and gives its samples by name and the labels that matter."""

    def play(name: str) -> dict[tuple[str, ...], float]:
        assert replay(str(FIXTURES / f"{name}.jsonl"), "bitopro", "main", "text") == 0
        found = {}
        for family in parse(capsysbinary.readouterr().out.decode()):
            for sample in family.samples:
                labels = {
                    key: value
                    for key, value in sample.labels.items()
                    if key not in ("account", "exchange", "wallet")
                }
                found[(sample.name, *(labels[key] for key in sorted(labels)))] = sample.value
        return found

    return play


def balances(found: dict[tuple[str, ...], float]) -> dict[str, float]:
    """What is shown of the wallets."""
    return {key[1]: value for key, value in found.items() if key[0] == "exchange_wallet_balance"}


@pytest.mark.parametrize("name", ["deltas", "quiet_hours"])
def test_partial_pushes_are_merged(page: Page, name: str) -> None:
    """Currencies that a push lacks stay, one that fell to 0 is 0, one never held is not there."""
    found = page(name)
    assert balances(found) == {
        "TWD": 422_000.0,
        "USDT": 0.0,
        "BTC": 0.45,
        "ETH": 6.8996,
        "SHIB": 999_999_999_999.99999999,
    }
    assert found["exchange_open_orders", "sell", "ETH/TWD"] == 1
    assert found["exchange_order_events_total", "cancel"] == 1
    assert found["exchange_order_events_total", "new"] == 0
    assert found["exchange_fills_total", "maker", "buy", "ETH/TWD"] == 1


def test_whole_pushes_of_the_old_shape_are_merged_too(page: Page) -> None:
    """Without event ids, with one time per order and numbers for ids, the tables come out right."""
    found = page("whole")
    assert balances(found) == {"TWD": 15_985.0, "BTC": 0.05}
    assert found["exchange_open_orders", "sell", "BTC/TWD"] == 0
    assert found["exchange_fills_total", "taker", "sell", "BTC/TWD"] == 1
    assert found["exchange_order_events_total", "other"] == 1


def test_hours_without_a_push_are_no_silence(page: Page) -> None:
    """Pings are in no recording: the streams are up at its end, and were never lost."""
    found = page("quiet_hours")
    for stream in ("balance", "orders", "trades"):
        assert found["exchange_stream_up", stream] == 1
        assert found["exchange_stream_connects_total", stream] == 1
