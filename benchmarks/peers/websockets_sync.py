"""`websockets`, its threaded client."""

from __future__ import annotations

import os
import ssl
import sys

from websockets.sync.client import connect

from benchmarks.consumer import Ask, consume


def main() -> None:
    """What every receiver takes."""
    ask = Ask.read(sys.argv[1:])
    tls = ssl.create_default_context(cafile=ask.certificate) if ask.certificate else None
    consume(connect(ask.url, compression=None, ssl=tls).recv, ask)
    # Its thread would still read what the sender goes on to send.
    os._exit(0)


main()
