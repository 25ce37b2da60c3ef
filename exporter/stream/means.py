"""What a session works with, none of it its own: a way to connect, clocks, budgets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from exporter.core.clock import Instant
from exporter.stream.budget import SharedBudget
from exporter.stream.messages import Received
from exporter.stream.transport import Abort
from exporter.stream.turn import KeyTurn

Tap = Callable[[str, Instant, str, str], None]
"""Sees every text of a stream with its direction, `in` or `out`."""


class Link(Protocol):
    """What a session needs of a connection; `exporter.stream.transport.Connection` is one."""

    def receive(self, timeout: float) -> Received:
        """The next messages, as `Connection.receive` gives them."""
        ...

    def send(self, text: str) -> None:
        """Send a text; raises ConnectionLost."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Connect(Protocol):
    """Opens a connection; `exporter.stream.transport.Connector.connect` is one."""

    def __call__(self, url: str, headers: Mapping[str, str], *, abort: Abort) -> Link:
        """Connect, or raise ConnectFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a session works with, none of it its own."""

    connect: Connect
    clock: Callable[[], Instant]
    budget: SharedBudget
    silence_timeout: float
    turn: KeyTurn | None = None
    """Order among everything that uses the key."""
    tap: Tap | None = None
    pause: Callable[[threading.Event, float], object] = threading.Event.wait
    """Waits for the event, at most so many seconds; tests let their own clock run instead."""
