"""aiohttp's WebSocket client."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys

import aiohttp

from benchmarks.consumer import Ask, Meter


async def receive(ask: Ask) -> None:
    """Receive all that is asked for."""
    tls = ssl.create_default_context(cafile=ask.certificate) if ask.certificate else True
    async with aiohttp.ClientSession() as session, session.ws_connect(ask.url, ssl=tls) as link:
        meter = Meter()
        size = 0
        for _ in range(ask.total):
            message = (await link.receive()).data
            size += len(message)
            if ask.digest:
                meter.add(message)
        meter.tell(ask.total, size)
        # Its close would wait for an answer behind all that the sender still has to say.
        os._exit(0)


asyncio.run(receive(Ask.read(sys.argv[1:])))
