"""BitoPro: the private streams of WebSocket API version 1, and reads of REST API version 3."""

from __future__ import annotations

from functools import partial
from typing import Final

import orjson

from exporter.exchanges.base import Endpoints
from exporter.exchanges.bitopro import messages
from exporter.exchanges.bitopro.auth import REFUSAL_CODES, redact
from exporter.exchanges.bitopro.fields import symbol
from exporter.exchanges.bitopro.protocol import BitoproConversation
from exporter.exchanges.bitopro.rest import READS
from exporter.exchanges.bitopro.rows import WALLET
from exporter.exchanges.spec import ExchangeSpec, StreamSpec

PING_INTERVAL: Final = 20.0
MILLISECONDS: Final = 1e3
Readers = messages.BalanceReader | messages.OrdersReader | messages.TradesReader


def _stream_of(data: bytes) -> str:
    """By its `event`; what has none is laid at the door of the balance."""
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        message = None
    name = message.get("event") if isinstance(message, dict) else None
    if isinstance(name, str):
        return messages.STREAM_OF.get(name, "balance")
    return next((stream for word, stream in messages.STREAM_OF.items() if word.encode() in data), "balance")


def _stream(name: str, path: str, feed: str, reader: type[Readers]) -> StreamSpec:
    return StreamSpec(
        name=name,
        liveness_interval=PING_INTERVAL,
        feeds=(feed,),
        snapshots=reader.snapshots,
        messages=(*reader.messages, messages.ERROR, "other"),
        computed_lifetime=float("inf"),
        converse=partial(BitoproConversation, path, reader),
        lives_by_pings=True,
    )


STREAMS: Final = (
    _stream("balance", "pub/auth/account-balance", "wallets", messages.BalanceReader),
    _stream("orders", "pub/auth/orders", "orders", messages.OrdersReader),
    _stream("trades", "pub/auth/user-trades", "trades", messages.TradesReader),
)

SPEC: Final = ExchangeSpec(
    name="bitopro",
    endpoints=Endpoints(
        stream="wss://stream.bitopro.com:443/ws/v1",
        rest="https://api.bitopro.com/v3",
        public="https://api.bitopro.com/v3",
    ),
    feeds=("wallets", "orders", "trades"),
    needs_identity=True,
    wallets=(WALLET,),
    lists_unheld=True,
    streams={stream.name: stream for stream in STREAMS},
    nonce_scale=MILLISECONDS,
    scopes=(),
    refusal_codes=REFUSAL_CODES,
    notification_subjects=(),
    symbol=symbol,
    reads=READS,
    redact=redact,
    stream_of=_stream_of,
)
