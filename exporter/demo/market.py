"""Prices of the demo world: a seeded walk, pulled back to where it began, so that a long demo stays sane."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from exporter.demo.records import ZERO, Pair

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence


class Listing(NamedTuple):
    """A pair on the market: first price, smallest price step, and how far one quantum moves it (relative)."""

    pair: Pair
    start: Decimal
    step: Decimal
    unrest: float


LISTINGS = (
    Listing(Pair("BTC", "USD"), Decimal(61000), Decimal(1), 0.0006),
    Listing(Pair("ETH", "USD"), Decimal(3100), Decimal("0.1"), 0.0009),
    Listing(Pair("DUSK", "USD"), Decimal("0.21"), Decimal("0.00001"), 0.0015),
    Listing(Pair("UST", "USD"), Decimal("0.9998"), Decimal("0.0001"), 0.00005),
    Listing(Pair("BTCF0", "USTF0"), Decimal(61010), Decimal(1), 0.0007),
)
# Daily lending rates, per currency.
RATES = {"USD": Decimal("0.00032"), "UST": Decimal("0.00027")}
PULL = 0.01
RATE_UNREST = 0.01
RATE_STEP = Decimal("0.00000001")


class Market:
    """Last prices and lending rates; `move` makes one quantum pass."""

    def __init__(
        self,
        rng: random.Random,
        listings: Sequence[Listing] = LISTINGS,
        rates: Mapping[str, Decimal] = MappingProxyType(RATES),
    ) -> None:
        self._rng = rng
        self._listings = listings
        self._first_rates = rates
        self._prices = {listing.pair: listing.start for listing in listings}
        self._rates = dict(rates)

    def move(self) -> None:
        """Let every price and rate take one step: always the same number of draws, whatever accounts do."""
        for listing in self._listings:
            price = float(self._prices[listing.pair])
            start = float(listing.start)
            price += PULL * (start - price) + start * listing.unrest * self._rng.gauss(0, 1)
            self._prices[listing.pair] = _round(price, listing.step)
        for currency, first in self._first_rates.items():
            rate = float(self._rates[currency])
            rate += PULL * (float(first) - rate) + float(first) * RATE_UNREST * self._rng.gauss(0, 1)
            self._rates[currency] = _round(rate, RATE_STEP)

    @property
    def pairs(self) -> Iterable[Pair]:
        """What is traded."""
        return self._prices.keys()

    def price(self, pair: Pair) -> Decimal:
        """Last price of a pair."""
        return self._prices[pair]

    def rate(self, currency: str) -> Decimal:
        """Lending rate of a currency, per day."""
        return self._rates[currency]

    def dollars(self, currency: str) -> Decimal:
        """Price of one unit in USD; a currency without a price is worth 0 here."""
        code = currency.removesuffix("F0")
        return Decimal(1) if code == "USD" else self._prices.get(Pair(code, "USD"), ZERO)

    def step(self, pair: Pair) -> Decimal:
        """Smallest price step of a pair."""
        return next(listing.step for listing in self._listings if listing.pair == pair)


def _round(value: float, step: Decimal) -> Decimal:
    # One step is the least a price can be: nothing here is ever free, and nothing divides by 0.
    return max(Decimal(round(value / float(step))), Decimal(1)) * step
