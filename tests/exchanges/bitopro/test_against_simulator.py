"""The adapter and the simulated BitoPro, which know nothing of each other, over the three streams."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from exporter.core.model import Order, Wallet
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.records import Event
from exporter.exchanges import KNOWN
from exporter.exchanges.base import Endpoints, Login, Wanted
from exporter.exchanges.bitopro.sim_login import Refusal
from exporter.exchanges.bitopro.sim_rows import pair_name
from exporter.exchanges.bitopro.simulator import Admission, Simulator, admit
from exporter.exchanges.bitopro.venue import CloseFrame, Venue, demo_venue

START = 1_700_000_000.0
WHO = next(account for account in ACCOUNTS if account.exchange == "bitopro")
BASE = "ws://127.0.0.1:1/x"
Follow = Callable[..., Any]


class Pair:
    """A follower of the demo account and the venue it lives on."""

    def __init__(self, follow: Follow, seed: int = 1, secret: str = WHO.api_secret) -> None:
        rng = random.Random(seed)  # noqa: S311 - the seed is the point, not secrecy
        self.venue: Venue = demo_venue(rng, origin=START, script=())
        self.fills = 0
        self.follower = follow("bitopro", self._connect, WHO.api_key, secret)
        self.follower.login = Login(
            self.follower.login.api_key, self.follower.login.sign, self.follower.login.nonce, WHO.identity
        )

    def _connect(self, stream: str) -> Simulator:
        wanted = Wanted(Endpoints(BASE, "", ""), frozenset(KNOWN["bitopro"].feeds))
        talk = KNOWN["bitopro"].streams[stream].converse(self.follower.login, wanted)
        shake = talk.handshake(self.follower.now)
        path = shake.url.removeprefix(BASE)
        verdict = admit(self.venue, path, shake.headers, self.follower.now.wall)
        assert isinstance(verdict, Admission)
        assert verdict.stream == stream
        return Simulator(self.venue, verdict)

    def play(self, seconds: float) -> None:
        """Let both live for so long."""
        for _ in range(round(seconds / 0.5)):
            self.follower.step(0.5)

    @property
    def report(self) -> Any:
        """What the account shows."""
        return self.follower.state.report(self.follower.now.monotonic)

    def wallets(self) -> dict[str, tuple[float | None, float | None]]:
        """Balances and what is available of them, as shown."""
        rows = self.report.view.tables["wallets"].values()
        return {row.currency: (row.balance, row.available) for row in rows if isinstance(row, Wallet)}

    def truth(self) -> dict[str, tuple[float, float]]:
        """The same by the venue's books, of what was ever held."""
        books = self.venue.books[WHO.name].wallets()
        return {code: (float(balance), float(free)) for (_, code), (balance, free) in books.items()}

    def orders(self) -> dict[Any, tuple[str, str, float | None]]:
        """Open orders as shown."""
        rows = self.report.view.tables["orders"].items()
        return {key: (row.symbol, row.side, row.remaining) for key, row in rows if isinstance(row, Order)}

    def open_orders(self) -> dict[str, tuple[str, str, float]]:
        """The same by the venue's books."""
        return {
            str(each.id): (
                pair_name(each.pair).upper().replace("_", "/"),
                "buy" if each.original > 0 else "sell",
                float(abs(each.remaining)),
            )
            for each in self.venue.books[WHO.name].orders.values()
        }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("fault", ["", "old_shapes", "number_ids"])
def test_what_is_shown_is_what_the_books_say(follow: Follow, seed: int, fault: str) -> None:
    """After minutes of trading, in new and old shapes, tables equal the venue's books to the last digit."""
    pair = Pair(follow, seed)
    if fault:
        setattr(pair.venue.faults, fault, True)
    pair.play(180.0)
    assert pair.wallets() == pair.truth()
    assert pair.orders() == pair.open_orders()
    assert all(stream.is_up for stream in pair.report.streams)
    assert not [stream.malformed for stream in pair.report.streams if stream.malformed]
    assert pair.venue.violations == []


def test_every_trade_is_counted_once(follow: Follow) -> None:
    """The number of fills is the venue's, over reconnects as well."""
    pair = Pair(follow)
    told: list[Any] = []
    advance = pair.venue.world.advance

    def noted(now: float) -> Any:
        happenings = advance(now)
        told.extend(each for each in happenings if each.event is Event.TRADE)
        return happenings

    pair.venue.world.advance = noted  # type: ignore[method-assign]
    pair.play(120.0)
    counted = pair.report.tally
    assert sum(counted.fills.values()) == len(told) > 5
    assert counted.fees == counted.rebates == dict.fromkeys(counted.fees, 0.0)


def test_never_held_currencies_are_not_shown(follow: Follow) -> None:
    """The venue lists many at 0; only those that were held are series, and stay when they reach 0."""
    pair = Pair(follow)
    pair.play(5.0)
    assert "ADA" not in pair.wallets()
    zero = {"currency": "BTC", "amount": "0", "available": "0", "stake": "0", "tradable": True}
    pair.venue.say(json.dumps({"event": "ACCOUNT_BALANCE", "timestamp": 1, "data": {"BTC": zero}}))
    pair.play(0.5)
    assert pair.wallets()["BTC"] == (0.0, 0.0)


def test_a_dropped_link_comes_back_to_the_truth(follow: Follow) -> None:
    """After a cut the first push of the new connection replaces what was shown."""
    pair = Pair(follow)
    pair.play(20.0)
    pair.venue.drop()
    pair.play(30.0)
    assert pair.wallets() == pair.truth()
    assert pair.orders() == pair.open_orders()
    assert [stream.connects for stream in pair.report.streams] == [2, 2, 2]


def test_lost_pushes_are_mended_by_the_next_connection(follow: Follow) -> None:
    """Nothing tells of a lost push: the tables differ until a new whole arrives."""
    pair = Pair(follow)
    pair.play(5.0)
    pair.venue.lose(1000)
    pair.play(60.0)
    assert pair.wallets() != pair.truth()
    pair.venue.drop()
    pair.play(10.0)
    assert pair.wallets() == pair.truth()


def test_the_other_reading_of_order_pushes_is_right_after_a_new_whole(follow: Follow) -> None:
    """Where a push is the pair's list, an ended order may linger, and no open one is ever missing."""
    pair = Pair(follow)
    pair.venue.faults.whole_pairs = True
    pair.play(120.0)
    assert pair.open_orders().items() <= pair.orders().items()
    pair.venue.faults.whole_pairs = False
    pair.venue.drop()
    pair.play(10.0)
    assert pair.orders() == pair.open_orders()


@pytest.mark.parametrize("stream", ["balance", "orders"])
def test_a_first_push_that_never_comes_keeps_the_stream_down(follow: Follow, stream: str) -> None:
    """Nothing is shown of it, and it is tried again after a minute."""
    pair = Pair(follow)
    pair.venue.faults.withheld = {stream}
    pair.play(70.0)
    report = next(each for each in pair.report.streams if each.name == stream)
    assert not report.is_up
    assert report.disconnects == {"sync_timeout": 1}


@pytest.mark.parametrize(("fault", "value"), [("closes_at_once", True), ("error_text", "Invalid Signature")])
def test_an_upgrade_that_turns_the_key_down_is_told_by_both_ends(
    follow: Follow, fault: str, value: object
) -> None:
    """The simulated venue says what it is told to say and ends the connection with a close frame."""
    pair = Pair(follow)
    setattr(pair.venue.faults, fault, value)
    said = pair._connect("trades").opened(START)
    assert isinstance(said[-1], CloseFrame)
    assert pair.venue.connections == 0
    if fault == "error_text":
        talk = KNOWN["bitopro"].streams["trades"].converse(pair.follower.login, pair.follower.wanted)
        text = said[0]
        assert isinstance(text, str)
        assert talk.received(text.encode(), pair.follower.now)[1][0][0] == "refused"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"x-bitopro-signature": "0" * 96}, 401),
        ({"x-bitopro-apikey": "unknown"}, 401),
        ({"x-bitopro-payload": "***"}, 401),
    ],
)
def test_the_simulated_venue_checks_the_headers(change: dict[str, str], status: int) -> None:
    """A strange key, a bad signature or payload is answered with an HTTP status, whatever the names' case."""
    venue = demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point
    headers = headers_of(START)
    assert isinstance(admit(venue, "/pub/auth/orders", {**headers}, START), Admission)
    verdict = admit(venue, "/pub/auth/orders", {**headers_of(START + 1), **change}, START)
    assert isinstance(verdict, Refusal)
    assert (verdict.status, json.loads(verdict.body)) == (status, {"error": "Invalid Signature"})


def test_the_simulated_venue_checks_nonce_clock_path_and_identity() -> None:
    """A repeated or old nonce and a wrong clock are 409, another path 404, another identity 401."""
    venue = demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point
    headers = headers_of(START)
    orders = "pub/auth/orders"

    def status(path: str, given: dict[str, str]) -> int:
        verdict = admit(venue, path, given, START)
        return verdict.status if isinstance(verdict, Refusal) else 101

    assert status(orders, headers) == 101
    assert status(orders, headers) == 409
    assert status(orders, headers_of(START - 1)) == 409
    assert status(orders, headers_of(START + 3600)) == 409
    assert status("pub/auth/other", headers_of(START + 1)) == 404
    assert status(orders, headers_of(START + 1, identity="else@example.com")) == 401
    venue.faults.statuses[WHO.api_key] = 403
    assert status(orders, headers_of(START + 2)) == 403
    assert WHO.api_secret not in repr(venue.keys)


def headers_of(now: float, identity: str = WHO.identity) -> dict[str, str]:
    """Headers of the demo account, their names in lower case."""
    text = json.dumps({"identity": identity, "nonce": round(now * 1000)}).encode()
    payload = base64.b64encode(text)
    signature = hmac.new(WHO.api_secret.encode(), payload, hashlib.sha384).hexdigest()
    return {
        "x-bitopro-apikey": WHO.api_key,
        "x-bitopro-payload": payload.decode(),
        "x-bitopro-signature": signature,
    }


def test_a_talking_client_is_noted() -> None:
    """A client of this venue never has anything to say."""
    venue = demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point
    verdict = admit(venue, "pub/auth/orders", headers_of(START), START)
    assert isinstance(verdict, Admission)
    Simulator(venue, verdict).received("hello", START)
    assert venue.violations == ["a message on the orders stream"]


def test_a_stalled_venue_says_it_later(follow: Follow) -> None:
    """What had to be said while it was silent comes when that ends."""
    pair = Pair(follow)
    pair.play(5.0)
    pair.venue.faults.stalled = True
    pair.play(30.0)
    pair.venue.faults.stalled = False
    pair.play(1.0)
    assert pair.wallets() == pair.truth()
