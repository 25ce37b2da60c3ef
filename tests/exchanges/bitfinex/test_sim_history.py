"""The past as the simulated Bitfinex tells it, asked by hand with bodies of our own."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from typing import Any

import pytest

from exporter.demo.accounts import ACCOUNTS
from exporter.exchanges.bitfinex.sim_rest import answer
from exporter.exchanges.bitfinex.venue import Venue, demo_venue

START = 1_700_000_000.0
MAIN = ACCOUNTS[0]


@pytest.fixture(name="venue")
def _venue() -> Venue:
    """A venue without incidents, two minutes old."""
    venue = demo_venue(random.Random(1), origin=START, script=())  # noqa: S311 - the seed is the point
    venue.advance(START + 120)
    return venue


def post(venue: Venue, path: str, body: bytes) -> Any:
    """Ask as the main account, with a signature by the documentation."""
    nonce = max(venue.nonces.values(), default=1) + 1
    signed = f"/api/v2/{path}{nonce}".encode() + body
    signature = hmac.new(MAIN.api_secret.encode(), signed, hashlib.sha384).hexdigest()
    headers = {"bfx-apikey": MAIN.api_key, "bfx-nonce": str(nonce), "bfx-signature": signature}
    return json.loads(answer(venue, "POST", f"/v2/{path}", "", headers, body, START + 120)[1])


def test_the_newest_come_first_and_few_of_them(venue: Venue) -> None:
    """Without parameters 25 rows, newest first; `sort` 1 turns trades round; `limit` and `start` hold."""
    trades = post(venue, "auth/r/trades/hist", b"{}")
    assert len(trades) == 25
    assert [row[2] for row in trades] == sorted((row[2] for row in trades), reverse=True)
    assert {len(row) for row in trades} == {11}
    first = post(venue, "auth/r/trades/hist", b'{"sort":1,"limit":3,"start":1700000000001}')
    times = [row[2] for row in first]
    assert len(times) == 3
    assert times == sorted(times)
    assert times[0] > START * 1000


def test_the_ledger_says_whose_line_it_is_in_two_ways(venue: Venue) -> None:
    """Some lines name their wallet in a field, all of them at the end of the text."""
    lines = post(venue, "auth/r/ledgers/hist", b'{"limit":2500,"end":1700000060000}')
    assert {row[2] for row in lines} == {None, "exchange", "margin", "funding"}
    assert all(row[8].rpartition(" on wallet ")[2] == (row[2] or row[8].split()[-1]) for row in lines)
    assert max(row[3] for row in lines) <= 1_700_000_060_000
    assert {len(row) for row in lines} == {9}


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b"7"])
def test_a_body_that_is_no_object_is_refused(venue: Venue, body: bytes) -> None:
    """Parameters come in an object."""
    assert post(venue, "auth/r/ledgers/hist", body) == ["error", 10020, "body: invalid"]


def test_the_past_needs_its_scope(venue: Venue) -> None:
    """A key without history reads neither trades nor ledger."""
    key = venue.keys[MAIN.api_key]
    venue.keys[MAIN.api_key] = key._replace(scopes=(("wallets", (1, 0)),))
    for path in ("auth/r/trades/hist", "auth/r/ledgers/hist"):
        assert post(venue, path, b"{}") == ["error", 10001, "permission: denied"]
