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
        self._unknown = MarketReport(exchange, {}, 0.0, frozenset(), {})
        self._last = self._unknown
        self._at: float | None = None

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
        unpriced = wanted - prices.keys()
        with self._lock:
            self._last = MarketReport(self.exchange, prices, wall, unpriced, funding_rates, marks or {})
            self._at = monotonic

    def price(self, currency: str, now: float) -> float | None:
        """The price of a currency at monotonic `now`, None when there is none to be trusted."""
        return self.report(now).prices.get(currency)

    def report(self, now: float) -> MarketReport:
        """What may be believed at monotonic `now`: the same object while that is the same."""
        with self._lock:
            if self._at is None or now - self._at > self._lifetime:
                return self._unknown
            return self._last
