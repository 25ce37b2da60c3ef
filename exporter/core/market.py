"""What the currencies of one exchange are worth, as far as its public tickers say so honestly."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Final, NamedTuple

LIFETIME_INTERVALS: Final = 5.0
SHORTEST_LIFETIME: Final = 120.0


class MarketReport(NamedTuple):
    """A consistent copy. Prices are US dollars per unit; times are Unix seconds."""

    exchange: str
    prices: Mapping[str, float]
    priced_at: float
    unpriced: frozenset[str]
    funding_rates: Mapping[str, float]
    """Benchmark rates per day."""
    marks: Mapping[str, float] = MappingProxyType({})
    """Last prices by symbol, in the symbol's quote currency."""


class MarketState:
    """Prices of one exchange, behind a lock of their own. Older than its lifetime, a price is not shown."""

    def __init__(self, exchange: str, *, interval: float, lock: AbstractContextManager[object]) -> None:
        self.exchange = exchange
        self._lifetime = max(LIFETIME_INTERVALS * interval, SHORTEST_LIFETIME)
        self._lock = lock
        self._prices: Mapping[str, float] = {}
        self._wanted: frozenset[str] = frozenset()
        self._funding_rates: Mapping[str, float] = {}
        self._marks: Mapping[str, float] = {}
        self._at: tuple[float, float] | None = None

    def quoted(
        self,
        prices: Mapping[str, float],
        wanted: frozenset[str],
        funding_rates: Mapping[str, float],
        monotonic: float,
        wall: float,
        *,
        marks: Mapping[str, float] | None = None,
    ) -> None:
        """Take over a whole new set of prices; what was wanted and is not among them has no price."""
        with self._lock:
            self._prices, self._wanted, self._funding_rates = prices, wanted, funding_rates
            self._marks = marks or {}
            self._at = (monotonic, wall)

    def price(self, currency: str, now: float) -> float | None:
        """The price of a currency at monotonic `now`, None when there is none to be trusted."""
        return self.report(now).prices.get(currency)

    def report(self, now: float) -> MarketReport:
        """What may be believed at monotonic `now`."""
        with self._lock:
            if self._at is None or now - self._at[0] > self._lifetime:
                return MarketReport(self.exchange, {}, 0.0, frozenset(), {})
            unpriced = self._wanted - self._prices.keys()
            return MarketReport(
                self.exchange, self._prices, self._at[1], unpriced, self._funding_rates, self._marks
            )
