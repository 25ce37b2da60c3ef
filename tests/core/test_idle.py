"""Since when money lies about."""

from __future__ import annotations

from exporter.core.idle import IdleClocks
from exporter.core.model import Rows, Wallet


def funding(available: float | None, currency: str = "USD") -> Rows:
    """One funding wallet."""
    return {("funding", currency): Wallet("funding", currency, 1000.0, available)}


def clocks(**minimums: float) -> IdleClocks:
    """Clocks with minimums by currency."""
    made = IdleClocks()
    made.minimums = minimums
    return made


def test_it_begins_when_more_than_the_minimum_is_available() -> None:
    """At the minimum nothing is idle; above it the first moment is kept while more and less follow."""
    each = clocks(USD=150.0)
    for wall, available in ((1.0, 150.0), (2.0, 150.1), (3.0, 900.0), (4.0, 151.0)):
        each.look(funding(available), wall)
    assert each.report(funding(151.0)) == {"USD": 2.0}


def test_busy_money_is_not_idle() -> None:
    """When it is lent the clock is gone, and the next one begins anew."""
    each = clocks(USD=150.0)
    each.look(funding(500.0), 1.0)
    each.look(funding(0.0), 2.0)
    assert each.report(funding(0.0)) == {}
    each.look(funding(500.0), 3.0)
    assert each.report(funding(500.0)) == {"USD": 3.0}


def test_an_unknown_balance_withholds_and_does_not_restart() -> None:
    """Null for the available balance shows nothing and leaves the clock as it is."""
    each = clocks(USD=150.0)
    each.look(funding(500.0), 1.0)
    each.look(funding(None), 2.0)
    assert each.report(funding(None)) == {}
    each.look(funding(400.0), 3.0)
    assert each.report(funding(400.0)) == {"USD": 1.0}


def test_only_currencies_with_a_minimum_have_a_clock() -> None:
    """Without a minimum nothing is idle; one taken away by a reload ends its clock."""
    each = clocks(USD=0.0)
    each.look(funding(500.0, "UST"), 1.0)
    each.look(funding(500.0), 1.0)
    each.minimums = {}
    assert each.report(funding(500.0)) == {}


def test_a_wallet_that_is_gone_holds_nothing() -> None:
    """A wallet that the venue lists no longer stops the clock."""
    each = clocks(USD=150.0)
    each.look(funding(500.0), 1.0)
    each.look({}, 2.0)
    each.look(funding(500.0), 3.0)
    assert each.report(funding(500.0)) == {"USD": 3.0}


def test_only_what_may_have_changed_is_looked_at() -> None:
    """A look is due after new minimums, and no more until a wallet that counts may have changed."""
    each = clocks(USD=150.0)
    assert each.due
    assert each.watched == {("funding", "USD")}
    each.look(None, 1.0)
    assert each.due, "wallets were not known"
    each.look(funding(200.0), 2.0)
    assert not each.due
    each.minimums = {"USD": 300.0}
    assert each.due


def test_a_currency_that_was_not_watched_meanwhile_begins_anew() -> None:
    """What happened to the money between two reloads nobody saw."""
    each = clocks(USD=150.0, EUR=10.0)
    each.look({**funding(500.0), **funding(500.0, "EUR")}, 1.0)
    each.minimums = {"EUR": 10.0}
    each.look(funding(500.0, "EUR"), 2.0)
    each.minimums = {"EUR": 10.0, "USD": 150.0}
    both = {**funding(500.0), **funding(500.0, "EUR")}
    each.look(both, 3.0)
    assert each.report(both) == {"USD": 3.0, "EUR": 1.0}
