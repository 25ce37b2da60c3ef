"""ccxt.pro: frames to its unified balances, orders and trades, watched as its manual shows."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import ccxt.pro as ccxt

from benchmarks.consumer import Ask, Tally
from benchmarks.frames import COINS


def counting(base: type[Any], tally: Tally) -> type[Any]:
    """The exchange's class that tells when it has handled all messages; it hands several to one waiter."""

    class Counting(base):  # type: ignore[misc] # the library is not there for mypy
        def handle_message(self, client: Any, message: Any) -> None:
            super().handle_message(client, message)
            if isinstance(message, list) and message[1] in ("wu", "ou", "tu", "bu"):
                if message[1] == "wu":
                    tally.balance(message[2][1], self.balance["exchange"][message[2][1]]["total"])
            elif not (isinstance(message, dict) and message.get("event") == "ACCOUNT_BALANCE"):
                return
            else:
                tally.balance("A00", self.balance["A00"]["total"])
            if tally.one():
                os._exit(0)

    return Counting


async def watch(ask: Ask, name: str) -> None:
    """Watch everything that the frames speak of."""
    tally = Tally(ask)
    exchange = counting(getattr(ccxt, name), tally)(
        {"apiKey": "key", "secret": "secret", "login": "login", "enableRateLimit": False}
    )
    exchange.set_markets([market(exchange, coin) for coin in COINS])
    address = ask.url.rstrip("/")
    if name == "bitopro":
        exchange.urls["ws"]["private"] = address
        await forever(exchange.watch_balance)
    else:
        exchange.urls["api"]["ws"]["private"] = address
        watched = (exchange.watch_balance, exchange.watch_orders, exchange.watch_my_trades)
        await asyncio.gather(*map(forever, watched))


async def forever(method: Any) -> None:
    """Take what comes, again and again."""
    while True:
        await method()


def market(exchange: Any, coin: str) -> Any:
    """A market that the frames name; ccxt stops for good at one that it does not know."""
    described = {"id": f"t{coin}USD", "symbol": f"{coin}/USD", "base": coin, "quote": "USD"}
    described |= {"baseId": coin, "quoteId": "USD", "type": "spot"}
    return exchange.safe_market_structure({**described, "spot": True, "active": True})


asyncio.run(watch(Ask.read(sys.argv[2:]), sys.argv[1]))
