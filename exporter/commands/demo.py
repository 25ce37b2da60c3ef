"""`exchange-exporter demo`: serve the accounts of built-in simulated exchanges, over real WebSockets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from exporter.app import App, WebSettings
from exporter.config.secret import Secret
from exporter.config.types import Account, Config, Endpoints, Lending, Reconcile, Threshold, Valuation
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.http import DemoHttp
from exporter.demo.server import DemoServer
from exporter.exchanges import KNOWN
from exporter.logs import Redactor, log

# Shorter than the defaults, so that one sees it happen.
RECONCILE_INTERVAL: Final = 30.0
VALUATION_INTERVAL: Final = 30.0
THRESHOLDS: Final[Mapping[str, tuple[Threshold, ...]]] = {
    "demo-main": (
        Threshold("exchange", "BTC", "warning", minimum=0.5),
        Threshold("exchange", "BTC", "critical", minimum=0.2),
        Threshold("exchange", "USD", "warning", minimum=5000.0, maximum=60000.0),
    ),
    "demo-lender": (Threshold("funding", "USD", "warning", minimum=50000.0, maximum=200000.0),),
    "demo-bitopro": (Threshold("spot", "BTC", "warning", minimum=0.1),),
}
"""Limits that a calm demo keeps."""
IDLE: Final[Mapping[str, Lending]] = {
    "demo-main": Lending({"USD": 150.0, "UST": 150.0}),
    "demo-lender": Lending({"USD": 76000.0, "UST": 39000.0}),
}
"""For the lender near to what is really idle, so that one sees it come and go."""
MARGIN_LEVEL: Final = 2.0
logger: Final = logging.getLogger(__name__)


def rest_side(server: DemoServer) -> DemoHttp:
    """The simulated REST of every exchange that the demo server simulates, over the same books."""
    answers = {name: exchange.answer for name, exchange in server.exchanges.items()}
    return DemoHttp(answers, server.lock)


def demo_config(server: DemoServer, rest: DemoHttp) -> Config:
    """The configuration that follows the accounts of a running demo."""
    return Config(
        reconcile=Reconcile(interval=RECONCILE_INTERVAL),
        valuation=Valuation(interval=VALUATION_INTERVAL),
        accounts=tuple(
            Account(
                name=account.name,
                exchange=account.exchange,
                api_key=Secret(account.api_key),
                api_secret=Secret(account.api_secret),
                endpoints=Endpoints(
                    server.url(account.exchange), rest.url(account.exchange), rest.url(account.exchange)
                ),
                feeds=KNOWN[account.exchange].feeds,
                margin_symbols=("ETH/USD",) if "margin" in KNOWN[account.exchange].feeds else (),
                margin_level=MARGIN_LEVEL if "margin" in KNOWN[account.exchange].feeds else None,
                thresholds=THRESHOLDS[account.name],
                lending=IDLE.get(account.name, Lending()),
                identity=Secret(account.identity) if account.identity else None,
            )
            for account in ACCOUNTS
        ),
    )


def demo(seed: int, speed: float, web: WebSettings, redact: Redactor) -> int:
    """Serve the demo until told to stop. Raises WebConfigError, ListenError."""
    server = DemoServer(seed=seed, speed=speed)
    server.start()
    rest = rest_side(server)
    rest.start()
    try:
        config = demo_config(server, rest)
        log(logger, logging.INFO, "demo: all accounts are made up", seed=seed, speed=speed)
        app = App(config, web, reread=lambda: config, redact=redact, is_demo=True)
        app.run()
    finally:
        rest.stop()
        server.stop()
    return 0
