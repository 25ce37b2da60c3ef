"""bitfinex-api-py, the exchange's own client: frames to models to callbacks."""

from __future__ import annotations

import os
import sys
from typing import Any

from bfxapi import Client

from benchmarks.consumer import Ask, Tally


def main() -> None:
    """What every receiver takes."""
    ask = Ask.read(sys.argv[1:])
    client = Client(api_key="key", api_secret="secret", wss_host=ask.url)  # noqa: S106 - made up
    tally = Tally(ask)

    def wallet(data: Any) -> None:
        tally.balance(data.currency, data.balance)
        count(data)

    def count(_data: Any) -> None:
        if tally.one():
            os._exit(0)

    client.wss.on("wallet_update", wallet)
    for event in ("order_update", "trade_execution_update", "balance_update"):
        client.wss.on(event, count)
    client.wss.run()


main()
