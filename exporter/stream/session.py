"""One thread that follows one stream: connect, log in, listen, and come back when it ends.

It owns its socket and nothing else; what it learns goes to the account's state, frame by frame.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from exporter.core.account import AccountState
from exporter.core.backoff import ResyncGate, Schedule
from exporter.core.clock import Instant
from exporter.core.events import Refused
from exporter.core.stream import Phase, StreamState
from exporter.exchanges.base import TOO_MANY_REQUESTS, Conversation, Drop, Retry
from exporter.logs import log
from exporter.stream import endings
from exporter.stream.dialogue import Dialogue
from exporter.stream.means import Link, Means
from exporter.stream.messages import Closed
from exporter.stream.transport import Abort, ConnectFailed, HandshakeRejected

logger: Final = logging.getLogger(__name__)
TURN_WAIT: Final = 15.0
"""Longest wait for another login of the same key, seconds."""
TICK: Final = 0.5
"""Longest wait for a frame, seconds: how late deadlines may be noticed."""
NAP: Final = 1.0
"""Longest wait between two signs of life of the thread."""


class Session:
    """Follows one stream of one account until it is stopped."""

    def __init__(
        self,
        state: AccountState,
        stream: str,
        converse: Callable[[], Conversation],
        means: Means,
        schedule: Schedule,
    ) -> None:
        self.state = state
        self.stream = stream
        self._converse = converse
        self._means = means
        self._schedule = schedule
        self._gate = ResyncGate()
        self._stopping = threading.Event()
        self._abort = Abort()
        self._refused: Refused | None = None
        self._opened = 0.0
        self._logging_in = False
        self._arriving = False
        self.looped = means.clock()
        """When the thread last showed that it is running."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Exchange, account and stream."""
        return (self.state.exchange, self.state.account, self.stream)

    def run(self) -> None:
        """The body of the thread; returns only after `stop`."""
        while not self._stopping.is_set():
            try:
                delay = self._attempt()
            except Exception as error:  # noqa: BLE001 - a bug in one session must not end it for good
                delay = self._failed(error)
            self._rest(delay)
        self._change(lambda stream, now: stream.enter("stopped", now))

    def stop(self) -> None:
        """End the session from any thread, at once."""
        self._stopping.set()
        self._abort.abort()

    def request_resync(self) -> None:
        """End the present connection from any thread, so that fresh snapshots come."""
        self._abort.abort()

    def refuse(self, refused: Refused) -> None:
        """End the present connection from any thread, for the key is not one to be used."""
        self._refused = refused
        self._abort.abort()

    # -- one attempt ------------------------------------------------------------------------------

    def _attempt(self) -> float:
        """Connect once and follow the stream to its end; gives the seconds to wait before the next."""
        self._means.budget.wait(lambda: self._beat().monotonic, self._rest, self._stopping.is_set)
        # Made before the look: a stop that comes after it then finds the abort of this attempt.
        self._abort = Abort()
        if self._stopping.is_set():
            return 0.0
        try:
            return self._connect_and_follow()
        finally:
            self._end_login()

    def _connect_and_follow(self) -> float:
        if self._means.turn is not None:
            self._means.turn.begin_login(self, seconds=TURN_WAIT, stopping=self._stopping.is_set)
            self._logging_in = True
        conversation = self._converse()
        now = self._beat()
        self._change(lambda stream, now: stream.connecting(now))
        handshake = conversation.handshake(now)
        try:
            link = self._means.connect(handshake.url, handshake.headers, abort=self._abort)
        except HandshakeRejected as rejected:
            return self._rejected(conversation, rejected)
        except ConnectFailed as failed:
            return self._not_connected(failed.reason, str(failed), self._pausing(), self._schedule.soon())
        try:
            return self._follow(link, conversation)
        finally:
            link.close()

    def _end_login(self) -> None:
        if self._means.turn is not None:
            self._means.turn.end_login(self)
        self._logging_in = False

    def _follow(self, link: Link, conversation: Conversation) -> float:
        self._change(lambda stream, now: stream.connected(now))
        self._log(logging.DEBUG, "stream is connected")
        self._arriving = True
        drop = self._listen(link, conversation)
        return self._ended(drop)

    def _listen(self, link: Link, conversation: Conversation) -> Drop:
        dialogue = Dialogue(link, conversation, self.state, self.stream, gate=self._gate, tap=self._means.tap)
        now = self._beat()
        self._opened = alive = ticked = now.monotonic
        drop = dialogue.answer(conversation.opened(now), now)
        while drop is None:
            self._arrive()
            received = link.receive(TICK)
            now = self._beat()
            if self._stopping.is_set():
                return Drop("stopped", Retry.SOON, "stopped by us")
            if isinstance(received, Closed):
                told = conversation.closed(now) if received.reason in endings.BY_PEER else ()
                return dialogue.answer(told, now) or self._closed(received)
            # Also when something comes after all: who slept that long has missed what happened meanwhile.
            if now.monotonic - alive > self._means.silence_timeout:
                sentence = f"nothing came for {self._means.silence_timeout:g} s"
                return Drop("silence", Retry.SOON, sentence)
            if received is not None:
                alive = now.monotonic
                drop = dialogue.hear(received, now)
            if drop is None and now.monotonic - ticked >= TICK:
                ticked = now.monotonic
                drop = dialogue.answer(conversation.tick(now), now)
            drop = drop or dialogue.due(now)
        return drop

    def _arrive(self) -> None:
        """Tell what has been achieved so far; the key is free for others once the login was answered."""
        if not self._arriving:
            return
        phase = self.state.streams[self.stream].phase
        if self._logging_in and phase not in endings.LOGIN_PHASES:
            self._end_login()
            # A key that may do more than watch is taken, but not in silence.
            if scopes := endings.write_scopes(self.state.permissions):
                self._log(logging.WARNING, "the key may do more than watch", scopes=scopes)
        if phase == "live":
            self._arriving = False
            self._log(logging.INFO, "stream is live")

    # -- how it ended -----------------------------------------------------------------------------

    def _closed(self, closed: Closed) -> Drop:
        if (refused := self._refused) is not None:
            self._refused = None
            self.state.tell(self.stream, refused, self._means.clock())
            return Drop("refused", Retry.CREDENTIALS, refused.sentence)
        if closed.reason == "oversize":
            self.state.apply(self.stream, endings.OVERSIZE, self._means.clock())
        return endings.drop_of(closed)

    def _ended(self, drop: Drop) -> float:
        now = self._beat()

        def lived(stream: StreamState) -> None:
            # Not by the phase: who lost a message after an hour has lived for an hour.
            self._schedule.lived(now.monotonic - self._opened if stream.synced else 0.0)
            if drop.retry is Retry.RESYNC:
                stream.resyncs[drop.reason] += 1

        self.state.change(self.stream, lived)
        phase, delay = self._plan(drop)
        self.state.ended(self.stream, drop.reason, phase, now, drop.sentence)
        details = endings.details(phase, drop, delay)
        self._log(endings.level_of(phase, drop.reason), endings.SENTENCES[phase], **details)
        return delay

    def _plan(self, drop: Drop) -> tuple[Phase, float]:
        """The phase to wait in, and for how many seconds."""
        if drop.reason == "stopped":
            return "stopped", 0.0
        retry = drop.retry
        if drop.reason == "refused" and retry is Retry.LATER and self._schedule.refused_for_now():
            retry = Retry.CREDENTIALS
        if retry is Retry.CREDENTIALS:
            return "refused", self._schedule.refused()
        if retry is Retry.LATER:
            return self._pausing(), self._schedule.later(drop.after)
        return self._pausing(), self._schedule.soon()

    def _pausing(self) -> Phase:
        """The phase between two connections of a stream that nobody refused."""
        return "maintenance" if self.state.operative is False else "backoff"

    def _rejected(self, conversation: Conversation, rejected: HandshakeRejected) -> float:
        drop = conversation.rejected(rejected.status)
        if drop.reason == "refused":
            self.state.tell(self.stream, Refused(str(rejected.status), drop.sentence), self._beat())
        if rejected.retry_after is not None and drop.retry is not Retry.CREDENTIALS:
            drop = endings.held(drop, rejected.retry_after)
        if rejected.status == TOO_MANY_REQUESTS:
            self._means.budget.pause(self._beat().monotonic + drop.after)
        return self._not_connected(rejected.reason, drop.sentence, *self._plan(drop))

    def _not_connected(self, reason: str, sentence: str, phase: Phase, delay: float) -> float:
        def failed(stream: StreamState, now: Instant) -> None:
            stream.connect_failures[reason] += 1
            stream.enter(phase, now)
            stream.note(now, sentence)

        self._change(failed)
        if not self._stopping.is_set():
            refused = phase == "refused"
            said = endings.SENTENCES[phase] if refused else "stream could not connect"
            self._log(logging.ERROR if refused else logging.WARNING, said, reason=reason,
                detail=sentence, retry_in=round(delay, 1))  # fmt: skip
        return delay

    def _failed(self, error: Exception) -> float:
        sentence = "stream ended by an error of this program"
        self._log(logging.ERROR, sentence, exc_info=error)
        self.state.ended(self.stream, "other", "backoff", self._beat(), sentence)
        return self._schedule.soon()

    def _beat(self) -> Instant:
        self.looped = self._means.clock()
        return self.looped

    def _rest(self, seconds: float) -> None:
        """Wait, showing life; over at once when stopped."""
        until = self._beat().monotonic + seconds
        while (left := until - self._beat().monotonic) > 0:
            self._means.pause(self._stopping, min(left, NAP))
            if self._stopping.is_set():
                return

    def _change(self, step: Callable[[StreamState, Instant], None]) -> None:
        now = self._beat()
        self.state.change(self.stream, lambda stream: step(stream, now))

    def _log(self, level: int, msg: str, exc_info: Exception | None = None, **fields: object) -> None:
        key = dict(zip(("exchange", "account", "stream"), self.key, strict=True))
        log(logger, level, msg, exc_info=exc_info, **key, **fields)
