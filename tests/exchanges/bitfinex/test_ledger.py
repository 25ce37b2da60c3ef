"""Texts of the venue's ledger, and what they say of a change of a balance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.events import REASONS
from exporter.exchanges.bitfinex.ledger import LONGEST, PATTERN, TABLE, reason

TEXTS = [
    ("trade", "Exchange 0.136 AAVE for USD @ 60.343 on wallet exchange"),
    ("trade", "Exchange 1.5 ETH for USD @ 2000.1"),
    ("trade", "Exchange 3.1e-7 BTC for USD @ 60000.0 on wallet exchange"),
    ("trade", "Position closed @ 1.0947 (TRADE) on wallet margin"),
    ("trade", "Position modified on wallet margin"),
    ("trade", "Position claimed BTCUSD @ 8000.5 on wallet margin"),
    ("trade", "Position #139308995 claimed @ 3771.0 (fee: 0.01 BTC) on wallet margin"),
    ("trade", "Position #139308995 liquidated on wallet margin"),
    ("trade", "Position PL @ 1.0947 settlement (trade) on wallet margin"),
    ("fee", "Trading fees for 0.006 BTC (BTCUSD) @ 3982.2 on BFX (0.2%) on wallet margin"),
    ("fee", "Trading rebate for 1.0 BTC (BTCF0:USTF0) @ 9000.0 on BFX (0.02%) on wallet margin"),
    ("fee", "Claiming fee for Position claimed BTCUSD @ 8000.5 on wallet margin"),
    ("fee", "Crypto Withdrawal fee on wallet exchange"),
    ("fee", "Canceled withdrawal fee #2111748 on wallet exchange"),
    ("fee", "Bitcoin Withdrawal Express Fee on wallet exchange"),
    ("fee", "Deposit Fee (WIRE) 614485 on wallet exchange"),
    ("fee", "Hidden order fee for 0.1 BTC on wallet exchange"),
    ("transfer", "Transfer of 184.3 USD from wallet Exchange to Deposit on wallet funding"),
    (
        "transfer",
        "Transfer of 5.0 UST from wallet Exchange to Exchange SA(withdrawal fee->b) on wallet exchange",
    ),
    ("transfer", "Position #168174072 transfer on wallet margin"),
    ("funding", "Position #168174072 funding cost on wallet margin"),
    ("funding", "Position funding cost on wallet trading"),
    ("funding", "Position #168174072 swap on wallet margin"),
    ("funding", "Funding Event BTCF0:USTF0 (0.00012) on wallet margin"),
    ("funding", "Margin Funding Charge on wallet margin"),
    ("funding", "Used Margin Funding Charge on wallet margin"),
    ("funding", "Unused Margin Funding Fee Loan #123 on wallet trading"),
    ("funding", "Interest Charge on wallet margin"),
    ("interest", "Margin Funding Payment on wallet funding"),
    ("interest", "Margin Funding Payment (adj 0.5) on wallet deposit"),
    ("interest", "Interest Payment on wallet deposit"),
    ("settlement", "Settlement @ 3814.4 on wallet margin"),
    ("deposit", "Deposit (BITCOIN) #614485 on wallet exchange"),
    ("deposit", "Deposit on wallet exchange"),
    ("withdrawal", "Bitcoin Withdrawal #2111748 on wallet Exchange"),
    ("withdrawal", "Wire Transfer Withdrawal #13002753 on wallet funding"),
    ("withdrawal", "Tether(USDt) Withdrawal #13002754 on wallet exchange"),
    ("withdrawal", "Canceled withdrawal request #2111748 on wallet exchange"),
    ("other", "Earned fees from user 4711 on wallet exchange"),
    ("other", "Affiliate Rebate (lev:1,rebate:18.0%) on wallet exchange"),
    ("other", "Staking Reward on wallet exchange"),
    ("other", "Adjustment #12 on wallet exchange"),
    ("other", "OMG airdrop on wallet exchange"),
    ("other", "a text of the future"),
]


@pytest.mark.parametrize(("expected", "text"), TEXTS)
def test_a_text_says_why(expected: str, text: str) -> None:
    """Each text has its reason, whatever its capitals, with or without the wallet at its end."""
    assert reason(text, None) == reason(text.upper(), None) == expected
    assert reason(text.partition(" on wallet")[0], None) == expected or text == "Deposit on wallet exchange"


def test_every_line_of_the_table_decides_a_text() -> None:
    """No line is dead: for each there is a text above that it is the first to match."""
    found = (PATTERN.match(text.lower()) for _, text in TEXTS)
    assert {match.lastindex for match in found if match} == set(range(1, len(TABLE) + 1))


def test_the_lines_of_the_table_capture_nothing() -> None:
    """A group in a line would shift the numbers by which the lines are told apart."""
    assert PATTERN.groups == len(TABLE)


def test_the_text_goes_before_the_object() -> None:
    """A fee is told with the object of its trade, and is a fee all the same."""
    assert reason("Trading fees for 0.006 BTC (BTCUSD) @ 3982.2 on BFX (0.2%)", {"reason": "TRADE"}) == "fee"


@pytest.mark.parametrize("meta", [{"reason": "TRADE", "order_id": 5}, '{"reason":"TRADE"}'])
def test_the_object_speaks_where_the_text_does_not(meta: object) -> None:
    """The object's reason counts for a text that is not known, also when it was written as JSON in a text."""
    assert reason("", meta) == reason("a text of the future", meta) == "trade"


@pytest.mark.parametrize(
    "meta", [None, {}, {"reason": None}, {"reason": ["TRADE"]}, {"reason": "LATER"}, [], "", "{", "5", 7]
)
def test_silence_is_other(meta: object) -> None:
    """Without a text, and with any object but a known one, nothing is guessed."""
    assert reason("", meta) == "other"


@given(st.text(max_size=3 * LONGEST), st.none() | st.text() | st.dictionaries(st.text(), st.text()))
def test_any_text_has_one_reason_of_the_set(text: str, meta: object) -> None:
    """Whatever the venue writes is read without failing, and as one of the reasons."""
    assert reason(text, meta) in REASONS
