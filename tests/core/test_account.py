"""The state of an account: one lock, one consistent reading, nothing shown that is not believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.events import (
    Event,
    Fill,
    Gap,
    Heard,
    LoggedIn,
    Malformed,
    Permitted,
    Platform,
    Reason,
    Refused,
    Removed,
    Snapshot,
    Upsert,
)
from exporter.core.model import ONLY, Contract, Offer, Order, Position, Rows, Table, Totals, Wallet
from exporter.core.sheet import RETENTION
from exporter.core.stream import StreamReport, Trust
from tests.flows import debited

At = Callable[[float], Instant]
TRUST: Final = Trust(silence_timeout=40.0, stale_after=60.0, computed_lifetime=300.0)
STREAM: Final = "account"
USD: Final = ("exchange", "USD")
BTC: Final = ("exchange", "BTC")
FIVE: Final[Rows] = {USD: Wallet("exchange", "USD", 5.0)}
EPOCH: Final = 1_700_000_000.0


class Lock:
    """A lock that remembers how often it was taken and whether it is held."""

    def __init__(self) -> None:
        self.held = False
        self.taken = 0

    def __enter__(self) -> None:
        assert not self.held
        self.held, self.taken = True, self.taken + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.held = False


class Scene:
    """An account with one stream, and a clock that a test moves."""

    def __init__(self, **options: Any) -> None:
        self.lock = Lock()
        self.state = AccountState(
            account="main",
            exchange="bitfinex",
            streams=(STREAM,),
            trust=TRUST,
            lock=self.lock,
            started=self.at(0.0),
            **options,
        )
        self.now = 0.0

    @staticmethod
    def at(seconds: float) -> Instant:
        """A moment on both clocks."""
        return Instant(seconds, EPOCH + seconds)

    @property
    def moment(self) -> Instant:
        """Now."""
        return self.at(self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def connect(self, *expected: Table) -> None:
        """Connect and log in, expecting these snapshots."""
        self.state.change(STREAM, lambda stream: stream.connecting(self.moment))
        self.state.change(STREAM, lambda stream: stream.connected(self.moment))
        self.hear(LoggedIn(None, frozenset(expected)))

    def hear(self, *events: Event, message: str = "x") -> None:
        """One message with these events."""
        self.state.apply(STREAM, Heard(message, is_data=True, events=events), self.moment)

    def end(self, reason: str = "reset") -> None:
        """The connection breaks."""
        self.state.ended(STREAM, reason, "backoff", self.moment, f"ended: {reason}")

    def tables(self) -> dict[Table, Rows]:
        """What is shown."""
        return dict(self.state.report(self.now).view.tables)

    def stream(self) -> StreamReport:
        """The stream's health."""
        return self.state.report(self.now).streams[0]


@pytest.fixture
def scene() -> Scene:
    """A fresh account."""
    return Scene()


def test_nothing_is_shown_before_all_is_there(scene: Scene) -> None:
    """Values appear only when every expected snapshot has arrived, and then together."""
    scene.connect("wallets", "orders")
    scene.hear(Snapshot("wallets", FIVE))
    assert scene.tables() == {}
    assert not scene.stream().is_up
    assert scene.stream().missing == ("orders",)
    scene.hear(Snapshot("orders", {}))
    assert scene.tables() == {"wallets": FIVE, "orders": {}}
    assert scene.stream().is_up


def test_change_between_two_snapshots_is_not_lost(scene: Scene) -> None:
    """A change to a table that has arrived, told before the others have, is part of what is shown."""
    scene.connect("wallets", "orders")
    scene.hear(Snapshot("wallets", FIVE))
    scene.hear(Upsert("wallets", USD, Wallet("exchange", "USD", 6.0)))
    scene.hear(Snapshot("orders", {}))
    assert scene.tables()["wallets"] == {USD: Wallet("exchange", "USD", 6.0)}


def test_login_that_owes_nothing_is_up(scene: Scene) -> None:
    """A key that may read no table is up as soon as it is accepted."""
    scene.connect()
    assert scene.stream().is_up
    assert scene.tables() == {}


def test_half_a_connection_leaves_no_trace(scene: Scene) -> None:
    """What a connection brought that died before it was complete shows nowhere in the values."""
    scene.connect("wallets", "orders", "offers")
    for table in ("wallets", "orders", "offers"):
        scene.hear(Snapshot(table, {}))
    scene.end()
    before = scene.state.report(scene.now).view
    scene.connect("wallets", "orders", "offers")
    scene.hear(Snapshot("wallets", {USD: Wallet("exchange", "USD", 7.0, 7.0)}))
    scene.hear(Snapshot("orders", {1: Order("ETH/USD", "buy", 1.0, 2.0, None)}))
    assert scene.state.report(scene.now).view == before
    scene.end()
    assert scene.state.report(scene.now).view == before


def test_counters_are_foreseen_by_what_is_collected(scene: Scene) -> None:
    """Counters start at 0 with the first row that announces them, shown or not."""
    scene.connect("orders", "positions", "offers", "credits", "wallets")
    scene.hear(Snapshot("orders", {1: Order("ETH/USD", "buy", 1.0, 2.0, None)}))
    scene.hear(Snapshot("positions", {1: Position("BTC/USD", 1.0)}))
    scene.hear(Snapshot("offers", {1: Offer("UST", "provided", 50.0, 0.0004, 2.0, None)}))
    scene.hear(Snapshot("credits", {1: Contract("USD", "provided", "used", 50.0, 0.0004, 2.0, None)}))
    tally = scene.state.report(scene.now).tally
    assert {symbol for symbol, _, _ in tally.fills} == {"ETH/USD", "BTC/USD"}
    assert {currency for currency, _ in tally.funding_closed} == {"UST", "USD"}
    assert not any(tally.fills.values())


def test_old_values_stand_until_the_new_set_is_complete(scene: Scene) -> None:
    """During a reconnect a reading is the old state or the new one, never a mixture."""
    scene.connect("wallets", "positions")
    old: dict[Table, Rows] = {"wallets": FIVE, "positions": {1: Position("BTC/USD", 1.0)}}
    for table, rows in old.items():
        scene.hear(Snapshot(table, rows))
    scene.wait(5)
    scene.end()
    scene.wait(5)
    scene.connect("wallets", "positions")
    scene.hear(Snapshot("wallets", {USD: Wallet("exchange", "USD", 9.0)}))
    assert scene.tables() == old
    scene.hear(Snapshot("positions", {}))
    assert scene.tables() == {"wallets": {USD: Wallet("exchange", "USD", 9.0)}, "positions": {}}


def test_values_vanish_and_health_stays(scene: Scene) -> None:
    """After the grace time no table is left, while health and counters still tell everything."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    scene.hear(Fill(1, "BTC/USD", "buy", "maker", 1.0, 2.0, 0.1, "USD", 3.0, final=True))
    scene.end()
    assert not scene.stream().is_up
    scene.wait(TRUST.stale_after)
    assert scene.tables() == {"wallets": FIVE}
    scene.wait(0.01)
    assert scene.tables() == {}
    report = scene.state.report(scene.now)
    assert report.tally.fills["BTC/USD", "buy", "maker"] == 1
    assert report.streams[0].disconnects == {"reset": 1}
    assert report.streams[0].snapshots == {"wallets": EPOCH}


def test_vanished_values_return_with_a_complete_set_only(scene: Scene) -> None:
    """Once vanished, values come back when a new connection is complete and not before."""
    scene.connect("wallets", "orders")
    scene.hear(Snapshot("wallets", FIVE), Snapshot("orders", {}))
    scene.end()
    scene.wait(1000)
    scene.connect("wallets", "orders")
    scene.hear(Snapshot("wallets", FIVE))
    assert scene.tables() == {}
    scene.hear(Snapshot("orders", {}))
    assert scene.tables() == {"wallets": FIVE, "orders": {}}


def test_wallet_missing_after_a_reconnect_is_zero_then_gone(scene: Scene) -> None:
    """A wallet that the new connection does not know is 0 for the retention time, then no sample."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", {**FIVE, BTC: Wallet("exchange", "BTC", 1.0)}))
    scene.end()
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    assert scene.state.report(scene.now).view.gone["wallets"] == [Wallet("exchange", "BTC", 0.0)]
    for _ in range(int(RETENTION / 30)):
        scene.wait(30)
        scene.hear()
    assert scene.state.report(scene.now).view.gone["wallets"] == []
    assert scene.tables() == {"wallets": FIVE}


def test_what_is_gone_is_withheld_with_the_rest(scene: Scene) -> None:
    """The zeros of what is gone are values too: they vanish when the stream is not believed."""
    scene.connect("positions")
    scene.hear(Snapshot("positions", {1: Position("BTC/USD", 1.0)}))
    scene.hear(Removed("positions", 1))
    assert scene.state.report(scene.now).view.gone["positions"] == [Position("BTC/USD", 0.0)]
    scene.end()
    scene.wait(TRUST.stale_after + 1)
    assert scene.state.report(scene.now).view.gone == {}


def test_gap_takes_the_stream_down_until_a_new_connection(scene: Scene) -> None:
    """A gap is counted and doubts everything; more messages do not heal it, a new connection does."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    scene.hear(Gap("public"))
    assert (scene.stream().gaps, scene.stream().phase, scene.stream().is_up) == (1, "stale", False)
    scene.hear(Upsert("wallets", USD, Wallet("exchange", "USD", 6.0)))
    assert not scene.stream().is_up
    scene.end("gap")
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    assert scene.stream().is_up


def test_gap_while_collecting_is_not_completed(scene: Scene) -> None:
    """A set of snapshots with a gap in it is never shown."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE), Gap("account"))
    assert scene.tables() == {}
    assert not scene.stream().is_up


def test_malformed_message_is_only_counted(scene: Scene) -> None:
    """A message that could not be read is counted by kind and leaves the state as it was."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    before = scene.tables()
    scene.hear(Malformed("payload"), message="wu")
    scene.hear(Malformed("json"), message="other")
    assert scene.tables() == before
    assert scene.stream().malformed == {"payload": 1, "json": 1}
    assert scene.stream().is_up


def test_maintenance_is_a_state(scene: Scene) -> None:
    """Maintenance is shown as such, takes the stream down, and is no disconnect and no failure."""
    assert scene.state.report(scene.now).operative is None
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    scene.hear(Platform(operative=False))
    stream = scene.stream()
    assert (stream.phase, stream.is_up, stream.disconnects) == ("maintenance", False, {})
    assert scene.state.report(scene.now).operative is False
    assert scene.tables() == {"wallets": FIVE}
    scene.hear(Platform(operative=True))
    assert scene.state.report(scene.now).operative is True
    assert not scene.stream().is_up


def test_refusal_is_told_with_its_code(scene: Scene) -> None:
    """A refused key is counted, its code kept and its sentence told; what the key may do is still told."""
    scene.state.change(STREAM, lambda stream: stream.connected(scene.moment))
    scopes = {("withdraw", "write"): True}
    scene.hear(LoggedIn(scopes, frozenset(("wallets",))), Refused("withdraw_scope", "key refused: too much"))
    report = scene.state.report(scene.now)
    assert report.permissions == scopes
    assert (report.streams[0].auth_failures, report.streams[0].refusal) == (1, "withdraw_scope")
    assert [note.sentence for note in report.streams[0].notes] == ["key refused: too much"]
    assert not report.streams[0].is_up


def test_permissions_may_be_told_outside_a_login(scene: Scene) -> None:
    """What a key may do can be learnt later, without touching the stream."""
    scene.connect()
    scene.hear(Permitted({("orders", "read"): True}))
    assert scene.state.report(scene.now).permissions == {("orders", "read"): True}
    assert scene.stream().is_up


def test_early_fill_is_counted_when_its_connection_ends(scene: Scene) -> None:
    """A fill whose final report did not come counts at the end of the connection."""
    scene.connect()
    scene.hear(Fill(1, "BTC/USD", "buy", "maker", 1.0, 2.0, None, "", 3.0, final=False))
    assert scene.state.report(scene.now).tally.fills == {}
    scene.end()
    assert scene.state.report(scene.now).tally.fills["BTC/USD", "buy", "maker"] == 1


def test_available_tells_when_it_was_last_known(scene: Scene) -> None:
    """The time of `available` is the last one at which it was told, not of the last change."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", {USD: Wallet("exchange", "USD", 5.0, 4.0)}))
    scene.wait(10)
    scene.hear(Upsert("wallets", USD, Wallet("exchange", "USD", 6.0)))
    assert scene.state.report(scene.now).view.available_at == {USD: EPOCH}
    scene.wait(10)
    scene.hear(Upsert("wallets", USD, Wallet("exchange", "USD", 6.0, 6.0)))
    assert scene.state.report(scene.now).view.available_at == {USD: EPOCH + 20}


def test_symbols_and_currencies_once_seen_are_remembered(scene: Scene) -> None:
    """A symbol whose last order closed, and a currency whose last offer did, are still known: they are 0."""
    scene.connect("orders", "offers")
    scene.hear(Snapshot("orders", {1: Order("ETH/USD", "buy", 1.0, 2.0, None)}), Snapshot("offers", {}))
    scene.hear(Upsert("offers", 1, Offer("UST", "provided", 50.0, 0.0004, 2.0, None)))
    scene.hear(Removed("orders", 1), Removed("offers", 1))
    view = scene.state.report(scene.now).view
    assert view.tables == {"orders": {}, "offers": {}}
    assert view.order_symbols == {"ETH/USD"}
    assert view.offer_currencies == {"UST"}


def test_values_told_one_by_one_vanish_with_a_new_connection(scene: Scene) -> None:
    """Totals of an old connection are not shown as if the new one had told them."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE), Upsert("totals", ONLY, Totals(5.0, 4.0)))
    assert scene.tables()["totals"] == {ONLY: Totals(5.0, 4.0)}
    scene.end()
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    assert "totals" not in scene.tables()


def test_computed_values_expire_while_the_stream_is_up(scene: Scene) -> None:
    """A stream that is up but no longer computes loses its computed values and keeps the rest."""
    scene.connect("wallets")
    scene.hear(
        Snapshot("wallets", {USD: Wallet("exchange", "USD", 5.0, 4.0)}),
        Upsert("totals", ONLY, Totals(5.0, 4.0)),
    )
    for _ in range(11):
        scene.wait(30)
        scene.hear()
    assert scene.stream().is_up
    assert scene.tables() == {"wallets": FIVE, "totals": {}}


def test_venue_that_lists_everything_shows_what_was_held() -> None:
    """Where a venue lists every currency there is, only those that were ever held are shown, also at 0."""
    scene = Scene(lists_unheld=True)
    scene.connect("wallets")
    rows: Rows = {USD: Wallet("exchange", "USD", 5.0), BTC: Wallet("exchange", "BTC", 0.0)}
    scene.hear(Snapshot("wallets", rows))
    assert scene.tables() == {"wallets": FIVE}
    scene.hear(Upsert("wallets", USD, Wallet("exchange", "USD", 0.0)))
    assert scene.tables() == {"wallets": {USD: Wallet("exchange", "USD", 0.0)}}


def test_recorded_messages_begin_after_the_login(scene: Scene) -> None:
    """A recording that begins after the login is taken as accepted, and complete when its tables are."""
    scene.state.resumed(STREAM, LoggedIn(None, frozenset(("wallets",))), scene.moment)
    assert scene.stream().phase == "syncing"
    scene.hear(Snapshot("wallets", FIVE))
    assert scene.tables() == {"wallets": FIVE}


def test_what_is_true_without_a_message_can_complete(scene: Scene) -> None:
    """A login that is a handshake makes a stream live though no message came."""
    scene.state.change(STREAM, lambda stream: stream.connected(scene.moment))
    scene.state.tell(STREAM, LoggedIn(None, frozenset()), scene.moment)
    assert scene.stream().is_up
    assert scene.stream().messages == {}


def test_one_message_is_one_holding_of_the_lock(scene: Scene) -> None:
    """The events of a message are applied, and a reading is made, under one holding of the lock."""
    scene.connect("wallets", "orders")
    taken = scene.lock.taken
    scene.hear(Snapshot("wallets", FIVE), Snapshot("orders", {}), Gap("public"))
    assert scene.lock.taken == taken + 1
    scene.state.report(scene.now)
    assert scene.lock.taken == taken + 2
    scene.end()
    assert scene.lock.taken == taken + 3


def test_reading_does_not_change_afterwards(scene: Scene) -> None:
    """A reading stays what it was when the account goes on."""
    scene.connect("wallets", "orders")
    scene.hear(Snapshot("wallets", FIVE), Snapshot("orders", {}))
    report = scene.state.report(scene.now)
    scene.hear(Snapshot("wallets", {}), Fill(1, "A/B", "buy", "maker", 1.0, 2.0, None, "", 3.0, final=True))
    assert report.view.tables == {"wallets": FIVE, "orders": {}}
    assert report.view.gone == {"wallets": [], "positions": []}
    assert report.tally.fills == {}


CURRENCIES: Final = st.sampled_from(["USD", "BTC", "ETH"])
BALANCES: Final = st.floats(0, 100)
STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("snapshot"), st.dictionaries(CURRENCIES, BALANCES)),
        st.tuples(st.just("other_snapshot"), st.none()),
        st.tuples(st.just("upsert"), st.tuples(CURRENCIES, BALANCES)),
        st.tuples(st.just("end"), st.none()),
        st.tuples(st.just("gap"), st.none()),
        st.tuples(st.just("wait"), st.floats(0, 45)),
        st.tuples(st.just("heartbeat"), st.none()),
    ),
    max_size=40,
)


class Oracle:
    """What must be shown, worked out from the contract beside the scene that it drives."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.truth: dict[str, float] | None = None
        self.fell: float | None = None
        self._begin()

    def _begin(self) -> None:
        self.scene.connect("wallets", "orders")
        self.told: dict[str, float] | None = None
        self.orders = self.complete = self.doubted = False
        self.heard = self.scene.now

    def _hear(self, *events: Event) -> None:
        self.heard = self.scene.now
        self.scene.hear(*events)

    @property
    def trusted(self) -> bool:
        """Complete, and nothing lost since."""
        return self.complete and not self.doubted

    def snapshot(self, balances: dict[str, float]) -> None:
        """All wallets."""
        self.told = dict(balances)
        self._hear(
            Snapshot("wallets", {("exchange", name): _money(name, balances[name]) for name in balances})
        )

    def other_snapshot(self, _: None) -> None:
        """The other table that is expected."""
        self.orders = True
        self._hear(Snapshot("orders", {}))

    def upsert(self, change: tuple[str, float]) -> None:
        """One wallet."""
        name, balance = change
        self.told = None if self.told is None else {**self.told, name: balance}
        self._hear(Upsert("wallets", ("exchange", name), _money(name, balance)))

    def heartbeat(self, _: None) -> None:
        """A message without a fact."""
        self._hear()

    def gap(self, _: None) -> None:
        """Messages were lost."""
        if self.trusted:
            self.fell = self.scene.now
        self._hear(Gap("public"))
        self.doubted = True

    def end(self, _: None) -> None:
        """The connection breaks and a new one begins."""
        if self.trusted:
            self.fell = min(self.scene.now, self.heard + TRUST.silence_timeout)
        self.scene.end()
        self._begin()

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.scene.wait(seconds)

    def settle(self) -> tuple[bool, dict[str, float] | None]:
        """Whether the stream must be up, and which wallets must be shown."""
        self.complete = self.complete or (self.told is not None and self.orders and not self.doubted)
        if self.complete:
            self.truth = self.told
        if self.trusted:
            self.fell = None
        now, silent_at = self.scene.now, self.heard + TRUST.silence_timeout
        since = silent_at if self.trusted else self.fell
        shown = since is not None and now - since <= TRUST.stale_after
        return self.trusted and now <= silent_at, self.truth if shown else None


def _money(currency: str, balance: float) -> Wallet:
    return Wallet("exchange", currency, balance)


@given(STEPS)
def test_shown_is_the_truth_of_a_complete_connection_or_nothing(steps: Sequence[tuple[str, Any]]) -> None:
    """Whatever comes in whatever order, the wallets shown are those the last complete connection told."""
    oracle = Oracle()
    for step, value in steps:
        getattr(oracle, step)(value)
        up, expected = oracle.settle()
        assert oracle.scene.stream().is_up == up
        rows = oracle.scene.tables().get("wallets")
        shown = None if rows is None else {row.currency: row.balance for row in rows.values()}  # type: ignore[union-attr]
        assert shown == expected


def debits(scene: Scene) -> dict[tuple[str, str], float]:
    """What wallets lost, by currency and reason, where it is not 0."""
    told = debited(scene.state.report(scene.now).movements)
    return {where: amount for where, amount in told.items() if amount}


def dollars(balance: float, reason: Reason = "withdrawal") -> Upsert:
    """The dollar wallet has this balance now."""
    return Upsert("wallets", USD, Wallet(*USD, balance), reason)


def test_movement_of_a_live_stream_has_its_reason(scene: Scene) -> None:
    """A change that a message tells is booked by what the message says of it."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    scene.hear(dollars(4.0))
    assert debits(scene) == {("USD", "withdrawal"): 1.0}


def test_movement_between_connections_is_unobserved(scene: Scene) -> None:
    """What a new connection's snapshot tells otherwise was not seen; what it tells afterwards was."""
    scene.connect("wallets", "orders")
    scene.hear(Snapshot("wallets", FIVE), Snapshot("orders", {}))
    scene.end()
    scene.connect("wallets", "orders")
    scene.hear(dollars(4.5))
    scene.hear(Snapshot("wallets", {USD: Wallet(*USD, 4.0)}))
    scene.hear(dollars(3.75, "fee"))
    assert debits(scene) == {}
    scene.hear(Snapshot("orders", {}))
    assert debits(scene) == {("USD", "unobserved"): 1.0, ("USD", "fee"): 0.25}


def test_half_a_connection_moves_nothing(scene: Scene) -> None:
    """Snapshots that were never shown are booked when a complete set is, and only once."""
    scene.connect("wallets", "orders")
    scene.hear(Snapshot("wallets", FIVE), Snapshot("orders", {}))
    for balance in (4.0, 3.0):
        scene.end()
        scene.connect("wallets", "orders")
        scene.hear(Snapshot("wallets", {USD: Wallet(*USD, balance)}))
    assert debits(scene) == {}
    scene.hear(Snapshot("orders", {}))
    assert debits(scene) == {("USD", "unobserved"): 2.0}


@pytest.mark.parametrize("together", [True, False])
def test_movement_after_a_loss_has_no_reason(scene: Scene, *, together: bool) -> None:
    """A balance that comes with a gap, or after one, holds what was lost: its message speaks of less."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    if together:
        scene.hear(dollars(1.0, "trade"), Gap("account"))
    else:
        scene.hear(Gap("account"))
        scene.hear(dollars(1.0, "trade"))
    assert debits(scene) == {("USD", "unobserved"): 4.0}


def test_reads_by_rest_move_nothing_twice(scene: Scene) -> None:
    """What REST lays down is booked once, and the stream's word on it is then no movement."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    told: Rows = {USD: Wallet(*USD, 5.0, 4.0)}
    scene.state.fill_available(FIVE, told, scene.moment)
    assert scene.tables()["wallets"] == told
    scene.state.fill(dollars(1.0), scene.moment)
    assert debits(scene) == {}
    shown = scene.tables()["wallets"]
    scene.state.replace("wallets", shown, {USD: Wallet(*USD, 3.0)}, scene.moment)
    scene.hear(dollars(3.0))
    assert debits(scene) == {("USD", "unobserved"): 2.0}


def test_rest_does_not_undo_what_the_stream_told_meanwhile(scene: Scene) -> None:
    """A table that changed since it was read by REST keeps the stream's word."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    scene.hear(dollars(6.0))
    scene.state.replace("wallets", FIVE, FIVE, scene.moment)
    assert scene.tables()["wallets"] == {USD: Wallet(*USD, 6.0)}


def test_available_is_not_filled_once_the_wallet_was_told_again(scene: Scene) -> None:
    """The same balance told again may hide a new order: what REST read before of it is not shown."""
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", FIVE))
    before = scene.tables()["wallets"]
    scene.hear(dollars(5.0))
    scene.state.fill_available(before, {USD: Wallet(*USD, 5.0, 5.0)}, scene.moment)
    assert scene.tables()["wallets"] == FIVE


def test_idle_money_is_noticed_at_the_next_message(scene: Scene) -> None:
    """What the first snapshot, a change, REST or new minimums make idle is so from the next message on."""
    lent = ("funding", "USD")
    scene.state.idle.minimums = {"USD": 150.0}
    scene.connect("wallets")
    scene.hear(Snapshot("wallets", {lent: Wallet(*lent, 200.0, 200.0)}))
    assert scene.state.report(scene.now).idle == {"USD": EPOCH}
    scene.wait(1)
    scene.hear(Upsert("wallets", lent, Wallet(*lent, 200.0, 100.0)))
    assert scene.state.report(scene.now).idle == {}
    scene.wait(1)
    scene.state.idle.minimums = {"USD": 50.0}
    scene.hear()
    assert scene.state.report(scene.now).idle == {"USD": EPOCH + 2}
    scene.hear(Upsert("wallets", lent, Wallet(*lent, 200.0, 10.0)))
    scene.hear(Upsert("wallets", lent, Wallet(*lent, 200.0)))
    wallets = scene.tables()["wallets"]
    scene.wait(1)
    scene.state.fill_available(wallets, {lent: Wallet(*lent, 200.0, 60.0)}, scene.moment)
    scene.wait(1)
    scene.hear()
    assert scene.state.report(scene.now).idle == {"USD": EPOCH + 4}
