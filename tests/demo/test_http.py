"""The demo's REST side over real loopback sockets."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import threading
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from exporter.core.events import Snapshot
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.http import DemoHttp
from exporter.exchanges.base import Endpoints, Login, Nonces
from exporter.exchanges.bitfinex.rest import READS
from exporter.exchanges.bitfinex.sim_rest import answer
from exporter.exchanges.bitfinex.venue import Venue, demo_venue
from exporter.exchanges.reads import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.demo.http import Answer

START = 1_700_000_000.0
PATIENCE = 30.0


@pytest.fixture
def serve() -> Iterator[Callable[[Mapping[str, Answer]], DemoHttp]]:
    """Start a server with given answers; it is stopped at the end of the test."""
    started: list[DemoHttp] = []

    def start(answers: Mapping[str, Answer]) -> DemoHttp:
        server = DemoHttp(answers, threading.RLock(), lambda: START)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


class Asked:
    """An answer that remembers what it was asked."""

    def __init__(self, status: int = 200, body: bytes = b"[]") -> None:
        self.seen: list[tuple[Any, ...]] = []
        self._reply = status, body

    def __call__(self, *asked: Any) -> tuple[int, bytes]:
        """Remember and answer."""
        self.seen.append(asked)
        return self._reply


def request(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str, bytes]:
    """Send one request; status, content type and body of the reply."""
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1"
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, dict(headers or {}))
        reply = connection.getresponse()
        return reply.status, reply.headers["Content-Type"], reply.read()
    finally:
        connection.close()


def test_the_first_segment_names_the_exchange_and_the_rest_is_its_own_path(
    serve: Callable[[Mapping[str, Answer]], DemoHttp],
) -> None:
    """Method, path without the exchange, query, headers, body and the time reach the exchange as sent."""
    one, other = Asked(), Asked(418, b'{"no":1}')
    server = serve({"one": one, "other": other})
    url = server.url("one") + "/v2/auth/r/wallets?a=b&c=%20"
    assert request(url, "POST", b"{}", {"bfx-nonce": "17"}) == (200, "application/json", b"[]")
    ((method, path, query, headers, body, now),) = one.seen
    assert (method, path, query, body, now) == ("POST", "/v2/auth/r/wallets", "a=b&c=%20", b"{}", START)
    assert headers["bfx-nonce"] == "17"
    assert request(server.url("other"))[0] == 418
    assert other.seen[0][1] == ""


def test_an_unknown_exchange_is_not_found(serve: Callable[[Mapping[str, Answer]], DemoHttp]) -> None:
    """The sentence says what is simulated, over the wire and in the error."""
    server = serve({"one": Asked(), "two": Asked()})
    root = server.url("one").removesuffix("one")
    status, _, body = request(root + "three/v2/tickers")
    assert (status, body) == (404, b'no simulated exchange "three" (known: one, two)\n')
    with pytest.raises(KeyError, match=r'no simulated exchange \\?"three\\?" \(known: one, two\)'):
        server.url("three")


def test_a_page_is_a_page(serve: Callable[[Mapping[str, Answer]], DemoHttp]) -> None:
    """An answer that looks like HTML is sent as such."""
    server = serve({"one": Asked(502, b"<html></html>")})
    assert request(server.url("one")) == (502, "text/html; charset=utf-8", b"<html></html>")


def test_the_simulated_venue_answers_over_the_wire(
    serve: Callable[[Mapping[str, Answer]], DemoHttp],
) -> None:
    """Public reads of the simulated Bitfinex come through a socket as the venue gave them."""
    venue: Venue = demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point
    server = serve({"bitfinex": partial(answer, venue)})
    status, _, body = request(server.url("bitfinex") + "/v2/tickers?symbols=tBTCUSD")
    assert (status, json.loads(body)[0][0]) == (200, "tBTCUSD")
    status, _, body = request(server.url("bitfinex") + "/v2/auth/r/wallets", "POST", b"{}")
    assert (status, json.loads(body)) == (500, ["error", 10100, "apikey: invalid"])


def test_a_signed_read_is_good_behind_the_prefix_of_the_exchange(
    serve: Callable[[Mapping[str, Answer]], DemoHttp],
) -> None:
    """The adapter signs the venue's own path, which is what the venue sees, not the address of the demo."""
    venue: Venue = demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point
    url = serve({"bitfinex": partial(answer, venue)}).url("bitfinex")
    who = ACCOUNTS[0]
    login = Login(who.api_key, signer(who.api_secret), Nonces(lambda: START, 1e6).next)
    (read,) = READS.tables(login, Endpoints("", url, url), frozenset(("wallets",)))
    ask = read.ask()
    status, _, body = request(ask.url, ask.method, ask.body, ask.headers)
    reply = read.understand(status, body)
    assert not isinstance(reply, Fault)
    (wallets,) = reply
    assert isinstance(wallets, Snapshot)
    assert set(wallets.rows) == set(venue.books[who.name].ledger)
    assert venue.nonces == {who.api_key: 1_700_000_000_000_000}


def signer(secret: str) -> Callable[[bytes], str]:
    """What signs with a secret."""
    return lambda data: hmac.new(secret.encode(), data, hashlib.sha384).hexdigest()


def test_the_lock_is_held_while_an_exchange_answers() -> None:
    """Nobody else moves a venue while it answers a request."""
    lock = threading.RLock()
    free = []

    def taken(*_asked: object) -> tuple[int, bytes]:
        def look() -> None:
            free.append(lock.acquire(blocking=False))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        return 200, b"[]"

    server = DemoHttp({"one": taken}, lock)
    server.start()
    try:
        assert request(server.url("one"))[0] == 200
    finally:
        server.stop()
    assert free == [False]


def test_a_slow_exchange_does_not_hold_up_the_stop(
    serve: Callable[[Mapping[str, Answer]], DemoHttp],
) -> None:
    """An answer that would be late by an hour is given up when the server stops."""
    waiting, ended = threading.Event(), threading.Event()

    class Late(dict[str, float]):
        def get(self, exchange: str, _default: object = None) -> float:
            waiting.set()
            return 3600.0

    server = serve({"one": Asked()})
    server.delays = Late()

    def ask() -> None:
        try:
            request(server.url("one"))
        except (OSError, http.client.HTTPException):
            return  # cut: nobody promised an answer
        finally:
            ended.set()

    thread = threading.Thread(target=ask)
    thread.start()
    assert waiting.wait(PATIENCE)
    server.stop()
    assert ended.wait(PATIENCE)
    thread.join()
