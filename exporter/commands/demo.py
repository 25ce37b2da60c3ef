"""`exchange-exporter demo`: serve the accounts of built-in simulated exchanges, over real WebSockets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from exporter.app import App, WebSettings
from exporter.commands.defects import Defects
from exporter.config.reader import ConfigError
from exporter.config.secret import Secret
from exporter.config.types import (
    Account,
    Config,
    Endpoints,
    Include,
    Lending,
    Privacy,
    Reconcile,
    Threshold,
    Valuation,
)
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.http import DemoHttp
from exporter.demo.incidents import BEGIN, INCIDENTS, scripts, settings
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
    "demo-main": Lending({"USD": 30000.0, "UST": 15000.0}),
    "demo-lender": Lending({"USD": 4000.0, "UST": 2000.0}),
}
"""For the lender near to what is really idle, so that one sees it come and go; for the other out of reach."""
MARGIN_LEVEL: Final = 2.0
DUST: Final = {"demo-lender": 1.0}
"""US dollars under which wallets share one series: one of this account's does, its others are worth more."""
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
                include=Include(dust=DUST.get(account.name, 0.0)),
                thresholds=THRESHOLDS[account.name],
                lending=IDLE.get(account.name, Lending()),
                identity=Secret(account.identity) if account.identity else None,
            )
            for account in ACCOUNTS
        ),
    )


class Demo:
    """The simulated exchanges, and an exporter that follows them.

    Named incidents happen `begin` world seconds after the start, and nothing else does; without any the
    demo plays its usual script. `adapt` may change the configuration: tests are in a hurry.
    Raises KeyError for an incident that is not known.
    """

    def __init__(
        self,
        web: WebSettings,
        redact: Redactor,
        *,
        seed: int = 1,
        speed: float = 1.0,
        incidents: Sequence[str] = (),
        begin: float = BEGIN,
        adapt: Callable[[Config], Config] = lambda config: config,
    ) -> None:
        self.server = DemoServer(
            seed=seed, speed=speed, scripts=scripts(incidents, begin) if incidents else None
        )
        self.server.start()
        self._rest = rest_side(self.server)
        self._rest.start()
        self._config = adapted(adapt(demo_config(self.server, self._rest)), incidents)
        self._defects = Defects(defect for name in incidents if (defect := INCIDENTS[name].breaks))
        self._breaks = threading.Timer(begin / speed, self._break)
        self._breaks.daemon = True
        try:
            self.app = App(
                self._config,
                web,
                reread=self._reread,
                redact=redact,
                is_demo=True,
                equip=self._defects.equip,
            )
        except BaseException:
            self.close()
            raise
        self._breaks.start()

    def close(self) -> None:
        """Stop the exchanges; the exporter is stopped before by who started it."""
        self._breaks.cancel()
        self._rest.stop()
        self.server.stop()

    def _reread(self) -> Config:
        if self._defects.has_begun("config"):
            raise ConfigError(["the demo's configuration: broken by the incident config-broken"])
        return self._config

    def _break(self) -> None:
        self._defects.begin()
        if self._defects.has_begun("config"):
            self.app.reload()
        if self._defects.has_begun("process"):
            self.app.end()


def adapted(config: Config, incidents: Iterable[str]) -> Config:
    """A configuration with the settings that these incidents take."""
    for key, value in settings(incidents).items():
        section, _, name = key.partition(".")
        config = replace(config, **{section: replace(getattr(config, section), **{name: value})})
    accounts = tuple(replace(each, privacy=Privacy(config.privacy.hide_amounts)) for each in config.accounts)
    return replace(config, accounts=accounts)


def demo(seed: int, speed: float, web: WebSettings, redact: Redactor, incidents: Sequence[str] = ()) -> int:
    """Serve the demo until told to stop. Raises WebConfigError, ListenError."""
    made = Demo(web, redact, seed=seed, speed=speed, incidents=incidents)
    try:
        log(logger, logging.INFO, "demo: all accounts are made up", seed=seed, speed=speed)
        for name in incidents:
            begins_in = BEGIN / speed if INCIDENTS[name].comes_later else 0.0
            log(logger, logging.INFO, "demo: an incident is coming", incident=name,
                alerts=",".join(INCIDENTS[name].fires), begins_in=begins_in)  # fmt: skip
        made.app.run()
    finally:
        made.close()
    return 0
