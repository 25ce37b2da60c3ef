"""BitoPro's REST reads: what is asked, and what every kind of reply means."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.events import Snapshot
from exporter.core.model import Order, Wallet
from exporter.demo.accounts import ACCOUNTS
from exporter.exchanges.base import Endpoints, Login, Nonces
from exporter.exchanges.bitopro import SPEC, quotes
from exporter.exchanges.bitopro.rest import READS
from exporter.exchanges.bitopro.sim_rest import answer
from exporter.exchanges.bitopro.venue import Venue, demo_venue
from exporter.exchanges.reads import Ask, Fault, Quotes, Read

START = 1_700_000_000.0
WHO = next(account for account in ACCOUNTS if account.exchange == "bitopro")
ENDPOINTS = Endpoints("", "http://127.0.0.1/v3/", "http://127.0.0.1/v3")


def login(secret: str = WHO.api_secret) -> Login:
    """The demo account's login."""
    return Login(
        WHO.api_key,
        lambda payload: hmac.new(secret.encode(), payload, hashlib.sha384).hexdigest(),
        Nonces(lambda: START, SPEC.nonce_scale).next,
        WHO.identity,
    )


def read(name: str, who: Login | None = None) -> Read:
    """One of the account's reads."""
    found = READS.tables(who or login(), ENDPOINTS, frozenset(SPEC.feeds))
    return next(each for each in found if each.endpoint == name)


def venue() -> Venue:
    """A venue without incidents."""
    return demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point


def send(far: Venue, ask: Ask) -> tuple[int, bytes]:
    """A request on its way to the simulated venue."""
    path = ask.url.removeprefix("http://127.0.0.1")
    return answer(far, ask.method, path, "", ask.headers, ask.body, START)


def test_only_reads_exist_and_only_what_the_feeds_want() -> None:
    """GET requests without a body, to two private paths; each belongs to a feed."""
    asks = [each.ask() for each in READS.tables(login(), ENDPOINTS, frozenset(SPEC.feeds))]
    assert [(ask.method, ask.url, ask.body) for ask in asks] == [
        ("GET", "http://127.0.0.1/v3/accounts/balance", b""),
        ("GET", "http://127.0.0.1/v3/orders/open", b""),
    ]
    assert [each.endpoint for each in READS.tables(login(), ENDPOINTS, frozenset({"orders"}))] == ["orders"]
    assert WHO.api_key not in repr(asks)


def test_the_balance_is_read_from_the_venue() -> None:
    """Lower-case currencies in a list become the same wallets as the stream's."""
    far = venue()
    (event,) = read("wallets").understand(*send(far, read("wallets").ask()))  # type: ignore[misc]
    assert isinstance(event, Snapshot)
    books = far.books[WHO.name]
    assert event.rows["spot", "BTC"] == Wallet(
        *("spot", "BTC", float(books.balance("exchange", "BTC")), float(books.available("exchange", "BTC"))),
        staked=0.0,
    )
    assert ("spot", "ADA") in event.rows


def test_open_orders_are_read_from_the_venue() -> None:
    """Every open order, under the id that the stream uses; the table may be replaced by it."""
    far = venue()
    (event,) = read("orders").understand(*send(far, read("orders").ask()))  # type: ignore[misc]
    assert isinstance(event, Snapshot)
    assert set(event.rows) == {str(each) for each in far.books[WHO.name].orders}
    assert event.rows
    assert all(isinstance(row, Order) for row in event.rows.values())
    assert READS.replaces == {"orders"}


def test_an_order_that_just_ended_is_not_open() -> None:
    """A final status among the open orders is left out."""
    row = {"id": "1", "pair": "eth_twd", "action": "BUY", "status": 2}
    body = json.dumps({"data": [row, {**row, "id": "2", "status": 1}]}).encode()
    (event,) = read("orders").understand(200, body)  # type: ignore[misc]
    assert isinstance(event, Snapshot)
    assert set(event.rows) == {"2"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda far: far.faults.statuses.update({"*": 401}), "auth"),
        (lambda far: far.faults.statuses.update({"*": 403}), "auth"),
        (lambda far: far.faults.statuses.update({"*": 409}), "clock"),
        (lambda far: setattr(far.faults, "rest_status", 429), "rate_limit"),
        (lambda far: setattr(far.faults, "rest_status", 503), "server"),
        (lambda far: setattr(far.faults, "rest_status", 408), "server"),
        (lambda far: setattr(far.faults, "rest_status", 422), "other"),
    ],
)
def test_refusals_have_a_reason(change: Callable[[Venue], object], reason: str) -> None:
    """Each status of the venue is a fault of its own kind."""
    far = venue()
    change(far)
    told = read("wallets").understand(*send(far, read("wallets").ask()))
    assert isinstance(told, Fault)
    assert told.reason == reason


def test_a_bad_signature_and_a_repeated_nonce_are_refused() -> None:
    """The simulated venue checks what the real one does."""
    far = venue()
    assert send(far, read("wallets", login("wrong")).ask())[0] == 401
    ask = read("wallets").ask()
    assert send(far, ask)[0] == 200
    assert send(far, ask)[0] == 409
    assert far.violations == ["nonce not above the last one"]


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"", "reading wallets failed: the reply cannot be read: expected a JSON object"),
        (200, b"<html>", "reading wallets failed: the reply cannot be read: expected a JSON object"),
        (200, b"[]", "reading wallets failed: the reply cannot be read: expected a JSON object"),
        (200, b'{"error":"x"}', "reading wallets failed: the venue answered with an error"),
        (
            *(200, b'{"data":{}}'),
            "reading wallets failed: the reply cannot be read: it has another shape than documented",
        ),
        (
            *(200, b'{"data":[{"currency":"btc","amount":"x"}]}'),
            "reading wallets failed: the reply cannot be read: a field that must be a number is none",
        ),
        (401, b"secret words", "reading wallets failed: key or signature not accepted (HTTP 401)"),
        (502, b"<html>", "reading wallets failed: the venue answered HTTP 502"),
    ],
)
def test_replies_that_are_none_say_why(status: int, body: bytes, sentence: str) -> None:
    """Without repeating what the venue said."""
    told = read("wallets").understand(status, body)
    assert isinstance(told, Fault)
    assert told.sentence == sentence


@given(status=st.sampled_from([200, 401, 500]), body=st.binary(max_size=40))
def test_no_reply_raises(status: int, body: bytes) -> None:
    """Any bytes are an answer or a fault."""
    for each in READS.tables(login(), ENDPOINTS, frozenset(SPEC.feeds)):
        each.understand(status, body)
    for quote in READS.quotes(ENDPOINTS):
        quote.understand(status, body)


def test_tickers_are_asked_without_a_key() -> None:
    """Public prices name no account; the simulated venue's are understood."""
    (quote,) = READS.quotes(ENDPOINTS)
    ask = quote.ask()
    assert set(ask.headers) == {"Accept"}
    assert READS.public == {quote.endpoint}
    told = quote.understand(*send(venue(), ask))
    assert isinstance(told, Quotes)
    assert set(told.last) == {"btc_twd", "eth_twd", "usdt_twd", "btc_usdt", "eth_usdt"}


@pytest.mark.parametrize("wrap", [lambda row: row, lambda row: [row]])
def test_one_ticker_may_be_an_object_or_a_list(wrap: Callable[[Any], Any]) -> None:
    """Both shapes that were seen are read, upper-case pairs and prices in dollars included."""
    told = quotes.tickers(wrap({"pair": "BTC_TWD", "lastPrice": "3000000", "lastPriceUSD": "93000"}))
    assert told.last == {"btc_twd": 3_000_000.0, "BTC/USD": 93_000.0}


def test_a_bad_ticker_costs_its_own_price_only() -> None:
    """Zero, null and words are no price; a reply without any price is no answer."""
    rows = [{"pair": "a_b", "lastPrice": each} for each in ("0", None, "x", "-1")]
    assert quotes.tickers([*rows, {"pair": "c_d", "lastPrice": "2"}]).last == {"c_d": 2.0}
    (quote,) = READS.quotes(ENDPOINTS)
    assert isinstance(quote.understand(200, json.dumps({"data": rows}).encode()), Fault)


PRICES = {"usdt_twd": 32.0, "btc_twd": 1_920_000.0, "btc_usdt": 61_000.0, "eth_btc": 0.05, "bito_twd": 3.2}


@pytest.mark.parametrize(
    ("anchors", "values"),
    [
        ({}, {"USD": 1.0}),
        (
            {"USDT/USD": 0.999},
            {
                "USD": 1.0,
                "USDT": 0.999,
                "TWD": 0.999 / 32,
                "BTC": 61_000 * 0.999,
                "ETH": 0.05 * 61_000 * 0.999,
                "BITO": 3.2 * 0.999 / 32,
            },
        ),
        (
            {"TWD/USD": 0.03},
            {
                "USD": 1.0,
                "USDT": 32 * 0.03,
                "TWD": 0.03,
                "BTC": 61_000 * 32 * 0.03,
                "ETH": 0.05 * 61_000 * 32 * 0.03,
                "BITO": 3.2 * 0.03,
            },
        ),
    ],
)
def test_every_chain_ends_at_an_anchor(anchors: dict[str, float], values: dict[str, float]) -> None:
    """USDT is never taken to be a dollar: without an anchor nothing is priced; what has no pair never is."""
    codes = frozenset({"USD", "USDT", "TWD", "BTC", "ETH", "BITO", "ADA"})
    assert READS.value(Quotes({**PRICES, **anchors}), codes) == pytest.approx(values)


@pytest.mark.parametrize("price", [0.0, -1.0, float("inf"), float("nan")])
def test_an_unsound_anchor_prices_nothing(price: float) -> None:
    """Only a positive and finite number is a price."""
    assert READS.value(Quotes({**PRICES, "USDT/USD": price}), frozenset({"BTC", "TWD", "USDT"})) == {}


def test_a_price_in_dollars_of_the_venue_itself_is_used() -> None:
    """Where its tickers carry one, the currency needs no other anchor."""
    assert READS.value(Quotes({"BTC/USD": 60_000.0, "eth_btc": 0.05}), frozenset({"BTC", "ETH"})) == {
        "BTC": 60_000.0,
        "ETH": 3000.0,
    }


def test_the_anchor_is_what_bitfinex_pays_for_tether() -> None:
    """The name under which another exchange's price is merged in."""
    assert READS.anchors == {"USDT/USD": ("bitfinex", "UST")}
