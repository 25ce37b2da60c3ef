"""Wallets too small to have series of their own."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

from exporter.core.model import Key, Wallet
from exporter.core.view import View
from exporter.exposition.choices import Choices
from exporter.exposition.samples import Selection


class Dust(NamedTuple):
    """Which wallets are folded, and what they are worth together in US dollars; None when not known."""

    wallets: Container[Key] = ()
    value: float | None = None


def dust_of(view: View, select: Selection, choices: Choices, prices: Mapping[str, float]) -> Dust:
    """The wallets to fold.

    Never one that is empty, since the fall to 0 is news; nor one with a threshold, which alerts watch; nor
    one without a price, which may be worth anything.
    """
    rows = view.tables.get("wallets")
    if not choices.dust or rows is None or not prices:
        return Dust()
    watched = {(each.wallet, each.currency) for each in choices.thresholds}
    small: dict[Key, float] = {}
    for key, row in rows.items():
        if not isinstance(row, Wallet) or not row.balance or not select.currency(row.currency):
            continue
        price = prices.get(row.currency)
        if price is not None and abs(row.balance * price) < choices.dust and key not in watched:
            small[key] = row.balance * price
    return Dust(small, sum(small.values()))
