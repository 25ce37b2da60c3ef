"""How the simulated Bitfinex answers `calc`: what is worked out only when asked, within limits."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from exporter.demo.books import MARGIN_MINIMUM, MARGIN_PART
from exporter.demo.market import LISTINGS
from exporter.demo.records import ZERO, Loan, Value, money
from exporter.exchanges.bitfinex.sim_rows import Row, number, position_row, row, symbol, wallet_row

if TYPE_CHECKING:
    from exporter.demo.books import Books
    from exporter.demo.market import Market

MOST_NAMES = 30
MOST_PER_SECOND = 8
# Requests sent a second apart may arrive a little closer: the limit is for those who do not keep to it.
SECOND = 0.9


class Answer(NamedTuple):
    """A frame to send: its type and payload, and the value it is about, for the session's filter."""

    type: str
    payload: Row
    about: Value = None


class Limit:
    """Counts calculations: 30 names a message, 8 names a second."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def allows(self, names: int, now: float) -> bool:
        """Whether this many more calculations are allowed now; counts them if they are."""
        while self._times and now - self._times[0] >= SECOND:
            self._times.popleft()
        if names > MOST_NAMES or len(self._times) + names > MOST_PER_SECOND:
            return False
        self._times.extend([now] * names)
        return True


def names(request: object) -> list[str] | None:
    """The names in the payload of a request, or None if it is not a list of one-element lists of text."""
    if not isinstance(request, list):
        return None
    found = [entry[0] for entry in request if isinstance(entry, list) and len(entry) == 1]
    texts = [name for name in found if isinstance(name, str)]
    return texts if len(texts) == len(request) else None


def answers(name: str, books: Books, market: Market) -> list[Answer]:
    """The answer to one name; nothing for what the account does not hold or nobody knows."""
    if name == "balance":
        return [Answer("bu", row(totals := books.totals(market)), totals)]
    if name == "margin_base":
        return [Answer("miu", ["base", margin_base(books, market)])]
    kind, _, rest = name.partition("_")
    match kind:
        case "margin":
            return _margin_symbol(rest.removeprefix("sym_"), books, market)
        case "funding":
            return _funding_symbol(rest.removeprefix("sym_"), books)
        case "position":
            held = [p for p in books.positions.values() if symbol(p.pair) == rest]
            return [Answer("pu", position_row(p, books.computed(p, market)), p) for p in held]
        case "wallet":
            where, _, currency = rest.partition("_")
            wallet = books.ledger.get((where, currency))
            if wallet is None:
                return []
            return [Answer("wu", wallet_row(wallet, books.available(where, currency), bare=True), wallet)]
        case _:
            return []


def first_wave(books: Books, market: Market) -> list[Answer]:
    """The computed values that follow the snapshots: wallets, then the balance, then positions."""
    wallets = [f"wallet_{kind}_{currency}" for kind, currency in books.ledger]
    positions = [f"position_{symbol(position.pair)}" for position in books.positions.values()]
    return [answer for name in (*wallets, "balance", *positions) for answer in answers(name, books, market)]


def margin_base(books: Books, market: Market) -> Row:
    """Profit and loss, swaps, margin balance, that after profit and loss, least net value; in USD."""
    profit = swaps = required = ZERO
    for position in books.positions.values():
        if not position.derivative:
            rate = market.dollars(position.pair.quote)
            profit += money(books.computed(position, market).profit * rate)
            swaps -= position.funding
            required += money(abs(position.amount) * market.price(position.pair) * MARGIN_MINIMUM * rate)
    balance = ZERO
    for wallet in books.ledger.values():
        if wallet.kind == "margin" and not wallet.currency.endswith("F0"):
            balance += money(wallet.balance * market.dollars(wallet.currency))
    return [number(value) for value in (profit, swaps, balance, balance + profit, required)]


def _margin_symbol(name: str, books: Books, market: Market) -> list[Answer]:
    pair = next((listing.pair for listing in LISTINGS if symbol(listing.pair) == name), None)
    if pair is None:
        return []
    tradable = money(books.available("margin", pair.quote) / MARGIN_PART)
    gross = money(books.balance("margin", pair.quote) / MARGIN_PART)
    size = money(tradable / market.price(pair))
    values = [number(value) for value in (tradable, gross, size, size)]
    return [Answer("miu", ["sym", name, [*values, None, None, None, None]])]


def _funding_symbol(name: str, books: Books) -> list[Answer]:
    loans = [loan for loan in books.loans.values() if f"f{loan.currency}" == name]
    taken = [loan for loan in loans if loan.side < 0]
    provided = [loan for loan in loans if loan.side > 0]
    if name.removeprefix("f") not in {currency for _, currency in books.ledger}:
        return []
    rates = [_weighted(taken, days=False), _weighted(provided, days=False)]
    days = [_weighted(taken, days=True), _weighted(provided, days=True)]
    return [Answer("fiu", ["sym", name, [number(value) for value in (*rates, *days)]])]


def _weighted(loans: list[Loan], *, days: bool) -> Decimal:
    """Average rate or period, weighted by amount; 0 when there is nothing to weigh."""
    whole = sum((loan.amount for loan in loans), ZERO)
    if not whole:
        return ZERO
    return money(sum((loan.amount * (loan.period if days else loan.rate) for loan in loans), ZERO) / whole)
