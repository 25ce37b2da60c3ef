"""The everyday messages are read straight from bytes, and mean to the last digit what the other way says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.core.clock import Instant
from exporter.core.events import Heard
from exporter.exchanges.base import Answers, Endpoints, Login, Wanted
from exporter.exchanges.bitfinex import SPEC, hot
from exporter.exchanges.bitfinex.protocol import BitfinexConversation

Build = dict[str, Callable[..., list[Any]]]
ENDPOINTS: Final = Endpoints("ws://127.0.0.1:1/ws/2", "http://127.0.0.1:1", "http://127.0.0.1:1")
NOW: Final = 1_700_000_000_000
PUBLIC, ACCOUNT = 41, 7

WALLET: Final = ["exchange", "ETH", 12.5, 0, None, "Exchange 1.5 ETH for USD @ 2000.1", {"reason": "TRADE"}]
ORDER: Final = [501, None, NOW, "tDUSK:USD", NOW, NOW + 3000, -40.5, -100, "EXCHANGE LIMIT", None, None, None]
ORDER_TAIL: Final = [
    4096,
    "PARTIALLY FILLED @ 0.21(-59.5)",
    None,
    None,
    0.21,
    0.21,
    0,
    0,
    None,
    None,
    None,
    0,
]
ORDER_END: Final = [0, None, None, None, "API>BFX", None, None, {"lev": 3}]
POSITION: Final = [
    "tBTCF0:USTF0",
    "ACTIVE",
    -0.05,
    61000,
    0.0021,
    0,
    -3.1,
    -0.1016,
    70210.5,
    4.9,
    None,
    900123,
]
POSITION_END: Final = [NOW, None, None, 1, None, 650, 152.5, {"reason": "TRADE", "liq_stage": None}]
FILL: Final = [77001, "tETHUSD", NOW, 501, 0.5, 2000.5, "EXCHANGE LIMIT", 2001, 1, -0.5001, "USD"]
ROWS: Final[dict[str, list[Any]]] = {
    "wu": WALLET,
    "ou": ORDER + ORDER_TAIL + ORDER_END,
    "on": [*ORDER, 4096, "ACTIVE", *ORDER_TAIL[2:], *ORDER_END],
    "oc": [*ORDER, 4096, "CANCELED was: PARTIALLY FILLED @ 0.21(-59.5)", *ORDER_TAIL[2:], *ORDER_END],
    "te": [*FILL[:9], None, None, NOW],
    "tu": FILL,
    "pu": POSITION + POSITION_END,
    "bu": [25000.5, 24210],
}
"""Rows as they come every day."""

ODD: Final = (
    *("null", "true", "false", "0", "-0", "1", "-1", "5", "-5", "17", "1.5", "-2.5", "0.0", "-0.0"),
    *("1e3", "1E-7", "5e-324", "1e308", "1e400", "-1e400", "1e-9", "2e-9", "NaN", "01", "1.", "0x1"),
    *("9007199254740993", "-9007199254740993", "9223372036854775807", "9223372036854775808", "-1e25"),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775809", "1" * 400, "9" * 5000),
    *("99999999999", "100000000000", "1700000000000", "1700000000000.0", "-1700000000000"),
    *('""', '" "', '"x"', '"1.5"', '"-0"', '"1_000"', '"nan"', '"1e400"', '" 7 "', '"true"', '"tBTCUSD"'),
    *('"ACTIVE"', '"active"', '" ACTIVE"', '"PARTIALLY FILLED"', '"PARTIALLY FILLED @ 1.0(2), ACTIVE"'),
    *('"EXECUTED @ 1(2)"', '"CANCELED was: PARTIALLY FILLED @ 1(2)"', '"PARTIALLY FILLED canceled"'),
    *('"PARTIALLY FILLED INSUFFICIENT MARGIN"', '"partially filled"', '"RSN_PAUSE"', '"PARTIALLY FILLED c"'),
    *('"Trading fees for 0.5 BTC"', '"{\\"reason\\":\\"TRADE\\"}"', '"\\u0130\\u017f"', '"é"', '"\\ud800"'),
    *(
        "[]",
        "[[]]",
        "{}",
        "[1]",
        '{"reason":"TRADE"}',
        '{"reason":["TRADE"]}',
        '{"a":{"b":[1]}}',
        '{"a":1e400}',
    ),
    *(
        '{"reason":"X","reason":"TRADE"}',
        '{"a":1,}',
        '"\t"',
        "[" * 1100 + "]" * 1100,
        '{"a":' * 950 + "1" + "}" * 950,
    ),
)
"""What may stand in place of a field: JSON of every kind, the ends of the ranges, and what is no JSON."""


REFUSED: Final = b'[0,"n",[null,"on-req",null,null,null,null,"ERROR","x"]]'
"""A frame whose numbers are not looked at."""


def conversation(*, quick: bool, feeds: frozenset[str] = frozenset(SPEC.feeds)) -> BitfinexConversation:
    """A conversation after its login; a slow one reads every message the general way."""
    talk = BitfinexConversation(Login("key", lambda _: "signature", lambda: 1), Wanted(ENDPOINTS, feeds))
    talk.resume(Instant(1000.0, 1.7e9))
    assert talk._hot
    if not quick:
        talk._hot = {}
    return talk


def told(heard: Heard, answers: Answers) -> object:
    """What a message meant, so that 1 and 1.0, 0.0 and -0.0 differ, and a tuple from a list does not."""
    return repr((heard._replace(events=list(heard.events)), list(answers)))


def known(talk: BitfinexConversation) -> object:
    """All that a conversation remembers, the order of its questions included."""
    names = ("_step", "_missing", "_last_heard", "_maintenance")
    return repr((vars(talk._audit), vars(talk._calc), [getattr(talk, name) for name in names]))


def same(*frames: bytes, feeds: frozenset[str] = frozenset(SPEC.feeds)) -> None:
    """Both ways hear the same in each frame, answer the same, and remember the same."""
    talks = [conversation(quick=quick, feeds=feeds) for quick in (True, False)]
    for number, frame in enumerate([b'[0,"hb",%d,%d]' % (PUBLIC, NOW), *frames]):
        now = Instant(1001.0 + number, 1.7e9 + number)
        quick, slow = (told(*talk.received(frame, now)) for talk in talks)
        assert quick == slow, frame
        assert known(talks[0]) == known(talks[1]), frame


def text(row: str, kind: str, *trailers: str) -> bytes:
    """A frame of channel 0."""
    return ("[" + ",".join(("0", f'"{kind}"', row, *trailers)) + "]").encode()


def tokens(row: list[Any]) -> list[str]:
    """The fields of a row as JSON."""
    return [json.dumps(field, separators=(",", ":")) for field in row]


def joined(fields: list[str]) -> str:
    """A row of fields that are JSON already."""
    return "[" + ",".join(fields) + "]"


def following(step: int = 1) -> tuple[str, str, str]:
    """Trailers of the frame that comes next, or after it."""
    return str(PUBLIC + step), str(ACCOUNT + step), str(NOW + step)


def test_readers_are_for_known_types() -> None:
    """What is read straight from bytes is a type with a feed, and the rows of this test cover each."""
    assert ROWS.keys() == hot.READERS.keys()
    assert all(len(head) == hot.HEAD.stop for head in hot.readers(SPEC.feeds))


@pytest.mark.parametrize("kind", ROWS)
def test_everyday_messages_take_the_short_way(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of every day, and each prefix of them that old frames have, never reach the general way."""
    talk = conversation(quick=True)
    now = Instant(1001.0, 1.7e9)
    talk.received(text(joined(tokens(ROWS[kind])), kind, *following(0)), now)
    monkeypatch.delattr(BitfinexConversation, "_read")
    heard, answers = talk.received(text(joined(tokens(ROWS[kind])), kind, *following()), now)
    assert (heard.message, heard.is_data, heard.sent_at, answers) == (kind, True, (NOW + 1) / 1000, ())
    assert heard.events


@pytest.mark.parametrize("kind", ROWS)
def test_any_one_field_of_any_kind(kind: str) -> None:
    """Whatever stands in place of one field, both ways say the same of it, and of the frame after it."""
    fields = tokens(ROWS[kind])
    after = text(joined(fields), kind, *following(2))
    for index in range(len(fields)):
        for odd in ODD:
            same(text(joined([*fields[:index], odd, *fields[index + 1 :]]), kind, *following()), after)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("more", [1, 2, 3, 9])
def test_fields_that_nobody_knows(kind: str, more: int) -> None:
    """What the venue appends is read alike, and what is no JSON is found in it too."""
    fields = tokens(ROWS[kind])
    for odd in ODD:
        same(text(joined([*fields, *["null"] * (more - 1), odd]), kind, *following()))


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("skipped", [0, 1, 2])
@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_everyday_frame_ends_the_doubt(kind: str, skipped: int, step: int) -> None:
    """Frames whose numbers say nothing excuse a jump up to the next numbered frame, and none after it."""
    row = joined(tokens(ROWS[kind]))
    silent = [REFUSED] * skipped
    same(*silent, text(row, kind, *following()), text(row, kind, *following(1 + step)))
    same(*silent, text(row, kind, *following(step)), text(row, kind, *following(step + 1)))


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("filler", ["null", "0", "1.5", '"x"', "{}", "[]"])
def test_rows_of_any_length(kind: str, filler: str) -> None:
    """A row cut short anywhere, or longer than known, is read alike."""
    fields = tokens(ROWS[kind])
    for length in range(len(fields) + 4):
        row = joined([*fields, *[filler] * 4][:length])
        same(text(row, kind, *following()), text(f"[{row}]", kind, *following(2)))


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_trailer(kind: str, place: int) -> None:
    """Whatever stands in place of a trailer, gaps are found alike, in this frame and the next."""
    row = joined(tokens(ROWS[kind]))
    for odd in (*ODD, *(str(number + step) for number in (PUBLIC, ACCOUNT, NOW) for step in range(-2, 5))):
        trailers = list(following())
        trailers[place] = odd
        same(text(row, kind, *trailers), text(row, kind, *following(2)))
        same(text(row, kind, *following(1)), text(row, kind, *trailers), text(row, kind, *following(3)))


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize(
    "trailers",
    [
        (),
        ("42",),
        ("42", "8"),
        (str(NOW),),
        ("42", "8", str(NOW), "9"),
        ("42", str(NOW)),
        ("42", "8", str(NOW), "{}"),
    ],
)
def test_any_number_of_trailers(kind: str, trailers: tuple[str, ...]) -> None:
    """Frames with fewer or more trailers are audited alike."""
    row = joined(tokens(ROWS[kind]))
    same(text(row, kind, *trailers), text(row, kind, *following(2)))


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("feed", [None, *SPEC.feeds])
def test_feeds_that_are_not_wanted(kind: str, feed: str | None) -> None:
    """What is not wanted tells nothing either way, and is audited all the same."""
    row = joined(tokens(ROWS[kind]))
    feeds = frozenset(SPEC.feeds) - {feed}
    same(text(row, kind, *following()), text(row, kind, *following(3)), feeds=feeds)


@pytest.mark.parametrize("kind", ROWS)
def test_payloads_that_are_no_row(kind: str) -> None:
    """A payload that is no row, or several, is read alike."""
    row = joined(tokens(ROWS[kind]))
    for payload in (*ODD, f"[{row},{row}]", f"[{row},1]", '{"0":1}'):
        same(text(payload, kind, *following()), text(row, kind, *following(2)))


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame of a hot type, with any number of things wrong with it."""
    if draw(st.integers(0, 9)) == 0:
        return REFUSED
    kind = draw(st.sampled_from(sorted(ROWS)))
    fields = tokens(ROWS[kind])
    number = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)
    plain = st.text(max_size=9).map(json.dumps) | st.text(max_size=9).map(
        lambda s: json.dumps(s, ensure_ascii=False)
    )
    for index in draw(st.lists(st.integers(0, len(fields) - 1), max_size=4)):
        fields[index] = draw(st.sampled_from(ODD) | number | plain)
    length = draw(st.just(len(fields)) | st.integers(0, len(fields) + 3))
    row = joined([*fields, *["null"] * 3][:length])
    step = draw(st.sampled_from((1, 1, 1, 2, 3, 0)))
    frame = text(row, kind, *following(step))
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(frame)))
        junk = draw(
            st.binary(max_size=2) | st.sampled_from((b" ", b"\n", b",", b"]", b"\xff", b"\\", b"null", b"-"))
        )
        frame = frame[:place] + junk + frame[place + draw(st.integers(0, 2)) :]
    return frame


@settings(max_examples=1500, deadline=None)
@given(st.lists(frames(), min_size=1, max_size=3))
@example(
    [
        b'[0,"n",[null,"on-req",null,null,null,null,"SUCCESS","x"],42]',
        *[text("[1.5,2]", "bu", *following(2))] * 2,
    ]
)
@example([b' [0,"bu",[1,2],42,8,1700000000001]', b'[0, "bu",[1,2],43,8,1700000000001]'])
@example([b'[0,"bu",[1,2],42,8,1700000000001]\n', b'[0,"bu",[1,2],43,8,1700000000001]x', b'[0,"bu",'])
@example([b'[17,"bu",[1,2],42,8,1700000000001]', b'["0","bu",[1,2],43,8,1700000000001]'])
def test_any_frames(sequence: list[bytes]) -> None:
    """Whatever frames come one after the other, both ways hear, answer and remember the same."""
    same(*sequence)
