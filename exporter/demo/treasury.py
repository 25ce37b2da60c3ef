"""Money in and out of an account: withdrawals, and the deposits and transfers that keep a long demo alive."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.demo.records import ZERO, Event, Notice, money

if TYPE_CHECKING:
    from exporter.demo.books import Books
    from exporter.demo.market import Market

# In USD: below the first a wallet is refilled with the second.
LOW, REFILL = 2000, 3000
TRANSFER = Decimal(2000)
LARGEST_WITHDRAWAL = Decimal("0.05")


class Treasury:
    """Refills an account's wallets before the traders run dry, and withdraws when the script says so."""

    def __init__(self, books: Books, market: Market) -> None:
        self._books = books
        self._market = market

    def refill(self) -> None:
        """Deposit to exchange wallets that run low; feed the margin wallets from them, or by deposit."""
        profile, books = self._books.profile, self._books
        for currency in sorted({code for pair in profile.spot for code in pair}):
            price = self._market.dollars(currency)
            if books.balance("exchange", currency) * price < LOW:
                self.deposit("exchange", currency, money(REFILL / price))
        for pair in (profile.margin, profile.derivative):
            if pair and books.available("margin", pair.quote) < LOW / 2:
                self._feed(pair.quote)

    def deposit(self, kind: str, currency: str, amount: Decimal) -> None:
        """Money arrives from outside: announced, credited, confirmed."""
        books = self._books
        books.tell(Event.NOTICE, Notice("deposit-new", f"deposit of {amount} {currency}", books.now))
        books.change(kind, currency, amount, f"Deposit ({currency}) #{next(books.ids)} on wallet {kind}")
        books.tell(Event.NOTICE, Notice("deposit-complete", f"deposit of {amount} {currency}", books.now))

    def withdraw(self, currency: str) -> None:
        """Money leaves the exchange wallet: at most a quarter of what is available."""
        books = self._books
        amount = min(money(books.available("exchange", currency) / 4), LARGEST_WITHDRAWAL)
        if amount <= ZERO:
            return
        books.tell(Event.NOTICE, Notice("transfer", f"withdrawal of {amount} {currency}", books.now))
        note = f"Withdrawal ({currency}) #{next(books.ids)} on wallet exchange"
        books.change("exchange", currency, -amount, note)

    def _feed(self, currency: str) -> None:
        books = self._books
        if books.available("exchange", currency) < TRANSFER:
            self.deposit("margin", currency, TRANSFER)
            return
        note = f"Transfer of {TRANSFER} {currency} from wallet exchange to margin"
        books.change("exchange", currency, -TRANSFER, note)
        books.change("margin", currency, TRANSFER, note)
        books.tell(Event.NOTICE, Notice("transfer", note, books.now))
