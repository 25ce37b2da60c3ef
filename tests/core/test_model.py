"""The words of the model."""

from __future__ import annotations

from typing import get_args

import pytest

from exporter.core.model import SNAPSHOT_TABLES, Table, split_symbol
from exporter.core.sheet import VALUE_TABLES


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [("BTC/USD", ("BTC", "USD")), ("BTCF0/USTF0", ("BTCF0", "USTF0")), ("ODD", ("ODD", "")), ("", ("", ""))],
)
def test_symbol_splits(symbol: str, parts: tuple[str, str]) -> None:
    """A symbol gives its base and quote, and an empty quote where it has none."""
    assert split_symbol(symbol) == parts


def test_every_table_is_of_one_kind() -> None:
    """Each table is either laid down whole by snapshots or consists of values told one by one."""
    assert set(SNAPSHOT_TABLES) | VALUE_TABLES == set(get_args(Table))
    assert not set(SNAPSHOT_TABLES) & VALUE_TABLES
