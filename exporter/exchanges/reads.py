"""What an exchange can be asked by REST: requests signed and replies understood, without a socket.

Only reads exist. Each names its path in one place, so that a reader sees at a glance what is ever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from exporter.core.events import Fill, Permitted, Platform, Refused, Snapshot, Upsert
from exporter.core.model import Table
from exporter.core.past import Entry
from exporter.exchanges.base import Endpoints, Login, Wanted

FAULTS: Final = ("auth", "nonce", "clock", "rate_limit", "maintenance", "server", "unreadable", "other")
"""Why a reply is no answer. auth: key or permission; nonce: too small; clock: ours is wrong; rate_limit:
too many requests; maintenance: said so; server: it failed; unreadable: not of the documented shape."""


class Ask(NamedTuple):
    """One HTTP request, signed just now and good for one sending."""

    method: Literal["GET", "POST"]
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __repr__(self) -> str:
        """Without the headers: they prove who we are."""
        return f"Ask({self.method} {self.url})"


class Fault(NamedTuple):
    """A reply that is no answer; `reason` is one of `FAULTS`, `sentence` is for a person, without secrets."""

    reason: str
    sentence: str


Reply = Sequence[Snapshot | Upsert | Permitted | Platform]
"""Whole tables to compare, single values for when the stream has not told them, and what holds for all."""


@dataclass(frozen=True, slots=True)
class Read:
    """One question about an account or the venue."""

    endpoint: str
    """Its name in metrics."""
    ask: Callable[[], Ask]
    """Makes the request; called right before sending, since a nonce ages."""
    understand: Callable[[int, bytes], Reply | Fault]
    """HTTP status and body to facts. Never raises."""
    signed: bool = True
    """Whether it uses the key, and so must not overtake a login of the same key."""


class Quotes(NamedTuple):
    """What public tickers say, in the venue's own spelling: enough to value its currencies."""

    last: Mapping[str, float]
    """Last price by the venue's name of the pair."""
    aliases: Mapping[str, str] = {}
    """Currency to the currency it is worth the same as, such as a derivative's collateral to its coin."""
    funding_rates: Mapping[str, float] = {}
    """Benchmark rate per day by currency, where the venue tells one."""


@dataclass(frozen=True, slots=True)
class QuoteRead:
    """One public question about prices, worth asking again after `every` seconds at the soonest."""

    endpoint: str
    ask: Callable[[], Ask]
    understand: Callable[[int, bytes], Quotes | Fault]
    every: float = 30.0
    needed: bool = True
    """Whether there is no price at all without its fresh answer."""


@dataclass(frozen=True, slots=True)
class FillRead:
    """One page of an account's executions, the oldest first, from a Unix second on and that one included."""

    endpoint: str
    ask: Callable[[], Ask]
    understand: Callable[[int, bytes], Sequence[Fill] | Fault]


@dataclass(frozen=True, slots=True)
class LedgerRead:
    """One page of the venue's books between two Unix seconds, both included, the newest line first."""

    endpoint: str
    ask: Callable[[], Ask]
    understand: Callable[[int, bytes], Sequence[Entry] | Fault]


@dataclass(frozen=True, slots=True)
class Reads:
    """Everything that one exchange is ever asked by REST."""

    endpoints: tuple[str, ...]
    """The closed set of endpoint names, for metrics."""
    public: frozenset[str]
    """Those of them that are asked without a key."""
    tables: Callable[[Login, Endpoints, frozenset[str]], Sequence[Read]]
    """Reads of whole tables, as far as the account's feeds ask for them, to compare with the streams."""
    quotes: Callable[[Endpoints], Sequence[QuoteRead]]
    """Public prices."""
    value: Callable[[Quotes, frozenset[str]], Mapping[str, float]]
    """US dollars per unit of each of these currencies; one without an honest price is left out."""
    marks: Callable[[Quotes], Mapping[str, float]] = lambda _: {}
    """Last price by symbol as `BASE/QUOTE`, in the quote currency, where positions are held against it."""
    permissions: Callable[[Login, Endpoints], Read] | None = None
    """What the key may do, where the venue tells."""
    too_powerful: Callable[[Mapping[tuple[str, str], bool], Wanted], Refused | None] = lambda *_: None
    """Our own refusal of a key that may do more than the account's configuration takes."""
    platform: Callable[[Endpoints], Read] | None = None
    """Whether the venue works, where it tells."""
    fills: Callable[[Login, Endpoints, float], FillRead] | None = None
    """Executions since a Unix second, where their ids are certainly those of the stream."""
    ledger: Callable[[Login, Endpoints, float, float], LedgerRead] | None = None
    """The venue's books of the past, where it lets one read them."""
    ledger_years: int = 0
    """How far back these reach."""
    replaces: frozenset[Table] = field(default_factory=frozenset)
    """Tables for which REST has the last word, because the stream cannot tell that a row is gone."""
    anchors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Names in `Quotes.last` whose price comes from another exchange: (its name, its currency)."""
    always: frozenset[str] = frozenset()
    """Currencies to price although no wallet may hold them, since others are anchored on them."""
    per_minute: int = 60
    """Requests that one address may make in a minute, with room to spare."""
