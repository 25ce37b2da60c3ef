"""Reports share what did not change, and tell the same as one that is made from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.events import (
    Balances,
    Event,
    Fill,
    FundingClosed,
    FundingTraded,
    Gap,
    Heard,
    LoggedIn,
    Notified,
    OrderChanged,
    Permitted,
    Reason,
    Removed,
    Snapshot,
    Upsert,
)
from exporter.core.model import ONLY, Key, Offer, Order, Position, Row, Rows, Table, Totals, Wallet
from exporter.core.reading import Reading
from exporter.core.report import Report
from exporter.core.stream import Trust
from exporter.core.tally import TallyReport

TRUST: Final = Trust(silence_timeout=400.0, stale_after=600.0, computed_lifetime=300.0)
EXPECTED: Final[dict[str, frozenset[Table]]] = {
    "money": frozenset(("wallets",)),
    "trade": frozenset(("orders", "positions", "offers")),
}
NAMES: Final = ("BTC", "USD", "ETH")
TALLIED: Final = TallyReport._fields
MADE: Final = ("tables", "positions")
"""Parts of a view with a row that is another object where it was told anew."""
EPOCH: Final = 1_700_000_000.0
AMOUNTS: Final = st.sampled_from((0.0, 1.0, 2.5, 0.1, 123.45678901, 1e-9, 3e9))


class Step(NamedTuple):
    """Something that happens to an account, some seconds after the step before."""

    wait: float
    does: Callable[[AccountState, Instant], None]
    touches: tuple[Table, Key] | None = None
    """The only row that it may change; None where it may change any."""


def _wallet(name: str, balance: float | None, available: float | None) -> Wallet:
    return Wallet("funding", name, balance, available)


def _hear(stream: str, *events: Event, sent: bool = False) -> Callable[[AccountState, Instant], None]:
    def does(state: AccountState, now: Instant) -> None:
        at = now.wall - 0.3 if sent else None
        # Rows that are told are new objects, as a parser makes them, in whichever state they arrive.
        state.apply(
            stream, Heard("message", is_data=True, events=[_anew(each) for each in events], sent_at=at), now
        )

    return does


def _anew(event: Event) -> Event:
    if isinstance(event, Upsert):
        return event._replace(row=event.row._replace())
    if isinstance(event, Snapshot):
        return event._replace(rows={key: row._replace() for key, row in event.rows.items()})
    return event


def _connect(stream: str) -> Callable[[AccountState, Instant], None]:
    def does(state: AccountState, now: Instant) -> None:
        state.resumed(stream, LoggedIn({("wallets", "read"): True}, EXPECTED[stream]), now)
        for table in sorted(EXPECTED[stream]):
            state.apply(stream, Heard("snapshot", is_data=True, events=[Snapshot(table, _first(table))]), now)

    return does


def _first(table: Table) -> Rows:
    rows: dict[Table, Rows] = {
        "wallets": {("funding", name): _wallet(name, 5.0, 4.0) for name in NAMES},
        "positions": {1: Position("BTC/USD", 1.0, leverage=3.0)},
    }
    return rows.get(table, {})


def _refill(state: AccountState, now: Instant) -> None:
    rows: Rows = {("funding", name): _wallet(name, 5.0, 3.0) for name in NAMES}
    state.fill_available(dict(state.streams["money"].shown.known("wallets") or {}), rows, now)


def _overrule(state: AccountState, now: Instant) -> None:
    before = dict(state.streams["trade"].shown.known("orders") or {})
    state.replace("orders", before, dict(list(before.items())[1:]), now)


def _compared(gap: float) -> Callable[[AccountState, Instant], None]:
    def does(state: AccountState, now: Instant) -> None:
        key = ("funding", "BTC")
        moments: Sequence[Rows] = [{key: _wallet("BTC", 1.0, None)}]
        state.compare("wallets", {key: _wallet("BTC", 1.0 + gap, None)}, moments)
        state.compare("orders", {} if gap else {1: Order("A/B", "buy", 1.0, 2.0, None)}, [{}])
        state.reconciled(now)

    return does


def _noted(state: AccountState, now: Instant) -> None:
    state.change("trade", lambda stream: stream.note(now, "something happened"))
    state.change("trade", lambda stream: stream.connect_failures.update(dns=len(stream.notes)))


WALLETS: Final = st.builds(_wallet, st.sampled_from(NAMES), AMOUNTS | st.none(), AMOUNTS | st.none())
PLACED: Final = st.one_of(
    st.builds(lambda row, why: ("money", "wallets", ("funding", row.currency), row, why),
              WALLETS, st.sampled_from(("trade", "deposit", "other"))),
    st.builds(lambda key, left: ("trade", "orders", key, Order("ETH/USD", "buy", left, 2.0, None)),
              st.integers(1, 4), AMOUNTS),
    st.builds(lambda key, gain: ("trade", "positions", key, Position("BTC/USD", 1.0, unrealized_pnl=gain)),
              st.integers(1, 2), AMOUNTS | st.none()),
    st.builds(lambda key, left: ("trade", "offers", key, Offer("UST", "provided", left, 0.1, 2.0, None)),
              st.integers(1, 2), AMOUNTS),
    st.builds(lambda all_: ("money", "totals", ONLY, Totals(all_, 1.0)), AMOUNTS),
)  # fmt: skip
HAPPENINGS: Final = st.one_of(
    st.builds(lambda id_, fee: Fill(id_, "BTC/USD", "buy", "maker", 1.0, 2.0, fee, "USD", 5.0, final=True),
              st.integers(1, 5), st.sampled_from((None, 0.5, -0.5))),
    st.builds(lambda id_: OrderChanged("new", "BTC/USD", (id_,)), st.integers(1, 3)),
    st.builds(lambda id_: FundingClosed(id_, "UST", "used"), st.integers(1, 3)),
    st.builds(lambda id_: FundingTraded(id_, "UST", "provided", 5.0), st.integers(1, 3)),
    st.just(Notified("uca", "success")),
    st.builds(lambda can: Permitted({("wallets", "read"): can}), st.booleans()),
)  # fmt: skip


def _balances(told: Mapping[str, tuple[float | None, ...]], reason: Reason) -> Balances:
    columns = list(zip(*told.values(), strict=True)) or [(), (), ()]
    return Balances([("funding", name) for name in told], columns[0], columns[1], columns[2], reason)


REASON: Final[st.SearchStrategy[Reason]] = st.sampled_from(("trade", "other"))
MERGED: Final = st.builds(
    _balances,
    st.dictionaries(st.sampled_from(NAMES), st.tuples(*[AMOUNTS | st.none()] * 3)),
    REASON,
)
WAITS: Final = st.sampled_from((0.5, 10.0, 60.0, 200.0, 290.0, 1900.0))


def _put(wait: float, what: tuple[Any, ...]) -> Step:
    stream, *told = what
    event = Upsert(*told)
    return Step(wait, _hear(stream, event, sent=True), (event.table, event.key))


def _any(does: Callable[[AccountState, Instant], None]) -> st.SearchStrategy[Step]:
    return WAITS.map(lambda wait: Step(wait, does))


STEPS: Final = st.one_of(
    st.builds(_put, WAITS, PLACED),
    st.builds(_put, WAITS, PLACED),
    st.builds(lambda wait, event: Step(wait, _hear("money", event, sent=True)), WAITS, MERGED),
    st.builds(lambda wait, event: Step(wait, _hear("trade", event), ("orders", 0)), WAITS, HAPPENINGS),
    st.builds(lambda wait: Step(wait, _hear("money"), ("orders", 0)), WAITS),
    st.builds(lambda wait, name: Step(wait, _hear("money", Removed("wallets", ("funding", name)))), WAITS,
              st.sampled_from(NAMES)),
    st.builds(lambda wait, key: Step(wait, _hear("trade", Removed("positions", key)), ("positions", key)),
              WAITS, st.integers(1, 2)),
    _any(_hear("money", Snapshot("wallets", {("funding", "BTC"): _wallet("BTC", 7.0, None)}))),
    _any(_hear("trade", Gap("public"))),
    _any(_connect("money")),
    _any(_connect("trade")),
    _any(lambda state, now: state.ended("trade", "reset", "backoff", now, "ended")),
    _any(_refill),
    _any(_overrule),
    _any(_compared(0.0)),
    _any(_compared(2.0)),
    _any(_noted),
)  # fmt: skip


class Account:
    """An account to which steps happen."""

    def __init__(self, *, lists_unheld: bool, watches_idle: bool = True) -> None:
        self.now = 1000.0
        self.state = AccountState(
            account="main",
            exchange="bitfinex",
            streams=tuple(EXPECTED),
            trust=TRUST,
            lock=nullcontext(),
            started=self.moment,
            lists_unheld=lists_unheld,
        )
        if watches_idle:
            self.state.idle.minimums = {"USD": 2.0, "BTC": 2.0}

    @property
    def moment(self) -> Instant:
        """Now."""
        return Instant(self.now, EPOCH + self.now)

    def take(self, step: Step) -> None:
        """Let a step happen."""
        self.now += step.wait
        step.does(self.state, self.moment)

    def report(self) -> Report:
        """What it tells now."""
        return self.state.report(self.now)


def parts(report: Report) -> Iterator[tuple[str, object]]:
    """Every part that is shared while it is the same, by name."""
    yield from (("permissions", report.permissions), ("idle", report.idle))
    for name in ("tally", "reconcile", "movements"):
        whole = getattr(report, name)
        yield name, whole
        yield from ((f"{name}.{field}", part) for field, part in whole._asdict().items())
    yield from ((f"flows.{each}", flows) for each, flows in report.movements.by_currency.items())
    yield from ((f"view.{field}", part) for field, part in report.view._asdict().items() if field not in MADE)
    yield from ((f"gone.{table}", rows) for table, rows in report.view.gone.items())
    for stream in report.streams:
        yield from (
            (f"{stream.name}.{field}", part)
            for field, part in stream._asdict().items()
            if isinstance(part, Mapping | tuple)
        )


def check_shared(old: Report, new: Report, touched: tuple[Table, Key] | None) -> None:
    """What tells the same is the same."""
    before = dict(parts(old))
    for name, part in parts(new):
        assert part is before.get(name) or part != before.get(name), f"{name} did not change"
    for table, rows in new.view.tables.items():
        known = old.view.tables.get(table, {})
        same = [key for key, row in rows.items() if row is known.get(key)]
        if touched is not None and table in old.view.tables:
            assert rows is known or not same == list(known) == list(rows), f"{table} did not change"
            told_anew = [key for key in rows if key not in same and (table, key) != touched]
            assert all(rows[key] != known.get(key) for key in told_anew), (
                f"{table} {told_anew} did not change"
            )
    unchanged = all(rows is old.view.tables.get(table) for table, rows in new.view.tables.items())
    if unchanged and new.view.tables.keys() == old.view.tables.keys():
        assert new.view.tables is old.view.tables
    if all(one is other for one, other in zip(old.view, new.view, strict=True)):
        assert new.view is old.view


def check_names_changes(old: Report, new: Report, touched: tuple[Table, Key] | None) -> None:
    """What is read by key names the keys that changed, whenever it was only told of some."""
    readings: list[tuple[Mapping[Any, object], Mapping[Any, object]]] = [
        (new.view.positions, old.view.positions),
        (new.movements.by_currency, old.movements.by_currency),
    ]
    known = [table for table in new.view.tables if table in old.view.tables]
    readings += [(new.view.tables[table], old.view.tables[table]) for table in known]
    for rows, before in readings:
        changed = rows.changed_since(before) if isinstance(rows, Reading) else None
        if changed is not None:
            assert all(rows[key] is before[key] for key in (rows.keys() | before.keys()) - set(changed))
    if touched is not None and touched[0] in known and touched[0] != "wallets":
        rows = new.view.tables[touched[0]]
        assert isinstance(rows, Reading)
        assert rows.changed_since(old.view.tables[touched[0]]) is not None


@pytest.mark.parametrize("lists_unheld", [False, True])
@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS, max_size=25))
def test_reports_share_what_did_not_change(lists_unheld: bool, steps: Sequence[Step]) -> None:  # noqa: FBT001 - pytest hands it over
    """After each step a report equals a first one, shares the rest with the last one, and never changes."""
    watched = Account(lists_unheld=lists_unheld)
    last = watched.report()
    kept = [(last, repr(last))]
    begin = [Step(0.0, _connect("money")), Step(0.0, _connect("trade"))]
    for count, step in enumerate(begin := [*begin, *steps], 1):
        watched.take(step)
        report = watched.report()
        unread = Account(lists_unheld=lists_unheld)
        for each in begin[:count]:
            unread.take(each)
        assert report == unread.report()
        assert report.tally._asdict() == {field: getattr(watched.state.tally, field) for field in TALLIED}
        check_shared(last, report, step.touches)
        check_names_changes(last, report, step.touches)
        for earlier, _ in kept[-4:-1]:
            check_names_changes(earlier, report, None)
        kept.append((report, repr(report)))
        last = report
    assert [repr(report) for report, _ in kept] == [told for _, told in kept]


# Who watches idle money reads the wallets after each message; else they wait until somebody looks.
@pytest.mark.parametrize(
    "kind",
    [
        {"lists_unheld": False},
        {"lists_unheld": True},
        {"lists_unheld": False, "watches_idle": False},
        {"lists_unheld": True, "watches_idle": False},
    ],
)
@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS | st.tuples(WAITS, MERGED, st.booleans()), max_size=25))
def test_many_balances_are_each_one_told(
    kind: Mapping[str, bool], steps: Sequence[Step | tuple[float, Balances, bool]]
) -> None:
    """Wallets told at once mean what they mean when told one by one, be they looked at between or not."""
    at_once, one_by_one = Account(**kind), Account(**kind)
    for step in (Step(0.0, _connect("trade")), *steps, Step(1.0, _hear("trade"))):
        looked = True
        if isinstance(step, Step):
            at_once.take(step)
            one_by_one.take(step)
        else:
            wait, balances, looked = step
            events = [Upsert("wallets", key, row, balances.reason) for key, row in balances.rows.items()]
            at_once.take(Step(wait, _hear("money", balances)))
            one_by_one.take(Step(wait, _hear("money", *events)))
        if looked:
            assert repr(at_once.report()) == repr(one_by_one.report())


def test_a_scrape_without_news_shares_everything() -> None:
    """Between two reports without an event, only what time itself changes is new."""
    account = Account(lists_unheld=False)
    for stream in EXPECTED:
        account.take(Step(0.0, _connect(stream)))
    first = account.report()
    account.now += 5.0
    second = account.report()
    assert second.view is first.view
    assert second.tally is first.tally
    assert second.movements is first.movements
    assert second.reconcile is first.reconcile
    assert second.idle is first.idle
    assert [each.messages for each in second.streams] == [each.messages for each in first.streams]


def test_one_wallet_of_many_leaves_the_other_tables_alone() -> None:
    """A change of one row makes one new table, in which all other rows are the objects they were."""
    account = Account(lists_unheld=False)
    for stream in EXPECTED:
        account.take(Step(0.0, _connect(stream)))
    first = account.report().view.tables
    row: Row = _wallet("BTC", 6.0, None)
    account.take(Step(1.0, _hear("money", Upsert("wallets", ("funding", "BTC"), row))))
    second = account.report().view.tables
    assert second["wallets"] is not first["wallets"]
    assert all(second[table] is first[table] for table in ("orders", "positions", "offers"))
    shared = {key for key, row in second["wallets"].items() if row is first["wallets"][key]}
    assert shared == {("funding", "USD"), ("funding", "ETH")}


def test_of_two_positions_on_a_symbol_that_speaks_which_came_last() -> None:
    """Whatever is told of the older one; which speaks again once the other is gone."""
    watched = Account(lists_unheld=False)
    older, newer = (Upsert("positions", key, Position("BTC/USD", float(key))) for key in (1, 2))
    watched.take(Step(0.0, _connect("trade")))
    for event, amount in (
        (older, 1.0),
        (newer, 2.0),
        (older, 2.0),
        (newer, 2.0),
        (Removed("positions", 2), 1.0),
    ):
        watched.take(Step(1.0, _hear("trade", event)))
        assert watched.report().view.positions["BTC/USD"].amount == amount


def test_a_position_that_changes_its_symbol_is_known_by_the_new_one() -> None:
    """No venue does that; should one, nothing is left under the old symbol."""
    watched = Account(lists_unheld=False)
    watched.take(Step(0.0, _connect("trade")))
    for symbol in ("BTC/USD", "ETH/USD"):
        watched.take(Step(1.0, _hear("trade", Upsert("positions", 1, Position(symbol, 1.0)))))
        assert list(watched.report().view.positions) == [symbol]


@pytest.mark.parametrize("merged", [False, True])
def test_after_a_loss_no_message_explains_its_balances(merged: bool) -> None:  # noqa: FBT001 - a parameter
    """What happened in between is in them, be they told one by one or together."""
    account = Account(lists_unheld=False, watches_idle=False)
    account.take(Step(0.0, _connect("money")))
    account.take(Step(1.0, _hear("money", Gap("public"))))
    key = ("funding", "BTC")
    row = Upsert("wallets", key, _wallet("BTC", 9.0, None), "trade")
    account.take(
        Step(1.0, _hear("money", Balances([key], (9.0,), (None,), (None,), "trade") if merged else row))
    )
    account.take(Step(1.0, _connect("money")))
    flows = account.report().movements.by_currency["BTC"]
    assert flows.credits["trade"] == 0.0
    assert flows.credits["unobserved"] > 0.0


def test_a_wallet_that_is_gone_does_not_come_back_with_what_was_told_before() -> None:
    """Though nobody looked between the message that told all wallets and the one that took one away."""
    account = Account(lists_unheld=False, watches_idle=False)
    account.take(Step(0.0, _connect("money")))
    key = ("funding", "BTC")
    account.take(Step(1.0, _hear("money", Balances([key], (9.0,), (None,), (None,), "trade"))))
    account.take(Step(1.0, _hear("money", Removed("wallets", key))))
    assert key not in account.report().view.tables["wallets"]


def test_what_came_and_went_while_nobody_read_leaves_nothing_behind() -> None:
    """An account that is only recorded is read by nobody, for months."""
    account = Account(lists_unheld=False)
    account.take(Step(0.0, _connect("trade")))
    account.report()
    sheets: Any = account.state.streams["trade"].shown
    for number in range(5000):
        order = Order("ETH/USD", "buy", 1.0, 2.0, None)
        account.take(Step(1.0, _hear("trade", Upsert("orders", number, order), Removed("orders", number))))
        position = Upsert("positions", number, Position("BTC/USD", 1.0))
        account.take(Step(1.0, _hear("trade", position, Removed("positions", number))))
    assert len(sheets._sheets["orders"]._changed) < 2000
    assert len(sheets.gone["positions"]) < 2000
    assert list(account.report().view.tables["orders"]) == list(sheets.known("orders"))


def test_of_messages_that_tell_other_wallets_each_one_counts() -> None:
    """Though nobody looked between them."""
    account = Account(lists_unheld=False, watches_idle=False)
    account.take(Step(0.0, _connect("money")))
    for name in ("BTC", "ETH"):
        balances = Balances([("funding", name)], (9.0,), (None,), (None,), "trade")
        account.take(Step(1.0, _hear("money", balances)))
    rows = account.report().view.tables["wallets"]
    assert {row.balance for row in rows.values() if isinstance(row, Wallet) and row.currency != "USD"} == {
        9.0
    }
