"""The balance push is read straight from bytes, and means to the last digit what the other way says."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.core.clock import Instant
from exporter.core.events import Balances, Heard
from exporter.exchanges.base import Answers, Endpoints, Login, Wanted
from exporter.exchanges.bitopro import SPEC
from exporter.exchanges.bitopro.protocol import BitoproConversation

ENDPOINTS: Final = Endpoints("ws://127.0.0.1:1/v1", "http://127.0.0.1:1", "http://127.0.0.1:1")
MOMENT: Final = Instant(1000.0, 1.7e9)
FIELDS: Final = {
    "currency": '"BTC"',
    "amount": '"0.12345678"',
    "available": '"100"',
    "stake": '"0"',
    "tradable": "true",
}
PUSH: Final = {
    "event": '"ACCOUNT_BALANCE"',
    "eventID": '"7d0c"',
    "timestamp": "1700000000000",
    "datetime": '"2023-11-14T22:13:20.000Z"',
}
ODD: Final = (
    *(
        "null",
        "true",
        "false",
        "0",
        "-0",
        "7",
        "-1",
        "1.5",
        "-0.0",
        "1e3",
        "1e300",
        "1.5e308",
        "1e400",
        "NaN",
    ),
    *("01", "1.", "+1", "9007199254740993", "1" * 400, "9" * 5000, "170000000000", "17000000000000"),
    *("1700000000000.0", "1.7e12", "01700000000000", "0000000000001", "-170000000000", "1700000000000000"),
    *(
        '""',
        '" "',
        '"x"',
        '"-0"',
        '"-0.0"',
        '"7"',
        '" 7 "',
        '"07"',
        '"+7"',
        '".5"',
        '"5."',
        '"1e3"',
        '"1E-7"',
    ),
    *('"1_000"', '"nan"', '"NaN"', '"inf"', '"-Infinity"', '"1e300"', '"1.5e308"', '"1e400"', '"null"'),
    *('"true"', '"0x7"', '"9007199254740993"', '"\\u0031"', '"\\u0663"', '"1700000000000"', '"1.7e12"'),
    *('"0.1234567890123456789012345678901234567890"', f'"{"1" * 400}"', '"é"', '"\\ud800"', '"\t"', '"\xff'),
    *("[]", "{}", '["1"]', '{"a":"1"}', "[" * 1100 + "]" * 1100, '{"a":' * 950 + "1" + "}" * 950),
)
"""What may stand in place of a field: JSON of every kind, texts like numbers, and what is no JSON."""


def conversation(*, quick: bool, begun: bool = True) -> BitoproConversation:
    """A conversation on the stream of balances; a slow one reads every push the general way."""
    login = Login("key", lambda _: "signature", lambda: 1, "somebody")
    wanted = Wanted(ENDPOINTS, frozenset(SPEC.feeds))
    talk = SPEC.streams["balance"].converse(login, wanted)
    assert isinstance(talk, BitoproConversation)
    assert talk._reader.everyday is not None
    if not quick:
        talk._reader.everyday = None
    talk.opened(MOMENT)
    if begun:
        talk.received(text(PUSH, {"TWD": FIELDS}), MOMENT)
    return talk


def text(push: dict[str, str], data: dict[str, dict[str, str]] | str) -> bytes:
    """A push of fields that are JSON already."""
    if not isinstance(data, str):
        data = obj({name: obj(fields) for name, fields in data.items()})
    return obj({**push, "data": data}).encode()


def obj(fields: dict[str, str]) -> str:
    """An object of fields that are JSON already."""
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields.items()) + "}"


def told(heard: Heard, answers: Answers) -> str:
    """What a message meant, so that 1 and 1.0 differ; no balance is below 0 by being -0."""
    return repr((heard, answers)).replace("-0.0,", "0.0,").replace("-0.0)", "0.0)").replace("-0.0]", "0.0]")


def same(*pushes: bytes, begun: bool = True) -> None:
    """Both ways hear the same in each push, answer the same, and remember the same."""
    quick, slow = (conversation(quick=quick, begun=begun) for quick in (True, False))
    for push in pushes:
        assert told(*quick.received(push, MOMENT)) == told(*slow.received(push, MOMENT)), push
        known = [{**vars(talk), "_reader": None, "_login": None} for talk in (quick, slow)]
        assert known[0] == known[1], push


def test_everyday_push_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A push after the first, of the usual form, never reaches the general way."""
    talk = conversation(quick=True)
    monkeypatch.delattr(BitoproConversation, "_read")
    heard, answers = talk.received(text(PUSH, {"BTC": FIELDS}), MOMENT)
    assert heard == Heard(
        "ACCOUNT_BALANCE", True, [Balances([("spot", "BTC")], [0.12345678], [100.0], [0.0])], 1.7e9
    )
    assert answers == ()


def test_first_push_takes_the_long_way() -> None:
    """The first push proves the login and is the whole: it is read alike, readable or not."""
    same(text(PUSH, {"BTC": FIELDS}), text(PUSH, {"TWD": FIELDS}), begun=False)
    same(text(PUSH, {"BTC": {**FIELDS, "amount": '"?"'}}), text(PUSH, {"TWD": FIELDS}), begun=False)


@pytest.mark.parametrize("name", [*FIELDS, "later"])
def test_any_field_of_a_currency(name: str) -> None:
    """Whatever stands in place of one field of a currency, or none, both ways say the same of it."""
    for odd in ODD:
        same(text(PUSH, {"TWD": FIELDS, "BTC": {**FIELDS, name: odd}}), text(PUSH, {"TWD": FIELDS}))
    same(text(PUSH, {"BTC": {field: value for field, value in FIELDS.items() if field != name}}))


@pytest.mark.parametrize("name", [*PUSH, "error", "later"])
def test_any_field_of_a_push(name: str) -> None:
    """Whatever stands in place of one field of the push itself, or none, both ways say the same of it."""
    for odd in ODD:
        same(text({**PUSH, name: odd}, {"BTC": FIELDS}), text(PUSH, {"TWD": FIELDS}))
    same(text({field: value for field, value in PUSH.items() if field != name}, {"BTC": FIELDS}))


def test_any_data() -> None:
    """Data that is no object of objects is read alike."""
    for odd in ODD:
        same(text(PUSH, odd), text(PUSH, f'{{"BTC":{odd}}}'))


@pytest.mark.parametrize(
    "names", [["btc"], ["BTC", "btc"], ["btc", "BTC"], ["Btc", "TWD"], [""], ["ß"], ["X" * 99]]
)
def test_any_names(names: list[str]) -> None:
    """A currency is one, however it is spelled; the last word on it counts."""
    fields = [{**FIELDS, "amount": f'"{number}"'} for number in range(len(names))]
    same(*[text(PUSH, dict(zip(names, fields, strict=True)))] * 2)


@st.composite
def pushes(draw: st.DrawFn) -> bytes:
    """A balance push with any number of things wrong with it."""
    number = st.floats().map(lambda value: f'"{value!r}"') | st.decimals(places=8).map(
        lambda value: f'"{value}"'
    )
    plain = st.text(max_size=9).map(json.dumps) | st.integers().map(str)
    values: dict[str, Any] = dict.fromkeys(FIELDS, st.sampled_from(ODD) | number | plain)
    data = {}
    for name in draw(
        st.lists(st.sampled_from(("BTC", "TWD", "usdt", "USDT")) | st.text(max_size=3), max_size=4)
    ):
        wrong = draw(st.fixed_dictionaries({}, optional=values))
        data[name] = {**FIELDS, **wrong} if draw(st.booleans()) else {**FIELDS, "amount": draw(number)}
    push = text(PUSH, data)
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(push)))
        junk = draw(
            st.binary(max_size=2) | st.sampled_from((b" ", b"\n", b",", b"}", b"\xff", b"\\", b"-", b"0"))
        )
        push = push[:place] + junk + push[place + draw(st.integers(0, 2)) :]
    return push


@settings(max_examples=600, deadline=None)
@given(st.lists(pushes(), min_size=1, max_size=3), st.booleans())
@example([text(PUSH, {"BTC": FIELDS}) + b"\n", b" " + text(PUSH, {"BTC": FIELDS}), b"", b"[]"], True)
def test_any_pushes(sequence: list[bytes], begun: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever pushes come one after the other, both ways hear, answer and remember the same."""
    same(*sequence, begun=begun)
