"""Bitfinex's REST reads: what is asked, what replies mean, and both against the simulated venue."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.events import Permitted, Platform, Snapshot, Upsert
from exporter.core.model import ONLY, SNAPSHOT_TABLES, Margin, Order, Position, Wallet
from exporter.demo.accounts import ACCOUNTS
from exporter.exchanges.base import Endpoints, Login, Nonces
from exporter.exchanges.bitfinex import rest
from exporter.exchanges.bitfinex.rest import READS
from exporter.exchanges.bitfinex.sim_rest import OUTAGES, answer
from exporter.exchanges.bitfinex.venue import Venue, demo_venue
from exporter.exchanges.reads import FAULTS, Ask, Fault, QuoteRead, Quotes, Read, Reply

START = 1_700_000_000.0
HOSTS = Endpoints("wss://stream.example", "https://rest.example", "https://public.example")
FEEDS = frozenset(("wallets", "positions", "orders", "funding", "trades", "margin", "balance"))
MAIN = ACCOUNTS[0]
VECTOR_SECRET = "TEST_SECRET"
DOCUMENTED = (
    "bc58d5a1760c2d2a3715495e8ee68dae0c6d30d804f624bcbfcf415331cfbb861698973e8ddf9bd992ebb5025fce9d26"
)


def signer(secret: str) -> Callable[[bytes], str]:
    """What signs with a secret."""
    return lambda data: hmac.new(secret.encode(), data, hashlib.sha384).hexdigest()


def login_of(key: str = "TEST_KEY", secret: str = VECTOR_SECRET, now: float = START) -> Login:
    """A login with nonces in microseconds."""
    return Login(api_key=key, sign=signer(secret), nonce=Nonces(lambda: now, 1e6).next)


def reads() -> dict[str, Read]:
    """Every read of an account by its endpoint."""
    login = login_of()
    assert READS.permissions is not None
    assert READS.platform is not None
    every = [*READS.tables(login, HOSTS, FEEDS), READS.permissions(login, HOSTS), READS.platform(HOSTS)]
    return {read.endpoint: read for read in every}


def understand(endpoint: str, said: object, status: int = 200) -> Reply | Fault:
    """What a reply to a read means; text and bytes go as they are."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return reads()[endpoint].understand(status, body)


def fact(endpoint: str, said: object) -> Snapshot | Upsert | Permitted | Platform:
    """The one fact in a good reply."""
    reply = understand(endpoint, said)
    assert not isinstance(reply, Fault), reply
    (only,) = reply
    return only


def fault(endpoint: str, said: object, status: int = 200) -> Fault:
    """Why a reply is no answer."""
    found = understand(endpoint, said, status)
    assert isinstance(found, Fault)
    return found


# What is asked


def test_a_read_is_signed_as_documented() -> None:
    """Path, nonce and body `{}` are signed; what proves who asks goes in headers, not in the address."""
    ask = reads()["wallets"].ask()
    assert (ask.method, ask.url, ask.body) == ("POST", "https://rest.example/v2/auth/r/wallets", b"{}")
    assert ask.headers == {
        "bfx-apikey": "TEST_KEY",
        "bfx-nonce": "1700000000000000",
        "bfx-signature": DOCUMENTED,
        "Content-Type": "application/json",
        "Accept": "application/json",
    }


def test_each_request_takes_a_nonce_of_its_own_when_it_is_made() -> None:
    """Reads of one key share its nonces, and none is taken before the request is made."""
    login = login_of()
    made = READS.tables(login, HOSTS, FEEDS)
    assert login.nonce() == 1_700_000_000_000_000
    assert [read.ask().headers["bfx-nonce"][-1] for read in made] == [*"1234567"]


def test_the_signature_covers_the_venues_path_wherever_the_endpoint_points() -> None:
    """A prefix in the endpoint's address is not signed."""
    prefixed = Endpoints("", "http://127.0.0.1:1/bitfinex/", "http://127.0.0.1:1/bitfinex/")
    ask = rest.tables(login_of(), prefixed, frozenset(("wallets",)))[0].ask()
    assert ask.url == "http://127.0.0.1:1/bitfinex/v2/auth/r/wallets"
    assert ask.headers["bfx-signature"] == DOCUMENTED
    assert rest.platform(prefixed).ask().url == "http://127.0.0.1:1/bitfinex/v2/platform/status"


@pytest.mark.parametrize(
    ("feeds", "endpoints"),
    [
        (("wallets",), ["wallets"]),
        (("funding",), ["offers", "credits", "loans"]),
        (("orders", "positions"), ["positions", "orders"]),
        (("trades", "notifications", "balance"), []),
        (("margin",), ["margin"]),
    ],
)
def test_only_tables_that_the_feeds_ask_for_are_read(feeds: Iterable[str], endpoints: list[str]) -> None:
    """What the configuration does not want is never asked for."""
    assert [read.endpoint for read in READS.tables(login_of(), HOSTS, frozenset(feeds))] == endpoints


def test_every_path_is_a_read() -> None:
    """No request can reach anything but the documented reads, and every endpoint has its name in metrics."""
    asked = {endpoint: read.ask() for endpoint, read in reads().items()}
    asked |= {read.endpoint: read.ask() for read in READS.quotes(HOSTS)}
    assert READS.fills is not None
    assert set(asked) | {READS.fills(login_of(), HOSTS, START).endpoint} == set(READS.endpoints)
    for endpoint, ask in asked.items():
        path = urlsplit(ask.url).path
        if endpoint in READS.public:
            assert (ask.method, ask.body, "bfx-apikey" in ask.headers) == ("GET", b"", False)
            assert ask.url.startswith("https://public.example/v2/")
            assert not path.startswith("/v2/auth")
        else:
            assert (ask.method, ask.body) == ("POST", b"{}")
            assert path.startswith("/v2/auth/r/")
    assert {name for name, read in reads().items() if not read.signed} == {"platform"}


def test_nothing_that_proves_who_asks_is_printed() -> None:
    """Neither a request nor a read shows key, nonce, signature or secret."""
    read = reads()["wallets"]
    printed = f"{read!r} {read.ask()!r} {read.ask()} {READS.permissions!r}"
    assert "/v2/auth/r/wallets" in printed
    for private in ("TEST_KEY", "TEST_SECRET", DOCUMENTED, "1700000000"):
        assert private not in printed


# What replies mean


def test_margin_is_told_as_on_the_stream() -> None:
    """The margin of the account has the layout of `miu`, null staying unknown."""
    assert fact("margin", ["base", [12.5, 0, 8000, 8012.5, None]]) == Upsert(
        "margin", ONLY, Margin(8000.0, 8012.5, None, 12.5, 0.0)
    )
    assert fault("margin", ["sym", "tBTCUSD", [1]]).reason == "unreadable"
    assert fault("margin", ["base", None]).reason == "unreadable"


def test_wallets_bring_what_the_stream_leaves_null() -> None:
    """A wallet's row is read as in the stream, with what is available filled."""
    rows = [["exchange", "BTC", 1.5, 0, 1.25, "note", {"reason": "TRADE"}], ["margin", "USTF0", 0, 0, None]]
    assert fact("wallets", rows) == Snapshot(
        "wallets",
        {
            ("exchange", "BTC"): Wallet("exchange", "BTC", 1.5, 1.25, 0.0),
            ("margin", "USTF0"): Wallet("margin", "USTF0", 0.0, None, 0.0),
        },
    )


def test_positions_have_their_times() -> None:
    """The time of opening, null in the stream, is read in seconds."""
    row: list[Any] = ["tETHUSD", "ACTIVE", -2, 3000, 0.1, 0, 5, 0.1, 4000, 2, None, 900, 1_700_000_000_000]
    told = fact("positions", [row])
    assert isinstance(told, Snapshot)
    position = told.rows[900]
    assert isinstance(position, Position)
    assert (position.symbol, position.amount, position.opened) == ("ETH/USD", -2.0, 1_700_000_000.0)


@pytest.mark.parametrize("table", SNAPSHOT_TABLES)
def test_an_empty_list_is_an_empty_table(table: str) -> None:
    """Nothing held is an answer; nothing known is not."""
    assert fact(table, []) == Snapshot(table, {})  # type: ignore[arg-type]
    assert fault(table, b"").reason == "unreadable"
    assert fault(table, None).reason == "unreadable"


@pytest.mark.parametrize("status", [201, 204, 302, 404, 500, 502])
def test_an_empty_list_with_another_status_is_no_answer(status: int) -> None:
    """A front end's failure never empties a table."""
    assert fault("wallets", [], status).reason == ("server" if status >= 500 else "other")


def test_a_table_with_one_bad_row_is_no_answer() -> None:
    """A part of a table must not pass for the whole."""
    good = ["exchange", "BTC", 1]
    bad: tuple[object, ...] = ([good, ["exchange"]], [good, "row"], [good, ["exchange", "ETH", "much"]], [[]])
    for said in (*bad, good):
        found = fault("wallets", said)
        assert found.reason == "unreadable"
        assert found.sentence.startswith("reading wallets failed: the reply cannot be read: ")


def test_permissions_come_as_a_list_of_scopes() -> None:
    """Each scope has a read and a write flag; scopes that we have no name for are told as `other`."""
    rows = [["wallets", 1, 0], ["orders", 1, 1], ["settings", 1, 1], ["bfxpay", 0, 0]]
    assert fact("permissions", rows) == Permitted(
        {
            ("wallets", "read"): True,
            ("wallets", "write"): False,
            ("orders", "read"): True,
            ("orders", "write"): True,
            ("other", "read"): True,
            ("other", "write"): True,
        }
    )


@pytest.mark.parametrize(
    "said", [[], [["wallets"]], [["wallets", 1]], [["wallets", 1, "x"]], [[1, 1, 1]], [1]]
)
def test_permissions_of_another_shape_are_no_answer(said: object) -> None:
    """What a key may do is never guessed."""
    assert fault("permissions", said).reason == "unreadable"


def test_the_platform_works_or_does_not() -> None:
    """1 is operative and 0 is maintenance; anything else is not an answer."""
    assert fact("platform", [1]) == Platform(operative=True)
    assert fact("platform", [0]) == Platform(operative=False)
    for said in ([], [2], ["1"], [True], [None], [[1]], {"status": 1}):
        assert fault("platform", said).reason == "unreadable"


@pytest.mark.parametrize(
    ("status", "said", "reason", "words"),
    [
        (500, ["error", 10100, "apikey: invalid"], "auth", "key not accepted (code 10100)"),
        (200, ["error", 10112, "apikey: digest invalid"], "auth", "signature not accepted (code 10112)"),
        (500, ["error", "10114", "nonce: small"], "nonce", "nonce too small (code 10114)"),
        (401, ["error", 10001, "permission: denied"], "auth", "no permission (code 10001)"),
        (500, ["error", 10001, "wallet: unknown"], "other", "unknown error (code 10001)"),
        (500, ["error", 10020, "path: invalid"], "other", "parameters not accepted (code 10020)"),
        (429, ["error", 11010, "ratelimit: error"], "rate_limit", "rate limit (code 11010)"),
        (500, ["error", 20060, "maintenance"], "maintenance", "maintenance (code 20060)"),
        (500, ["error", 11000, "ready: invalid"], "server", "venue not ready (code 11000)"),
        (500, ["error", 99999, "?"], "other", "unknown error (code 99999)"),
        (500, ["error"], "other", "the venue answered with an error without a code"),
        (500, ["error", None, None], "other", "the venue answered with an error without a code"),
        (429, {"error": "ERR_RATE_LIMIT"}, "rate_limit", "too many requests from this address"),
        (200, {"error": "ERR_RATE_LIMIT"}, "rate_limit", "too many requests from this address"),
        (503, {"code": 503, "error": "temporarily_unavailable"}, "server", "the venue answered HTTP 503"),
        (200, {"code": 503, "error": "temporarily_unavailable"}, "server", "the venue answered HTTP 503"),
        (400, {"code": 10100, "error": "x"}, "auth", "key not accepted (code 10100)"),
        (200, {}, "unreadable", "the reply cannot be read: expected a JSON list"),
        (200, {"code": 200}, "unreadable", "the reply cannot be read: expected a JSON list"),
        (401, {"message": "no"}, "auth", "the venue answered HTTP 401"),
        (403, b"<html>blocked</html>", "other", "the venue answered HTTP 403"),
        (429, b"<html>slow down</html>", "rate_limit", "too many requests from this address"),
        (502, b"<html>bad gateway</html>", "server", "the venue answered HTTP 502"),
        (200, b"<html>hello</html>", "unreadable", "the reply cannot be read: expected a JSON list"),
        (200, b"", "unreadable", "the reply cannot be read: expected a JSON list"),
        (200, b'[["exchange","BTC",1.2', "unreadable", "the reply cannot be read: expected a JSON list"),
        (200, b"\xff\xfe", "unreadable", "the reply cannot be read: expected a JSON list"),
        (200, b"[" * 5000, "unreadable", "the reply cannot be read: expected a JSON list"),
        (
            200,
            [["exchange", "BTC", {}]],
            "unreadable",
            "the reply cannot be read: a field that must be a number is none",
        ),
        (
            200,
            [["exchange"]],
            "unreadable",
            "the reply cannot be read: a row has another shape than documented",
        ),
    ],
)
def test_every_way_of_saying_no_has_its_reason(status: int, said: object, reason: str, words: str) -> None:
    """The body goes before the status; the sentence names the read and never repeats the venue's own text."""
    assert fault("wallets", said, status) == Fault(reason, f"reading wallets failed: {words}")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(("error", "exchange", "BTC", "tBTCUSD", "fUSD", "ACTIVE", "10100", "1_000", "9" * 5000))
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=24)
        | st.dictionaries(st.sampled_from(("error", "code", "x")) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=60,
)
BODIES = st.binary(max_size=64) | JSON.map(lambda said: json.dumps(said).encode())
STATUSES = st.sampled_from((200, 204, 400, 401, 403, 429, 500, 503)) | st.integers(0, 999)
READ_BY_NAME = reads()


@given(endpoint=st.sampled_from(sorted(READ_BY_NAME)), status=STATUSES, body=BODIES)
def test_no_reply_raises(endpoint: str, status: int, body: bytes) -> None:
    """Any status with any body is facts with status 200, or a fault with a known reason."""
    found = READ_BY_NAME[endpoint].understand(status, body)
    if isinstance(found, Fault):
        assert found.reason in FAULTS
        assert found.sentence.startswith(f"reading {endpoint} failed: ")
    else:
        assert status == 200
        assert found


FIELD = st.none() | st.floats(-1e9, 1e9) | st.integers(0, 2**53) | st.text(max_size=6) | JSON


@given(
    endpoint=st.sampled_from(sorted(READ_BY_NAME)),
    rows=st.lists(st.lists(FIELD, max_size=24), max_size=4),
    head=st.sampled_from((["exchange", "BTC"], [5, "fUSD", 1], ["tBTCUSD", "ACTIVE", 1.0], [1])),
)
def test_no_row_raises(endpoint: str, rows: list[list[Any]], head: list[Any]) -> None:
    """Rows that begin right and go on wrong are facts or a fault."""
    body = json.dumps([[*head, *row] for row in rows]).encode()
    found = READ_BY_NAME[endpoint].understand(200, body)
    assert isinstance(found, Fault) or len(found) == 1


# Against the simulated venue


def venue_of(seed: int = 1) -> Venue:
    """A venue without incidents."""
    return demo_venue(random.Random(seed), origin=START, script=())  # noqa: S311 - the seed is the point


def send(venue: Venue, ask: Ask, now: float) -> tuple[int, bytes]:
    """Let the venue answer a request as it would go over the wire."""
    parts = urlsplit(ask.url)
    return answer(venue, ask.method, parts.path, parts.query, ask.headers, ask.body, now)


def told(venue: Venue, read: Read, now: float) -> Any:
    """The one fact that the venue tells."""
    reply = read.understand(*send(venue, read.ask(), now))
    assert not isinstance(reply, Fault), reply
    (only,) = reply
    return only


@given(seed=st.integers(0, 2**32), age=st.integers(0, 600))
def test_reads_arrive_at_the_venues_books(seed: int, age: int) -> None:
    """Whatever happened before, every table read equals what the venue holds."""
    venue, now = venue_of(seed), START + age
    login = login_of(MAIN.api_key, MAIN.api_secret, now)
    tables = {read.endpoint: told(venue, read, now) for read in READS.tables(login, HOSTS, FEEDS)}
    books = venue.books[MAIN.name]
    assert tables.pop("margin").row.net_usd > 0
    assert tuple(tables) == SNAPSHOT_TABLES
    assert all(name == snapshot.table for name, snapshot in tables.items())
    assert {key: (row.balance, row.available) for key, row in tables["wallets"].rows.items()} == {
        place: (float(balance), float(free)) for place, (balance, free) in books.wallets().items()
    }
    assert {key: (row.remaining, row.side) for key, row in tables["orders"].rows.items()} == {
        key: (float(abs(order.remaining)), "buy" if order.original > 0 else "sell")
        for key, order in books.orders.items()
    }
    assert {key: row.amount for key, row in tables["positions"].rows.items()} == {
        key: float(position.amount) for key, position in books.positions.items()
    }
    assert {key: row.amount for key, row in tables["offers"].rows.items()} == {
        key: float(offer.remaining) for key, offer in books.offers.items()
    }
    for table, used in (("credits", True), ("loans", False)):
        assert {key: row.amount for key, row in tables[table].rows.items()} == {
            key: float(loan.amount) for key, loan in books.loans.items() if bool(loan.used_for) is used
        }
    assert not venue.violations


def test_everything_ever_asked_is_answered_by_the_venue() -> None:
    """Every read that exists is known to the venue, which finds nothing wrong with any of them."""
    venue = venue_of()
    login = login_of(MAIN.api_key, MAIN.api_secret)
    assert READS.permissions is not None
    assert READS.platform is not None
    permitted = told(venue, READS.permissions(login, HOSTS), START)
    assert permitted.permissions["wallets", "read"] is True
    assert permitted.permissions["withdraw", "write"] is False
    assert told(venue, READS.platform(HOSTS), START) == Platform(operative=True)
    assert all(isinstance(ask_quotes(venue, read), Quotes) for read in READS.quotes(HOSTS))
    assert not venue.violations


def ask_quotes(venue: Venue, read: QuoteRead) -> Quotes | Fault:
    """What the venue tells of prices."""
    return read.understand(*send(venue, read.ask(), START))


def test_the_demos_currencies_are_worth_what_its_market_says() -> None:
    """Coins, Tether and derivative collateral are priced; a currency without a market is left out."""
    venue = venue_of()
    tickers, conf = (ask_quotes(venue, read) for read in READS.quotes(HOSTS))
    assert isinstance(tickers, Quotes)
    assert isinstance(conf, Quotes)
    quotes = Quotes(tickers.last, conf.aliases, tickers.funding_rates)
    held = frozenset(currency for _, currency, _ in MAIN.profile.wallets)
    market = venue.world.market
    assert READS.value(quotes, held | READS.always) == {
        currency: float(market.dollars(currency)) for currency in held if currency != "LTC"
    }
    assert quotes.funding_rates == {currency: float(market.rate(currency)) for currency in ("USD", "UST")}


def test_the_venues_refusals_are_understood() -> None:
    """A wrong secret, an old nonce, maintenance and outages are told apart."""
    venue = venue_of()
    read = rest.tables(login_of(MAIN.api_key, "wrong"), HOSTS, frozenset(("wallets",)))[0]
    right = rest.tables(login_of(MAIN.api_key, MAIN.api_secret), HOSTS, frozenset(("wallets",)))[0]

    def reason(read: Read) -> str:
        found = read.understand(*send(venue, read.ask(), START))
        return found.reason if isinstance(found, Fault) else ""

    assert reason(read) == "auth"
    assert reason(right) == ""
    venue.nonces[MAIN.api_key] *= 2
    assert reason(right) == "nonce"
    venue.maintain(on=True)
    assert reason(right) == "maintenance"
    venue.faults.rest_limited = True
    assert reason(right) == "rate_limit"
    venue.faults.rest_limited = False
    reasons = {}
    for outage in OUTAGES:
        venue.faults.rest_outage = outage
        reasons[outage] = reason(right)
    assert reasons == {
        "unavailable": "server",
        "page": "server",
        "empty": "unreadable",
        "broken": "unreadable",
    }


def test_an_order_is_read_as_in_the_stream() -> None:
    """REST and stream share the layout, and so the reader."""
    row: list[Any] = [None] * 32
    row[0:8] = [501, None, 17, "tDUSK:USD", 1_700_000_000_000, 1_700_000_001_000, -40, -100]
    row[13], row[16] = "PARTIALLY FILLED @ 0.21(-60.0)", 0.21
    assert fact("orders", [row]) == Snapshot("orders", {501: Order("DUSK/USD", "sell", 40.0, 0.21, START)})
