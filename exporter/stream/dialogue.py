"""What is said on one connection: messages go to the account's state, answers go to the venue."""

from __future__ import annotations

from exporter.core.account import AccountState
from exporter.core.backoff import ResyncGate
from exporter.core.clock import Instant
from exporter.core.events import Heard
from exporter.exchanges.base import Answers, Conversation, Drop, Retry, Tell
from exporter.stream.means import Link, Tap
from exporter.stream.messages import ConnectionLost, Ping, Pong


class Dialogue:
    """Between a conversation, which only thinks, and what it moves: a link and an account's state."""

    def __init__(
        self,
        link: Link,
        conversation: Conversation,
        state: AccountState,
        stream: str,
        *,
        gate: ResyncGate,
        tap: Tap | None,
    ) -> None:
        self._link = link
        self._conversation = conversation
        self._state = state
        self._stream = stream
        self._gate = gate
        self._tap = tap
        self._resync: Drop | None = None

    def hear(self, received: list[bytes] | Ping | Pong, now: Instant) -> Drop | None:
        """Take in what one read brought, in its order, up to what ends the connection."""
        if not isinstance(received, list):
            self._state.change(self._stream, lambda stream: stream.heard(now))
            return None
        understand, tap = self._conversation.received, self._tap
        batch: list[Heard] = []
        try:
            for data in received:
                if tap is not None:
                    tap(self._stream, now, "in", data.decode(errors="replace"))
                heard, answers = understand(data, now)
                batch.append(heard)
                if answers:
                    # What was said comes before what it makes us do.
                    self._take_in(batch, now)
                    if (drop := self.answer(answers, now)) is not None:
                        return drop
        finally:
            self._take_in(batch, now)
        return None

    def _take_in(self, batch: list[Heard], now: Instant) -> None:
        """Let messages become state, all under one lock, and the batch begin anew."""
        taken = batch.copy()
        # First, lest an error in what follows lets them be taken in twice.
        batch.clear()
        if taken:
            self._state.apply_all(self._stream, taken, now)

    def answer(self, answers: Answers, now: Instant) -> Drop | None:
        """Do what the conversation wants done; gives what ends the connection."""
        for answer in answers:
            if isinstance(answer, Drop):
                return self._drop(answer, now)
            if isinstance(answer, Tell):
                self._state.tell(self._stream, answer.event, now)
                continue
            if self._tap is not None:
                self._tap(self._stream, now, "out", answer.text)
            try:
                self._link.send(answer.text)
            except ConnectionLost as lost:
                return Drop("reset", Retry.SOON, f"the link broke while sending ({lost.reason})")
        return None

    def due(self, now: Instant) -> Drop | None:
        """The resync that had to wait, once it may be; until then the stream stays, not believed."""
        if self._resync is not None and not self._gate.wait(now.monotonic):
            return self._resync
        return None

    def _drop(self, drop: Drop, now: Instant) -> Drop | None:
        if drop.retry is not Retry.RESYNC:
            return drop
        self._resync = self._resync or drop
        return self.due(now)
