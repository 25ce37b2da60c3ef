"""Bitfinex's past by REST: what is asked, what the rows mean, and both against the simulated venue."""

from __future__ import annotations

import json
import random
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.secret import Secret
from exporter.core.events import Fill
from exporter.core.past import Entry
from exporter.demo.accounts import ACCOUNTS
from exporter.exchanges.base import Endpoints, Login, Nonces
from exporter.exchanges.bitfinex.rest import READS
from exporter.exchanges.bitfinex.sim_rest import answer
from exporter.exchanges.bitfinex.venue import Venue, demo_venue
from exporter.exchanges.reads import FAULTS, Ask, Fault, FillRead, LedgerRead
from exporter.follow import hmac_sha384
from exporter.rest.patient import read_back

START = 1_700_000_000.0
HOSTS = Endpoints("wss://stream.example", "https://rest.example", "https://public.example")
MAIN = ACCOUNTS[0]
TRADE = [77001, "tETHUSD", 1700000000500, 501, 0.5, 2000.5, "EXCHANGE LIMIT", 2001, 1, -0.5001, "USD", 88]
LINE: list[Any] = [
    *(2794967447, "USD", None, 1588004822000, None, -8.6166026, 4299.6846957, None),
    "Trading fees for 4303.997301 UST (USTUSD) @ 1.001 on BFX (0.2%) on wallet exchange",
]


def login() -> Login:
    """The main account's login."""
    sign = partial(hmac_sha384, Secret(MAIN.api_secret))
    return Login(MAIN.api_key, sign, Nonces(lambda: START, 1e6).next)


def fills(since: float = START) -> FillRead:
    """The read of executions."""
    assert READS.fills is not None
    return READS.fills(login(), HOSTS, since)


def ledger(start: float = START, end: float = START + 60) -> LedgerRead:
    """The read of the ledger."""
    assert READS.ledger is not None
    return READS.ledger(login(), HOSTS, start, end)


def entry(**changes: Any) -> Entry:
    """What a ledger row means, with fields changed by index (`_2=...`)."""
    row = list(LINE)
    for name, value in changes.items():
        row[int(name.removeprefix("_"))] = value
    found = ledger().understand(200, json.dumps([row]).encode())
    assert not isinstance(found, Fault), found
    return found[0]


def send(venue: Venue, ask: Ask, now: float) -> tuple[int, bytes]:
    """Let the simulated venue answer."""
    return answer(venue, ask.method, ask.url.removeprefix(HOSTS.rest), "", ask.headers, ask.body, now)


def test_what_is_asked_is_a_signed_read_with_a_span() -> None:
    """Both ask for the most rows there are, in milliseconds; the body is signed; the key is in headers."""
    ask = fills(START + 0.25).ask()
    assert (ask.method, ask.url) == ("POST", "https://rest.example/v2/auth/r/trades/hist")
    assert json.loads(ask.body) == {"start": 1_700_000_000_250, "limit": 2500, "sort": 1}
    ask = ledger(START, START + 0.123).ask()
    assert ask.url == "https://rest.example/v2/auth/r/ledgers/hist"
    assert json.loads(ask.body) == {"start": 1_700_000_000_000, "end": 1_700_000_000_123, "limit": 2500}
    assert MAIN.api_key not in repr(ask)
    assert MAIN.api_key not in repr(fills())


def test_a_trade_means_what_the_stream_says_of_it() -> None:
    """A row of history is a final report of the same identity as `tu`."""
    found = fills().understand(200, json.dumps([TRADE]).encode())
    assert found == [
        Fill(77001, "ETH/USD", "buy", "maker", 0.5, 2000.5, 0.5001, "USD", 1700000000.5, final=True)
    ]


def test_a_line_of_the_ledger() -> None:
    """Currency, time, amount and balance after it; the wallet from the end of the description."""
    assert entry() == Entry(2794967447, "exchange", "USD", 1588004822.0, -8.6166026, 4299.6846957)


@pytest.mark.parametrize(
    ("field", "description", "wallet"),
    [
        ("funding", "Margin Funding Payment on wallet funding", "funding"),
        ("margin", "whatever it says", "margin"),
        (None, "Transfer of 40.0 IOT from wallet Exchange to Trading on wallet margin", "margin"),
        (None, "Transfer of 40.0 IOT from wallet Exchange to Trading on wallet exchange", "exchange"),
        (None, "Deposit (BITCOIN) #2168494 on wallet Exchange", "exchange"),
        (None, "Transfer of 1.0 BTC from wallet Exchange to Deposit on wallet Deposit", "funding"),
        (None, "Position #1 swap on wallet trading ", "margin"),
        (None, "Adjustment", ""),
        (None, "on wallet exchange it was", ""),
        (None, None, ""),
        ("", None, ""),
    ],
)
def test_whose_line_it_is(field: str | None, description: str | None, wallet: str) -> None:
    """The field decides where it is filled, else the last words of the text; old names are today's."""
    assert entry(_2=field, _8=description).wallet == wallet


@pytest.mark.parametrize("index", [0, 1, 3, 5, 6])
def test_a_line_that_lacks_what_matters_spoils_the_page(index: int) -> None:
    """A part of a ledger must not pass for the whole."""
    row = list(LINE)
    row[index] = None
    found = ledger().understand(200, json.dumps([LINE, row]).encode())
    assert isinstance(found, Fault)
    assert found.reason == "unreadable"
    assert found.sentence.startswith("reading ledger failed: the reply cannot be read")


def test_errors_are_named() -> None:
    """A missing permission is the key's fault, with a sentence that names what was read."""
    found = fills().understand(500, b'["error",10001,"permission: denied"]')
    assert isinstance(found, Fault)
    assert found.reason == "auth"
    assert found.sentence.startswith("reading fills failed: ")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=30))
def test_any_reply_is_an_answer_or_a_fault(said: object) -> None:
    """Nothing that a venue sends makes a read raise."""
    body = json.dumps(said).encode()
    for found in (fills().understand(200, body), ledger().understand(200, body)):
        assert not isinstance(found, Fault) or found.reason in FAULTS


def test_the_trades_of_the_simulated_venue_are_its_books() -> None:
    """Every execution since a moment, the oldest first, with the numbers of the books."""
    venue = demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point
    read = fills(START + 30)
    found = read.understand(*send(venue, read.ask(), START + 120))
    assert not isinstance(found, Fault)
    truth = [each for each in venue.books[MAIN.name].trades if each.at >= (START + 30) * 1000]
    assert [(each.id, each.price) for each in found] == [(each.id, float(each.price)) for each in truth]
    assert len(found) > 5


@pytest.mark.parametrize("rows", [20, 100, 0])
def test_the_ledger_of_the_simulated_venue_leads_to_its_wallets(rows: int) -> None:
    """Read back in pages of any size, the last line of each wallet is its balance in the books."""
    venue = demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point
    venue.faults.rest_page = rows
    now, owner = START + 120, login()
    assert READS.ledger is not None
    make = partial(READS.ledger, owner, HOSTS, START - 90 * 86400)

    def page(until: float) -> list[Entry]:
        read = make(until)
        found = read.understand(*send(venue, read.ask(), now))
        # No time passes here: the venue would find that it is asked too often.
        venue.requests.clear()
        assert not isinstance(found, Fault), found
        return list(found)

    lines = read_back(page, START - 90 * 86400, now, lambda *_: None)
    books = venue.books[MAIN.name]
    assert len(lines) == len(books.entries)
    last = {(line.wallet, line.currency): line.balance for line in reversed(lines)}
    held = {place: float(balance) for place, (balance, _) in books.wallets().items() if place in last}
    assert last == held
    assert len(last) >= 9
