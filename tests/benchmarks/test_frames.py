"""What the bench's exchange says, and that the project understands it."""

from __future__ import annotations

import hashlib
import json
from statistics import fmean

import pytest

from benchmarks import frames
from benchmarks.holdings import Holdings, accounts
from exporter.config.types import StreamSettings
from exporter.core.clock import Instant
from exporter.exchanges import KNOWN
from exporter.exchanges.base import Drop, Login, Wanted
from exporter.follow import watch_replayed

NOW = Instant(0.0, frames.EPOCH_MS / 1000)


def test_frames_are_the_same_each_time() -> None:
    """Two runs of the bench send the same bytes."""
    assert frames.bitfinex(500).digest == frames.bitfinex(500).digest
    assert frames.bitfinex(500).digest != frames.bitfinex(500, seed=2).digest


def test_frames_have_the_sizes_of_a_private_stream() -> None:
    """Small and large ones, about 200 bytes in the mean; a snapshot of BitoPro is eleven kilobytes."""
    sizes = [len(message) for message in frames.bitfinex(5_000).said]

    assert min(sizes) < 60
    assert max(sizes) < 300
    assert fmean(sizes) == pytest.approx(205, abs=10)
    assert len(frames.bitopro(1).said[0]) == pytest.approx(11_000, abs=300)


def test_what_is_proved_leaves_out_the_login() -> None:
    """Size and digest speak of the messages behind the prologue only."""
    payload = frames.Payload([b"login", b"one", b"two"], prologue=1)

    assert (payload.said, payload.size) == ([b"one", b"two"], 6)
    assert payload.digest == hashlib.sha1(b"one\ntwo\n", usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f" + (65_536).to_bytes(8, "big")),
    ],
)
def test_headers_are_those_of_final_text_frames(length: int, header: bytes) -> None:
    """Each length has the shortest header that RFC 6455 knows for it."""
    assert frames.framed([b"x" * length]) == header + b"x" * length


def test_every_frame_is_understood_without_a_gap() -> None:
    """The project's own conversation takes the login and all frames, and finds none lost or malformed."""
    spec = KNOWN["bitfinex"]
    watched = watch_replayed("bench", spec, StreamSettings(), NOW)
    login = Login(api_key="", sign=lambda _: "", nonce=lambda: 0)
    talk = spec.streams["account"].converse(login, Wanted(spec.endpoints, frozenset(spec.feeds)))
    watched.state.resumed("account", talk.resume(NOW), NOW)
    holdings = Holdings(1, 1_000)
    for message in (*holdings.login(), *holdings.change(100), *holdings.change_all()):
        heard, answers = talk.received(message, NOW)
        watched.state.apply("account", heard, NOW)
        assert not [answer for answer in answers if isinstance(answer, Drop)]

    (stream,) = watched.state.report(NOW.monotonic).streams

    assert (stream.phase, stream.gaps, sum(stream.malformed.values())) == ("live", 0, 0)


def test_large_houses_have_several_accounts() -> None:
    """No account has more series than the configuration allows by default."""
    assert len(accounts(100_000)) == 20
    assert len(accounts(1_000)) == 1


def test_a_balance_moves_by_what_its_text_says() -> None:
    """A frame of a wallet carries the new balance and the text from which the reason is read."""
    row = json.loads(Holdings(1, 500).wallet("AAA", 2.5, "Settlement @ {0}"))[2]

    assert row[:3] == ["exchange", "AAA", 1002.5]
    assert row[5] == "Settlement @ AAA"
