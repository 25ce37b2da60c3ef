"""The project as the bench runs it: the one file here that knows its API."""

from __future__ import annotations

import ssl
import sys
from typing import Final

from benchmarks.consumer import Ask, Meter
from exporter.stream.connection import Connection
from exporter.stream.messages import Text
from exporter.stream.transport import Connector, Limits

LIMITS: Final = Limits(connect_timeout=10.0, max_message_bytes=8 * 2**20)
PATIENCE: Final = 10.0


def connected(ask: Ask) -> Connection:
    """A connection as a session opens it."""
    tls = ssl.create_default_context(cafile=ask.certificate) if ask.certificate else None
    return Connector(limits=LIMITS, tls=tls).connect(ask.url)


def receive(ask: Ask) -> None:
    """Receive messages, and nothing else."""
    link = connected(ask)
    left, size = ask.total, 0
    meter = Meter()
    while left:
        event = link.receive(PATIENCE)
        if type(event) is not Text:
            raise SystemExit(f"expected a message, not {event}")
        size += len(event.data)
        left -= 1
        if ask.digest:
            meter.add(event.data)
    meter.tell(ask.total, size)


def main() -> None:
    """A verb, then what it takes."""
    verb, *rest = sys.argv[1:]
    {"receive": receive}[verb](Ask.read(rest))


if __name__ == "__main__":
    main()
