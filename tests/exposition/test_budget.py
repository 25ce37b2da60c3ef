"""How many series an account costs, and that no label tells one order, trade or person from another."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.config.types import Limits
from exporter.core.events import Fill, FundingClosed, FundingTraded, Upsert
from exporter.core.model import Contract, FundingInfo, Offer, Order, Position, Rows, Side, Wallet
from exporter.exposition.catalogue import BY_NAME, CAPPED

if TYPE_CHECKING:
    from tests.exposition.conftest import Desk

SYMBOLS = [f"C{number:02}/USD" for number in range(100)]
SIDES: tuple[Side, Side] = ("buy", "sell")
LIMIT = Limits().series_per_account
TIME = 1_700_000_000.0


def cost(desk: Desk, who: str) -> Counter[str]:
    """Series by section; printed, so that a reader of the log sees the figures."""
    found: Counter[str] = Counter()
    for name, samples in desk.samples().items():
        found[BY_NAME[name].section] += len(samples)
    told = ", ".join(f"{section} {count}" for section, count in found.most_common())
    print(f"{who}: {found.total()} series ({told})")  # noqa: T201 - the measurement is the point
    return found


def capped(desk: Desk) -> int:
    """Series that count against the limit."""
    return sum(len(samples) for name, samples in desk.samples().items() if name in CAPPED)


def quote(desk: Desk, fee_currency: str = "") -> Rows:
    """Three orders on each side of every symbol, each of which has been filled from both sides."""
    for symbol in SYMBOLS:
        for side in SIDES:
            fee = fee_currency or symbol[:3]
            name = f"{symbol} {side}"
            desk.tell(Fill(name, symbol, side, "maker", 1.0, 5.0, 0.01, fee, TIME, final=True))
    return {
        number * 10 + level: Order(symbol, SIDES[level % 2], 1.0, 5.0, TIME)
        for number, symbol in enumerate(SYMBOLS)
        for level in range(6)
    }


def test_a_market_maker_with_a_hundred_positions(desk: Desk) -> None:
    """Orders on both sides, fills and a position on each of 100 symbols: a third of the cap is left."""
    positions: Rows = {
        number: Position(symbol, 1.0, 5.0, 2.0, 0.5, 0.1, 3.0, 0.01, 10.0, 5.0, TIME, "derivative")
        for number, symbol in enumerate(SYMBOLS)
    }
    wallets: Rows = {("margin", "USD"): Wallet("margin", "USD", 5.0, 4.0)}
    desk.marks = dict.fromkeys(SYMBOLS, 5.0)
    desk.sync({"orders": quote(desk, "USD"), "positions": positions, "wallets": wallets})
    found = cost(desk, "market maker, 100 symbols with positions")
    assert found["Orders and fills"] <= 20 * len(SYMBOLS)
    assert found["Margin and positions"] <= 13 * len(SYMBOLS)
    assert capped(desk) < LIMIT * 0.7


def test_a_market_maker_with_a_hundred_wallets(desk: Desk) -> None:
    """Orders on both sides, fills and a wallet for each of 100 currencies: nothing is dropped."""
    wallets: Rows = {
        ("exchange", f"C{number:02}"): Wallet("exchange", f"C{number:02}", 5.0, 4.0) for number in range(100)
    }
    desk.sync({"orders": quote(desk), "wallets": wallets})
    found = cost(desk, "market maker, 100 symbols with wallets")
    assert found["Orders and fills"] <= 20 * len(SYMBOLS)
    assert found["Wallets"] <= 4 * len(wallets)
    assert capped(desk) < LIMIT


def test_the_orders_of_a_market_maker_cost_nothing_each(desk: Desk) -> None:
    """Ten thousand orders on three symbols make as many series as three."""
    few: Rows = {number: Order(SYMBOLS[number % 3], "buy", 1.0, 5.0, TIME) for number in range(3)}
    many: Rows = {number: Order(SYMBOLS[number % 3], "buy", 1.0, 5.0, TIME) for number in range(10_000)}
    desk.sync({"orders": few})
    before = cost(desk, "3 orders").total()
    desk.sync({"orders": many})
    assert cost(desk, "10,000 orders").total() == before


def test_a_lender_with_five_hundred_contracts(desk: Desk) -> None:
    """Contracts are summed by currency: 500 in five currencies cost about thirty series each, no more."""
    currencies = ("USD", "UST", "EUR", "BTC", "ETH")
    credits_: Rows = {
        number: Contract(currencies[number % 5], "provided", "used", 200.0, 0.0003, 2.0 + number % 40, TIME)
        for number in range(400)
    }
    loans: Rows = {
        number: Contract(currencies[number % 5], "provided", "unused", 200.0, 0.0003, 30.0, TIME)
        for number in range(100)
    }
    offers: Rows = {
        number: Offer(currencies[number % 5], "provided", 150.0, 0.0004, 2.0, TIME) for number in range(50)
    }
    wallets: Rows = {("funding", each): Wallet("funding", each, 1e5, 500.0) for each in currencies}
    desk.sync({"credits": credits_, "loans": loans, "offers": offers, "wallets": wallets})
    for number in range(500):
        currency = currencies[number % 5]
        desk.tell(FundingTraded(number, currency, "provided", 10.0), FundingClosed(number, currency, "used"))
    for currency in currencies:
        desk.tell(Upsert("funding_info", currency, FundingInfo(0.0, 0.0003, 0.0, 20.0)))
    found = cost(desk, "lender, 500 contracts")
    assert found["Funding"] <= 30 * len(currencies)
    assert found.total() < 1000
