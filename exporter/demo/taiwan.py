"""The market of an exchange that trades in Taiwan dollars and Tether, and in no US dollars at all."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.demo.deeds import Withdrawal
from exporter.demo.market import Listing, Market
from exporter.demo.records import ZERO, Event, Pair
from exporter.demo.script import CYCLE, Step

if TYPE_CHECKING:
    import random

LISTINGS = (
    Listing(Pair("BTC", "TWD"), Decimal(1952000), Decimal(1), 0.0006),
    Listing(Pair("ETH", "TWD"), Decimal(99200), Decimal(1), 0.0009),
    Listing(Pair("USDT", "TWD"), Decimal("32.05"), Decimal("0.001"), 0.00005),
    Listing(Pair("BTC", "USDT"), Decimal(61000), Decimal("0.01"), 0.0006),
    Listing(Pair("ETH", "USDT"), Decimal(3100), Decimal("0.01"), 0.0009),
)
DOLLAR = Decimal(32)
"""Taiwan dollars for one US dollar, for those who act in this world: no client is told."""
SCRIPT = (
    Step(40.0, Withdrawal("demo-bitopro", "BTC"), CYCLE),
    Step(130.0, Event.LINK_DROPPED, CYCLE),
)


class TaiwanMarket(Market):
    """Prices against TWD and USDT; nothing is lent."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng, LISTINGS, {})

    def dollars(self, currency: str) -> Decimal:
        """Price of one unit in USD by way of TWD; a currency without a price is worth 0 here."""
        if currency == "TWD":
            return 1 / DOLLAR
        pair = Pair(currency, "TWD")
        return self.price(pair) / DOLLAR if pair in self.pairs else ZERO
