"""The made-up past of the demo's accounts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exporter.demo.accounts import LENDER, MAIN
from exporter.demo.books import Profile
from exporter.demo.past import DAY, DAYS, past

NOW = 1_700_000_000_000


@pytest.mark.parametrize("profile", [MAIN, LENDER], ids=lambda profile: profile.name)
def test_the_past_ends_at_the_first_books(profile: Profile) -> None:
    """Each wallet begins at nothing, every line follows from the one before, the last is where it stands."""
    balances: dict[tuple[str, str], Decimal] = {}
    for entry in past(profile, NOW):
        place = (entry.kind, entry.currency)
        assert balances.get(place, Decimal(0)) + entry.amount == entry.balance >= 0
        balances[place] = entry.balance
    first = {(kind, currency): Decimal(balance) for kind, currency, balance in profile.wallets}
    assert balances == {place: balance for place, balance in first.items() if balance}


def test_the_past_is_in_order_and_the_same_each_time() -> None:
    """Times and numbers rise, all lie in the last days, and a second telling is equal."""
    found = past(MAIN, NOW)
    assert found == past(MAIN, NOW)
    assert [entry.id for entry in found] == list(range(1, len(found) + 1))
    times = [entry.at for entry in found]
    assert times == sorted(times)
    assert NOW - DAYS * DAY <= times[0] <= times[-1] < NOW
    assert len(found) > 300
