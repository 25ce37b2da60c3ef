"""Bitfinex: the authenticated account channel of WebSocket API version 2."""

from __future__ import annotations

from typing import Final

from exporter.core.events import REASONS
from exporter.core.model import SNAPSHOT_TABLES
from exporter.exchanges.base import Endpoints
from exporter.exchanges.bitfinex.auth import REFUSAL_CODES, SCOPES, redact
from exporter.exchanges.bitfinex.fields import symbol
from exporter.exchanges.bitfinex.messages import MESSAGES, NOTIFICATION_SUBJECTS
from exporter.exchanges.bitfinex.protocol import BitfinexConversation
from exporter.exchanges.bitfinex.rest import READS
from exporter.exchanges.spec import ExchangeSpec, StreamSpec

FEEDS: Final = (
    *("wallets", "orders", "positions", "margin"),
    *("balance", "funding", "trades", "notifications"),
)
HEARTBEAT_INTERVAL: Final = 15.0
MICROSECONDS: Final = 1e6
COMPUTED_LIFETIME: Final = 300.0
"""Five of the slowest refreshes of the `calc` plan."""


def _only_stream(_data: bytes) -> str:
    return "account"


SPEC: Final = ExchangeSpec(
    name="bitfinex",
    endpoints=Endpoints(
        stream="wss://api.bitfinex.com/ws/2",
        rest="https://api.bitfinex.com",
        public="https://api-pub.bitfinex.com",
    ),
    feeds=FEEDS,
    needs_identity=False,
    wallets=("exchange", "margin", "funding"),
    lists_unheld=False,
    reasons=REASONS,
    streams={
        "account": StreamSpec(
            name="account",
            liveness_interval=HEARTBEAT_INTERVAL,
            feeds=FEEDS,
            snapshots=SNAPSHOT_TABLES,
            messages=MESSAGES,
            computed_lifetime=COMPUTED_LIFETIME,
            converse=BitfinexConversation,
        )
    },
    nonce_scale=MICROSECONDS,
    scopes=SCOPES,
    refusal_codes=REFUSAL_CODES,
    notification_subjects=NOTIFICATION_SUBJECTS,
    symbol=symbol,
    reads=READS,
    redact=redact,
    stream_of=_only_stream,
)
