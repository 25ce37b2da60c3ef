"""`websockets`, its asyncio client."""

from __future__ import annotations

import asyncio
import ssl
import sys

from websockets.asyncio.client import connect

from benchmarks.consumer import Ask, Meter


async def receive(ask: Ask) -> None:
    """Receive all that is asked for."""
    tls = ssl.create_default_context(cafile=ask.certificate) if ask.certificate else None
    async with connect(ask.url, compression=None, ssl=tls) as link:
        meter = Meter()
        size = 0
        for _ in range(ask.total):
            message = await link.recv()
            size += len(message)
            if ask.digest:
                meter.add(message)
        meter.tell(ask.total, size)
        link.transport.abort()


asyncio.run(receive(Ask.read(sys.argv[1:])))
