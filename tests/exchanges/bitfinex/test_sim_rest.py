"""The simulated Bitfinex's REST side, asked by hand: what it refuses, what it tells, how it fails."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from typing import Any

import pytest

from exporter.demo.accounts import ACCOUNTS
from exporter.demo.records import Event
from exporter.demo.script import Step
from exporter.exchanges.bitfinex import sim_rest
from exporter.exchanges.bitfinex.sim_rest import answer
from exporter.exchanges.bitfinex.simulator import Simulator
from exporter.exchanges.bitfinex.venue import Venue, demo_venue

START = 1_700_000_000.0
NONCE = 1_700_000_000_000_000
BODY = b"{}"
MAIN = ACCOUNTS[0]


def venue_of(script: tuple[Step, ...] = ()) -> Venue:
    """A venue without incidents unless some are given."""
    return demo_venue(random.Random(1), origin=START, script=script)  # noqa: S311 - the seed is the point


def headers_for(
    path: str, nonce: object = NONCE, *, secret: str = MAIN.api_secret, key: str = MAIN.api_key
) -> dict[str, str]:
    """Headers with a signature made by the documentation, not by the adapter."""
    signed = f"/api/v2/{path}{nonce}".encode() + BODY
    signature = hmac.new(secret.encode(), signed, hashlib.sha384).hexdigest()
    return {"bfx-apikey": key, "bfx-nonce": str(nonce), "bfx-signature": signature}


def post(
    venue: Venue, path: str, headers: dict[str, str] | None = None, *, body: bytes = BODY, now: float = START
) -> tuple[int, Any]:
    """Ask a private read as the main account, with the next nonce unless headers are given."""
    nonce = max(venue.nonces.values(), default=NONCE) + 1
    status, said = answer(venue, "POST", f"/v2/{path}", "", headers or headers_for(path, nonce), body, now)
    return status, json.loads(said)


def get(venue: Venue, path: str, query: str = "", *, now: float = START) -> tuple[int, Any]:
    """Ask a public read."""
    status, said = answer(venue, "GET", f"/v2/{path}", query, {}, b"", now)
    return status, json.loads(said)


def test_the_documented_signature_is_the_one_expected() -> None:
    """A signature over path, nonce and body is accepted, whatever the case of the header names."""
    headers = {name.title(): value for name, value in headers_for("auth/r/wallets").items()}
    status, wallets = post(venue_of(), "auth/r/wallets", headers)
    assert status == 200
    assert ["exchange", "LTC", 0, 0, 0, None, None] in wallets


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, [10100, "apikey: invalid"]),
        (headers_for("auth/r/wallets", key="stranger"), [10100, "apikey: invalid"]),
        (headers_for("auth/r/wallets", secret="wrong"), [10112, "apikey: digest invalid"]),
        (headers_for("auth/r/orders"), [10112, "apikey: digest invalid"]),
        (headers_for("auth/r/wallets", "soon"), [10114, "nonce: invalid"]),
        (headers_for("auth/r/wallets", 2**53), [10114, "nonce: invalid"]),
        (headers_for("auth/r/wallets", "9" * 5000), [10114, "nonce: invalid"]),
        (headers_for("auth/r/wallets", 0), [10114, "nonce: small"]),
    ],
)
def test_what_does_not_prove_who_asks_is_refused(headers: dict[str, str], error: list[Any]) -> None:
    """A wrong key, signature or nonce gives an error array with status 500 and spends no nonce."""
    venue = venue_of()
    given = headers or {"accept": "application/json"}
    assert post(venue, "auth/r/wallets", given) == (500, ["error", *error])
    assert not venue.nonces


def test_a_signature_covers_the_body() -> None:
    """Another body than the signed one is refused."""
    status, said = post(venue_of(), "auth/r/wallets", headers_for("auth/r/wallets"), body=b"[]")
    assert (status, said[1]) == (500, 10112)


def test_nonces_are_shared_with_the_stream() -> None:
    """A nonce used by REST is too small for a login, and the other way round."""
    venue = venue_of()
    assert post(venue, "auth/r/wallets", headers_for("auth/r/wallets", NONCE))[0] == 200
    payload = f"AUTH{NONCE}"
    signature = hmac.new(MAIN.api_secret.encode(), payload.encode(), hashlib.sha384).hexdigest()
    login = {"event": "auth", "apiKey": MAIN.api_key, "authNonce": NONCE, "authPayload": payload}
    stream = Simulator(venue)
    stream.opened(START)
    (refused,) = stream.received(json.dumps({**login, "authSig": signature}), START)
    assert json.loads(str(refused))["code"] == 10114
    venue.nonces[MAIN.api_key] = NONCE + 5
    late = post(venue, "auth/r/wallets", headers_for("auth/r/wallets", NONCE + 5))
    assert late == (500, ["error", 10114, "nonce: small"])


def test_a_refused_key_is_refused_by_rest_too() -> None:
    """The switch that refuses logins refuses reads."""
    venue = venue_of()
    venue.faults.refusals["*"] = (10100, "apikey: invalid")
    assert post(venue, "auth/r/orders") == (500, ["error", 10100, "apikey: invalid"])


def test_a_key_reads_only_what_its_scopes_allow() -> None:
    """Without the scope a read gives a permission error, and permissions can still be read."""
    venue = venue_of()
    key = venue.keys[MAIN.api_key]
    venue.keys[MAIN.api_key] = key._replace(scopes=(("wallets", (0, 0)), ("orders", (1, 1))))
    assert post(venue, "auth/r/wallets") == (500, ["error", 10001, "permission: denied"])
    assert post(venue, "auth/r/funding/offers")[1][1] == 10001
    assert post(venue, "auth/r/permissions") == (200, [["wallets", 0, 0], ["orders", 1, 1]])


def test_wallets_come_with_what_is_available_at_that_moment() -> None:
    """Balances and available amounts equal the books as far as the world has lived."""
    venue = venue_of()
    _, wallets = post(venue, "auth/r/wallets", now=START + 120)
    truth = venue.books[MAIN.name].wallets()
    assert {(row[0], row[1]): (row[2], row[4]) for row in wallets} == {
        place: (float(balance), float(available)) for place, (balance, available) in truth.items()
    }


def test_positions_come_with_computed_values_and_times() -> None:
    """REST fills what the stream leaves null; the time of opening stays the same from read to read."""
    venue = venue_of()
    _, before = post(venue, "auth/r/positions", now=START + 1)
    _, after = post(venue, "auth/r/positions", now=START + 2)
    opened = {row[11]: row[12] for row in before}
    assert opened
    assert all(opened.get(row[11], row[12]) == row[12] for row in after)
    assert all(row[index] is not None for row in before for index in (6, 7, 8, 9, 12, 13))


def test_credits_and_loans_are_told_apart_by_use() -> None:
    """Credits name the pair of their position, loans have no such field."""
    venue = venue_of()
    _, used = post(venue, "auth/r/funding/credits")
    _, unused = post(venue, "auth/r/funding/loans")
    books = venue.books[MAIN.name]
    assert {len(row) for row in used} <= {22}
    assert {len(row) for row in unused} <= {21}
    assert {row[0] for row in (*used, *unused)} == set(books.loans)


def test_orders_and_offers_equal_the_books() -> None:
    """Every open order and offer is listed, and nothing else."""
    venue = venue_of()
    books = venue.books[MAIN.name]
    assert {row[0] for row in post(venue, "auth/r/orders", now=START + 60)[1]} == set(books.orders)
    assert {row[0] for row in post(venue, "auth/r/funding/offers", now=START + 60)[1]} == set(books.offers)


def test_tickers_tell_the_prices_of_the_world() -> None:
    """All tickers or the ones asked for: trading rows have the price at 7, funding rows the rate at 1."""
    venue = venue_of()
    status, every = get(venue, "tickers", "symbols=ALL", now=START + 30)
    assert status == 200
    rows = {row[0]: row for row in every}
    assert set(rows) == {"tBTCUSD", "tETHUSD", "tDUSK:USD", "tUSTUSD", "tBTCF0:USTF0", "fUSD", "fUST"}
    assert rows["tDUSK:USD"][7] == float(venue.world.market.dollars("DUSK"))
    assert rows["fUST"][1] == float(venue.world.market.rate("UST"))
    assert {len(row) for row in every} == {11, 17}
    some = get(venue, "tickers", "symbols=tETHUSD,fUSD,tNONE", now=START + 30)[1]
    assert [row[0] for row in some] == ["tETHUSD", "fUSD"]
    assert get(venue, "tickers")[1] == ["error", 10020, "symbols: invalid"]


def test_maps_come_one_list_for_each_key() -> None:
    """Maps are listed in the order asked for; an unknown one is an error."""
    venue = venue_of()
    both = get(venue, "conf/pub:map:currency:undl,pub:map:currency:sym")[1]
    assert both == [[["USTF0", "UST"], ["BTCF0", "BTC"]], [["UST", "USDt"], ["USTF0", "USDt0"]]]
    assert get(venue, "conf/pub%3Amap%3Acurrency%3Aundl")[1] == both[:1]
    assert get(venue, "conf/pub:map:currency:undl,pub:map:nothing")[1] == ["error", 10020, "conf: invalid"]


def test_maintenance_is_said_and_stops_private_reads() -> None:
    """In maintenance the status is 0 and private reads give error 20060; prices are still told."""
    venue = venue_of((Step(5.0, Event.MAINTENANCE_BEGINS), Step(9.0, Event.MAINTENANCE_ENDS)))
    assert get(venue, "platform/status") == (200, [1])
    assert get(venue, "platform/status", now=START + 6) == (200, [0])
    assert post(venue, "auth/r/wallets", now=START + 6) == (500, ["error", 20060, "maintenance"])
    assert get(venue, "tickers", "symbols=ALL", now=START + 6)[0] == 200
    assert post(venue, "auth/r/wallets", now=START + 10)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/auth/w/order/submit"),
        ("POST", "/v2/auth/w/withdraw"),
        ("GET", "/v2/auth/r/wallets"),
        ("POST", "/v2/tickers"),
        ("DELETE", "/v2/platform/status"),
        ("POST", "auth/r/wallets"),
        ("GET", "/"),
    ],
)
def test_nothing_but_reads_exists(method: str, path: str) -> None:
    """Any other request is not found, and noted as something that a watcher must never do."""
    venue = venue_of()
    headers = headers_for("auth/r/wallets")
    assert answer(venue, method, path, "symbols=ALL", headers, BODY, START)[0] == 404
    assert venue.violations == [f"{method} {path}"]


def test_asking_faster_than_allowed_is_refused_and_noted() -> None:
    """The 16th status within a minute is one too many; a minute later all is well."""
    venue = venue_of()
    statuses = [get(venue, "platform/status", now=START + step)[0] for step in range(16)]
    assert statuses == [200] * 15 + [429]
    assert venue.violations == ["more than 15 requests a minute for platform/status"]
    assert get(venue, "tickers", "symbols=ALL", now=START + 16)[0] == 200
    assert get(venue, "platform/status", now=START + 76)[0] == 200


def test_switches_break_it() -> None:
    """Rate limit and outages answer everything, in the shapes seen in the wild, and end when switched off."""
    venue = venue_of()
    venue.faults.rest_limited = True
    assert get(venue, "platform/status") == (429, {"error": "ERR_RATE_LIMIT"})
    venue.faults.rest_limited = False
    seen = {}
    for outage in sim_rest.OUTAGES:
        venue.faults.rest_outage = outage
        seen[outage] = answer(venue, "GET", "/v2/platform/status", "", {}, b"", START)
    assert seen["unavailable"] == (503, b'{"code":503,"error":"temporarily_unavailable"}')
    assert seen["page"][1].startswith(b"<html>")
    assert seen["empty"] == (200, b"")
    assert not seen["broken"][1].endswith(b"]")
    venue.faults.rest_outage = ""
    assert get(venue, "platform/status")[0] == 200


def test_drift_is_added_to_what_rest_says_of_a_balance() -> None:
    """A scripted drift changes REST's balance of one wallet and neither the books nor other wallets."""
    venue = venue_of()
    _, before = post(venue, "auth/r/wallets")
    venue.faults.drift["exchange", "LTC"] = 0.125
    _, after = post(venue, "auth/r/wallets")
    changed = [
        (new[0], new[1], new[2] - old[2]) for old, new in zip(before, after, strict=True) if new != old
    ]
    assert changed == [("exchange", "LTC", 0.125)]
    assert not venue.books[MAIN.name].balance("exchange", "LTC")


def test_forgotten_happenings_reach_no_stream() -> None:
    """Updates that the stream forgets are never sent, and leave no gap in its numbers."""
    venue = venue_of()
    venue.faults.forgotten.add(Event.WALLET)
    stream = Simulator(venue)
    stream.opened(START)
    stream.received(json.dumps({"event": "conf", "flags": 65536}), START)
    payload = f"AUTH{NONCE}"
    signature = hmac.new(MAIN.api_secret.encode(), payload.encode(), hashlib.sha384).hexdigest()
    login = {"event": "auth", "apiKey": MAIN.api_key, "authNonce": NONCE, "authPayload": payload}
    stream.received(json.dumps({**login, "authSig": signature}), START)
    frames = [json.loads(str(text)) for step in range(1, 300) for text in stream.tick(START + step / 4)]
    data = [frame for frame in frames if frame[1] not in ("hb", "n")]
    assert {frame[1] for frame in data} >= {"on", "tu"}
    assert "wu" not in {frame[1] for frame in data}
    numbers = [frame[3] if frame[1] != "hb" else frame[2] for frame in frames if len(frame) != 4]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
