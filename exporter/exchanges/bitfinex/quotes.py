"""Prices from Bitfinex's public tickers, and what a currency is worth by them.

Every symbol is asked for in one request: some hundred kilobytes, and nobody learns what the account holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from exporter.exchanges.base import Endpoints
from exporter.exchanges.bitfinex.fields import UnreadableError, number, symbol, venue_symbol, word
from exporter.exchanges.bitfinex.replies import understood
from exporter.exchanges.reads import Ask, Fault, QuoteRead, Quotes

TICKERS: Final = "tickers"
CONF: Final = "conf"
PATHS: Final[Mapping[str, str]] = {
    TICKERS: "tickers?symbols=ALL",
    CONF: "conf/pub:map:currency:undl",
}
"""Everything public that is asked for the sake of prices."""
TICKERS_EVERY: Final = 30.0
CONF_EVERY: Final = 3600.0
"""Derivative codes come and go by the month."""
FUNDING_RATE: Final = 1
LAST_PRICE: Final = 7
DOLLAR: Final = "USD"
TETHER: Final = "UST"
"""The venue's code of Tether, worth what its ticker says and never taken to be 1."""
BRIDGES: Final = (TETHER, "BTC")
"""Through what a currency without a dollar pair is valued, the better first."""
PAPER: Final = "TEST"
"""How the codes of paper trading begin: that money is worth nothing, and no price may say otherwise."""


def quote_reads(endpoints: Endpoints) -> Sequence[QuoteRead]:
    """The tickers, and which code of a derivative's collateral stands for which coin."""
    return (
        QuoteRead(
            TICKERS, partial(public_ask, endpoints, PATHS[TICKERS]), _understand_tickers, TICKERS_EVERY
        ),
        QuoteRead(
            CONF,
            partial(public_ask, endpoints, PATHS[CONF]),
            _understand_conf,
            CONF_EVERY,
            needed=False,  # only derivatives' collateral is priced by it
        ),
    )


def public_ask(endpoints: Endpoints, path: str) -> Ask:
    """A request that names no account."""
    return Ask("GET", f"{endpoints.public.rstrip('/')}/v2/{path}", {"Accept": "application/json"})


def _understand_tickers(status: int, body: bytes) -> Quotes | Fault:
    return understood(TICKERS, tickers, status, body)


def _understand_conf(status: int, body: bytes) -> Quotes | Fault:
    return understood(CONF, aliases, status, body)


def tickers(said: list[object]) -> Quotes:
    """Trading rows: 0 symbol, 7 last price. Funding rows: 0 symbol, 1 flash return rate per day.

    A row that cannot be read costs its own price only; a reply without a single price is no answer.
    """
    last: dict[str, float] = {}
    rates: dict[str, float] = {}
    for row in said:
        if not isinstance(row, list):
            continue
        try:
            name = word(row, 0)
            value = number(row, FUNDING_RATE if name.startswith("f") else LAST_PRICE)
        except UnreadableError:
            continue
        if value is None:
            continue
        if name.startswith("f") and value >= 0:
            rates[name[1:]] = value
        elif name.startswith("t") and value > 0:
            last[name] = value
    if not last:
        raise UnreadableError("payload")
    return Quotes(last=last, funding_rates=rates)


def aliases(said: list[object]) -> Quotes:
    """One list per map asked for, of `[CODE, UNDERLYING]`."""
    if len(said) != 1 or not isinstance(said[0], list):
        raise UnreadableError("payload")
    found: dict[str, str] = {}
    for row in said[0]:
        if not isinstance(row, list):
            raise UnreadableError("payload")
        found[word(row, 0)] = word(row, 1)
    return Quotes(last={}, aliases=found)


def value(quotes: Quotes, currencies: frozenset[str]) -> Mapping[str, float]:
    """US dollars per unit of each of these currencies; one without an honest price is left out."""
    priced = {currency: _dollars(quotes, currency) for currency in currencies}
    return {currency: price for currency, price in priced.items() if price is not None}


def marks(quotes: Quotes) -> Mapping[str, float]:
    """Last price by symbol; paper trading has symbols of its own and clashes with none."""
    return {symbol(name): price for name, price in quotes.last.items() if _sound(price) is not None}


def _dollars(quotes: Quotes, currency: str) -> float | None:
    code = quotes.aliases.get(currency, currency)
    if currency.startswith(PAPER) or code.startswith(PAPER):
        return None
    if code == DOLLAR:
        return 1.0
    direct = _last(quotes, code, DOLLAR)
    if direct is not None:
        return direct
    for bridge in BRIDGES:
        there, home = _last(quotes, code, bridge), _last(quotes, bridge, DOLLAR)
        if there is not None and home is not None:
            return _sound(there * home)
    return None


def _last(quotes: Quotes, base: str, quote: str) -> float | None:
    return _sound(quotes.last.get(venue_symbol(f"{base}/{quote}")))


def _sound(price: float | None) -> float | None:
    """A price that can be one: positive and finite, products that ran over or under included."""
    return price if price is not None and price > 0 and math.isfinite(price) else None
