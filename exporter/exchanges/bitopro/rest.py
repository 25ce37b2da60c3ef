"""BitoPro's REST reads, version 3: the balance and the open orders, to compare with the streams.

Every path that is ever asked stands in `PATHS` here or in `quotes.PATHS`. There is no other; none writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from exporter.core.events import Snapshot
from exporter.exchanges.base import Endpoints, Login
from exporter.exchanges.bitopro import auth, quotes, rows
from exporter.exchanges.bitopro.fields import rows as rows_of
from exporter.exchanges.bitopro.fields import word
from exporter.exchanges.bitopro.replies import understood
from exporter.exchanges.reads import Ask, Fault, Read, Reads, Reply

PATHS: Final[Mapping[str, str]] = {"wallets": "accounts/balance", "orders": "orders/open"}
"""Endpoint's name, which is that of its table and of the feed that wants it, to the path."""
PER_MINUTE: Final = 300
"""Half of what the venue allows an address: the key may have other users."""


def signed_ask(login: Login, endpoints: Endpoints, path: str) -> Ask:
    """A request signed just now; neither path nor query is part of what is signed."""
    signed = auth.headers(login)
    headers = auth.Credentials({**signed, "Accept": "application/json"})
    return Ask("GET", f"{endpoints.rest.rstrip('/')}/{path}", headers)


def tables(login: Login, endpoints: Endpoints, feeds: frozenset[str]) -> Sequence[Read]:
    """Whole tables, as far as the account's feeds ask for them."""
    understand = {"wallets": _understand_wallets, "orders": _understand_orders}
    return [
        Read(endpoint=name, ask=partial(signed_ask, login, endpoints, path), understand=understand[name])
        for name, path in PATHS.items()
        if name in feeds
    ]


def _understand_wallets(status: int, body: bytes) -> Reply | Fault:
    return understood("wallets", _wallets, status, body)


def _understand_orders(status: int, body: bytes) -> Reply | Fault:
    return understood("orders", _orders, status, body)


def _wallets(data: object) -> Reply:
    """A list of currencies. One that cannot be read spoils it: a part must not pass for the whole."""
    return (Snapshot("wallets", dict(rows.wallet(word(row, "currency"), row) for row in rows_of(data))),)


def _orders(data: object) -> Reply:
    """A list of open orders, of all pairs; one that ended while it was made is none."""
    alive = [row for row in rows_of(data) if rows.order_status(row) not in rows.FINAL]
    return (Snapshot("orders", dict(rows.order(row) for row in alive)),)


READS: Final = Reads(
    endpoints=(*PATHS, *quotes.PATHS),
    public=frozenset(quotes.PATHS),
    tables=tables,
    quotes=quotes.quote_reads,
    value=quotes.value,
    replaces=frozenset(("orders",)),
    anchors=quotes.ANCHORS,
    per_minute=PER_MINUTE,
)
