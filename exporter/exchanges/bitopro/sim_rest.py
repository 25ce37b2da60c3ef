"""The REST side of the simulated BitoPro: one request in, one status and body out; no I/O.

It answers reads only; anything else is a violation.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import orjson

from exporter.exchanges.bitopro.sim_login import Refusal, judge, refusal
from exporter.exchanges.bitopro.sim_rows import balance, currencies, order, pair_name, ticker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.demo.books import Books
    from exporter.exchanges.bitopro.venue import Venue

OK, NOT_FOUND = 200, 404
VERSION = "/v3"


def answer(  # noqa: PLR0917 - the parts of a request, in the order of its lines
    venue: Venue, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, now: float
) -> tuple[int, bytes]:
    """The reply to one request; `path` may or may not begin with the version."""
    venue.advance(now)
    if method != "GET" or body:
        venue.violation(f"{method} {path}")
        return _refused(refusal(NOT_FOUND))
    if venue.faults.rest_status is not None:
        return _refused(refusal(venue.faults.rest_status))
    place, _, name = path.removeprefix(VERSION).strip("/").partition("/")
    if place == "tickers":
        return _tickers(venue, name)
    if (place, name) not in {("accounts", "balance"), ("orders", "open")}:
        venue.violation(f"{method} {path}")
        return _refused(refusal(NOT_FOUND))
    verdict = judge(venue, headers, now)
    if isinstance(verdict, Refusal):
        return _refused(verdict)
    books = venue.books[verdict.account]
    return _balance(venue, books) if place == "accounts" else _orders(books, parse_qs(query))


def _refused(verdict: Refusal) -> tuple[int, bytes]:
    return verdict.status, verdict.body


def _tickers(venue: Venue, name: str) -> tuple[int, bytes]:
    market = venue.world.market
    found = [ticker(market, pair) for pair in market.pairs if name in {"", pair_name(pair)}]
    if not found:
        return _refused(refusal(NOT_FOUND))
    return OK, orjson.dumps({"data": found[0] if name else found})


def _balance(venue: Venue, books: Books) -> tuple[int, bytes]:
    """A list, and in lower case where the stream has a mapping in upper case."""
    drift = venue.faults.drift
    told = [balance(books, code.lower(), more=drift.get(code, Decimal(0))) for code in currencies(books)]
    return OK, orjson.dumps({"data": told})


def _orders(books: Books, asked: Mapping[str, list[str]]) -> tuple[int, bytes]:
    """Open orders, the newest update first; of one pair if asked."""
    pairs = asked.get("pair", [])
    told = [value for value in books.orders.values() if not pairs or pair_name(value.pair) in pairs]
    told.sort(key=lambda value: -value.updated)
    return OK, orjson.dumps({"data": [order(value, client="clientId") for value in told]})
