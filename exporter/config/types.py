"""What a valid configuration is, with every default. The reader makes these; holders need not check them.

Durations are seconds, sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.secret import Secret


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base addresses: `stream` is ws(s), `rest` (private) and `public` are http(s) without a final slash."""

    stream: str
    rest: str
    public: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What an exchange has, as far as a configuration can ask for it: the reader checks accounts against it.

    `feeds` are the values of the key `streams` in the order they are switched on. `wallets` are the wallet
    names that a threshold may name; empty means that any name is taken. `margin_symbols` tells whether
    that key and `margin_level` make sense, `lending` whether its key does.
    """

    endpoints: Endpoints
    feeds: tuple[str, ...]
    needs_identity: bool = False
    wallets: tuple[str, ...] = ()
    margin_symbols: bool = False
    lending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """What becomes series; an empty set stands for all.

    Wallets worth less than `dust` US dollars share one series; 0 gives each wallet its own.
    """

    currencies: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()
    dust: float = 0.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit of one wallet, exported for alerts to compare with. At least one bound is a number."""

    wallet: str
    currency: str
    level: Literal["warning", "critical"]
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Lending:
    """When money of the funding wallet counts as idle: above so much of a currency, by currency."""

    idle_minimum: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Privacy:
    """What `/metrics` keeps to itself."""

    hide_amounts: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """One login. `feeds` (key `streams`) and `endpoints` are the exchange's unless the file differs."""

    name: str
    exchange: str
    api_key: Secret = field(hash=False)
    api_secret: Secret = field(hash=False)
    endpoints: Endpoints
    feeds: tuple[str, ...]
    identity: Secret | None = field(default=None, hash=False)
    require_read_only: bool = False
    allow_withdraw_scope: bool = False
    include: Include = Include()
    margin_symbols: tuple[str, ...] = ()
    margin_level: float | None = None
    thresholds: tuple[Threshold, ...] = ()
    lending: Lending = Lending()
    privacy: Privacy = Privacy()

    def secrets(self) -> tuple[str, ...]:
        """What must reach no log, page or file: the values for a redactor."""
        held = (self.api_key, self.api_secret, self.identity)
        return tuple(secret.reveal() for secret in held if secret is not None)


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Patience and limits of every stream."""

    connect_timeout: float = 10.0
    silence_timeout: float = 40.0
    stale_after: float = 60.0
    max_message_bytes: int = 8 * 2**20
    backoff_max: float = 60.0


@dataclass(frozen=True, slots=True)
class Reconcile:
    """How often REST is compared with the stream; 0 is never."""

    interval: float = 300.0


@dataclass(frozen=True, slots=True)
class Valuation:
    """How often public tickers are read to value wallets in USD; 0 is never."""

    interval: float = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one account may cost."""

    series_per_account: int = 5000


@dataclass(frozen=True, slots=True)
class Config:
    """A whole valid file. Two of them are equal when nothing has changed, secrets included."""

    accounts: tuple[Account, ...] = ()
    stream: StreamSettings = StreamSettings()
    reconcile: Reconcile = Reconcile()
    valuation: Valuation = Valuation()
    limits: Limits = Limits()
    privacy: Privacy = Privacy()
    """What holds for accounts that say nothing else; theirs is already worked in."""
    warnings: tuple[str, ...] = field(default=(), compare=False)
