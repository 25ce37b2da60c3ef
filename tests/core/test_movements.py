"""Movements: whatever is told, they add up to the change of every balance, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.events import REASONS, Balances, Reason, Removed, Snapshot, Upsert
from exporter.core.model import Key, Rows, Wallet
from exporter.core.movements import EXACT, Movements
from exporter.core.tables import TableEvent
from tests.flows import credited, debited

USD = ("exchange", "USD")
LENT = ("funding", "USD")
BTC = ("exchange", "BTC")
Told = Mapping[tuple[str, str], float]


def wallets(balances: Mapping[tuple[str, str], float | None]) -> Rows:
    """Rows of wallets with these balances."""
    return {key: Wallet(*key, balance) for key, balance in balances.items()}


def changed(key: tuple[str, str], balance: float | None, reason: Reason = "other") -> Upsert:
    """A wallet that has this balance now."""
    return Upsert("wallets", key, Wallet(*key, balance), reason)


def balances(told: Mapping[tuple[str, str], float | None], reason: Reason = "other") -> Balances:
    """Wallets that have these balances now."""
    nothing = [None] * len(told)
    return Balances(list(told), list(told.values()), nothing, nothing, reason)


def started(balances: Mapping[tuple[str, str], float | None], **options: bool) -> Movements:
    """Movements whose base are these balances."""
    movements = Movements(**options)  # type: ignore[arg-type]
    movements.take(Snapshot("wallets", wallets(balances)))
    return movements


def moved(told: Told) -> dict[tuple[str, str], float]:
    """Only what is not 0."""
    return {where: amount for where, amount in told.items() if amount}


def test_the_first_balances_are_no_movement() -> None:
    """What is there when the account is first seen was neither credited nor debited."""
    report = started({USD: 5.0, BTC: 0.0}).report()
    assert moved(credited(report)) == moved(debited(report)) == {}


def test_every_reason_starts_at_zero_for_each_currency() -> None:
    """All reasons, both ways, are there from the base on, so that the first movement is a rise."""
    report = started({USD: 5.0, LENT: 1.0, BTC: 0.0}).report()
    expected = {(currency, reason) for currency in ("USD", "BTC") for reason in REASONS}
    assert set(credited(report)) == set(debited(report)) == expected


def test_a_venue_that_lists_everything_starts_what_is_held() -> None:
    """A currency at 0 that may never have been held has no series before it moves."""
    movements = started({USD: 5.0, BTC: 0.0}, lists_unheld=True)
    assert {currency for currency, _ in credited(movements.report())} == {"USD"}
    movements.take(changed(BTC, 2.0))
    assert moved(credited(movements.report())) == {("BTC", "other"): 2.0}


def test_a_reason_that_a_venue_cannot_tell_is_not_shown_as_zero() -> None:
    """No withdrawal seen and no withdrawal to be seen are two things."""
    movements = Movements(reasons=("other", "unobserved"))
    movements.take(Snapshot("wallets", wallets({USD: 1.0})))
    assert set(debited(movements.report())) == {("USD", "other"), ("USD", "unobserved")}


def test_a_change_is_booked_by_its_reason() -> None:
    """A rise is a credit, a fall a debit, over all wallets of the currency."""
    movements = started({USD: 5.0, LENT: 10.0})
    movements.take(changed(USD, 3.5, "withdrawal"))
    movements.take(changed(LENT, 10.25, "interest"))
    movements.take(changed(USD, 3.25, "withdrawal"))
    assert moved(debited(movements.report())) == {("USD", "withdrawal"): 1.75}
    assert moved(credited(movements.report())) == {("USD", "interest"): 0.25}


def test_telling_a_balance_again_is_no_movement() -> None:
    """A venue repeats wallets with the text of their last change, or without any."""
    movements = started({USD: 5.0})
    movements.take(changed(USD, 4.0, "fee"))
    for reason in REASONS:
        movements.take(changed(USD, 4.0, reason))
    assert moved(debited(movements.report())) == {("USD", "fee"): 1.0}


def test_amounts_are_those_of_the_venues_decimals() -> None:
    """A balance of 0.3 after 0.1 is a credit of 0.2, with nothing of the binary remainder."""
    movements = started({USD: 0.1})
    movements.take(changed(USD, 0.3, "trade"))
    assert credited(movements.report())["USD", "trade"] == 0.2


def test_a_wallet_that_is_new_was_empty_before() -> None:
    """The first balance of a wallet that no snapshot knew is a credit."""
    movements = started({USD: 5.0})
    movements.take(changed(BTC, 2.0, "deposit"))
    assert moved(credited(movements.report())) == {("BTC", "deposit"): 2.0}


def test_a_later_snapshot_tells_what_nobody_saw() -> None:
    """Differences to the next snapshot are unobserved: raised, fallen, new and missing wallets alike."""
    movements = started({USD: 5.0, LENT: 10.0, BTC: 1.0})
    movements.take(Snapshot("wallets", wallets({USD: 6.0, LENT: 7.0, ("margin", "ETH"): 3.0})))
    assert moved(credited(movements.report())) == {("USD", "unobserved"): 1.0, ("ETH", "unobserved"): 3.0}
    assert moved(debited(movements.report())) == {("USD", "unobserved"): 3.0, ("BTC", "unobserved"): 1.0}


def test_a_wallet_that_comes_back_is_credited() -> None:
    """Missing from one snapshot and there in the next: what was debited is credited again."""
    movements = started({USD: 5.0})
    movements.take(Snapshot("wallets", {}))
    movements.take(Snapshot("wallets", wallets({USD: 5.0})))
    report = movements.report()
    assert credited(report)["USD", "unobserved"] == debited(report)["USD", "unobserved"] == 5.0


def test_a_removed_wallet_is_debited() -> None:
    """A venue that says a wallet is no more took what it held."""
    movements = started({USD: 5.0})
    movements.take(Removed("wallets", USD))
    assert moved(debited(movements.report())) == {("USD", "unobserved"): 5.0}


def test_changes_before_the_base_are_in_it() -> None:
    """Without a base there is nothing to differ from."""
    movements = Movements()
    movements.take(changed(USD, 5.0, "deposit"))
    assert credited(movements.report()) == {}
    movements.take(Snapshot("wallets", wallets({USD: 5.0})))
    assert moved(credited(movements.report())) == {}


def test_a_withheld_balance_moves_when_it_is_told_again() -> None:
    """What happened meanwhile is unobserved, whatever the message that ends it says of itself."""
    movements = started({USD: 5.0})
    movements.take(changed(USD, None, "trade"))
    movements.take(changed(USD, 7.0, "deposit"))
    assert moved(credited(movements.report())) == {("USD", "unobserved"): 2.0}
    movements.take(changed(USD, 8.0, "deposit"))
    assert credited(movements.report())["USD", "deposit"] == 1.0


@pytest.mark.parametrize("held", [3.0, 0.0])
def test_a_balance_that_was_never_known_has_its_first_as_base(held: float) -> None:
    """A wallet whose balance is withheld from the start is not credited with all it holds."""
    movements = started({USD: None})
    movements.take(changed(USD, held, "deposit"))
    assert moved(credited(movements.report())) == {}
    movements.take(changed(USD, held + 1, "deposit"))
    assert moved(credited(movements.report())) == {("USD", "deposit"): 1.0}


def test_a_report_does_not_change_afterwards() -> None:
    """A report is a copy."""
    movements = started({USD: 5.0})
    report = movements.report()
    movements.take(changed(USD, 9.0, "deposit"))
    assert moved(credited(report)) == {}


@pytest.mark.parametrize("count", [1, 7, 20])
def test_sums_beyond_what_floats_hold_stay_exact(count: int) -> None:
    """Turnover of a currency is counted to the last unit, however large it grows."""
    movements = started({USD: 0.0})
    for _ in range(count):
        movements.take(changed(USD, 9999999.99999999, "trade"))
        movements.merged(balances({USD: 0.00000001}, "trade"))
    movements.take(changed(USD, 0.0, "trade"))
    (book,) = movements._books.values()
    turnover = 2 * (count * 999_999_999_999_998) + 2
    rest = sum(int(amount) for amount in book.rest.values())
    assert int(book.credits["trade"]) + int(book.debits["trade"]) + rest == turnover
    assert movements.booked == {"USD": 0}
    assert max(*book.credits.values(), *book.debits.values()) < 2**53


KEYS = st.sampled_from([USD, LENT, BTC, ("margin", "BTC"), ("margin", "ETH")])
BALANCES = st.one_of(
    st.none(),
    st.decimals(-1000, 10**6, places=8).map(float),
    # Finer than the units that are counted in, and larger than they keep exactly.
    st.decimals(-(10**12), 10**12, places=18).map(float),
    st.sampled_from((0.1, 0.30000000000000004, 1e-9, 9999999.99999999, 1e7, 1e22, -0.0)),
)
EVENTS = st.one_of(
    st.builds(Snapshot, st.just("wallets"), st.dictionaries(KEYS, BALANCES).map(wallets)),
    st.builds(changed, KEYS, BALANCES, st.sampled_from(REASONS)),
    st.builds(balances, st.dictionaries(KEYS, BALANCES), st.sampled_from(REASONS)),
    st.builds(Removed, st.just("wallets"), KEYS),
)


class Truth:
    """What an honest reader of the same events would hold to be the first and the present balances."""

    def __init__(self) -> None:
        self.based = False
        self.first: dict[Key, float] = {}
        self.now: dict[Key, float] = {}
        self.withheld: set[Key] = set()

    def take(self, event: TableEvent | Balances) -> None:
        """One event more."""
        if isinstance(event, Snapshot):
            for key in {*self.now, *self.withheld} - event.rows.keys():
                self._be(key, 0.0)
            for key, row in event.rows.items():
                assert isinstance(row, Wallet)
                self._be(key, row.balance)
            self.based = True
        elif isinstance(event, Balances):
            for key, row in event.rows.items():
                self.take(Upsert("wallets", key, row))
        elif self.based:
            told = event.row if isinstance(event, Upsert) else None
            self._be(event.key, told.balance if isinstance(told, Wallet) else 0.0)

    def _be(self, key: Key, balance: float | None) -> None:
        if balance is None:
            self.withheld.add(key)
            return
        base = balance if key in self.withheld or not self.based else 0.0
        self.first.setdefault(key, base)
        self.withheld.discard(key)
        self.now[key] = balance


def exact(value: float) -> Decimal:
    """A float as the decimal it was written as."""
    return Decimal(repr(value))


@given(st.lists(EVENTS, max_size=40))
def test_movements_always_add_up_to_the_change_of_every_balance(events: list[TableEvent | Balances]) -> None:
    """After any events: first balance and movements are the balance, and credits less debits their sum."""
    movements, truth = Movements(), Truth()
    for event in events:
        before = movements.report()
        if isinstance(event, Balances):
            movements.merged(event)
        else:
            movements.take(event)
        truth.take(event)
        for key, balance in truth.now.items():
            change = movements.net.get(key, Decimal(0))
            assert EXACT.add(exact(truth.first[key]), change) == exact(balance)
        report = movements.report()
        for currency in {key[1] for key in truth.now if isinstance(key, tuple)}:
            net = Decimal(0)
            for key, amount in movements.net.items():
                net = EXACT.add(net, amount) if key[1] == currency else net  # type: ignore[index]
            assert movements.booked.get(currency, 0) == net
            credit = sum(exact(amount) for where, amount in credited(report).items() if where[0] == currency)
            debit = sum(exact(amount) for where, amount in debited(report).items() if where[0] == currency)
            assert float(credit - debit) == pytest.approx(
                float(net), abs=1e-6 + 1e-12 * float(credit + debit)
            )
        for old, new in ((credited(before), credited(report)), (debited(before), debited(report))):
            assert all(new[where] >= amount for where, amount in old.items())
