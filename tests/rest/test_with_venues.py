"""REST beside the streams, over loopback: drift healed, outages that touch nothing, nonces in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import orjson
import pytest

from exporter.config.secret import Secret
from exporter.config.types import Reconcile, Valuation
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer, simulate
from exporter.exchanges.base import Endpoints, Login, Nonces
from exporter.exchanges.bitfinex.auth import login_message
from exporter.exchanges.bitfinex.rest import READS
from exporter.exchanges.bitfinex.simulator import Simulator
from exporter.exposition.catalogue import METRICS
from exporter.follow import hmac_sha384
from exporter.stream.turn import KeyTurn
from tests.running import Running

MAIN = ACCOUNTS[0]
MAIN_LTC = ("exchange", "LTC")
START = 1_700_000_000.0
UP = 'exchange_stream_up{account="demo-main",exchange="bitfinex",stream="account"} 1.0'
DRIFT = (
    'exchange_reconcile_difference{account="demo-main",currency="LTC",exchange="bitfinex",wallet="exchange"}'
)
MISMATCHES = 'exchange_reconcile_mismatched_wallets{account="demo-main",exchange="bitfinex"}'
RESYNCS = (
    'exchange_stream_resyncs_total{account="demo-main",exchange="bitfinex",'
    'stream="account",trigger="reconcile"}'
)


@pytest.fixture(name="running")
def _running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """One account that wants its wallets only, compared about twice a second."""
    monkeypatch.setattr("exporter.rest.poller.STEP", 0.05)
    monkeypatch.setattr("exporter.rest.poller.SETTLE", 0.1)
    monkeypatch.setattr("exporter.rest.poller.AGAIN", 0.5)
    venue = DemoServer(seed=1)
    venue.start()
    running = Running(venue)
    account = replace(running.config.accounts[0], feeds=("wallets",), margin_symbols=())
    running.config = replace(
        running.config, accounts=(account,), reconcile=Reconcile(0.5), valuation=Valuation(5.0)
    )
    running.rebuild()
    yield running
    running.stop()
    venue.stop()


def value(page: str, series: str) -> float | None:
    """The value of one series, None when it is not there."""
    for line in page.splitlines():
        if line.startswith(series):
            return float(line.rsplit(" ", 1)[1])
    return None


def test_drift_is_found_shown_and_healed(running: Running) -> None:
    """REST holds money of which the stream never told: shown with its amount, and one resync is asked for."""
    running.start()
    running.await_lines(UP, f"{MISMATCHES} 0.0")
    with running.venue.lock:
        running.venue.venues["bitfinex"].faults.drift[MAIN_LTC] = 2.5
    page = running.await_lines(f"{MISMATCHES} 1.0")
    assert value(page, DRIFT) == 2.5
    running.await_lines(f"{RESYNCS} 1.0", UP)

    with running.venue.lock:
        running.venue.venues["bitfinex"].faults.drift.clear()
    page = running.await_lines(f"{MISMATCHES} 0.0", UP)
    assert value(page, DRIFT) is None
    assert value(page, RESYNCS) == 1.0


@pytest.mark.parametrize("outage", ["unavailable", "page", "empty", "broken"])
def test_an_outage_of_rest_touches_no_stream(running: Running, outage: str) -> None:
    """While REST answers nonsense the stream stays up on its one connection and its values keep moving."""
    with running.venue.lock:
        running.venue.venues["bitfinex"].faults.rest_outage = outage
    running.start()
    page = running.await_lines(UP)
    failures = 'exchange_rest_request_failures_total{account="demo-main",endpoint="wallets"'
    while not any(line.startswith(failures) and not line.endswith(" 0.0") for line in page.splitlines()):
        page = running.await_lines(UP)

    assert value(page, 'exchange_stream_connects_total{account="demo-main"') == 1.0
    assert value(page, "exchange_reconcile_last_success_timestamp_seconds") == 0.0
    assert "exchange_wallet_balance{" in page


def test_values_and_prices_of_both_venues(running: Running) -> None:
    """Wallets are priced, what has no price is listed, and the clean comparison has a time."""
    running.start()
    page = running.await_lines(
        UP,
        'exchange_currency_price_usd{currency="USD",exchange="bitfinex"} 1.0',
        'exchange_currency_unpriced{currency="LTC",exchange="bitfinex"} 1.0',
        f"{MISMATCHES} 0.0",
    )

    price = value(page, 'exchange_currency_price_usd{currency="BTC",exchange="bitfinex"}')
    assert price is not None
    assert price > 1000.0


@pytest.mark.parametrize("caps", ["broken", "absent"])
def test_a_key_that_rest_finds_able_to_withdraw_is_refused(running: Running, caps: str) -> None:
    """Scopes that the login told in no readable form are read by REST, and judged by the same rule."""
    with running.venue.lock:
        venue = running.venue.venues["bitfinex"]
        venue.faults.caps = caps
        key = venue.keys[MAIN.api_key]
        venue.keys[MAIN.api_key] = key._replace(scopes=(*key.scopes[:5], ("withdraw", (1, 1))))
    running.start()
    who = 'account="demo-main"'
    page = running.await_lines(
        f'exchange_stream_refused{{{who},code="withdraw_scope",exchange="bitfinex",stream="account"}} 1.0',
        f'exchange_stream_state{{{who},exchange="bitfinex",state="refused",stream="account"}} 1.0',
    )
    may_withdraw = 'access="write",account="demo-main",exchange="bitfinex",scope="withdraw"'
    assert f"exchange_api_key_permission{{{may_withdraw}}} 1.0" in page
    assert value(page, f"exchange_stream_connects_total{{{who}") == 1.0


def login_of(turn: KeyTurn) -> Login:
    """The demo account's login on a turn."""
    return Login(MAIN.api_key, partial(hmac_sha384, Secret(MAIN.api_secret)), turn.nonce)


class Venue:
    """A simulated Bitfinex, asked by login messages and by REST, one at a time."""

    def __init__(self) -> None:
        self.exchange = simulate(["bitfinex"], 1, START, 1.0)["bitfinex"]
        self.lock = threading.Lock()

    def log_in(self, message: str) -> str:
        """The status of a login on a new connection."""
        with self.lock:
            session = Simulator(self.exchange.venue)
            session.opened(START)
            answers = [
                orjson.loads(text) for text in session.received(message, START) if isinstance(text, str)
            ]
            session.gone()
        return next(str(each["status"]) for each in answers if each.get("event") == "auth")


def test_a_request_that_overtakes_a_login_would_break_it() -> None:
    """The danger: a nonce made after the login's and delivered before it makes the login's too small."""
    venue, turn = Venue(), KeyTurn(Nonces(lambda: START, 1e6))
    login = login_of(turn)
    message = login_message(login, frozenset({"wallets"}))
    ask = READS.tables(login, Endpoints("", "http://x", ""), frozenset({"wallets"}))[0].ask()
    path = "/v2/auth/r/wallets"
    assert venue.exchange.answer(ask.method, path, "", ask.headers, ask.body, START)[0] == 200

    assert venue.log_in(message) == "FAILED"


def test_requests_in_a_race_never_break_a_login() -> None:
    """Requests of the same key from other threads, as fast as they can, and every login is accepted."""
    venue, turn = Venue(), KeyTurn(Nonces(lambda: START, 1e6))
    login = login_of(turn)
    read = READS.tables(login, Endpoints("", "http://x", ""), frozenset({"wallets"}))[0]
    done = threading.Event()
    sent: list[int] = []

    def hammer() -> None:
        while not done.is_set():
            ask = turn.read(read.ask, seconds=5.0, stopping=done.is_set)
            if ask is not None:
                with venue.lock:
                    path = "/v2/auth/r/wallets"
                    status, _ = venue.exchange.answer(ask.method, path, "", ask.headers, ask.body, START)
                sent.append(status)

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    statuses = []
    for _ in range(150):
        who = object()
        turn.begin_login(who, seconds=5.0, stopping=lambda: False)
        statuses.append(venue.log_in(login_message(login, frozenset({"wallets"}))))
        turn.end_login(who)
    done.set()
    for thread in threads:
        thread.join()

    assert set(statuses) == {"OK"}
    assert sent


def test_every_family_that_rest_brings_has_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the catalogue promises of REST and prices, the demo's two exchanges and one drift produce."""
    monkeypatch.setattr("exporter.rest.poller.SETTLE", 0.1)
    monkeypatch.setattr("exporter.rest.poller.LATE", 0.1)
    venue = DemoServer(seed=1)
    venue.start()
    running = Running(venue)
    running.config = replace(running.config, reconcile=Reconcile(5.0), valuation=Valuation(5.0))
    running.rebuild()
    with venue.lock:
        venue.venues["bitfinex"].faults.drift[MAIN_LTC] = 2.5
    try:
        running.start()
        running.await_lines(f"{DRIFT} 2.5", UP)
        page = running.await_lines('exchange_currency_price_usd{currency="USD",exchange="bitfinex"} 1.0')
    finally:
        running.stop()
        venue.stop()
    wanted = [metric for metric in METRICS if metric.section in ("REST and reconciliation", "Prices")]
    told = {line.partition("{")[0] for line in page.splitlines() if not line.startswith("#")}
    suffix = {"histogram": "_count"}
    assert [each.name for each in wanted if each.name + suffix.get(each.kind, "") not in told] == []
