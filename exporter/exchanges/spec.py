"""Everything the rest of the program knows of an exchange: one value each, no registration, no magic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.core.events import Reason
from exporter.core.model import Table
from exporter.exchanges.base import Conversation, Endpoints, Login, Wanted
from exporter.exchanges.reads import Reads


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One kind of connection of an exchange."""

    name: str
    liveness_interval: float
    """Seconds after which a healthy stream has given a sign of life, heartbeats included."""
    feeds: tuple[str, ...]
    """Words of the configuration's `streams` that it serves; it is not opened where none is wanted."""
    snapshots: tuple[Table, ...]
    """Tables that it lays down whole."""
    messages: tuple[str, ...]
    """The closed set of message kinds, `other` included."""
    computed_lifetime: float
    """Seconds after which a value that the venue computes only when asked is no longer believed."""
    converse: Callable[[Login, Wanted], Conversation]
    lives_by_pings: bool = False
    """Whether its only signs of life are pings, which no recording holds: silence there proves nothing."""


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """Everything the rest of the program knows of an exchange."""

    name: str
    endpoints: Endpoints
    feeds: tuple[str, ...]
    """Words for the `streams` key of the configuration."""
    needs_identity: bool
    wallets: tuple[str, ...]
    """Names of its wallets."""
    lists_unheld: bool
    """Whether it lists currencies that the account never held, at 0."""
    streams: Mapping[str, StreamSpec]
    nonce_scale: float
    """Nonce units per second."""
    scopes: tuple[str, ...]
    """Permission scopes that the venue reports; empty if it reports none."""
    refusal_codes: tuple[str, ...]
    """Codes with which a key can be refused, `other` included."""
    notification_subjects: tuple[str, ...]
    """The closed set of what notifications are about, `other` included; empty if the venue sends none."""
    symbol: Callable[[str], str]
    """`BASE/QUOTE` from a symbol as a user writes it, in the venue's spelling or ours."""
    reads: Reads | None
    """What it can be asked by REST."""
    redact: Callable[[str], str]
    """A message without what proves or names the user, for recordings."""
    stream_of: Callable[[bytes], str]
    """Which stream a bare recorded message belongs to."""
    reasons: tuple[Reason, ...] = ("other", "unobserved")
    """Why balances change, as far as it can tell: a reason that it cannot tell must not be shown as 0."""
