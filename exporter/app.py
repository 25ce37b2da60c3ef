"""The composition root of a serving process: builds everything, starts and stops it in order, reloads."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import queue
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from exporter import __version__
from exporter.config.reader import ConfigError
from exporter.config.types import Account, Config, StreamSettings
from exporter.desk import Desk
from exporter.exposition.collector import AccountCollector, Watched
from exporter.exposition.scrape import Scrape
from exporter.exposition.telemetry import Telemetry, machine
from exporter.follow import Followed, Workshop, rechosen, system_clock
from exporter.logs import Redactor, log
from exporter.overview import account_row
from exporter.stream.session import Session
from exporter.stream.supervisor import Supervisor
from exporter.web.gate import Gate
from exporter.web.landing import Overview
from exporter.web.routes import Routes
from exporter.web.server import Server

logger: Final = logging.getLogger(__name__)
WATCH_INTERVAL: Final = 1.0
RELOAD_TIMEOUT: Final = 10.0
IDLE_LIMIT: Final = 15.0
"""Seconds without a turn of the main loop after which the process calls itself unhealthy."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where and how to serve, from the command line."""

    listen_addresses: tuple[str, ...]
    telemetry_path: str
    config_file: Path | None
    max_requests: int
    lifecycle: bool


@dataclass(slots=True)
class Order:
    """Something the main loop should do; `answer` is a sentence on failure, None on success."""

    verb: str
    answer: queue.SimpleQueue[str | None] | None = None


class App:
    """One serving process."""

    def __init__(
        self,
        config: Config,
        web: WebSettings,
        *,
        reread: Callable[[], Config],
        redact: Redactor,
        is_demo: bool = False,
        equip: Callable[[StreamSettings], Workshop] = Workshop.equip,
    ) -> None:
        self._config = config
        self._web = web
        self._reread = reread
        self._redact = redact
        self._is_demo = is_demo
        self._started = self._ticked = system_clock()
        # A SimpleQueue may be filled from a signal handler; an Event may not.
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._followed: tuple[Followed, ...] = ()
        self._workshop = equip(config.stream)
        revision = os.environ.get("EXCHANGE_EXPORTER_REVISION", "unknown")
        self._telemetry = Telemetry(version=__version__, revision=revision, is_demo=is_demo)
        self._desk = Desk(self._telemetry)
        self._supervisor = Supervisor(
            clock=lambda: system_clock().monotonic,
            stuck_after=lambda: self._workshop.stuck_after,
            restarted=self._telemetry.session_restarted,
        )
        self._server = self._serve()

    def _scrape(self) -> Scrape:
        accounts = AccountCollector(
            self._watched,
            clock=system_clock,
            series_per_account=lambda: self._config.limits.series_per_account,
            markets=self._desk.markets,
            process=self._telemetry,
        )
        return Scrape(accounts, machine(), clock=lambda: system_clock().monotonic)

    def _serve(self) -> Server:
        gate = Gate(self._web.config_file)
        for warning in gate.config.warnings:
            log(logger, logging.WARNING, "web configuration", warning=warning)
        return Server(
            self._web.listen_addresses,
            self._routes(),
            max_requests=self._web.max_requests,
            guard=gate.guard,
            headers=gate.headers,
            tls=gate.tls,
        )

    @property
    def ports(self) -> list[int]:
        """The ports served on, once started."""
        return self._server.ports

    def start(self) -> None:
        """Listen, then follow every account. Raises ListenError when an address cannot be had."""
        # Known before anybody can ask, so that the first scrape has every series.
        sessions = self._take_up(self._config.accounts)
        self._telemetry.reloaded(success=True, at=self._started.wall)
        self._server.start()
        self._desk.open(self._followed, self._config)
        for warning in self._config.warnings:
            log(logger, logging.WARNING, "configuration", warning=warning)
        self._supervisor.start(sessions)
        for address, port in zip(self._web.listen_addresses, self.ports, strict=True):
            log(logger, logging.INFO, "listening", address=address, port=port)

    def run(self) -> None:
        """Start, and serve until SIGTERM or SIGINT; SIGHUP reloads. For the main thread.

        Raises ListenError when an address cannot be had.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        log(logger, logging.INFO, "starting", version=__version__, accounts=len(self._config.accounts))
        self.start()
        # What start-up made stays to the end: no collection while frames wait has to walk it again.
        gc.freeze()
        while self._turn():
            pass
        self.stop()

    def reload(self) -> None:
        """Have the main loop take up the configuration again, as SIGHUP does. From any thread."""
        self._orders.put(Order("reload"))

    def end(self) -> None:
        """Have the main loop stop, as SIGTERM does. From any thread."""
        self._orders.put(Order("stop"))

    def stop(self) -> None:
        """Close the listeners and every stream."""
        log(logger, logging.INFO, "stopping")
        self._desk.close()
        self._supervisor.stop()
        self._server.stop()

    # -- the main loop ----------------------------------------------------------------------------

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self._orders.put(Order("reload" if number == signal.SIGHUP else "stop"))

    def _turn(self) -> bool:
        """One round of the main loop; False when it is time to stop."""
        order: Order | None = None
        with contextlib.suppress(queue.Empty):
            order = self._orders.get(timeout=WATCH_INTERVAL)
        self._ticked = system_clock()
        self._supervisor.check()
        for session in self._supervisor.sessions:
            self._telemetry.session_looped(session.key, session.looped.wall)
        if order is not None and order.verb == "reload":
            answer = self._reload()
            if order.answer is not None:
                order.answer.put(answer)
        return order is None or order.verb != "stop"

    def _reload(self) -> str | None:
        """Take up a changed configuration: a bad one changes nothing, equal accounts stay connected."""
        try:
            config = self._reread()
        except ConfigError as error:
            for problem in error.problems:
                log(logger, logging.ERROR, "configuration problem, the old one stays", problem=problem)
            self._telemetry.reloaded(success=False, at=0.0)
            return "; ".join(error.problems)
        before, self._config = self._config, config
        # What only changes what is shown needs no other login.
        self._followed = tuple(rechosen(each, config.accounts) for each in self._followed)
        keep = set(config.accounts) if config.stream == before.stream else set[Account]()
        if config.stream != before.stream:
            self._workshop = self._workshop.refit(config.stream)
        leaving = [followed for followed in self._followed if followed.account not in keep]
        staying = {followed.account for followed in self._followed} & keep
        if leaving:
            # A reply that is under way must not bring back the series of an account that is gone.
            self._desk.close()
        self._remove(leaving)
        self._supervisor.start(
            self._take_up([account for account in config.accounts if account not in staying])
        )
        if config != before:
            self._desk.open(self._followed, config)
        self._telemetry.reloaded(success=True, at=system_clock().wall)
        log(logger, logging.INFO, "configuration is reloaded", accounts=len(config.accounts))
        return None

    def _take_up(self, accounts: Sequence[Account]) -> Sequence[Session]:
        """Make accounts known to all but the venues; gives the sessions to start."""
        for account in accounts:
            self._redact.add(account.secrets())
        added = tuple(self._workshop.follow(account) for account in accounts)
        sessions = [session for followed in added for session in followed.sessions]
        self._telemetry.expect_sessions(session.key for session in sessions)
        self._followed = (*self._followed, *added)
        return sessions

    def _remove(self, leaving: Sequence[Followed]) -> None:
        sessions = [session for followed in leaving for session in followed.sessions]
        self._supervisor.stop(sessions)
        self._followed = tuple(followed for followed in self._followed if followed not in leaving)
        self._telemetry.forget_sessions(session.key for session in sessions)
        for each in leaving:
            self._telemetry.forget_requests(each.account.exchange, each.account.name)

    # -- what the web asks ------------------------------------------------------------------------

    def _routes(self) -> Routes:
        return Routes(
            scrape=self._scrape(),
            overview=self._overview,
            healthy=self._healthy,
            ready=self._ready,
            reload=self._reload_from_web,
            telemetry_path=self._web.telemetry_path,
            lifecycle=self._web.lifecycle,
        )

    def _watched(self) -> Sequence[Watched]:
        return [followed.watched for followed in self._followed]

    def _overview(self) -> Overview:
        now = system_clock()
        return Overview(
            version=__version__,
            demo=self._is_demo,
            now=now.wall,
            started=self._started.wall,
            telemetry_path=self._web.telemetry_path,
            accounts=tuple(account_row(watched.state.report(now.monotonic)) for watched in self._watched()),
        )

    def _healthy(self) -> str | None:
        if system_clock().monotonic - self._ticked.monotonic > IDLE_LIMIT:
            return "the main loop stands still"
        return self._supervisor.problem()

    def _ready(self) -> str | None:
        return None if len(self._followed) == len(self._config.accounts) else "accounts are being set up"

    def _reload_from_web(self) -> str | None:
        answer: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._orders.put(Order("reload", answer))
        try:
            return answer.get(timeout=RELOAD_TIMEOUT)
        except queue.Empty:
            return "the main loop did not answer in time"
