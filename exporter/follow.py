"""From a configured account to its state and the sessions that keep it true."""

from __future__ import annotations

import hashlib
import hmac
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple, get_args

from exporter import trust
from exporter.config import types as config
from exporter.config.secret import Secret
from exporter.core.account import AccountState
from exporter.core.backoff import Backoff, ConnectionBudget, Schedule
from exporter.core.clock import Instant
from exporter.core.stream import Trust
from exporter.exchanges import KNOWN, Lazy
from exporter.exchanges.base import DISCONNECT_REASONS, Endpoints, Login, Nonces, Wanted
from exporter.exchanges.spec import ExchangeSpec, StreamSpec
from exporter.exposition.choices import Choices
from exporter.exposition.collector import Watched
from exporter.exposition.health import StreamShape
from exporter.exposition.samples import Selection
from exporter.stream.budget import SharedBudget
from exporter.stream.means import Connect, Means, Tap
from exporter.stream.session import Session
from exporter.stream.transport import Connector, FailReason, Limits
from exporter.stream.turn import KeyTurn

BOOT_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)
"""Where there is one, it runs on while the machine sleeps: what was true before is then found to be old."""
HEADROOM: Final = 30.0
"""Seconds beyond the connect timeout for which a session may show no life before it counts as stuck."""


def system_clock() -> Instant:
    """The machine's two clocks, read at one moment."""
    steady = time.monotonic() if BOOT_CLOCK is None else time.clock_gettime(BOOT_CLOCK)
    return Instant(steady, time.time())


def offers() -> Mapping[str, config.Offer]:
    """What the known exchanges offer a configuration to ask for; only those it asks about are loaded."""
    return Lazy(KNOWN, lambda name: _offer(KNOWN[name]))


def _offer(spec: ExchangeSpec) -> config.Offer:
    return config.Offer(
        endpoints=config.Endpoints(spec.endpoints.stream, spec.endpoints.rest, spec.endpoints.public),
        feeds=spec.feeds,
        needs_identity=spec.needs_identity,
        wallets=spec.wallets,
        margin_symbols="margin" in spec.feeds,
        lending="funding" in spec.feeds,
    )


class Followed(NamedTuple):
    """One account at work."""

    account: config.Account
    watched: Watched
    sessions: tuple[Session, ...]
    login: Login
    turn: KeyTurn
    want: Wanted


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all accounts of a process share: clocks, the connection budget, the way to connect."""

    settings: config.StreamSettings
    connect: Connect
    budget: SharedBudget
    clock: Callable[[], Instant] = system_clock
    tap: Tap | None = None

    @classmethod
    def equip(cls, settings: config.StreamSettings, *, tap: Tap | None = None) -> Workshop:
        """The workshop of a real process."""
        limits = Limits(
            connect_timeout=settings.connect_timeout, max_message_bytes=settings.max_message_bytes
        )
        return cls(settings, Connector(limits=limits).connect, SharedBudget(ConnectionBudget()), tap=tap)

    def refit(self, settings: config.StreamSettings) -> Workshop:
        """The workshop under other settings; what was connected so far still counts."""
        trust.forget()
        return replace(Workshop.equip(settings, tap=self.tap), budget=self.budget)

    def follow(self, account: config.Account) -> Followed:
        """State and sessions of one account, not started yet."""
        spec = KNOWN[account.exchange]
        watched = watch(account, spec, self.settings, self.clock())
        turn = KeyTurn(Nonces(time.time, spec.nonce_scale))
        login = Login(
            api_key=account.api_key.reveal(),
            sign=partial(hmac_sha384, account.api_secret),
            nonce=turn.nonce,
            identity=account.identity.reveal() if account.identity else "",
        )
        want = wanted(account, spec, self.settings)
        means = Means(
            self.connect,
            self.clock,
            self.budget,
            self.settings.silence_timeout,
            turn=turn,
            tap=self.tap,
        )
        sessions = tuple(
            Session(
                watched.state,
                stream.name,
                partial(stream.converse, login, want),
                means,
                # Jitter keeps streams apart; nothing secret depends on it.
                Schedule(Backoff(maximum=self.settings.backoff_max, random=random.random)),
            )
            for stream in streams(account, spec)
        )
        return Followed(account, watched, sessions, login, turn, want)

    @property
    def stuck_after(self) -> float:
        """Seconds without a sign of life after which a session's thread counts as stuck."""
        return self.settings.connect_timeout + HEADROOM


def hmac_sha384(secret: Secret, data: bytes) -> str:
    """Lower-case hex HMAC-SHA384, the signature both venues ask for."""
    return hmac.new(secret.reveal().encode(), data, hashlib.sha384).hexdigest()


def wanted(account: config.Account, spec: ExchangeSpec, settings: config.StreamSettings) -> Wanted:
    """What the account's part of the configuration asks of an exchange."""
    return Wanted(
        endpoints=Endpoints(account.endpoints.stream, account.endpoints.rest, account.endpoints.public),
        feeds=frozenset(account.feeds),
        margin_symbols=tuple(spec.symbol(symbol) for symbol in account.margin_symbols),
        require_read_only=account.require_read_only,
        allow_withdraw_scope=account.allow_withdraw_scope,
        login_timeout=settings.connect_timeout,
    )


def streams(account: config.Account, spec: ExchangeSpec) -> Sequence[StreamSpec]:
    """The streams that serve what the account wants."""
    return [stream for stream in spec.streams.values() if set(stream.feeds) & set(account.feeds)]


def watch(
    account: config.Account, spec: ExchangeSpec, settings: config.StreamSettings, started: Instant
) -> Watched:
    """An account's empty state, with all that is known in advance of what it can show."""
    opened = streams(account, spec)
    lifetimes = [stream.computed_lifetime for stream in opened]
    state = AccountState(
        account=account.name,
        exchange=account.exchange,
        streams=[stream.name for stream in opened],
        trust=Trust(settings.silence_timeout, settings.stale_after, min(lifetimes, default=float("inf"))),
        lock=threading.Lock(),
        started=started,
        lists_unheld=spec.lists_unheld,
        reasons=spec.reasons,
    )
    shapes = {
        stream.name: StreamShape(
            liveness_interval=stream.liveness_interval,
            snapshots=stream.snapshots,
            messages=stream.messages,
            disconnect_reasons=DISCONNECT_REASONS,
            connect_failures=get_args(FailReason),
        )
        for stream in opened
    }
    watched = Watched(state, shapes, spec.notification_subjects, Selection())
    return _chosen(watched, account, spec)


def _chosen(watched: Watched, account: config.Account, spec: ExchangeSpec) -> Watched:
    """The account under the choices of its configuration that need no other login."""
    with watched.state.lock:
        watched.state.idle.minimums = account.lending.idle_minimum
    select = Selection(
        account.include.currencies, frozenset(spec.symbol(symbol) for symbol in account.include.symbols)
    )
    return watched._replace(select=select, choices=Choices.of(account))


def rechosen(followed: Followed, accounts: Collection[config.Account]) -> Followed:
    """The account at work as one of these wants it shown, unless that one needs a new login."""
    for account in accounts:
        if account != followed.account and _login_part(account) == _login_part(followed.account):
            watched = _chosen(followed.watched, account, KNOWN[account.exchange])
            return followed._replace(account=account, watched=watched)
    return followed


def _login_part(account: config.Account) -> config.Account:
    """What of an account's configuration its sessions were made from."""
    return replace(
        account,
        include=config.Include(),
        thresholds=(),
        margin_level=None,
        lending=config.Lending(),
        privacy=config.Privacy(),
    )


def watch_replayed(
    name: str, spec: ExchangeSpec, settings: config.StreamSettings, started: Instant
) -> Watched:
    """The empty state of an account that exists only in a recording."""
    nothing = Secret("")
    endpoints = config.Endpoints("", "", "")
    account = config.Account(name, spec.name, nothing, nothing, endpoints, spec.feeds)
    return watch(account, spec, settings, started)
