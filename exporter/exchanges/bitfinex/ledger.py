"""Bitfinex's ledger texts as reasons for a change of a balance.

Each `wu` carries the text of the wallet's last ledger entry and, for trades, an object with a reason. The
texts are plain English without a code; what none of the lines below knows is told as `other`.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from exporter.core.events import Reason

LONGEST: Final = 200
"""Characters of a text that are looked at; real ones have about 80."""
AMOUNT: Final = r"[0-9.,e+-]+"

# The first line that matches from the start of a text in lower case decides. Beside them are texts as the
# venue writes them, all followed by " on wallet exchange" or the like. The line of the text that comes most
# stands first: no other matches the same. Groups must not capture.
TABLE: Final[tuple[tuple[Reason, str], ...]] = (
    ("trade", rf"exchange {AMOUNT} \S+ for \S+ @ "),  # Exchange 0.136 AAVE for USD @ 60.343
    # The only text with a word of a user's: the name of a sub-account.
    ("transfer", r"transfer of "),  # Transfer of 184.3 USD from wallet Exchange to Deposit
    ("fee", r"trading (?:fees?|rebate) for "),  # Trading fees for 0.5 BTC (BTCUSD) @ 3771.0 on BFX (0.2%)
    ("fee", r"hidden order fee|otc trade fee|swap fee|claiming fee|miner fee|ethfx loyalty fee"),
    ("fee", r"deposit fee"),  # Deposit Fee (BITCOIN) 614485
    ("fee", r"(?:[\w ().-]+ )?withdrawal (?:express )?fee"),  # Crypto Withdrawal fee
    ("trade", r"position (?:modified|closed?|liquidated|claimed)\b"),  # Position closed @ 1.0947 (TRADE)
    ("trade", r"position #\d+ (?:close|liquidate|claim)"),  # Position #139308995 claimed @ 3771.0
    ("trade", rf"position pl @ ?{AMOUNT} settlement \(trade\)"),
    ("transfer", r"position #\d+ transfer"),
    ("funding", r"position (?:#\d+ )?(?:funding cost|swap)"),  # Position #168174072 funding cost
    ("funding", r"funding event "),  # Funding Event BTCF0:USTF0 (0.12)
    ("funding", r"(?:used |unused )?margin funding (?:charge|fee)"),  # Unused Margin Funding Fee Loan #123
    ("funding", r"interest charge"),
    ("interest", r"(?:margin funding|interest|swap) payment"),  # Margin Funding Payment
    ("settlement", r"settlement\b"),  # Settlement @ 3814.4
    ("deposit", r"deposit (?:\(|on wallet\b)"),  # Deposit (BITCOIN) #614485
    ("withdrawal", r"canceled withdrawal\b"),  # Canceled withdrawal request #2111748
    ("withdrawal", r"(?:[\w ().-]+ )?withdrawal (?:\(\w+\) )?#"),  # Wire Transfer Withdrawal #13002753
)
PATTERN: Final = re.compile("|".join(f"({pattern})" for _, pattern in TABLE))
REASONS_BY_LINE: Final[dict[int | None, Reason]] = {line: why for line, (why, _) in enumerate(TABLE, 1)}
FEES: Final = "Trading fees for "
"""How the text of every second trade begins: no line of the table but that of the fees matches it."""
META_REASONS: Final[dict[object, Reason]] = {"TRADE": "trade"}


def reason(text: str, meta: object) -> Reason:
    """Why a balance changed, by the text of the ledger entry, else by its object.

    Without either it is `other`: the venue repeats a wallet without its text when it answers a question.
    """
    if text.startswith(FEES):
        return "fee"
    found = PATTERN.match(text[:LONGEST].lower())
    if found is not None:
        return REASONS_BY_LINE[found.lastindex]
    if isinstance(meta, str):
        try:
            meta = orjson.loads(meta)
        except orjson.JSONDecodeError:
            return "other"
    word = meta.get("reason") if isinstance(meta, dict) else None
    return META_REASONS.get(word, "other") if isinstance(word, str) else "other"
