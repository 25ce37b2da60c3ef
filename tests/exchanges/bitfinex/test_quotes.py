"""Prices from Bitfinex's tickers: what is read, and what a currency is worth by it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exchanges.base import Endpoints
from exporter.exchanges.bitfinex.quotes import marks, quote_reads, value
from exporter.exchanges.reads import Fault, QuoteRead, Quotes

HOSTS = Endpoints("wss://stream.example", "https://rest.example", "https://public.example/")
TICKERS, CONF = quote_reads(HOSTS)


def trading(symbol: str, last: Any) -> list[Any]:
    """A trading ticker of eleven fields."""
    return [symbol, 1, 2, 3, 4, 5, 6, last, 8, 9, 10]


def read(source: QuoteRead, said: object, status: int = 200) -> Quotes | Fault:
    """What a reply means."""
    return source.understand(status, json.dumps(said).encode())


def quotes(source: QuoteRead, said: object) -> Quotes:
    """What a good reply means."""
    found = read(source, said)
    assert isinstance(found, Quotes)
    return found


def test_all_tickers_are_asked_for_in_one_public_request() -> None:
    """Tickers and the map of derivatives are plain requests to the public host that name no currency held."""
    ask = TICKERS.ask()
    assert (ask.method, ask.url) == ("GET", "https://public.example/v2/tickers?symbols=ALL")
    assert ask.headers == {"Accept": "application/json"}
    assert CONF.ask().url == "https://public.example/v2/conf/pub:map:currency:undl"
    assert (TICKERS.endpoint, CONF.endpoint, CONF.every) == ("tickers", "conf", 3600.0)


def test_tickers_give_last_prices_and_funding_rates() -> None:
    """Trading rows are read at 7, funding rows at 1; longer rows are read alike."""
    funding = ["fUSD", 0.00031, 0.0003, 2, 100, 0.0004, 30, 100, 0, 0, 0.9, 1, 2, 3, None, None, 5]
    found = quotes(TICKERS, [trading("tBTCUSD", 61000), [*trading("tDUSK:USD", "0.21"), "more"], funding])
    assert found.last == {"tBTCUSD": 61000.0, "tDUSK:USD": 0.21}
    assert found.funding_rates == {"USD": 0.00031}


def test_last_prices_by_our_symbols() -> None:
    """Every readable price has its symbol as positions have it, derivatives included."""
    rows = [trading("tBTCUSD", 61000), trading("tDUSK:USD", 0.2), trading("tBTCF0:USTF0", 61010)]
    found = marks(quotes(TICKERS, [*rows, trading("tETHUSD", None)]))
    assert found == {"BTC/USD": 61000.0, "DUSK/USD": 0.2, "BTCF0/USTF0": 61010.0}


@pytest.mark.parametrize("last", [None, 0, -1, "", "soon", True, [], {}, "inf", "nan"])
def test_a_price_that_cannot_be_one_is_left_out(last: object) -> None:
    """Null, zero, negative and unreadable prices cost their own symbol only."""
    found = quotes(TICKERS, [trading("tETHUSD", last), trading("tBTCUSD", 61000)])
    assert found.last == {"tBTCUSD": 61000.0}


def test_rows_that_are_none_cost_nothing_else() -> None:
    """Rows that are short, strange or no rows at all are passed over; a rate of 0 is a rate."""
    rows = [
        [],
        ["tETHUSD"],
        "row",
        None,
        [5, 6],
        ["xABC", *range(9)],
        ["fUSD", 0],
        ["fUST", -1],
        ["fBTC", None],
    ]
    found = quotes(TICKERS, [*rows, trading("tBTCUSD", 61000)])
    assert found == Quotes({"tBTCUSD": 61000.0}, {}, {"USD": 0.0})


@pytest.mark.parametrize("said", [[], [[]], {}, None, 5, [["fUSD", 0.1]], [trading("tBTCUSD", None)]])
def test_a_reply_without_a_price_is_no_answer(said: object) -> None:
    """Nothing priced means that the reply is not what is documented, so that known prices stay."""
    found = read(TICKERS, said)
    assert isinstance(found, Fault)
    assert found.reason == "unreadable"


def test_derivative_codes_are_aliases_of_their_coin() -> None:
    """The map comes as one list inside a list; an empty map is one."""
    assert quotes(CONF, [[["USTF0", "UST"], ["BTCF0", "BTC"]]]).aliases == {"USTF0": "UST", "BTCF0": "BTC"}
    assert quotes(CONF, [[]]) == Quotes({}, {}, {})


@pytest.mark.parametrize("said", [[], [["USTF0", "UST"]], [[["USTF0"]]], [[[1, 2]]], [[], []], [{}], {}])
def test_a_map_of_another_shape_is_no_answer(said: object) -> None:
    """What does not look like one map is not guessed at."""
    found = read(CONF, said)
    assert isinstance(found, Fault)
    assert found.sentence.startswith("reading conf failed: the reply cannot be read: ")


@pytest.mark.parametrize("source", [TICKERS, CONF])
def test_errors_are_faults(source: QuoteRead) -> None:
    """A rate limit is told apart from what cannot be read."""
    found = read(source, {"error": "ERR_RATE_LIMIT"}, 429)
    assert isinstance(found, Fault)
    assert found.reason == "rate_limit"


WORTH = Quotes(
    last={
        "tBTCUSD": 60000.0,
        "tUSTUSD": 0.998,
        "tDUSK:USD": 0.2,
        "tXAUT:UST": 2000.0,
        "tABCUST": 5.0,
        "tABCBTC": 7.0,
        "tOLDBTC": 0.001,
        "tTESTBTC:TESTUSD": 61000.0,
        "tTESTX:USD": 3.0,
        "tBTCF0:USTF0": 61010.0,
    },
    aliases={"USTF0": "UST", "BTCF0": "BTC", "USDF0": "USD", "TESTUSDTF0": "TESTUSDT", "PAPF0": "TESTX"},
)


@pytest.mark.parametrize(
    ("currency", "dollars"),
    [
        ("USD", 1.0),
        ("USDF0", 1.0),
        ("BTC", 60000.0),
        ("UST", 0.998),
        ("USTF0", 0.998),
        ("BTCF0", 60000.0),
        ("DUSK", 0.2),
        ("XAUT", 2000.0 * 0.998),
        ("ABC", 5.0 * 0.998),
        ("OLD", 60.0),
    ],
)
def test_a_currency_is_worth_its_dollar_pair_or_the_way_through_another(
    currency: str, dollars: float
) -> None:
    """Dollars first, then Tether at its own price, then Bitcoin; derivative codes as their coin."""
    assert value(WORTH, frozenset((currency,))) == {currency: pytest.approx(dollars)}


def test_what_has_no_honest_price_is_left_out() -> None:
    """Unknown currencies and paper money are absent, never 0, whatever pairs may exist."""
    unpriced = frozenset(("LTC", "TESTBTC", "TESTUSD", "TESTUSDTF0", "TESTX", "PAPF0", "", "ETHF0"))
    assert value(WORTH, unpriced | {"USD"}) == {"USD": 1.0}


def test_tether_is_never_taken_to_be_a_dollar() -> None:
    """Without a price of Tether nothing is valued through it, and Bitcoin's way is tried instead."""
    without = Quotes({"tABCUST": 5.0, "tABCBTC": 0.5, "tBTCUSD": 100.0, "tXYZUST": 3.0})
    assert value(without, frozenset(("UST", "ABC", "XYZ"))) == {"ABC": 50.0}


def test_a_price_that_overflows_is_left_out() -> None:
    """Products beyond what a number can hold are no prices."""
    wild = Quotes(
        {"tBIGUST": 1e308, "tUSTUSD": 10.0, "tWEEUST": 5e-324, "tNANUSD": math.nan, "tINFUSD": math.inf}
    )
    assert value(wild, frozenset(("BIG", "NAN", "INF"))) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=30,
)
ROW = st.tuples(st.sampled_from(("tBTCUSD", "tETHUSD", "fUSD", "USTF0")), st.lists(JSON, max_size=12)).map(
    lambda parts: [parts[0], *parts[1]]
)


@given(
    said=JSON | st.lists(ROW, max_size=6),
    status=st.sampled_from((200, 429, 500)),
    currency=st.text(max_size=6),
)
def test_no_reply_raises_or_prices_anything_unsound(said: object, status: int, currency: str) -> None:
    """Whatever the venue says, there is a fault or only positive finite prices."""
    for source in (TICKERS, CONF):
        found = read(source, said, status)
        if isinstance(found, Quotes):
            prices = {**found.last, **value(found, frozenset((currency, "BTC", "ETH", "UST", "USTF0")))}
            assert all(0 < price < math.inf for price in prices.values())
