"""An app on simulated venues in this very process, for tests of the whole."""

from __future__ import annotations

import threading
import time
import urllib.request
from dataclasses import replace

from exporter.app import App, Order, WebSettings
from exporter.commands.demo import demo_config, rest_side
from exporter.config.reader import ConfigError
from exporter.config.types import Config, Reconcile, Valuation
from exporter.demo.server import DemoServer
from exporter.logs import Redactor

PATIENCE = 60.0
WEB = WebSettings(
    listen_addresses=("127.0.0.1:0",),
    telemetry_path="/metrics",
    config_file=None,
    max_requests=5,
    lifecycle=True,
)


class Running:
    """An app on a simulated venue, its main loop turned by a thread where a test wants that."""

    def __init__(self, venue: DemoServer) -> None:
        self.rest = rest_side(venue)
        self.rest.start()
        config = demo_config(venue, self.rest)
        chosen = tuple(account for account in config.accounts if account.exchange == "bitfinex")
        self.venue = venue
        self.config = replace(config, accounts=chosen, reconcile=Reconcile(0.0), valuation=Valuation(0.0))
        self.redact = Redactor()
        self.rebuild()
        self.problem = ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._turn)

    def rebuild(self) -> None:
        """Build the app anew, on a configuration that a test has changed before the start."""
        self.app = App(self.config, WEB, reread=self._reread, redact=self.redact)

    def _reread(self) -> Config:
        if self.problem:
            raise ConfigError([self.problem])
        return self.config

    def _turn(self) -> None:
        while not self._done.is_set():
            self.app._turn()

    def start(self) -> None:
        """Start the app and its main loop."""
        self.app.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop both."""
        self._done.set()
        if self._thread.ident:
            self.app._orders.put(Order("wake up"))
            self._thread.join(PATIENCE)
        self.app.stop()
        self.rest.stop()

    def get(self, path: str, *, post: bool = False) -> tuple[int, str]:
        """Status and body of a page."""
        url = f"http://127.0.0.1:{self.app.ports[0]}{path}"
        request = urllib.request.Request(url, data=b"" if post else None)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def await_lines(self, *wanted: str) -> str:
        """The first page of metrics with all these lines."""
        deadline, page = time.monotonic() + PATIENCE, ""
        while not set(wanted) <= set(page.splitlines()):
            assert time.monotonic() < deadline, page[-3000:]
            page = self.get("/metrics")[1]
        return page
