"""BitoPro's private streams: the client's half of a dialogue in which the client never speaks.

opening  -> (first push, or a while without a close or an error)  -> accepted
accepted -> (first push, if the stream owes one)                  -> complete
any      -> Drop                                                  -> over

The login is the upgrade request, so nothing answers it: it is accepted when the venue goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import orjson

from exporter.core.clock import Instant
from exporter.core.events import Event, Heard, LoggedIn, Malformed, Refused, Snapshot
from exporter.exchanges.base import Answers, Drop, Handshake, Login, Retry, Tell, Wanted
from exporter.exchanges.bitopro import auth, hot, messages
from exporter.exchanges.bitopro.fields import UnreadableError, seconds
from exporter.exchanges.bitopro.messages import Reader

ACCEPTED_AFTER: Final = 2.0
"""Seconds for which a connection must stand to count as accepted."""
SYNC_TIMEOUT: Final = 60.0
"""Seconds after acceptance within which the first push must have come."""


class BitoproConversation:
    """One connection to one private stream."""

    def __init__(self, path: str, read: Callable[[], Reader], login: Login, wanted: Wanted) -> None:
        self._path = path
        self._reader = read()
        self._login = login
        self._wanted = wanted
        self._since: float | None = None
        """Monotonic second at which the present step began; None before the connection stands."""
        self._accepted = False
        self._missing = set(self._reader.snapshots)
        self._spoiled = ""
        """What could not be read while the whole was still to come; empty while all is well."""

    def handshake(self, now: Instant) -> Handshake:  # noqa: ARG002 - the nonce comes from the key's own clock
        """The stream's address and a login signed just now."""
        url = f"{self._wanted.endpoints.stream.rstrip('/')}/{self._path}"
        return Handshake(url, auth.headers(self._login))

    def rejected(self, status: int) -> Drop:
        """The login was turned down, or the venue could not take it."""
        return auth.rejection(status)

    def opened(self, now: Instant) -> Answers:
        """Nothing yet: that the connection stands does not mean that the key is accepted."""
        self._since = now.monotonic
        return ()

    def resume(self, now: Instant) -> LoggedIn:
        """Begin as if the connection had stood for a while."""
        return self._accept(now)

    def received(self, data: bytes, now: Instant) -> tuple[Heard, Answers]:
        """One text message from the venue."""
        everyday = self._reader.everyday
        if everyday is not None and self._accepted and not self._missing:
            try:
                events, sent_at = everyday(data)
            except hot.UNUSUAL:
                return self._read(data, now)
            return Heard(self._reader.messages[0], is_data=True, events=events, sent_at=sent_at), ()
        return self._read(data, now)

    def _read(self, data: bytes, now: Instant) -> tuple[Heard, Answers]:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError:
            return self._unread("other", "json")
        if not isinstance(message, dict):
            return self._unread("other", "frame")
        name = message.get("event")
        read, *silent = self._reader.messages
        if name == read:
            return self._push(message, now)
        if messages.ERROR in message:
            return self._error(message)
        if not isinstance(name, str):
            return self._unread("other", "frame")
        return Heard(name if name in silent else "other", is_data=False, sent_at=_sent(message)), ()

    def tick(self, now: Instant) -> Answers:
        """Acceptance by standing, and the deadline of the first push."""
        if self._since is None:
            return ()
        waited = now.monotonic - self._since
        if self._spoiled and self._missing:
            sentence = f"the first message of {self._path} could not be read ({self._spoiled})"
            return (Drop("protocol", Retry.SOON, sentence),)
        if not self._accepted:
            return (Tell(self._accept(now)),) if waited >= ACCEPTED_AFTER else ()
        if self._missing and waited >= SYNC_TIMEOUT:
            names = ", ".join(sorted(self._missing))
            sentence = f"no snapshot of {names} came within {SYNC_TIMEOUT:g} s of the login"
            return (Drop("sync_timeout", Retry.SOON, sentence),)
        return ()

    def closed(self, now: Instant) -> Answers:  # noqa: ARG002 - the interface of every venue
        """A close before acceptance is how a key may be turned down; a later one is an ordinary one."""
        return () if self._accepted else auth.ended_early()

    def _push(self, message: dict[str, object], now: Instant) -> tuple[Heard, Answers]:
        name = self._reader.messages[0]
        if self._spoiled and self._missing:
            return Heard(name, is_data=False, sent_at=_sent(message)), ()
        try:
            events: Sequence[Event] = self._reader.read(message.get("data"))
        except UnreadableError as error:
            return self._unread(name, error.kind)
        for event in events:
            if isinstance(event, Snapshot):
                self._missing.discard(event.table)
        if not self._accepted:
            # Nobody is told what he may not see: the first push proves the login.
            accepted = LoggedIn(None, frozenset(self._reader.snapshots))
            self._accept(now)
            events = (accepted, *events)
        return Heard(name, is_data=True, events=events, sent_at=_sent(message)), ()

    def _unread(self, name: str, kind: str) -> tuple[Heard, Answers]:
        """What cannot be read changes nothing; but if it was the whole, what follows is only a part."""
        if kind != "frame":
            self._spoiled = kind
        return Heard(name, is_data=False, events=(Malformed(kind),)), ()

    def _error(self, message: dict[str, object]) -> tuple[Heard, Answers]:
        drop = auth.error_drop(message[messages.ERROR], accepted=self._accepted)
        events = (Refused(auth.ERROR, drop.sentence),) if drop.reason == "refused" else ()
        return Heard(messages.ERROR, is_data=False, events=events), (drop,)

    def _accept(self, now: Instant) -> LoggedIn:
        self._accepted, self._since = True, now.monotonic
        return LoggedIn(None, frozenset(self._missing))


def _sent(message: dict[str, object]) -> float | None:
    return seconds(message, ("timestamp",))
