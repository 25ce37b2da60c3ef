"""Pricing what the wallets of one exchange hold, from its public tickers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.market import MarketState
from exporter.exchanges.reads import QuoteRead, Quotes, Reads
from exporter.rest.asker import Asker


class Valuation:
    """The quotes of one exchange, read when due, and the prices made of them.

    `anchor` gives the price of one of `Reads.anchors` at a monotonic time, from another venue's market.
    """

    def __init__(
        self,
        reads: Reads,
        quotes: Sequence[QuoteRead],
        market: MarketState,
        anchor: Callable[[str, float], float | None],
        interval: float,
    ) -> None:
        self._reads = reads
        self._quote_reads = quotes
        self._market = market
        self._anchor = anchor
        self._interval = interval
        self._quotes: dict[str, tuple[Quotes, Instant]] = {}
        self._due = float("-inf")

    def step(self, clock: Callable[[], Instant], asker: Asker, accounts: Sequence[AccountState]) -> None:
        """Read what is due, and price what the accounts hold now."""
        if clock().monotonic >= self._due:
            self._read(clock, asker)
        # Wallets come and go between two readings of the tickers.
        self._value(clock().monotonic, accounts)

    def _read(self, clock: Callable[[], Instant], asker: Asker) -> None:
        """Read what quotes are due; without the needed ones the old prices stand until they are too old."""
        now = clock().monotonic
        self._due = now + self._interval
        for read in self._quote_reads:
            known = self._quotes.get(read.endpoint)
            if known is not None and now - known[1].monotonic < read.every:
                continue
            found = asker.ask(read.endpoint, read.ask, read.understand)
            if found is not None:
                self._quotes[read.endpoint] = (found, clock())

    def _value(self, now: float, accounts: Sequence[AccountState]) -> None:
        """Set the price of every currency that a wallet holds, from the quotes that were read."""
        needed = [self._quotes.get(read.endpoint) for read in self._quote_reads if read.needed]
        if not needed or None in needed:
            return
        wanted = frozenset(
            str(key[1])
            for account in accounts
            for key in account.report(now).view.tables.get("wallets", {})
            if isinstance(key, tuple)
        )
        quotes = self._merged(now)
        read_at = min(each[1] for each in needed if each is not None)
        self._market.quoted(
            self._reads.value(quotes, wanted | self._reads.always),
            wanted,
            quotes.funding_rates,
            read_at.monotonic,
            read_at.wall,
            marks=self._reads.marks(quotes),
        )

    def _merged(self, now: float) -> Quotes:
        """All quotes in one, with the prices that come from elsewhere."""
        last: dict[str, float] = {}
        aliases: dict[str, str] = {}
        rates: dict[str, float] = {}
        for quotes, _ in self._quotes.values():
            last.update(quotes.last)
            aliases.update(quotes.aliases)
            rates.update(quotes.funding_rates)
        for name in self._reads.anchors:
            anchor = self._anchor(name, now)
            if anchor is not None:
                last[name] = anchor
        return Quotes(last, aliases, rates)
