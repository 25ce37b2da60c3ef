"""What the demo's trader on margin does: positions of a size that shows, far from any margin call."""

from __future__ import annotations

import random

import pytest

from exporter.demo.accounts import MAIN
from exporter.demo.books import MARGIN_MINIMUM
from exporter.demo.world import World

START = 1_700_000_000.0


@pytest.mark.parametrize("seed", range(3))
def test_positions_last_and_nobody_is_called_in_a_calm_world(seed: int) -> None:
    """For ten minutes there is mostly a position of each kind, with the margin and distance of a calm one."""
    world = World(random.Random(seed), [MAIN], origin=START, script=())  # noqa: S311 - not secrecy
    books, market = world.books["demo-main"], world.market
    seen = 0
    for second in range(0, 600, 5):
        world.advance(START + second)
        seen += len(books.positions)
        for position in books.positions.values():
            price, computed = market.price(position.pair), books.computed(position, market)
            assert abs(computed.liquidation_price - price) / price > 0.2
            if not position.derivative:
                needed = abs(position.amount) * price * MARGIN_MINIMUM
                assert books.balance("margin", "USD") + computed.profit > 3 * needed
    assert seen > 1.5 * 120
