"""The composition root: what a scrape sees from the first moment on, reload, health, and the end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from exporter.app import App
from exporter.config.secret import Secret
from exporter.config.types import StreamSettings, Threshold
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer
from exporter.logs import Redactor
from exporter.web.address import ListenError
from tests.running import PATIENCE, WEB, Running


@pytest.fixture
def running() -> Iterator[Running]:
    """An app that has not started, on a venue that has."""
    venue = DemoServer(seed=1)
    venue.start()
    running = Running(venue)
    yield running
    running.stop()
    venue.stop()


def line(family: str, account: str, value: int) -> str:
    """A line of a family by stream."""
    return f'exchange_{family}{{account="{account}",exchange="bitfinex",stream="account"}} {value}.0'


def test_everything_is_known_before_anybody_connects(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first scrape, before any session has run, has every health series and counter at 0."""
    monkeypatch.setattr("exporter.stream.supervisor.Supervisor.start", lambda _self, _sessions: None)
    running.app.start()
    page = running.get("/metrics")[1].splitlines()
    for account in ("demo-main", "demo-lender"):
        for family in ("stream_up", "stream_connects_total", "exporter_session_restarts_total"):
            assert line(family, account, 0) in page
        assert f'exchange_account_expected{{account="{account}",exchange="bitfinex"}} 1.0' in page
    assert "exchange_exporter_config_last_reload_successful 1.0" in page
    assert "exchange_exporter_demo_mode 0.0" in page
    assert not [each for each in page if each.startswith("exchange_wallet_balance{")]


def test_accounts_come_live_and_the_pages_hold_no_secret(running: Running) -> None:
    """Metrics, landing page, health and readiness of two live accounts; keys and secrets are nowhere."""
    running.start()
    page = running.await_lines(line("stream_up", "demo-main", 1), line("stream_up", "demo-lender", 1))
    status, landing = running.get("/")
    assert status == 200
    assert "demo-main" in landing
    assert running.get("/-/healthy")[0] == 200
    assert running.get("/-/ready")[0] == 200
    for account in ACCOUNTS:
        for secret in (account.api_key, account.api_secret):
            assert secret not in page + landing


def test_one_family_can_be_asked_for(running: Running) -> None:
    """`name[]` narrows a scrape to whole families."""
    running.start()
    body = running.get("/metrics?name[]=exchange_stream_up")[1]
    assert {each.split("{")[0] for each in body.splitlines() if each[0] != "#"} == {"exchange_stream_up"}


def test_a_reload_restarts_what_changed_and_nothing_else(running: Running) -> None:
    """Of two accounts one gets another setting: it reconnects, the other keeps its connection."""
    running.start()
    running.await_lines(line("stream_up", "demo-main", 1), line("stream_up", "demo-lender", 1))
    kept = running.app._supervisor.sessions[0]
    first, second = running.config.accounts
    running.config = replace(running.config, accounts=(first, replace(second, margin_symbols=())))
    assert running.get("/-/reload", post=True)[0] == 200
    running.await_lines(line("stream_up", "demo-main", 1), line("stream_up", "demo-lender", 1))
    assert running.app._supervisor.sessions[0] is kept
    assert len(running.app._supervisor.sessions) == 2
    with running.venue.lock:
        assert running.venue.venues["bitfinex"].logins == 3


def test_thresholds_follow_a_reload_and_no_stream_notices(running: Running) -> None:
    """Another limit is on the next page, with the connections that were there before."""
    running.start()
    running.await_lines(line("stream_up", "demo-main", 1), line("stream_up", "demo-lender", 1))
    sessions = running.app._supervisor.sessions
    first, second = running.config.accounts
    limit = Threshold("exchange", "ETH", "critical", minimum=123.0)
    running.config = replace(running.config, accounts=(replace(first, thresholds=(limit,)), second))
    assert running.get("/-/reload", post=True)[0] == 200
    labels = 'account="demo-main",currency="ETH",exchange="bitfinex",level="critical",wallet="exchange"'
    page = running.await_lines(
        f"exchange_wallet_balance_minimum{{{labels}}} 123.0",
        f"exchange_wallet_balance_outside{{{labels}}} 1.0",
    )
    assert 'exchange_wallet_balance_minimum{account="demo-main",currency="BTC"' not in page
    assert running.app._supervisor.sessions == sessions
    with running.venue.lock:
        assert running.venue.venues["bitfinex"].logins == 2


def test_a_bad_file_changes_nothing(running: Running) -> None:
    """A reload that fails says why, is shown as 0, and every stream goes on."""
    running.start()
    running.await_lines(line("stream_up", "demo-main", 1), line("stream_up", "demo-lender", 1))
    sessions = running.app._supervisor.sessions
    running.problem = "config.yaml:3: accounts[0]: no good"
    status, said = running.get("/-/reload", post=True)
    assert status >= 400
    assert "config.yaml:3: accounts[0]: no good" in said
    running.await_lines(
        "exchange_exporter_config_last_reload_successful 0.0", line("stream_up", "demo-main", 1)
    )
    assert running.app._supervisor.sessions == sessions
    running.problem = ""
    assert running.get("/-/reload", post=True)[0] == 200
    running.await_lines("exchange_exporter_config_last_reload_successful 1.0")
    assert running.app._supervisor.sessions == sessions


def test_an_account_that_leaves_takes_its_series_with_it(running: Running) -> None:
    """After a reload without an account none of its series is left."""
    running.start()
    running.await_lines(line("stream_up", "demo-lender", 1))
    running.config = replace(running.config, accounts=running.config.accounts[:1])
    assert running.get("/-/reload", post=True)[0] == 200
    running.await_lines(line("stream_up", "demo-main", 1))
    assert "demo-lender" not in running.get("/metrics")[1]


def test_other_patience_restarts_every_stream_and_keeps_the_budget(running: Running) -> None:
    """Stream settings concern all accounts; the connections made so far still count."""
    running.start()
    running.await_lines(line("stream_up", "demo-main", 1), line("stream_up", "demo-lender", 1))
    before, budget = running.app._supervisor.sessions, running.app._workshop.budget
    running.config = replace(
        running.config, stream=StreamSettings(connect_timeout=50.0, silence_timeout=60.0)
    )
    assert running.get("/-/reload", post=True)[0] == 200
    running.await_lines(line("stream_up", "demo-main", 1), line("stream_up", "demo-lender", 1))
    assert not set(before) & set(running.app._supervisor.sessions)
    assert running.app._workshop.budget is budget
    assert running.app._workshop.stuck_after > 50


def test_a_new_secret_is_redacted_from_the_next_moment_on(running: Running) -> None:
    """Secrets that come with a reload reach the redactor before they are used."""
    running.start()
    first, second = running.config.accounts
    running.config = replace(
        running.config, accounts=(replace(first, api_secret=Secret("rotated-secret-value")), second)
    )
    assert running.get("/-/reload", post=True)[0] == 200
    assert running.redact("x rotated-secret-value") == "x <redacted>"


def test_a_main_loop_that_stands_still_is_unhealthy(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a turn of the main loop for a while the process says so itself."""
    running.app.start()
    assert running.get("/-/healthy")[0] == 200
    monkeypatch.setattr("exporter.app.IDLE_LIMIT", -1.0)
    status, said = running.get("/-/healthy")
    assert (status, said) == (503, "not healthy: the main loop stands still\n")


def test_a_venue_that_is_down_is_no_illness(running: Running) -> None:
    """Liveness is about this process: a venue that refuses every key leaves it healthy and ready."""
    with running.venue.lock:
        running.venue.venues["bitfinex"].faults.refusals["*"] = (10100, "apikey: invalid")
    running.start()
    refused = (
        'exchange_stream_refused{account="demo-main",code="10100",exchange="bitfinex",stream="account"} 1.0'
    )
    running.await_lines(refused)
    assert running.get("/-/healthy")[0] == 200
    assert running.get("/-/ready")[0] == 200


def test_an_address_in_use_starts_nothing(running: Running) -> None:
    """The sentence names the address, and no session runs."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        web = replace(WEB, listen_addresses=(address,))
        app = App(running.config, web, reread=lambda: running.config, redact=Redactor())
        with pytest.raises(ListenError, match=f"cannot listen on {address}: address already in use"):
            app.start()
    assert app._supervisor.sessions == ()


def test_it_ends_within_its_deadlines_whatever_the_streams_do(
    running: Running, free_port: Callable[[], int]
) -> None:
    """Stopped while one stream is live and one cannot connect: every thread of the process is gone."""
    before = set(threading.enumerate())
    first, second = running.config.accounts
    nowhere = replace(second.endpoints, stream=f"ws://127.0.0.1:{free_port()}/bitfinex")
    config = replace(running.config, accounts=(first, replace(second, endpoints=nowhere)))
    app = App(config, WEB, reread=lambda: config, redact=Redactor())
    app.start()
    threads = [thread for thread in set(threading.enumerate()) - before if "session:" in thread.name]
    assert len(threads) == 2
    app.stop()
    for thread in threads:
        thread.join(PATIENCE)
    assert not [thread for thread in threads if thread.is_alive()]
