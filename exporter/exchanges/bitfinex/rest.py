"""Bitfinex's REST reads, version 2: the account's tables, the key's scopes, the platform's status.

Every path that is ever asked stands in `PATHS` here or in `quotes.PATHS`. There is no other; none writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from exporter.core.events import Permitted, Platform, Snapshot, Upsert
from exporter.core.model import ONLY, Key, Row, Table
from exporter.exchanges.base import Endpoints, Login
from exporter.exchanges.bitfinex import auth, history, quotes, rows
from exporter.exchanges.bitfinex.auth import signed_ask
from exporter.exchanges.bitfinex.fields import UnreadableError, at, word
from exporter.exchanges.bitfinex.replies import understood
from exporter.exchanges.reads import Fault, Read, Reads, Reply

MARGIN: Final = "margin"
PERMISSIONS: Final = "permissions"
PLATFORM: Final = "platform"
PATHS: Final[Mapping[str, str]] = {
    "wallets": "auth/r/wallets",
    "positions": "auth/r/positions",
    "orders": "auth/r/orders",
    "offers": "auth/r/funding/offers",
    "credits": "auth/r/funding/credits",
    "loans": "auth/r/funding/loans",
    MARGIN: "auth/r/info/margin/base",
    PERMISSIONS: "auth/r/permissions",
    history.FILLS: "auth/r/trades/hist",
    history.LEDGER: "auth/r/ledgers/hist",
    PLATFORM: "platform/status",
}
"""Endpoint's name to the path below `/v2/`."""
PER_MINUTE: Final = 40
"""The venue counts per address and endpoint and allows 45 on most: safe even if all ask for the same."""


class TableSource(NamedTuple):
    """Where a table comes from: the word of the configuration's `streams` that wants it, and its reader."""

    feed: str
    read: Callable[[rows.Fields], tuple[Key, Row]]


SOURCES: Final[Mapping[Table, TableSource]] = {
    "wallets": TableSource("wallets", rows.wallet),
    "positions": TableSource("positions", rows.position),
    "orders": TableSource("orders", rows.order),
    "offers": TableSource("funding", rows.offer),
    "credits": TableSource("funding", partial(rows.contract, state="used")),
    "loans": TableSource("funding", partial(rows.contract, state="unused")),
}


def tables(login: Login, endpoints: Endpoints, feeds: frozenset[str]) -> Sequence[Read]:
    """Whole tables, as the stream's snapshots bring them, and the margin of the account."""
    found = [
        Read(
            endpoint=table,
            ask=partial(signed_ask, login, endpoints, PATHS[table]),
            understand=partial(_understand_table, table),
        )
        for table, source in SOURCES.items()
        if source.feed in feeds
    ]
    if MARGIN in feeds:
        found.append(Read(MARGIN, partial(signed_ask, login, endpoints, PATHS[MARGIN]), _understand_margin))
    return found


def permissions(login: Login, endpoints: Endpoints) -> Read:
    """What the key may do, for when the login did not say so in a form that can be read."""
    return Read(
        PERMISSIONS, partial(signed_ask, login, endpoints, PATHS[PERMISSIONS]), _understand_permissions
    )


def platform(endpoints: Endpoints) -> Read:
    """Whether the venue works: the arbiter of maintenance, and it needs no key."""
    return Read(
        PLATFORM, partial(quotes.public_ask, endpoints, PATHS[PLATFORM]), _understand_platform, signed=False
    )


def _understand_table(table: Table, status: int, body: bytes) -> Reply | Fault:
    return understood(table, partial(_snapshot, table), status, body)


def _understand_margin(status: int, body: bytes) -> Reply | Fault:
    return understood(MARGIN, _margin, status, body)


def _understand_permissions(status: int, body: bytes) -> Reply | Fault:
    return understood(PERMISSIONS, _permitted, status, body)


def _understand_platform(status: int, body: bytes) -> Reply | Fault:
    return understood(PLATFORM, _operative, status, body)


def _snapshot(table: Table, said: list[object]) -> Reply:
    """A list of rows. One that cannot be read spoils the table: a part must not pass for the whole."""
    return (Snapshot(table, dict(SOURCES[table].read(row) for row in rows.strictly(said))),)


def _margin(said: list[object]) -> Reply:
    """`["base", [..]]`, as `miu` on the stream."""
    values = at(said, 1)
    if at(said, 0) != "base" or not isinstance(values, list):
        raise UnreadableError("payload")
    return (Upsert("margin", ONLY, rows.margin(values)),)


def _permitted(said: list[object]) -> Reply:
    """A list of `[SCOPE, READ, WRITE]`."""
    granted: dict[tuple[str, str], bool] = {}
    for row in rows.strictly(said):
        flags = dict(zip(auth.ACCESSES, row[1:3], strict=False))
        told = auth.permissions({word(row, 0): flags})
        if told is None:
            raise UnreadableError("payload")
        for what, yes in told.items():
            # Scopes that we have no name for share one: it may do what any of them may.
            granted[what] = yes or granted.get(what, False)
    if not granted:
        raise UnreadableError("payload")
    return (Permitted(granted),)


def _operative(said: list[object]) -> Reply:
    """`[1]` when it works, `[0]` in maintenance."""
    status = said[0] if said else None
    if isinstance(status, bool) or status not in (0, 1):
        raise UnreadableError("payload")
    return (Platform(status == 1),)


READS: Final = Reads(
    # The ledger is asked by a command of its own, not while serving.
    endpoints=(*(name for name in PATHS if name != history.LEDGER), *quotes.PATHS),
    public=frozenset((PLATFORM, *quotes.PATHS)),
    tables=tables,
    quotes=quotes.quote_reads,
    value=quotes.value,
    marks=quotes.marks,
    permissions=permissions,
    too_powerful=auth.too_powerful,
    platform=platform,
    fills=partial(history.fills, PATHS[history.FILLS]),
    ledger=partial(history.ledger, PATHS[history.LEDGER]),
    ledger_years=history.LEDGER_YEARS,
    always=frozenset((quotes.TETHER,)),
    per_minute=PER_MINUTE,
)
