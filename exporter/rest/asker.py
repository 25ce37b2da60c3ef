"""Asking one venue: within its rate limit, counted, and with every failure named."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from exporter.core.backoff import RequestBudget
from exporter.core.clock import Instant
from exporter.exchanges.reads import Ask, Fault
from exporter.logs import log
from exporter.rest.client import Answer, RequestFailed

logger: Final = logging.getLogger(__name__)
RATE_LIMIT_PAUSE: Final = 60.0
"""Seconds for which a host is left alone after it said that we ask too often: the least it accepts."""
T = TypeVar("T")


class Meter(Protocol):
    """Where requests are counted."""

    def asked(self, labels: tuple[str, str, str], seconds: float, failure: str | None) -> None:
        """One request of (exchange, account, endpoint) is over."""
        ...


class Client(Protocol):
    """Sends one request; `exporter.rest.client.RestClient` is one."""

    def send(self, ask: Ask) -> Answer:
        """Send, or raise RequestFailed."""
        ...


class Asker:
    """One budget for all accounts of a venue: it counts requests by address, and the process has one."""

    def __init__(
        self,
        exchange: str,
        client: Client,
        budget: RequestBudget,
        *,
        clock: Callable[[], Instant],
        meter: Meter,
        stopping: threading.Event,
        pause: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._exchange = exchange
        self._client = client
        self._budget = budget
        self._clock = clock
        self._meter = meter
        self._stopping = stopping
        self._pause = pause

    def ask(
        self,
        endpoint: str,
        make: Callable[[], Ask | None],
        understand: Callable[[int, bytes], T | Fault],
        account: str = "",
    ) -> T | None:
        """The understood reply, or None when there is none; why is counted and logged."""
        if not self._permitted():
            return None
        ask = make()
        if ask is None:
            return None
        started = self._clock().monotonic
        failure: Fault | None = None
        found: T | None = None
        try:
            answer = self._client.send(ask)
        except RequestFailed as failed:
            failure = Fault(failed.reason, str(failed))
        else:
            understood = understand(answer.status, answer.body)
            if isinstance(understood, Fault):
                failure = understood
            else:
                found = understood
        took = self._clock().monotonic - started
        reason = None if failure is None else failure.reason
        self._meter.asked((self._exchange, account, endpoint), took, reason)
        if failure is not None:
            self._failed(endpoint, account, failure)
        return found

    def _permitted(self) -> bool:
        """Wait for the budget; False when the venue asked for a pause, or we are stopping."""
        while not self._stopping.is_set():
            wait = self._budget.take(self._clock().monotonic)
            if wait <= 0:
                return True
            if wait >= RATE_LIMIT_PAUSE / 2:
                return False
            self._pause(self._stopping, wait)
        return False

    def _failed(self, endpoint: str, account: str, failure: Fault) -> None:
        if failure.reason == "rate_limit":
            self._budget.pause(self._clock().monotonic + RATE_LIMIT_PAUSE)
        log(logger, logging.WARNING, "REST request failed", exchange=self._exchange, account=account,
            endpoint=endpoint, reason=failure.reason, detail=failure.sentence)  # fmt: skip
