"""`exchange-exporter replay`: recorded messages through the same adapter and state as live ones.

The clock is the recording's. Nothing is sent, no credential is needed: a login is taken as accepted unless
the messages say otherwise.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from exporter.config.types import StreamSettings
from exporter.core.clock import Instant
from exporter.core.stream import Phase
from exporter.exchanges import KNOWN
from exporter.exchanges.base import Answers, Conversation, Drop, Login, Retry, Tell, Wanted
from exporter.exchanges.spec import ExchangeSpec
from exporter.exposition.collector import AccountCollector
from exporter.exposition.encode import OPENMETRICS, TEXT
from exporter.exposition.scrape import Scrape
from exporter.follow import watch_replayed

USAGE: Final = 2
ACCEPT: Final = {
    "text": f"{TEXT};version=0.0.4",
    "openmetrics": f"{OPENMETRICS};version=1.0.0",
}
OPENING: Final = (b'"info"', b'"auth"')


class Record(NamedTuple):
    """One recorded message; `at` is None for a bare message, which comes when the one before it came."""

    at: float | None
    stream: str
    data: bytes


def records(lines: Iterable[bytes], spec: ExchangeSpec) -> Iterator[Record]:
    """What was received, line by line. What is no record is taken as the message itself."""
    for line in lines:
        data = line.strip()
        if not data:
            continue
        value: object = None
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.loads(data)
        if not isinstance(value, dict) or "text" not in value or "event" in value:
            yield Record(None, spec.stream_of(data), data)
            continue
        if value.get("dir", "in") != "in":
            continue
        text = str(value["text"]).encode()
        at, stream = value.get("t"), value.get("stream")
        moment = float(at) if isinstance(at, int | float) and not isinstance(at, bool) else None
        name = str(stream) if str(stream) in spec.streams else spec.stream_of(text)
        yield Record(moment, name, text)


class Player:
    """Feeds records to the conversations of one account, as sessions would."""

    def __init__(self, spec: ExchangeSpec, account: str, now: Instant) -> None:
        settings = StreamSettings()
        self._spec = spec
        self._silence = settings.silence_timeout
        self._wanted = Wanted(spec.endpoints, frozenset(spec.feeds), login_timeout=settings.connect_timeout)
        self.now = now
        self.watched = watch_replayed(account, spec, settings, now)
        self._talks: dict[str, Conversation] = {}
        self._heard: dict[str, Instant] = {}
        self._refused: set[str] = set()

    def play(self, record: Record) -> None:
        """Let the clock run to the record, then receive it."""
        if record.at is not None and record.at > self.now.wall:
            self._advance(record.at)
        talk = self._talks.get(record.stream) or self._open(record)
        heard, answers = talk.received(record.data, self.now)
        self._heard[record.stream] = self.now
        if record.at is None:
            # Without a recorded clock there is nothing to measure a delay against.
            heard = heard._replace(sent_at=None)
        self.watched.state.apply(record.stream, heard, self.now)
        self._follow(record.stream, answers, self.now)

    def _advance(self, wall: float) -> None:
        passed = Instant(self.now.monotonic + wall - self.now.wall, wall)
        for stream in tuple(self._talks):
            if self._spec.streams[stream].lives_by_pings:
                # A recording has no pings: it was alive for as long as the recording says nothing else.
                self._heard[stream] = passed
                self.watched.state.change(stream, lambda each: each.heard(passed))
            last = self._heard[stream]
            if passed.monotonic - last.monotonic > self._silence:
                at = Instant(last.monotonic + self._silence, last.wall + self._silence)
                self._end(stream, Drop("silence", Retry.SOON, f"nothing came for {self._silence:g} s"), at)
                continue
            self._follow(stream, self._talks[stream].tick(passed), passed)
        self.now = passed

    def _follow(self, stream: str, answers: Answers, at: Instant) -> None:
        """Do what a conversation wants done, save sending."""
        for answer in answers:
            if isinstance(answer, Tell):
                self.watched.state.tell(stream, answer.event, at)
            elif isinstance(answer, Drop):
                self._end(stream, answer, at)
                return

    def _open(self, record: Record) -> Conversation:
        """A new connection: from its first words if these are recorded, else from after the login."""
        stream, state, now = record.stream, self.watched.state, self.now
        talk = self._spec.streams[stream].converse(_nobody(), self._wanted)
        self._talks[stream], self._heard[stream] = talk, now
        talk.handshake(now)
        if stream in self._refused or any(word in record.data[:64] for word in OPENING):
            state.change(stream, lambda each: each.connecting(now))
            state.change(stream, lambda each: each.connected(now))
            self._follow(stream, talk.opened(now), now)
        else:
            state.resumed(stream, talk.resume(now), now)
        return talk

    def _end(self, stream: str, drop: Drop, at: Instant) -> None:
        del self._talks[stream]
        phase: Phase = "maintenance" if self.watched.state.operative is False else "backoff"
        if drop.retry is Retry.CREDENTIALS:
            self._refused.add(stream)
            phase = "refused"
        self.watched.state.ended(stream, drop.reason, phase, at, drop.sentence)


def _nobody() -> Login:
    return Login(api_key="", sign=lambda _: "", nonce=lambda: 0)


def replay(file: str, exchange: str, account: str, form: str) -> int:
    """Print the metrics that a recording makes."""
    spec = KNOWN.get(exchange)
    if spec is None:
        known = ", ".join(sorted(KNOWN))
        print(f'--exchange: unknown exchange "{exchange}" (known: {known})', file=sys.stderr)  # noqa: T201
        return USAGE
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        print(f"cannot read {file}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return USAGE
    found = list(records(data.splitlines(), spec))
    start = next((record.at for record in found if record.at is not None), time.time())
    player = Player(spec, account, Instant(0.0, start))
    for record in found:
        player.play(record)
    body = render(player, ACCEPT[form], clock=lambda: player.now)
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()
    print(summary(player, len(found)), file=sys.stderr)  # noqa: T201
    return 0


def render(player: Player, accept: str, *, clock: Callable[[], Instant]) -> bytes:
    """The account as a scrape would show it."""
    collector = AccountCollector(lambda: (player.watched,), clock=clock, series_per_account=lambda: 1_000_000)
    return b"".join(Scrape(collector, clock=lambda: clock().monotonic)(accept)[1])


def summary(player: Player, count: int) -> str:
    """What came of the recording, in one line for a person."""
    report = player.watched.state.report(player.now.monotonic)
    unread = sum(sum(stream.malformed.values()) for stream in report.streams)
    told = [f"replayed {count} messages, {unread} of them could not be read"]
    for stream in report.streams:
        waiting = f", waiting for the snapshot of {', '.join(stream.missing)}" if stream.missing else ""
        told.append(f"stream {stream.name} is {stream.phase}{waiting}")
    return "; ".join(told)
