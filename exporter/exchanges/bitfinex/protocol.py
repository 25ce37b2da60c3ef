"""Bitfinex's authenticated WebSocket, version 2: the client's half of the dialogue, without a socket.

opening     -> (info, or a short wait)  -> logging in
logging in  -> (auth OK)                -> running
any         -> Drop                     -> over
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final, Literal

import orjson

from exporter.core.clock import Instant
from exporter.core.events import Event, Gap, Heard, LoggedIn, Malformed, Platform, Snapshot
from exporter.core.model import Table
from exporter.exchanges.base import Answers, Drop, Handshake, Login, Retry, Send, Wanted, http_rejection
from exporter.exchanges.bitfinex import auth, hot, messages
from exporter.exchanges.bitfinex.audit import SequenceAudit, Trailers, trailers
from exporter.exchanges.bitfinex.calc import CalcPlan
from exporter.exchanges.bitfinex.fields import MILLIS, UnreadableError, at, integer, optional_word

VERSION: Final = 2
CONF_FLAGS: Final = 32768 + 65536
"""TIMESTAMP and SEQ_ALL: without them neither lag nor loss can be seen."""
INFO_WAIT: Final = 3.0
"""Seconds to wait for `info` before logging in all the same."""
PING_AFTER: Final = 20.0
"""Seconds of silence before an application ping; heartbeats come every 15."""
STOP, MAINTENANCE_START, MAINTENANCE_END = 20051, 20060, 20061
CONF_ERROR: Final = 10050
TOO_MANY: Final = 10008
NUMBERLESS: Final = frozenset(("error", "failure"))
"""Statuses of notifications that may lack their sequence numbers."""
Lost = Literal["public", "account"]
SNAPSHOT_SOURCES: Final[dict[Table, tuple[str, str]]] = {
    "wallets": ("wallets", "wallets"),
    "positions": ("positions", "positions"),
    "orders": ("orders", "orders"),
    "offers": ("funding", "funding"),
    "credits": ("funding", "funding"),
    "loans": ("funding", "funding"),
}
"""Table to the feed that brings it and the permission scope that allows it."""
MAINTENANCE_DELAY: Final = 30.0
"""Seconds before asking a venue again that answered with platform status 0."""
MAINTENANCE_PATIENCE: Final = 900.0
"""Seconds after which a connection in maintenance is opened anew: the word of its end may have been lost."""
VERSION_DELAY: Final = 600.0
"""Seconds before asking a venue again that spoke another version."""
SYNC_TIMEOUT: Final = 15.0
"""Seconds after the login within which every expected snapshot must have arrived."""


class Step(enum.Enum):
    """Where the dialogue stands."""

    OPENING = "opening"
    LOGGING_IN = "logging in"
    RUNNING = "running"
    OVER = "over"


class BitfinexConversation:
    """One connection to `wss://api.bitfinex.com/ws/2`: one login, everything on channel 0."""

    def __init__(self, login: Login, wanted: Wanted) -> None:
        self._login = login
        self._wanted = wanted
        self._step = Step.OPENING
        self._since = 0.0
        self._last_heard = 0.0
        self._last_ping = 0.0
        self._missing: set[Table] = set()
        self._maintenance = False
        self._maintained_since = 0.0
        self._audit = SequenceAudit()
        self._calc = CalcPlan(wanted.margin_symbols, wanted.feeds)
        self._hot = hot.readers(wanted.feeds)

    def handshake(self, now: Instant) -> Handshake:
        """The stream endpoint, with no headers: the login is a message."""
        self._since = now.monotonic
        return Handshake(self._wanted.endpoints.stream, {})

    def rejected(self, status: int) -> Drop:
        """429 counts for the address, whatever the key; the rest is the front end's trouble."""
        return http_rejection(status)

    def opened(self, now: Instant) -> Answers:
        """Nothing yet: the venue speaks first."""
        self._since = self._last_heard = self._last_ping = now.monotonic
        return ()

    def resume(self, now: Instant) -> LoggedIn:
        """Begin as if the login had been accepted, by a key whose scopes are not known."""
        self.opened(now)
        return self._accept(None, now)

    def received(self, data: bytes, now: Instant) -> tuple[Heard, Answers]:
        """One text message from the venue."""
        self._last_heard = now.monotonic
        everyday = self._hot.get(data[hot.HEAD])
        if everyday is not None:
            decode, read, teaches = everyday
            try:
                _, type_, row, public, account, sent = decode(data)
                events = read(row)
            except hot.UNUSUAL:
                return self._read(data, now)
            if self._audit.follows(public, account):
                if teaches:
                    self._calc.observe(events, now.monotonic)
                return hot.make(Heard, (type_, True, events, sent / MILLIS)), ()
        return self._read(data, now)

    def _read(self, data: bytes, now: Instant) -> tuple[Heard, Answers]:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError:
            return _malformed("other", "json"), ()
        if isinstance(message, dict):
            return self._event(message, now)
        if isinstance(message, list) and len(message) > 1 and isinstance(message[1], str):
            return self._frame(message, now)
        if isinstance(message, list):
            # Whatever it is, it may have taken a number.
            self._audit.skip()
        return _malformed("other", "frame"), ()

    def tick(self, now: Instant) -> Answers:
        """Login after a silent start, deadlines, pings, questions."""
        waited = now.monotonic - self._since
        if self._step is Step.OPENING and not self._maintenance and waited >= INFO_WAIT:
            return self._log_in(now)
        if self._step is Step.LOGGING_IN and waited >= self._wanted.login_timeout:
            return self._over(Drop("login_timeout", Retry.SOON, "the login was not answered in time"))
        if self._maintenance and now.monotonic - self._maintained_since >= MAINTENANCE_PATIENCE:
            sentence = f"no word of the end of maintenance in {MAINTENANCE_PATIENCE:g} s: starting afresh"
            return self._over(Drop("maintenance", Retry.SOON, sentence))
        if self._step is not Step.RUNNING or self._maintenance:
            return ()
        if self._missing and waited >= SYNC_TIMEOUT:
            names = ", ".join(sorted(self._missing))
            return self._over(
                Drop(
                    "sync_timeout",
                    Retry.SOON,
                    f"no snapshot of {names} came after the login; if the key may not read them, "
                    "leave them out of the account's streams",
                )
            )
        sends: list[Send] = []
        if now.monotonic - max(self._last_heard, self._last_ping) >= PING_AFTER:
            self._last_ping = now.monotonic
            sends.append(Send('{"event":"ping","cid":1}'))
        if not self._missing and (calc := self._calc.message(now.monotonic)) is not None:
            sends.append(Send(calc))
        return sends

    def closed(self, now: Instant) -> Answers:  # noqa: ARG002 - the interface of every venue
        """An ending like any other: this venue answers every login with a message."""
        return ()

    # -- array frames: [channel, type, payload, ...trailers] --------------------------------------

    def _frame(self, frame: list[object], now: Instant) -> tuple[Heard, Answers]:
        type_ = str(frame[1])
        found = trailers(frame, heartbeat=type_ == "hb")
        if type_ == "hb" or frame[0] != 0 or type_ not in messages.HANDLERS:
            # A heartbeat, another channel, or a type of the future: its numbers are audited all the same.
            gap = self._audit.check(found, notification=False)
            return self._finish("hb" if type_ == "hb" else "other", (), found, gap, is_data=False)
        payload = at(frame, 2)
        gap = self._check(type_, payload, found)
        try:
            events = messages.read(type_, payload)
        except UnreadableError as error:
            return self._finish(type_, (Malformed(error.kind),), found, gap, is_data=False)
        if messages.FEED_OF.get(type_) not in self._wanted.feeds:
            events = []
        for event in events:
            if isinstance(event, Snapshot):
                self._missing.discard(event.table)
        self._calc.observe(events, now.monotonic)
        return self._finish(type_, events, found, gap, is_data=True)

    def _check(self, type_: str, payload: object, found: Trailers) -> Lost | None:
        if type_ == "n" and isinstance(payload, list):
            subject, status = optional_word(payload, 1), optional_word(payload, 6)
            if subject.endswith("-req") or status.lower() in NUMBERLESS:
                self._audit.skip()
                return None
        return self._audit.check(found, notification=type_ == "n")

    @staticmethod
    def _finish(
        type_: str, events: Sequence[Event], found: Trailers, gap: Lost | None, *, is_data: bool
    ) -> tuple[Heard, Answers]:
        if gap is None:
            return Heard(type_, is_data, events, found.sent_at), ()
        sentence = f"messages were lost: gap in the {gap} sequence"
        heard = Heard(type_, is_data=is_data, events=(*events, Gap(gap)), sent_at=found.sent_at)
        return heard, (Drop("gap", Retry.RESYNC, sentence),)

    # -- event objects: {"event": ...} ------------------------------------------------------------

    def _event(self, message: dict[str, object], now: Instant) -> tuple[Heard, Answers]:
        name = message.get("event")
        if name == "info":
            events, answers = self._info(message, now)
        elif name == "auth":
            events, answers = self._auth(message, now)
        elif name == "error":
            events, answers = self._error(message, now)
        elif name in messages.EVENT_MESSAGES:
            events, answers = (), ()
        elif not isinstance(name, str):
            return _malformed("other", "frame"), ()
        else:
            name, events, answers = "other", (), ()
        return Heard(str(name), is_data=False, events=events), answers

    def _info(self, message: dict[str, object], now: Instant) -> tuple[Sequence[Event], Answers]:
        code = integer(message.get("code"))
        if code == STOP:
            return (), self._over(Drop("restart", Retry.SOON, "the venue restarts (code 20051)"))
        if code == MAINTENANCE_START:
            if not self._maintenance:
                self._maintenance, self._maintained_since = True, now.monotonic
            return (Platform(operative=False),), ()
        if code == MAINTENANCE_END:
            drop = Drop("maintenance", Retry.SOON, "maintenance is over (code 20061): starting afresh")
            return (Platform(operative=True),), self._over(drop)
        if "version" not in message:
            return (), ()
        if integer(message["version"]) != VERSION:
            sentence = "the venue speaks another version of the protocol (expected 2)"
            return (), self._over(Drop("protocol", Retry.LATER, sentence, VERSION_DELAY))
        platform = message.get("platform")
        status = integer(platform.get("status")) if isinstance(platform, dict) else None
        if status == 0:
            drop = Drop("maintenance", Retry.LATER, "the venue is in maintenance", MAINTENANCE_DELAY)
            return (Platform(operative=False),), self._over(drop)
        events = () if status is None else (Platform(operative=True),)
        return events, self._log_in(now) if self._step is Step.OPENING else ()

    def _log_in(self, now: Instant) -> Answers:
        self._step, self._since = Step.LOGGING_IN, now.monotonic
        conf = orjson.dumps({"event": "conf", "flags": CONF_FLAGS}).decode()
        return (Send(conf), Send(auth.login_message(self._login, self._wanted.feeds)))

    def _auth(self, message: dict[str, object], now: Instant) -> tuple[Sequence[Event], Answers]:
        if message.get("status") != "OK":
            return self._failed(integer(message.get("code")))
        granted = auth.permissions(message.get("caps"))
        accepted = self._accept(granted, now)
        refused = auth.too_powerful(granted, self._wanted)
        if refused is not None:
            drop = Drop("refused", Retry.CREDENTIALS, refused.sentence)
            return (accepted, refused), self._over(drop)
        # Maintenance that was told while we logged in is not over by being let in.
        return (accepted,) if self._maintenance else (accepted, Platform(operative=True)), ()

    def _accept(self, granted: auth.Permissions | None, now: Instant) -> LoggedIn:
        self._step, self._since = Step.RUNNING, now.monotonic
        self._missing = {
            table
            for table, (feed, scope) in SNAPSHOT_SOURCES.items()
            if feed in self._wanted.feeds and (granted is None or granted.get((scope, "read"), True))
        }
        return LoggedIn(granted, frozenset(self._missing))

    def _failed(self, code: int | None) -> tuple[Sequence[Event], Answers]:
        refusals, drop = auth.failure(code)
        events: Sequence[Event] = refusals
        if drop.reason == "maintenance":
            events = (Platform(operative=False),)
        return events, self._over(drop)

    def _error(self, message: dict[str, object], now: Instant) -> tuple[Sequence[Event], Answers]:
        """An error while logging in is the answer to the login; a later one can only slow our questions."""
        code = integer(message.get("code"))
        if self._step is Step.LOGGING_IN and code != CONF_ERROR:
            return self._failed(code)
        if code == TOO_MANY:
            self._calc.slow_down(now.monotonic)
        return (), ()

    def _over(self, drop: Drop) -> Answers:
        self._step = Step.OVER
        return (drop,)


def _malformed(message: str, kind: str) -> Heard:
    return Heard(message, is_data=False, events=(Malformed(kind),))
