"""The past as the simulated Bitfinex tells it by REST: trades and the ledger, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from exporter.exchanges.bitfinex.sim_rows import Row, number, trade_row

if TYPE_CHECKING:
    from exporter.demo.records import Entry
    from exporter.exchanges.bitfinex.venue import Key, Venue

MOST_ROWS = 2500
FEW_ROWS = 25
DESCENDING = -1

Parameters = Mapping[str, object]


def trades(venue: Venue, key: Key, parameters: Parameters) -> Sequence[Row]:
    """`auth/r/trades/hist`: the rows of `tu`, the newest first unless asked otherwise."""
    found = [fill for fill in venue.books[key.account].trades if _within(fill.at, parameters)]
    if _whole(parameters, "sort", DESCENDING) == DESCENDING:
        found.reverse()
    return [trade_row(fill, settled=True) for fill in found[: _limit(venue, parameters)]]


def ledger(venue: Venue, key: Key, parameters: Parameters) -> Sequence[Row]:
    """`auth/r/ledgers/hist`: the newest first. Whose line it is stands in a field, or only in the text."""
    lines = reversed(venue.books[key.account].entries)
    found = [entry for entry in lines if _within(entry.at, parameters)]
    return [_entry_row(entry) for entry in found[: _limit(venue, parameters)]]


def _entry_row(entry: Entry) -> Row:
    suffix = f" on wallet {entry.kind}"
    text = entry.note if entry.note.endswith(suffix) else entry.note + suffix
    wallet = entry.kind if entry.id % 2 else None
    amount, balance = number(entry.amount), number(entry.balance)
    return [entry.id, entry.currency, wallet, entry.at, None, amount, balance, None, text]


def _within(at: int, parameters: Parameters) -> bool:
    return _whole(parameters, "start", 0) <= at <= _whole(parameters, "end", at)


def _limit(venue: Venue, parameters: Parameters) -> int:
    return min(_whole(parameters, "limit", FEW_ROWS), venue.faults.rest_page or MOST_ROWS)


def _whole(parameters: Parameters, name: str, default: int) -> int:
    value = parameters.get(name, default)
    return value if isinstance(value, int) else default
