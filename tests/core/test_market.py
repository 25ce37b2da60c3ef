"""Prices that are believed only for a while."""

from __future__ import annotations

from contextlib import nullcontext

from exporter.core.market import MarketState


def market() -> MarketState:
    """A market asked once a minute."""
    return MarketState("bitfinex", interval=60.0, lock=nullcontext())


def test_nothing_is_known_before_the_first_quotes() -> None:
    """Without quotes there is no price and no claim that one is missing."""
    report = market().report(0.0)

    assert (report.prices, report.unpriced, report.priced_at) == ({}, frozenset(), 0.0)


def test_what_has_no_price_is_listed() -> None:
    """A wanted currency without a price is named, never priced at 0."""
    each = market()
    each.quoted({"BTC": 60000.0}, frozenset({"BTC", "DUST"}), {}, 10.0, 1700000000.0)
    report = each.report(11.0)

    assert report.prices == {"BTC": 60000.0}
    assert report.unpriced == {"DUST"}
    assert report.priced_at == 1700000000.0


def test_old_prices_are_withheld() -> None:
    """Prices older than five intervals are not shown any more."""
    each = market()
    each.quoted({"BTC": 60000.0}, frozenset({"BTC"}), {"USD": 0.0002}, 10.0, 1700000000.0)

    assert each.price("BTC", 310.0) == 60000.0
    assert each.price("BTC", 310.1) is None
    assert each.report(310.1).funding_rates == {}


def test_last_prices_of_symbols_grow_old_like_prices() -> None:
    """What positions are judged by is withheld with the tickers it came from."""
    each = market()
    each.quoted({}, frozenset(), {}, 10.0, 1700000000.0, marks={"ETH/USD": 2000.0})

    assert each.report(310.0).marks == {"ETH/USD": 2000.0}
    assert each.report(310.1).marks == {}


def test_reports_are_shared_until_there_are_new_prices() -> None:
    """Two reports of the same prices are one object, and so are two reports of none."""
    each = market()
    assert each.report(1.0) is each.report(2.0)
    assert each.report(1e9) is each.report(2e9)
