"""The REST side of the simulated Bitfinex: one request in, one status and body out; no I/O.

It answers reads only. Anything else is a violation, as is asking faster than the venue allows.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, unquote

import orjson

from exporter.demo.market import LISTINGS, RATES
from exporter.exchanges.bitfinex.sim_calc import margin_base
from exporter.exchanges.bitfinex.sim_history import Parameters, ledger, trades
from exporter.exchanges.bitfinex.sim_login import (
    AUTH_FAILED,
    AUTH_NONCE,
    AUTH_SIGNATURE,
    LARGEST_NONCE,
    Refusal,
)
from exporter.exchanges.bitfinex.sim_rows import (
    Row,
    loan_row,
    offer_row,
    order_row,
    position_row,
    symbol,
    wallet_row,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.exchanges.bitfinex.venue import Key, Venue

OK, NOT_FOUND, TOO_MANY, FAILED, BAD_GATEWAY, UNAVAILABLE = 200, 404, 429, 500, 502, 503
GENERIC, BAD_PARAMETERS, MAINTENANCE = 10001, 10020, 20060
VERSION = "/v2/"
CONF = "conf/"
MINUTE = 60.0
# Requests a minute that the venue documents.
USUAL_LIMIT = 45
LIMITS = {"auth/r/permissions": 90, "platform/status": 15, "tickers": 30, CONF: 15}
FUNDING_DAYS = 2
SIZE = 10
MAPS: Mapping[str, Mapping[str, str]] = {
    "pub:map:currency:sym": {"UST": "USDt", "USTF0": "USDt0"},
    "pub:map:currency:undl": {"USTF0": "UST", "BTCF0": "BTC"},
}
OUTAGES: Mapping[str, tuple[int, bytes]] = {
    "unavailable": (UNAVAILABLE, b'{"code":503,"error":"temporarily_unavailable"}'),
    "page": (BAD_GATEWAY, b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"),
    "empty": (OK, b""),
    "broken": (OK, b'[["exchange","BTC",1.2'),
}

Reply = tuple[int, bytes]


class Signed(NamedTuple):
    """A private read: the scope that it needs, if any, and what it tells the owner of a key."""

    scope: str | None
    tell: Callable[[Venue, Key, Parameters], Sequence[object]]


def answer(  # noqa: PLR0917 - the form in which every simulated exchange is asked
    venue: Venue,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    now: float,
) -> Reply:
    """Answer one request at `now` (Unix seconds). `path` begins with `/v2/`; header names in any case."""
    venue.advance(now)
    name = unquote(path).removeprefix(VERSION)
    public = _public(venue, name, query)
    known = path.startswith(VERSION) and (name in SIGNED or public is not None)
    if not known or method != ("POST" if name in SIGNED else "GET"):
        venue.violation(f"{method} {path}")
        return NOT_FOUND, _json(["error", BAD_PARAMETERS, "path: invalid"])
    if venue.faults.rest_limited or not _within_limit(venue, name, now):
        return TOO_MANY, _json({"error": "ERR_RATE_LIMIT"})
    if venue.faults.rest_outage:
        return OUTAGES[venue.faults.rest_outage]
    if public is not None:
        return public
    if venue.maintenance:
        return _error(MAINTENANCE, "maintenance")
    return _private(venue, name, {key.lower(): value for key, value in headers.items()}, body)


def _private(venue: Venue, name: str, headers: Mapping[str, str], body: bytes) -> Reply:
    key = _owner(venue, name, headers, body)
    if isinstance(key, Refusal):
        return _error(key.code, key.text)
    scope, tell = SIGNED[name]
    if scope is not None and not dict(key.scopes).get(scope, (0, 0))[0]:
        return _error(GENERIC, "permission: denied")
    try:
        parameters = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        parameters = None
    if not isinstance(parameters, dict):
        return _error(BAD_PARAMETERS, "body: invalid")
    return OK, _json(tell(venue, key, parameters))


def _owner(venue: Venue, name: str, headers: Mapping[str, str], body: bytes) -> Key | Refusal:
    """The key that signed this request, or why not. Its nonce is spent for the streams, too."""
    api_key, nonce = headers.get("bfx-apikey", ""), headers.get("bfx-nonce", "")
    refusal = venue.faults.refusals.get(api_key) or venue.faults.refusals.get("*")
    if refusal:
        return Refusal(*refusal)
    key = venue.keys.get(api_key)
    if key is None:
        return Refusal(AUTH_FAILED, "apikey: invalid")
    digits = nonce.isascii() and nonce.isdigit() and len(nonce) <= len(str(LARGEST_NONCE))
    if not digits or int(nonce) > LARGEST_NONCE:
        return Refusal(AUTH_NONCE, "nonce: invalid")
    signed = f"/api{VERSION}{name}{nonce}".encode() + body
    expected = hmac.new(key.secret.encode(), signed, hashlib.sha384).hexdigest()
    if not hmac.compare_digest(expected.encode(), headers.get("bfx-signature", "").encode()):
        return Refusal(AUTH_SIGNATURE, "apikey: digest invalid")
    if int(nonce) <= venue.nonces.get(api_key, 0):
        return Refusal(AUTH_NONCE, "nonce: small")
    venue.nonces[api_key] = int(nonce)
    return key


def _within_limit(venue: Venue, name: str, now: float) -> bool:
    """Count this request; False when there were too many of its kind in the last minute."""
    kind = CONF if name.startswith(CONF) else name
    times = venue.requests.setdefault(kind, deque())
    times.append(now)
    while now - times[0] >= MINUTE:
        times.popleft()
    limit = LIMITS.get(kind, USUAL_LIMIT)
    if len(times) > limit:
        venue.violation(f"more than {limit} requests a minute for {kind}")
        return False
    return True


# What an account holds


def _wallets(venue: Venue, key: Key) -> list[Row]:
    books = venue.books[key.account]
    told = []
    for place, wallet in books.ledger.items():
        row = wallet_row(wallet, books.available(*place))
        row[2] += venue.faults.drift.get(place, 0)
        told.append(row)
    return told


def _positions(venue: Venue, key: Key) -> list[Row]:
    """With what follows the price and with times, which the stream leaves out."""
    books = venue.books[key.account]
    told = []
    for position in books.positions.values():
        row = position_row(position, books.computed(position, venue.world.market))
        row[12] = venue.opened.setdefault(position.id, books.now)
        row[13] = books.now
        told.append(row)
    return told


def _orders(venue: Venue, key: Key) -> list[Row]:
    return [order_row(order) for order in venue.books[key.account].orders.values()]


def _offers(venue: Venue, key: Key) -> list[Row]:
    return [offer_row(offer) for offer in venue.books[key.account].offers.values()]


def _credits(venue: Venue, key: Key) -> list[Row]:
    return [loan_row(loan) for loan in venue.books[key.account].loans.values() if loan.used_for]


def _loans(venue: Venue, key: Key) -> list[Row]:
    return [loan_row(loan) for loan in venue.books[key.account].loans.values() if not loan.used_for]


def _margin(venue: Venue, key: Key) -> list[object]:
    return ["base", margin_base(venue.books[key.account], venue.world.market)]


def _permissions(_venue: Venue, key: Key) -> list[Row]:
    return [[scope, read, write] for scope, (read, write) in key.scopes]


def _present(tell: Callable[[Venue, Key], Sequence[object]]) -> Callable[..., Sequence[object]]:
    """A read of what is now, which takes no parameters."""
    return lambda venue, key, _parameters: tell(venue, key)


SIGNED: Mapping[str, Signed] = {
    "auth/r/wallets": Signed("wallets", _present(_wallets)),
    "auth/r/positions": Signed("positions", _present(_positions)),
    "auth/r/orders": Signed("orders", _present(_orders)),
    "auth/r/funding/offers": Signed("funding", _present(_offers)),
    "auth/r/funding/credits": Signed("funding", _present(_credits)),
    "auth/r/funding/loans": Signed("funding", _present(_loans)),
    "auth/r/info/margin/base": Signed("positions", _present(_margin)),
    "auth/r/permissions": Signed(None, _present(_permissions)),
    "auth/r/trades/hist": Signed("history", trades),
    "auth/r/ledgers/hist": Signed("history", ledger),
}


# What everybody may know


def _public(venue: Venue, name: str, query: str) -> Reply | None:
    """The answer to a public read; None if it is none."""
    if name == "platform/status":
        return OK, _json([venue.platform_status])
    if name == "tickers":
        return _tickers(venue, query)
    if name.startswith(CONF):
        maps = [MAPS.get(key) for key in name.removeprefix(CONF).split(",")]
        if None in maps:
            return _error(BAD_PARAMETERS, "conf: invalid")
        return OK, _json([[list(entry) for entry in each.items()] for each in maps if each is not None])
    return None


def _tickers(venue: Venue, query: str) -> Reply:
    wanted = {name for text in parse_qs(query).get("symbols", []) for name in text.split(",")}
    if not wanted:
        return _error(BAD_PARAMETERS, "symbols: invalid")
    market = venue.world.market
    told: list[Row] = []
    for listing in LISTINGS:
        price, step = market.price(listing.pair), listing.step
        last, bid, ask = float(price), float(price - step), float(price + step)
        told.append([symbol(listing.pair), bid, SIZE, ask, SIZE, 0, 0, last, SIZE, last, last])
    for currency in RATES:
        rate = float(market.rate(currency))
        sides = [rate, FUNDING_DAYS, SIZE, rate, FUNDING_DAYS, SIZE]
        told.append([f"f{currency}", rate, *sides, 0, 0, rate, SIZE, rate, rate, None, None, SIZE])
    return OK, _json([row for row in told if "ALL" in wanted or row[0] in wanted])


def _error(code: int, text: str) -> Reply:
    return FAILED, _json(["error", code, text])


def _json(value: object) -> bytes:
    return orjson.dumps(value)
