"""The demo world in the words of BitoPro: objects, decimals as texts, its spelling of pairs and times."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exporter.demo.records import ZERO

if TYPE_CHECKING:
    from exporter.demo.books import Books
    from exporter.demo.market import Market
    from exporter.demo.records import Fill, Order, Pair

NEVER_HELD = ("ADA", "BCH", "BITO", "DOGE", "LTC", "SHIB", "TRX", "USDC", "XRP")
"""Listed for every account, at 0."""
OPEN, PARTIAL, DONE, CANCELLED = 0, 1, 2, 4
STATUSES = {"active": OPEN, "partial": PARTIAL, "executed": DONE, "canceled": CANCELLED}
FEE_SCALE = 100_000_000

Object = dict[str, Any]


def text(value: Decimal) -> str:
    """A decimal as the venue prints it."""
    return f"{value.normalize():f}" if value else "0"


def pair_name(pair: Pair) -> str:
    """A pair as orders and REST spell it."""
    return f"{pair.base}_{pair.quote}".lower()


def uuid(*parts: object) -> str:
    """An id in the form of a UUID; the same in each run."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def envelope(event: str, data: object, at: float, number: int | None) -> Object:
    """A push: what it is about and when it was sent; without a number it is one of the old ones."""
    millis = round(at * 1000)
    stamp = datetime.fromtimestamp(millis / 1000, UTC)
    found: Object = {"event": event}
    if number is not None:
        found["eventID"] = uuid("event", number)
    found["timestamp"] = millis
    found["datetime"] = f"{stamp:%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"
    found["data"] = data
    return found


def currencies(books: Books) -> list[str]:
    """Every currency that the venue lists."""
    return sorted({*(code for _, code in books.ledger), *NEVER_HELD})


def balance(books: Books, currency: str, *, more: Decimal = ZERO) -> Object:
    """One currency of the account, spelled as asked."""
    return {
        "currency": currency,
        "amount": text(books.balance("exchange", currency.upper()) + more),
        "available": text(books.available("exchange", currency.upper()) + more),
        "stake": "0",
        "tradable": True,
    }


def order(value: Order, *, client: str = "clientID", old: bool = False) -> Object:
    """An order; `client` is how the client's own id is spelled here."""
    pair, filled = value.pair, value.original - value.remaining
    found: Object = {
        "id": str(value.id),
        "pair": pair_name(pair),
        "price": text(value.price),
        "avgExecutionPrice": text(value.average_price),
        "action": "BUY" if value.original > 0 else "SELL",
        "type": "LIMIT",
        "status": STATUSES[value.state],
        "originalAmount": text(abs(value.original)),
        "remainingAmount": text(abs(value.remaining)),
        "executedAmount": text(abs(filled)),
        "fee": "0",
        "feeSymbol": (pair.base if value.original > 0 else pair.quote).lower(),
        "bitoFee": "0",
        "total": text(sum((abs(amount) * price for price, amount in value.fills), ZERO)),
        "seq": f"{pair.base}{pair.quote}{value.id % 10_000}",
        "timeInForce": "POST_ONLY" if value.post_only else "GTC",
    }
    if old:
        found["timestamp"] = value.updated
    else:
        found["createdTimestamp"], found["updatedTimestamp"] = value.created, value.updated
        found[client] = value.client_id
    return found


def trade(value: Fill, *, number_ids: bool = False) -> Object:
    """An own trade. The fee is scaled, as the venue's own sample shows it."""
    fee = text(-value.fee * FEE_SCALE)
    seconds = value.at // 1000
    return {
        "base": value.pair.base.lower(),
        "quote": value.pair.quote.lower(),
        "side": "bid" if value.amount > 0 else "ask",
        "price": text(value.price),
        "volume": text(abs(value.amount)),
        "fee": fee,
        "feeCurrency": value.fee_currency.lower(),
        "transactionTimestamp": seconds,
        "eventTimestamp": seconds,
        "orderID": value.order_id if number_ids else str(value.order_id),
        "orderType": "LIMIT",
        "matchID": uuid("match", value.id),
        "isMarket": "false" if number_ids else False,
        "isMaker": str(value.maker).lower() if number_ids else value.maker,
    }


def ticker(market: Market, pair: Pair) -> Object:
    """A public ticker."""
    price = text(market.price(pair))
    return {
        "pair": pair_name(pair),
        "lastPrice": price,
        "isBuyer": False,
        "priceChange24hr": "0",
        "volume24hr": "1",
        "high24hr": price,
        "low24hr": price,
    }
