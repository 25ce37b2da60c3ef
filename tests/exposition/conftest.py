"""An account in the test's hands: told what happened, asked what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from exporter.config.types import StreamSettings
from exporter.core.clock import Instant
from exporter.core.events import Event, Heard, LoggedIn, Snapshot
from exporter.core.market import MarketReport
from exporter.core.model import SNAPSHOT_TABLES, Rows, Table
from exporter.exchanges.bitfinex import SPEC
from exporter.exposition.collector import account_samples
from exporter.exposition.samples import Selection
from exporter.follow import watch_replayed

EPOCH: Final = 1_700_000_000.0
STREAM: Final = "account"


class Desk:
    """One Bitfinex account, fed with events and a clock of its own."""

    def __init__(self, name: str = "main") -> None:
        self.now = 0.0
        self.watched = watch_replayed(name, SPEC, StreamSettings(), self.instant)
        self.state = self.watched.state
        self.prices: dict[str, float] = {}
        self.marks: dict[str, float] = {}

    @property
    def instant(self) -> Instant:
        """The present moment."""
        return Instant(self.now, EPOCH + self.now)

    def connect(self) -> None:
        """Connect and log in; every snapshot is still to come."""
        self.state.change(STREAM, lambda stream: stream.connecting(self.instant))
        self.state.change(STREAM, lambda stream: stream.connected(self.instant))
        self.tell(LoggedIn({("wallets", "read"): True}, frozenset(SNAPSHOT_TABLES)))

    def sync(self, tables: Mapping[Table, Rows] | None = None) -> None:
        """A new connection whose snapshots hold these rows, and nothing else."""
        self.connect()
        for table in SNAPSHOT_TABLES:
            self.tell(Snapshot(table, dict((tables or {}).get(table, {}))))

    def tell(self, *events: Event, message: str = "wu") -> None:
        """One message came that meant this."""
        self.state.apply(STREAM, Heard(message, is_data=True, events=events), self.instant)

    def lose(self) -> None:
        """The connection breaks."""
        self.state.ended(STREAM, "reset", "backoff", self.instant, "the connection was closed")

    def show_only(self, *, currencies: tuple[str, ...] = (), symbols: tuple[str, ...] = ()) -> None:
        """Select what is shown, as `include` does."""
        select = Selection(frozenset(currencies), frozenset(symbols))
        self.watched = self.watched._replace(select=select)

    def samples(self) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        """Families with their samples; the labels after exchange and account."""
        report = self.state.report(self.now)
        market = MarketReport("bitfinex", self.prices, EPOCH, frozenset(), {}, self.marks)
        families = account_samples(self.watched, report, self.instant, market).families
        return {
            name: {labels[2:]: value for labels, value in samples.items()}
            for name, samples in families.items()
        }

    def family(self, name: str) -> Mapping[tuple[str, ...], float]:
        """The samples of one family, its name without the prefix; empty when it is not shown."""
        return self.samples().get(f"exchange_{name}", {})


@pytest.fixture
def desk() -> Desk:
    """An account that has not connected yet."""
    return Desk()


@pytest.fixture
def other_desk() -> Desk:
    """Another account that has not connected yet."""
    return Desk("second")
