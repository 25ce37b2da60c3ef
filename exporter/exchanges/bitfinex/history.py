"""Bitfinex's past by REST: executions since a moment, and the ledger behind every balance.

Both are asked in pages of as many rows as the venue gives. A page says nothing of whether another follows:
who reads goes on until one brings nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

import orjson

from exporter.core.events import Fill
from exporter.core.past import Entry
from exporter.exchanges.base import Endpoints, Login
from exporter.exchanges.bitfinex import auth, rows
from exporter.exchanges.bitfinex.fields import (
    MILLIS,
    UnreadableError,
    identity,
    optional_word,
    required_number,
    seconds,
    word,
)
from exporter.exchanges.bitfinex.replies import understood
from exporter.exchanges.reads import Fault, FillRead, LedgerRead

FILLS: Final = "fills"
LEDGER: Final = "ledger"
MOST_ROWS: Final = 2500
ASCENDING: Final = 1
LEDGER_YEARS: Final = 6
"""So far back the ledger reaches, as the venue documents it."""
OLD_NAMES: Final[dict[str, str]] = {"trading": "margin", "deposit": "funding"}
"""What wallets were called in older descriptions."""
_WALLET: Final = re.compile(r" on wallet (\w+)\s*$", re.IGNORECASE)


def fills(path: str, login: Login, endpoints: Endpoints, since: float) -> FillRead:
    """Executions from a Unix second on, the oldest first; their ids are those of `te` and `tu`."""
    body = orjson.dumps({"start": _millis(since), "limit": MOST_ROWS, "sort": ASCENDING})
    return FillRead(FILLS, partial(auth.signed_ask, login, endpoints, path, body), _understand_fills)


def ledger(path: str, login: Login, endpoints: Endpoints, start: float, end: float) -> LedgerRead:
    """Lines of the ledger of all currencies between two Unix seconds, the newest first."""
    body = orjson.dumps({"start": _millis(start), "end": _millis(end), "limit": MOST_ROWS})
    return LedgerRead(LEDGER, partial(auth.signed_ask, login, endpoints, path, body), _understand_ledger)


def _millis(second: float) -> int:
    """To the nearest, so that a moment of the venue's comes back to it as it was."""
    return max(0, round(second * MILLIS))


def _understand_fills(status: int, body: bytes) -> Sequence[Fill] | Fault:
    return understood(FILLS, _fills, status, body)


def _understand_ledger(status: int, body: bytes) -> Sequence[Entry] | Fault:
    return understood(LEDGER, _entries, status, body)


def _fills(said: list[object]) -> Sequence[Fill]:
    """Rows as those of `tu`. One that cannot be read spoils the page: it would be missed for good."""
    return [rows.fill(row, final=True) for row in rows.strictly(said)]


def _entries(said: list[object]) -> Sequence[Entry]:
    return [_entry(row) for row in rows.strictly(said)]


def _entry(row: rows.Fields) -> Entry:
    """0 id, 1 currency, 2 wallet (null: see 8), 3 time, 5 amount, 6 balance after it, 8 description."""
    at = seconds(row, 3)
    if at is None:
        raise UnreadableError("payload")
    return Entry(
        id=identity(row, 0),
        wallet=_wallet(optional_word(row, 2), optional_word(row, 8)),
        currency=word(row, 1),
        at=at,
        amount=required_number(row, 5),
        balance=required_number(row, 6),
    )


def _wallet(named: str, description: str) -> str:
    """A transfer names three wallets in its description: the last one is whose line it is."""
    found = _WALLET.search(description)
    name = (named or (found[1] if found else "")).lower()
    return OLD_NAMES.get(name, name)
