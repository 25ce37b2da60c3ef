"""What every exchange must keep, whatever it speaks: nothing raises, sets are closed, secrets stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.events import MALFORMED_KINDS, NOTICE_STATUSES, ORDER_CHANGES
from exporter.exchanges.base import DISCONNECT_REASONS, Retry
from tests.exchanges.known import KNOWN

FIXTURES: Final = Path(__file__).parent.parent / "fixtures"
EXCHANGES: Final = sorted(KNOWN)
STREAMS: Final = [(name, stream) for name in EXCHANGES for stream in KNOWN[name].streams]
Follow = Callable[..., Any]


def recorded(exchange: str) -> list[tuple[str, bytes]]:
    """Every recorded message of an exchange with its stream."""
    found: list[tuple[str, bytes]] = []
    for path in sorted((FIXTURES / exchange).glob("*.jsonl")):
        for line in path.read_text().splitlines():
            value = json.loads(line)
            if isinstance(value, dict) and "text" in value:
                if value.get("dir", "in") == "in":
                    found.append((value["stream"], value["text"].encode()))
            else:
                found.append((KNOWN[exchange].stream_of(line.encode()), line.encode()))
    return found


RECORDED: Final = {name: recorded(name) for name in EXCHANGES}
JSON: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within a value."""
    found = [path]
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*path, index))
    elif isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, (*path, name))
    return found


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """A copy of a value with another one in a place."""
    if not path:
        return by
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@st.composite
def mutated(draw: st.DrawFn, exchange: str) -> tuple[str, bytes]:
    """A recorded message with something else in some of its places, or cut, or with bytes changed."""
    stream, data = draw(st.sampled_from(RECORDED[exchange]))
    try:
        value = json.loads(data)
    except ValueError:
        return stream, data
    for _ in range(draw(st.integers(0, 3))):
        value = replaced(value, draw(st.sampled_from(places(value))), draw(JSON))
    text = json.dumps(value).encode()
    how = draw(st.sampled_from(["whole", "whole", "whole", "cut", "noise"]))
    if how == "cut":
        return stream, text[: draw(st.integers(0, len(text)))]
    if how == "noise":
        at = draw(st.integers(0, len(text)))
        return stream, text[:at] + draw(st.binary(max_size=4)) + text[at:]
    return stream, text


def closed_sets_hold(follower: Any) -> None:
    """Everything that becomes a label is from a closed set of the exchange."""
    spec = follower.spec
    report = follower.state.report(follower.now.monotonic)
    for stream in report.streams:
        assert set(stream.messages) <= set(spec.streams[stream.name].messages)
        assert set(stream.malformed) <= set(MALFORMED_KINDS)
        assert set(stream.disconnects) <= set(DISCONNECT_REASONS)
        assert stream.refusal in {"", *spec.refusal_codes}
    assert {scope for scope, _ in report.permissions or ()} <= set(spec.scopes)
    assert set(report.tally.order_changes) <= set(ORDER_CHANGES)
    for subject, status in report.tally.notifications:
        assert subject in spec.notification_subjects
        assert status in NOTICE_STATUSES


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_exchange_brings_recorded_messages(exchange: str) -> None:
    """There is something to mutate for every stream of every exchange."""
    assert {stream for stream, _ in RECORDED[exchange]} == set(KNOWN[exchange].streams)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_recorded_messages_stay_in_closed_sets(follow: Follow, exchange: str) -> None:
    """Recorded messages, one after another and again, raise nothing and leave no open label."""
    follower = follow(exchange)
    for stream, data in RECORDED[exchange] * 2:
        follower.hear(stream, data)
        follower.step(0.5)
    closed_sets_hold(follower)


@pytest.mark.parametrize("exchange", EXCHANGES)
@settings(max_examples=150)
@given(data=st.data())
def test_mutated_messages_raise_nothing(follow: Follow, exchange: str, data: st.DataObject) -> None:
    """Messages changed at random are understood, counted or refused: nothing raises, nothing leaks."""
    follower = follow(exchange)
    for stream in follower.spec.streams:
        talk = follower.talk(stream)
        follower.state.resumed(stream, talk.resume(follower.now), follower.now)
    for stream, message in data.draw(st.lists(mutated(exchange), min_size=1, max_size=15)):
        follower.hear(stream, message)
        follower.step(data.draw(st.sampled_from([0.0, 0.5, 20.0])))
    closed_sets_hold(follower)


@pytest.mark.parametrize(("exchange", "stream"), STREAMS)
@settings(max_examples=60)
@given(message=st.binary(max_size=40))
def test_noise_leaves_the_state_alone(follow: Follow, exchange: str, stream: str, message: bytes) -> None:
    """Bytes that are no message are counted once and change no table and no counter of the account."""
    follower = follow(exchange)
    talk = follower.talk(stream)
    follower.state.resumed(stream, talk.resume(follower.now), follower.now)
    before = follower.state.report(follower.now.monotonic)
    follower.hear(stream, message)
    after = follower.state.report(follower.now.monotonic)
    assert (after.view, after.tally, after.permissions) == (before.view, before.tally, before.permissions)
    heard = next(each for each in after.streams if each.name == stream)
    assert sum(heard.messages.values()) == 1


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"\xff\xfe", "json"), (b"{", "json"), (b"[" * 100_000, "json"), (b"5", "frame"), (b"null", "frame")],
)
@pytest.mark.parametrize(("exchange", "stream"), STREAMS)
def test_garbage_is_counted_by_kind(
    follow: Follow, exchange: str, stream: str, data: bytes, kind: str
) -> None:
    """Bad bytes, bad JSON, endless depth and JSON of another shape are counted by kind, never fatal."""
    follower = follow(exchange)
    follower.talk(stream)
    follower.hear(stream, data)
    report = next(each for each in follower.state.report(0.0).streams if each.name == stream)
    assert report.malformed == {kind: 1}
    # Where the first message is the whole of a table, one that cannot be read asks for another.
    assert {(drop.reason, drop.retry) for drop in follower.drops} <= {("protocol", Retry.SOON)}


@pytest.mark.parametrize(("exchange", "stream"), STREAMS)
def test_secrets_stay_inside(follow: Follow, exchange: str, stream: str) -> None:
    """No representation shows the key, and nothing that is sent shows it once it is redacted."""
    follower = follow(exchange)
    talk = follower.talk(stream)
    follower.follow(stream, talk.opened(follower.now))
    for _ in range(240):
        follower.step(0.5)
    shown = [repr(each) for each in (talk, follower.login, follower.wanted, follower.spec, follower.state)]
    shown += [follower.spec.redact(text) for text in follower.sent]
    shown += [drop.sentence for drop in follower.drops]
    for secret in ("made-up-key", "made-up-secret", "somebody-4f"):
        assert not [text for text in shown if secret in text]
    assert not [text for text in follower.sent if "made-up-secret" in text]


@pytest.mark.parametrize(("exchange", "stream"), STREAMS)
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 500, 503])
def test_rejected_upgrade_has_a_reason(follow: Follow, exchange: str, stream: str, status: int) -> None:
    """Every HTTP answer in place of the upgrade has a reason of the closed set and is named."""
    drop = follow(exchange).talk(stream).rejected(status)
    assert drop.reason in DISCONNECT_REASONS
    assert str(status) in drop.sentence


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_symbols_are_normal_in_either_spelling(exchange: str) -> None:
    """A symbol that is ours already stays as it is."""
    assert KNOWN[exchange].symbol("BTC/USD") == "BTC/USD"
