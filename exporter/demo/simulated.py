"""What the demo needs of a simulated exchange; `exporter.exchanges.NAME.sim_exchange.begin` makes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Goodbye(Protocol):
    """The end of a connection: with a close code, or without a word when it is None."""

    @property
    def code(self) -> int | None:
        """The close code."""

    @property
    def reason(self) -> str:
        """The text that goes with it."""


class Session(Protocol):
    """What the server drives: one connection of a simulated exchange."""

    def opened(self, now: float) -> Sequence[str | Goodbye]:
        """The texts that greet the client."""

    def received(self, text: str, now: float) -> Sequence[str | Goodbye]:
        """The answer to a text."""

    def tick(self, now: float) -> Sequence[str | Goodbye]:
        """What to say when time has passed."""

    def gone(self) -> None:
        """The connection ended."""


class Rejection(NamedTuple):
    """The upgrade is answered with this status instead."""

    status: int
    body: str


class Silence(NamedTuple):
    """The upgrade is not answered for so many seconds, and refused then."""

    seconds: float


class Simulated(Protocol):
    """One simulated exchange: a venue, and the ways to reach it."""

    @property
    def venue(self) -> Any:
        """Its books and its switches for faults, for tests."""

    @property
    def ping_interval(self) -> float | None:
        """Seconds between the WebSocket pings by which it lives; None where it sends none."""

    def admit(
        self, path: str, headers: Mapping[str, str], now: float
    ) -> Callable[[], Session] | Rejection | Silence:
        """Judge an upgrade at a path below the exchange's name."""

    def answer(  # noqa: PLR0917 - the parts of a request, in their usual order
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, now: float
    ) -> tuple[int, bytes]:
        """Answer a REST request."""
