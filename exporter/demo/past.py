"""What an account's ledger says of the time before the world began: made up, ending at its first books."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.demo.records import ZERO, Entry, money

if TYPE_CHECKING:
    from exporter.demo.books import Profile

DAYS = 60
DAY = 86_400_000
# A wallet's balance changes about as often as this, in milliseconds, and by at most this part of it.
EVERY = 17 * 3_600_000
LARGEST = Decimal("0.03")
RESOLUTION = 2**32


def past(profile: Profile, now: int) -> list[Entry]:
    """Lines of the last `DAYS` days in order of time, one deposit at their beginning for each wallet.

    They depend on the account's name alone and so cost no throw of the world's dice.
    """
    lines: list[tuple[int, str, str, Decimal, Decimal, str]] = []
    for kind, currency, first in profile.wallets:
        balance = Decimal(first)
        if not balance:
            continue
        at, step = now, 0
        while True:
            at -= round(EVERY * (1 + _chance(profile.name, kind, currency, step)))
            if at <= now - DAYS * DAY:
                break
            amount = money(balance * LARGEST * (2 * _chance(currency, kind, profile.name, step) - 1))
            if amount:
                lines.append((at, kind, currency, amount, balance, _note(kind, amount, currency)))
                balance -= amount
            step += 1
        start = now - DAYS * DAY
        lines.append((start, kind, currency, balance, balance, f"Deposit ({currency}) on wallet {kind}"))
    lines.sort(key=lambda line: line[0])
    return [
        Entry(number, kind, currency, at, amount, balance, note)
        for number, (at, kind, currency, amount, balance, note) in enumerate(lines, 1)
    ]


def _note(kind: str, amount: Decimal, currency: str) -> str:
    if kind == "funding" and amount > ZERO:
        return "Margin Funding Payment"
    return f"Exchange {abs(amount)} {currency}"


def _chance(*words: object) -> Decimal:
    """A number from 0 to 1 that looks thrown and is the same each time."""
    digest = hashlib.sha256(repr(words).encode()).digest()
    return Decimal(int.from_bytes(digest[:4], "big")) / RESOLUTION
