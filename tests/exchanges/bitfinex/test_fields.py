"""Reading single fields: tolerant of what the venue varies, and never guessing."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exchanges.bitfinex import fields
from exporter.exchanges.bitfinex.fields import UnreadableError

ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=2)),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (-2e-8, -2e-8),
        (12, 12.0),
        ("0.0060000000001", 0.0060000000001),
        ("3.1e-7", 3.1e-7),
        ("-5", -5.0),
        (None, None),
    ],
)
def test_number_takes_decimals_in_every_form(value: object, expected: float | None) -> None:
    """Integers, tiny and negative numbers and decimals as text are numbers; null is not known."""
    assert fields.number([value], 0) == expected


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "-Infinity", "1_000", True, [1], {}, float("inf")])
def test_number_does_not_guess(value: object) -> None:
    """What is no finite decimal is unreadable, not 0 and not unknown."""
    with pytest.raises(UnreadableError) as caught:
        fields.number([value], 0)
    assert caught.value.kind == "number"


def test_number_beyond_the_row_is_not_known() -> None:
    """A field that a short row does not have is not known."""
    assert fields.number([1], 1) is None


@given(ANYTHING)
def test_readers_raise_nothing_but_unreadable(value: object) -> None:
    """Whatever stands in a field, a reader answers or says that it is unreadable."""
    readers = (fields.number, fields.required_number, fields.word, fields.optional_word, fields.identity)
    for reader in (*readers, fields.seconds, fields.scalar):
        with contextlib.suppress(UnreadableError):
            hash(reader([value], 0))
    fields.integer(value)


def test_huge_integer_is_unreadable() -> None:
    """A whole number beyond all decimals is unreadable instead of an error."""
    with pytest.raises(UnreadableError):
        fields.number([10**400], 0)


def test_required_number_must_be_there() -> None:
    """A number without which a row means nothing may not be null."""
    assert fields.required_number(["7"], 0) == 7.0
    with pytest.raises(UnreadableError) as caught:
        fields.required_number([None], 0)
    assert caught.value.kind == "payload"


@pytest.mark.parametrize("value", [None, "", 5, []])
def test_word_must_be_text(value: object) -> None:
    """A text that must be there is neither empty nor anything else."""
    with pytest.raises(UnreadableError):
        fields.word([value], 0)


@pytest.mark.parametrize(("value", "expected"), [("a", "a"), (None, ""), (5, ""), ({}, "")])
def test_optional_word(value: object, expected: str) -> None:
    """A text that may be missing is empty then."""
    assert fields.optional_word([value], 0) == expected


@pytest.mark.parametrize(("value", "readable"), [(501, True), ("x1", True), ("", False), (True, False)])
def test_identity(value: object, readable: bool) -> None:  # noqa: FBT001 - a column of the table above
    """An id is a whole number or a text, and nothing else."""
    if readable:
        assert fields.identity([value], 0) == value
    else:
        with pytest.raises(UnreadableError):
            fields.identity([value], 0)


@pytest.mark.parametrize("value", [None, 0, -1, "2023-11-14", True, [1], "1700000000000"])
def test_time_that_is_none_is_not_known(value: object) -> None:
    """A missing, zero or textual time is not known: it must not become 1970."""
    assert fields.seconds([value], 0) is None


def test_time_is_in_milliseconds() -> None:
    """A time in milliseconds becomes Unix seconds."""
    assert fields.seconds([1700000000123], 0) == 1700000000.123


@pytest.mark.parametrize(
    ("value", "expected"), [(5, 5), ("10100", 10100), ("x", None), (None, None), (True, None), (1.5, None)]
)
def test_integer_in_both_forms(value: object, expected: int | None) -> None:
    """A code is a whole number, also when printed in quotes."""
    assert fields.integer(value) == expected


@pytest.mark.parametrize(
    ("payload", "rows"),
    [
        ([], []),
        ([1, 2], [[1, 2]]),
        ([[1], [2]], [[1], [2]]),
        ([None, 2], [[None, 2]]),
    ],
)
def test_rows_of(payload: object, rows: object) -> None:
    """A payload is no row, one row, or a list of rows: its first element tells."""
    assert fields.rows_of(payload) == rows


@pytest.mark.parametrize("payload", [None, {}, "x", 5, [[1], 2]])
def test_rows_of_anything_else(payload: object) -> None:
    """A payload of another shape is unreadable."""
    with pytest.raises(UnreadableError) as caught:
        fields.rows_of(payload)
    assert caught.value.kind == "payload"


SYMBOLS = [
    ("tBTCUSD", "BTC/USD"),
    ("tDUSK:USD", "DUSK/USD"),
    ("tBTCF0:USTF0", "BTCF0/USTF0"),
    ("tTESTBTC:TESTUSD", "TESTBTC/TESTUSD"),
    ("t1INCH:USD", "1INCH/USD"),
]


@pytest.mark.parametrize(("theirs", "ours"), SYMBOLS)
def test_symbol_there_and_back(theirs: str, ours: str) -> None:
    """The venue's spelling and ours translate into each other."""
    assert fields.symbol(theirs) == ours
    assert fields.venue_symbol(ours) == theirs


@pytest.mark.parametrize(
    ("text", "ours"), [("BTCUSD", "BTC/USD"), ("BTC/USD", "BTC/USD"), ("tODDNAME9", "ODDNAME9")]
)
def test_symbol_of_other_forms(text: str, ours: str) -> None:
    """A symbol without the prefix is understood, ours stays ours, and what follows no form stays as it is."""
    assert fields.symbol(text) == ours


def test_venue_symbol_leaves_the_venues_own_alone() -> None:
    """A name that is the venue's already is not translated."""
    assert fields.venue_symbol("tBTCUSD") == "tBTCUSD"


@pytest.mark.parametrize(("text", "currency"), [("fUSD", "USD"), ("USD", "USD"), ("fUST", "UST"), ("f", "f")])
def test_funding_currency(text: str, currency: str) -> None:
    """A funding symbol gives its currency."""
    assert fields.funding_currency(text) == currency
