"""Limits of the configuration beside what they limit."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.config.types import Threshold
from exporter.core.model import ONLY, Margin, Rows, Wallet
from exporter.core.view import View
from exporter.exposition.samples import NOTHING, Samples, Section


def thresholds(view: View, wanted: Sequence[Threshold]) -> Section:
    """Each limit, and whether the balance keeps it as far as the balance is known."""
    rows = view.tables.get("wallets")

    def write(samples: Samples) -> None:
        for each in wanted:
            where = (each.wallet, each.currency, each.level)
            samples.add("exchange_wallet_balance_minimum", each.minimum, *where)
            samples.add("exchange_wallet_balance_maximum", each.maximum, *where)
            balance = None if rows is None else _balance(rows, each)
            if balance is not None:
                samples.add("exchange_wallet_balance_outside", _is_outside(balance, each), *where)

    return Section("thresholds", (rows,), write)


def margin_need(view: View, level: float | None) -> Section:
    """How near the account is to liquidation, and what it lacks to be as far away as it should."""
    row = view.tables.get("margin", NOTHING).get(ONLY)

    def write(samples: Samples) -> None:
        if not isinstance(row, Margin) or row.net_usd is None or row.minimum_usd is None:
            return
        if row.minimum_usd > 0:
            samples.add("exchange_margin_level_ratio", row.net_usd / row.minimum_usd)
        if level is not None:
            samples.add("exchange_margin_needed_usd", max(0.0, level * row.minimum_usd - row.net_usd))

    return Section("margin need", (row,), write)


def _balance(rows: Rows, each: Threshold) -> float | None:
    """A wallet that the venue does not list holds nothing: an alert must not end with its series."""
    row = rows.get((each.wallet, each.currency))
    return row.balance if isinstance(row, Wallet) else 0.0


def _is_outside(balance: float, each: Threshold) -> bool:
    is_low = each.minimum is not None and balance < each.minimum
    return is_low or (each.maximum is not None and balance > each.maximum)
