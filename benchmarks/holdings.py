"""Accounts that make many series, and the frames that change so many of them.

A third of the series comes from wallets (balance, available and so on, movements by reason), two thirds from
positions and what is counted for their symbols.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from benchmarks.frames import EPOCH_MS, Script

SERIES_PER_WALLET: Final = 24
SERIES_PER_POSITION: Final = 21
SERIES_PER_ACCOUNT: Final = 5_000
"""The default limit of the configuration: more than that takes more accounts."""
OVERHEAD: Final = 220
"""Series of an account that has nothing, about."""
CHANGED_PER_PAIR: Final = 13
"""Series that a frame for a wallet and one for a position change together, about."""
REASONS: Final = (
    "Exchange 1.0 {0} for USD @ 60.343",
    "Transfer of 1.0 {0} from wallet Exchange to Deposit",
    "Deposit (BITCOIN) #614485",
    "Withdrawal #13002753",
    "Trading fees for 0.5 {0} ({0}USD) @ 3771.0 on BFX (0.2%)",
    "Margin Funding Payment",
    "Funding Event {0}F0:USTF0 (0.12)",
    "Settlement @ 3814.4",
    "Something that no table knows",
)
"""A text of the venue for each reason of a movement."""


class Holdings:
    """One account: so many wallets, twice as many positions, and the frames that keep them moving."""

    def __init__(self, seed: int, series: int) -> None:
        pairs = max(1, (series - OVERHEAD) // (SERIES_PER_WALLET + 2 * SERIES_PER_POSITION))
        self._random = random.Random(seed)
        self._script = Script(seed)
        self._coins = [_coin(number) for number in range(pairs)]
        self._symbols = [_coin(number) for number in range(2 * pairs)]
        self._fill = 4_000_000_000
        self._balances = dict.fromkeys(self._coins, 1000.0)

    def login(self) -> list[bytes]:
        """What the exchange says until the account is complete."""
        positions = [self._position(number) for number in range(len(self._symbols))]
        return self._script.login([("exchange", coin) for coin in self._coins], positions)

    def change(self, series: float) -> Iterator[bytes]:
        """Frames that change about so many series."""
        for _ in range(max(1, round(series / CHANGED_PER_PAIR))):
            yield self.wallet(self._random.choice(self._coins))
            yield self._moved(self._random.randrange(len(self._symbols)))

    def change_all(self) -> Iterator[bytes]:
        """Frames that change nearly every series: all reasons of movements, all kinds of executions."""
        for coin in self._coins:
            for text in REASONS:
                for step in (2.5, -1.25):
                    yield self.wallet(coin, step, text)
        for number in range(len(self._symbols)):
            yield self._moved(number)
            yield from self._fills(number)

    def wallet(self, coin: str, step: float = 0.0, text: str = REASONS[0]) -> bytes:
        """A changed balance."""
        self._balances[coin] += step or round(self._random.uniform(0.001, 5.0), 6)
        balance = round(self._balances[coin], 6)
        interest = round(self._random.uniform(0, 1), 6)
        row = ["exchange", coin, balance, interest, round(balance / 2, 6), text.format(coin), None]
        return self._script.said("wu", row)

    def _moved(self, number: int) -> bytes:
        return self._script.said("pu", self._position(number))

    def _fills(self, number: int) -> Iterator[bytes]:
        symbol = f"t{self._symbols[number]}USD"
        for amount in (1.5, -2.5):
            for maker in (1, -1, None):
                self._fill += 1
                at = EPOCH_MS + self._fill
                row = [self._fill, symbol, at, 1, amount, 60.343, "LIMIT", 60.343, maker, -0.01, "USD", 1]
                yield self._script.said("tu", row)

    def _position(self, number: int) -> list[object]:
        some = [round(self._random.uniform(1, 90_000), 6) for _ in range(8)]
        amount, price, cost, gain, percent, liquidation, collateral, least = some
        opened = EPOCH_MS + self._random.randrange(10**9)
        lever = round(self._random.uniform(1, 10), 4)
        symbol = f"t{self._symbols[number]}USD"
        return [
            *(symbol, "ACTIVE", amount, price, cost, 0, gain, percent, liquidation, lever),
            *(None, 3_000_000_000 + number, opened, opened, None, 0, None, collateral, least, None),
        ]


def _coin(number: int) -> str:
    """A code of three letters."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[number // 676 % 26] + letters[number // 26 % 26] + letters[number % 26]


def accounts(series: int) -> list[Holdings]:
    """Accounts that make about so many series together."""
    count = -(-series // SERIES_PER_ACCOUNT)
    return [Holdings(seed, series // count) for seed in range(count)]
