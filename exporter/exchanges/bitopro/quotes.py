"""Prices from BitoPro's public tickers, and what a currency is worth in US dollars by them.

No pair of the venue is against the dollar, so every chain ends at an anchor: a price of USDT or TWD in
dollars that the venue itself tells, or that another exchange does. Without one, nothing is priced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from exporter.exchanges.base import Endpoints
from exporter.exchanges.bitopro.fields import UnreadableError, currency, number, rows, venue_symbol, word
from exporter.exchanges.bitopro.replies import understood
from exporter.exchanges.reads import Ask, Fault, QuoteRead, Quotes

TICKERS: Final = "tickers"
PATHS: Final[Mapping[str, str]] = {TICKERS: "tickers"}
TICKERS_EVERY: Final = 30.0
DOLLAR: Final = "USD"
TETHER: Final = "USDT"
LOCAL: Final = "TWD"
MONEY: Final = (TETHER, LOCAL)
COINS: Final = ("BTC", "ETH")
"""Through what a currency is valued: money, which has an anchor, before coins, which are a chain longer."""


def dollar_name(code: str) -> str:
    """The name in `Quotes.last` of a currency's own price in dollars, whoever tells it."""
    return f"{code}/{DOLLAR}"


ANCHORS: Final[Mapping[str, tuple[str, str]]] = {dollar_name(TETHER): ("bitfinex", "UST")}
"""The dollar price of USDT is what Bitfinex pays for it, where that exchange is followed too."""


def quote_reads(endpoints: Endpoints) -> Sequence[QuoteRead]:
    """All tickers in one request."""
    ask = partial(public_ask, endpoints, PATHS[TICKERS])
    return (QuoteRead(TICKERS, ask, _understand_tickers, TICKERS_EVERY),)


def public_ask(endpoints: Endpoints, path: str) -> Ask:
    """A request that names no account."""
    return Ask("GET", f"{endpoints.public.rstrip('/')}/{path}", {"Accept": "application/json"})


def _understand_tickers(status: int, body: bytes) -> Quotes | Fault:
    return understood(TICKERS, tickers, status, body)


def tickers(data: object) -> Quotes:
    """`pair`, `lastPrice`, and on some replies `lastPriceUSD`; one object, or a list of them.

    A row that cannot be read costs its own price only; a reply without a single price is no answer.
    """
    last: dict[str, float] = {}
    for row in rows([data] if isinstance(data, dict) else data):
        try:
            base, _, quote = word(row, "pair").partition("_")
            prices = {
                venue_symbol(base, quote): number(row, "lastPrice"),
                dollar_name(currency(base)): number(row, "lastPriceUSD"),
            }
        except UnreadableError:
            continue
        sound = ((name, _sound(price)) for name, price in prices.items())
        last.update((name, price) for name, price in sound if price is not None)
    if not last:
        raise UnreadableError("payload")
    return Quotes(last=last)


def value(quotes: Quotes, currencies: frozenset[str]) -> Mapping[str, float]:
    """US dollars per unit of each of these currencies; one without an honest price is left out."""
    priced = {code: _dollars(quotes, code) for code in currencies}
    return {code: price for code, price in priced.items() if price is not None}


def _dollars(quotes: Quotes, code: str) -> float | None:
    if code == DOLLAR:
        return 1.0
    return _bridge(quotes, code) or _through(quotes, code, [coin for coin in COINS if coin != code])


def _bridge(quotes: Quotes, code: str) -> float | None:
    """Dollars per unit by its own anchor, or by that of the money it is quoted in."""
    anchored = _anchor(quotes, code)
    if anchored is not None or code != LOCAL:
        return anchored or _through(quotes, code, [bridge for bridge in MONEY if bridge != code])
    # The venue quotes USDT in TWD and not the other way round.
    return _divide(_anchor(quotes, TETHER), _last(quotes, TETHER, LOCAL))


def _through(quotes: Quotes, code: str, bridges: Sequence[str]) -> float | None:
    """Dollars per unit by the first of these currencies that it is quoted in."""
    for bridge in bridges:
        there, home = _last(quotes, code, bridge), _bridge(quotes, bridge)
        if there is not None and home is not None:
            return _sound(there * home)
    return None


def _anchor(quotes: Quotes, code: str) -> float | None:
    return _sound(quotes.last.get(dollar_name(code)))


def _last(quotes: Quotes, base: str, quote: str) -> float | None:
    return _sound(quotes.last.get(venue_symbol(base, quote)))


def _divide(dividend: float | None, divisor: float | None) -> float | None:
    return None if dividend is None or divisor is None else _sound(dividend / divisor)


def _sound(price: float | None) -> float | None:
    """A price that can be one: positive and finite, products that ran over or under included."""
    return price if price is not None and price > 0 and math.isfinite(price) else None
