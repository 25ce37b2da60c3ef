"""`exchange-exporter demo`: serve the accounts of built-in simulated exchanges, over real WebSockets."""

from __future__ import annotations

import logging
from typing import Final

from exporter.app import App, WebSettings
from exporter.config.secret import Secret
from exporter.config.types import Account, Config, Endpoints
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer
from exporter.exchanges import KNOWN
from exporter.logs import Redactor, log

logger: Final = logging.getLogger(__name__)


def demo_config(server: DemoServer) -> Config:
    """The configuration that follows the accounts of a running demo server."""
    return Config(
        accounts=tuple(
            Account(
                name=account.name,
                exchange=account.exchange,
                api_key=Secret(account.api_key),
                api_secret=Secret(account.api_secret),
                endpoints=Endpoints(server.url(account.exchange), "", ""),
                feeds=KNOWN[account.exchange].feeds,
                margin_symbols=("ETH/USD",),
            )
            for account in ACCOUNTS
        )
    )


def demo(seed: int, speed: float, web: WebSettings, redact: Redactor) -> int:
    """Serve the demo until told to stop. Raises WebConfigError, ListenError."""
    server = DemoServer(seed=seed, speed=speed)
    server.start()
    try:
        config = demo_config(server)
        log(logger, logging.INFO, "demo: all accounts are made up", seed=seed, speed=speed)
        app = App(config, web, reread=lambda: config, redact=redact, is_demo=True)
        app.run()
    finally:
        server.stop()
    return 0
