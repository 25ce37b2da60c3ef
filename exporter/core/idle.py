"""Since when money that could be lent lies about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.core.model import Rows, Wallet

WALLET: Final = "funding"
"""The wallet whose money can be lent."""


class IdleClocks:
    """One clock per currency: runs while more than the minimum is available, stops when it is not.

    While the available balance is not known, a clock neither runs on display nor starts afresh: the venue
    leaves it out for seconds after each change.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self.minimums = {}
        self._last: Mapping[str, float] = {}

    @property
    def minimums(self) -> Mapping[str, float]:
        """By currency, the amount above which money is idle."""
        return self._minimums

    @minimums.setter
    def minimums(self, minimums: Mapping[str, float]) -> None:
        self._minimums = minimums
        # Nobody watches the others from now on: should they be asked for again, they start afresh.
        self._since = {currency: at for currency, at in self._since.items() if currency in minimums}
        self.watched = frozenset((WALLET, currency) for currency in minimums)
        """The wallets that are looked at."""
        self.due = True
        """Whether one of them may have changed since the last look."""

    def look(self, wallets: Rows | None, wall: float) -> None:
        """Take note of the wallets as they are now, at Unix second `wall`; None where they are not known."""
        if wallets is None:
            return
        self.due = False
        for currency, minimum in self.minimums.items():
            row = wallets.get((WALLET, currency))
            available = row.available if isinstance(row, Wallet) else 0.0
            if available is None:
                continue
            if available > minimum:
                self._since.setdefault(currency, wall)
            else:
                self._since.pop(currency, None)

    def report(self, wallets: Rows) -> Mapping[str, float]:
        """Unix second since which money is idle, for currencies of which that is known to be so now.

        The same object as in the last report while it tells the same.
        """
        found: dict[str, float] = {}
        for currency, since in self._since.items():
            row = wallets.get((WALLET, currency))
            if currency in self.minimums and isinstance(row, Wallet) and row.available is not None:
                found[currency] = since
        if found != self._last:
            self._last = found
        return self._last
