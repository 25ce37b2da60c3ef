"""picows, whose frames are handled in Cython; the payload is copied out as its users must do to keep it."""

from __future__ import annotations

import asyncio
import ssl
import sys

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.consumer import Ask, Meter


class Listener(WSListener):  # type: ignore[misc] # the library is not there for mypy
    """Counts until all has come."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.left = ask.total
        self.size = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin."""
        self.transport = transport
        self.meter = Meter()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one message."""
        if frame.msg_type != WSMsgType.TEXT or not self.left:
            return
        message = frame.get_payload_as_bytes()
        self.size += len(message)
        if self.ask.digest:
            self.meter.add(message)
        self.left -= 1
        if not self.left:
            self.meter.tell(self.ask.total, self.size)
            transport.disconnect()


async def receive(ask: Ask) -> None:
    """Receive all that is asked for."""
    tls = ssl.create_default_context(cafile=ask.certificate) if ask.certificate else None
    options = {"ssl_context": tls} if tls else {}
    transport, _ = await ws_connect(lambda: Listener(ask), ask.url, **options)
    await transport.wait_disconnected()


asyncio.run(receive(Ask.read(sys.argv[1:])))
