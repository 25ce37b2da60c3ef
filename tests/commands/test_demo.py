"""`demo`: simulated accounts over real sockets, with no key, no configuration and no network."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from exporter.app import WebSettings
from exporter.commands.demo import Demo, adapted, demo_config, rest_side
from exporter.config.secret import Secret
from exporter.config.types import Account, Config, Endpoints
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer
from exporter.logs import Redactor
from exporter.web.webconfig import WebConfigError

if TYPE_CHECKING:
    from tests.commands.conftest import Process


ACCOUNT: Final = Account(
    "main", "bitfinex", Secret("key"), Secret("secret"), Endpoints("", "", ""), ("wallets",)
)


def test_every_account_comes_live_and_says_that_it_is_made_up(launch: Callable[..., Process]) -> None:
    """Two accounts are up, balances are shown, the page and a metric say demo, and SIGTERM ends it with 0."""
    exporter = launch("demo", "--demo.seed=7", "--demo.speed=2")
    lines = [
        f'exchange_stream_up{{account="{account.name}",exchange="{account.exchange}",stream="account"}} 1.0'
        for account in ACCOUNTS
        if account.exchange == "bitfinex"
    ]
    page = exporter.await_lines("exchange_exporter_demo_mode 1.0", *lines)
    assert (
        'exchange_wallet_balance{account="demo-main",currency="BTC",exchange="bitfinex",wallet="exchange"}'
        in page
    )
    assert "Demo." in exporter.get("/")
    assert exporter.get("/-/healthy").startswith("healthy")
    assert exporter.end(signal.SIGTERM) == 0
    assert "Traceback" not in exporter.log
    told = page + exporter.log
    for account in ACCOUNTS:
        assert account.api_key not in told
        assert account.api_secret not in told
        assert not account.identity or account.identity not in told


def test_the_series_are_there_from_the_first_scrape(launch: Callable[..., Process]) -> None:
    """Even a scrape in the first moment has health and counters of every account."""
    exporter = launch("demo")
    page = exporter.await_lines('exchange_account_expected{account="demo-main",exchange="bitfinex"} 1.0')
    for account in ACCOUNTS:
        for family in ("stream_up", "stream_connects_total", "exporter_session_restarts_total"):
            assert (
                f'exchange_{family}{{account="{account.name}",exchange="{account.exchange}",stream=' in page
            )
    assert exporter.end(signal.SIGTERM) == 0


def test_a_reload_of_the_demo_changes_nothing(launch: Callable[..., Process]) -> None:
    """SIGHUP keeps every stream connected."""
    exporter = launch("demo")
    up = 'exchange_stream_up{account="demo-main",exchange="bitfinex",stream="account"} 1.0'
    exporter.await_lines(up)
    exporter.popen.send_signal(signal.SIGHUP)
    exporter.await_log("configuration is reloaded")
    # Asked for at once: an account that had been taken up anew would not be up yet.
    page = exporter.get("/metrics")
    connects = 'exchange_stream_connects_total{account="demo-main",exchange="bitfinex",stream="account"} 1.0'
    assert up in page
    assert connects in page


def test_the_configuration_of_the_demo_is_of_loopback_only() -> None:
    """No address of a real venue is in it, and its repr holds no secret."""
    server = DemoServer()
    rest = rest_side(server)
    rest.start()
    try:
        config = demo_config(server, rest)
    finally:
        rest.stop()
        server.stop()
    for account in config.accounts:
        assert account.endpoints.stream.startswith("ws://127.0.0.1:")
        assert account.endpoints.rest.startswith("http://127.0.0.1:")
        assert account.endpoints.public.startswith("http://127.0.0.1:")
        assert "bitfinex.com" not in repr(account)
        assert "made-up-secret" not in repr(account)


def test_incidents_happen_and_nothing_else_does(launch: Callable[..., Process]) -> None:
    """A demo with an incident says so in its log, and shows what comes of it."""
    exporter = launch("demo", "--incident=withdrawal", "--incident=config-broken", "--demo.speed=10")
    exporter.await_log("an incident is coming")
    page = exporter.await_lines("exchange_exporter_config_last_reload_successful 0.0")
    assert 'reason="withdrawal"' in page
    assert exporter.end(signal.SIGTERM) == 0
    assert "Traceback" not in exporter.log


def test_incidents_bring_their_settings() -> None:
    """Those of the exporter as a whole, and for privacy those of each account."""
    names = ("balance-low-hidden", "series-limit", "session-stuck", "stream-silent")
    config = adapted(Config(accounts=(ACCOUNT,)), names)
    assert config.limits.series_per_account == 200
    assert (config.stream.connect_timeout, config.stream.silence_timeout) == (900.0, 3600.0)
    assert config.privacy.hide_amounts
    assert [account.privacy.hide_amounts for account in config.accounts] == [True]


def test_a_configuration_without_incidents_stays_as_it_is() -> None:
    """Nothing is changed by the way."""
    config = Config(accounts=(ACCOUNT,))
    assert adapted(config, ()) == config


def test_a_demo_that_cannot_begin_leaves_nothing_running(tmp_path: Path) -> None:
    """Without the web configuration that it was told to use it ends, the exchanges with it."""
    before = set(threading.enumerate())
    web = WebSettings(("127.0.0.1:0",), "/metrics", tmp_path / "missing.yml", 5, lifecycle=False)
    with pytest.raises(WebConfigError):
        Demo(web, Redactor(), incidents=("config-broken",))
    assert set(threading.enumerate()) <= before
