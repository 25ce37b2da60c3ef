"""From account states to families: whole, consistent, capped, and never the end of a scrape."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from exporter.core.clock import Instant
from exporter.core.events import Heard, Platform, Upsert
from exporter.core.market import MarketState
from exporter.core.model import Position, Rows, Wallet
from exporter.core.stream import StreamState
from exporter.exposition.catalogue import BY_NAME, METRICS
from exporter.exposition.collector import LOOK_EVERY, PROCESS_FAMILIES, AccountCollector
from tests.exposition.conftest import Desk

if TYPE_CHECKING:
    from collections.abc import Callable


def collector(*desks: Desk, limit: int = 5000) -> AccountCollector:
    """A collector over these accounts, on the clock of the first."""
    return AccountCollector(
        lambda: [desk.watched for desk in desks],
        clock=lambda: desks[0].instant,
        series_per_account=lambda: limit,
    )


def found(source: AccountCollector) -> dict[str, Metric]:
    """Families by name."""
    return {family.name: family for family in source.collect()}


def values(source: AccountCollector, name: str) -> dict[str, float]:
    """Samples of a family by their labels, in the order of the catalogue."""
    family_name = name.removesuffix("_count").removesuffix("_sum").removesuffix("_bucket")
    order = (*BY_NAME[family_name].labels, "le")
    return {
        ",".join(sample.labels[label] for label in order if label in sample.labels): sample.value
        for family in source.collect()
        for sample in family.samples
        if sample.name == name
    }


def wallets(count: int) -> Rows:
    """Many wallets."""
    return {
        ("exchange", f"C{number:03}"): Wallet("exchange", f"C{number:03}", 1.0) for number in range(count)
    }


def test_the_families_come_in_the_order_of_the_catalogue(desk: Desk) -> None:
    """A scrape is the catalogue from top to bottom, process families apart."""
    expected = [metric.name for metric in METRICS if metric.name not in PROCESS_FAMILIES]
    names = [BY_NAME.get(family.name) or BY_NAME.get(f"{family.name}_total") or BY_NAME[f"{family.name}_info"]
             for family in collector(desk).collect()]  # fmt: skip
    assert [metric.name for metric in names] == expected


def test_describe_and_collect_name_the_same_families(desk: Desk) -> None:
    """What can be asked for by `name[]` is what is collected."""
    source = collector(desk)
    assert [each.name for each in source.describe()] == [each.name for each in source.collect()]


def test_it_can_be_registered_only_once(desk: Desk) -> None:
    """A second collector of the same names is a mistake that the registry catches."""
    registry = CollectorRegistry()
    registry.register(collector(desk))
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(collector(desk))


def test_accounts_stand_side_by_side(desk: Desk, other_desk: Desk) -> None:
    """Each account has its own series in one family."""
    assert values(collector(desk, other_desk), "exchange_account_expected") == {
        "bitfinex,main": 1,
        "bitfinex,second": 1,
    }


def test_an_account_that_cannot_be_shown_takes_no_other_with_it(
    desk: Desk, other_desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in one account is logged once, told as collect_success 0, and the other account is whole."""
    other_desk.sync({"wallets": wallets(1)})
    object.__setattr__(desk.state, "tally", None)
    source = collector(desk, other_desk)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert values(source, "exchange_exporter_collect_success") == {
                "bitfinex,main": 0,
                "bitfinex,second": 1,
            }
    assert [record.getMessage() for record in caplog.records] == ["account cannot be shown"]
    assert len(values(source, "exchange_wallet_balance")) == 1
    # It is still an account: who adds up the others can see that one is missing.
    assert values(source, "exchange_account_expected") == {"bitfinex,main": 1, "bitfinex,second": 1}


def test_what_fails_anew_is_logged_anew(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """After an account could be shown again, the next bug is news."""
    source, tally = collector(desk), desk.state.tally
    with caplog.at_level(logging.ERROR):
        for each in (None, None, tally, None):
            object.__setattr__(desk.state, "tally", each)
            desk.now += 1.0
            assert values(source, "exchange_exporter_collect_success") == {"bitfinex,main": each is tally}
    assert len(caplog.records) == 2


def test_after_a_scrape_that_failed_the_next_one_is_whole(desk: Desk) -> None:
    """Half a page is never taken for one that is up to date."""
    errors: list[Exception | None] = []

    def markets() -> list[MarketState]:
        if errors and (error := errors.pop(0)):
            raise error
        return []

    source = AccountCollector(
        lambda: [desk.watched], clock=lambda: desk.instant, series_per_account=lambda: 5000, markets=markets
    )
    key = ("exchange", "C0")
    desk.sync({"wallets": {key: Wallet(*key, 1.0)}})
    values(source, "exchange_wallet_balance")
    desk.tell(Upsert("wallets", key, Wallet(*key, 7.0)))
    # The first look finds that something changed, and the second one fails.
    errors[:] = [None, ValueError()]
    with pytest.raises(ValueError):  # noqa: PT011 - it is the test's own
        source.body(openmetrics=False)
    assert values(source, "exchange_wallet_balance") == {"bitfinex,main,exchange,C0": 7.0}


def test_the_cap_cuts_values_and_never_health(desk: Desk) -> None:
    """Series beyond the limit are left out in catalogue order and counted at each scrape; health is whole."""
    desk.sync({"wallets": wallets(300)})
    whole = found(collector(desk))
    source = collector(desk, limit=120)
    cut = found(source)
    dropped = values(source, "exchange_exporter_series_dropped_total")
    assert len(cut["exchange_wallet_balance"].samples) == 120
    assert dropped["exchange_wallet_balance"] == 2 * 180
    assert dropped["exchange_notifications_total"] > 0
    for name, family in whole.items():
        metric = BY_NAME.get(name) or BY_NAME.get(f"{name}_total")
        if metric is not None and metric.section in ("Streams", "Exporter") and "dropped" not in name:
            assert cut[name].samples == family.samples


def test_nothing_is_dropped_below_the_limit(desk: Desk) -> None:
    """The count of dropped series is there for every family, at 0."""
    desk.sync({"wallets": wallets(100)})
    dropped = values(collector(desk), "exchange_exporter_series_dropped_total")
    assert set(dropped.values()) == {0}
    assert "exchange_wallet_balance" in dropped


def test_lag_is_a_histogram_over_all_accounts(desk: Desk, other_desk: Desk) -> None:
    """Buckets are cumulative and add up over accounts; the empty one is there from the start."""
    name = "exchange_stream_delivery_delay_seconds"
    assert values(collector(desk), f"{name}_count") == {"bitfinex,account": 0}
    for each, delay in ((desk, 0.07), (other_desk, 3.0), (other_desk, -5.0)):
        heard = Heard("wu", is_data=True, sent_at=each.instant.wall - delay)
        each.state.apply("account", heard, each.instant)
    source = collector(desk, other_desk)
    counts = [sample.value for sample in found(source)[name].samples if sample.name == f"{name}_bucket"]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] == 3
    assert values(source, f"{name}_sum") == {"bitfinex,account": pytest.approx(3.07)}


def test_lag_does_not_fall_when_an_account_leaves(desk: Desk, other_desk: Desk) -> None:
    """Neither when one is gone for good nor while one cannot be shown: it is a counter of the venue."""
    there = [desk.watched, other_desk.watched]
    source = AccountCollector(lambda: there, clock=lambda: desk.instant, series_per_account=lambda: 5000)

    def counted() -> float:
        desk.now += 1.0
        return values(source, "exchange_stream_delivery_delay_seconds_count")["bitfinex,account"]

    for each in (desk, desk, other_desk):
        heard = Heard("wu", is_data=True, sent_at=each.instant.wall - 0.2)
        each.state.apply("account", heard, each.instant)
    assert counted() == 3
    tally = other_desk.state.tally
    object.__setattr__(other_desk.state, "tally", None)
    assert counted() == 3
    object.__setattr__(other_desk.state, "tally", tally)
    assert counted() == 3
    there.remove(desk.watched)
    assert counted() == 3
    there.append(Desk("main").watched)
    assert counted() == 3


def test_the_venue_is_told_once(desk: Desk, other_desk: Desk) -> None:
    """Platform state is a series per exchange, absent until one account heard it."""
    source = collector(desk, other_desk)
    assert values(source, "exchange_platform_operative") == {}
    other_desk.connect()
    other_desk.tell(Platform(operative=False))
    assert values(source, "exchange_platform_operative") == {"bitfinex": 0}


def test_an_empty_configuration_is_a_valid_scrape() -> None:
    """Without accounts the families of the process are there and nothing fails."""
    source = AccountCollector(list, clock=lambda: pytest.fail("unused"), series_per_account=lambda: 1)
    assert list(source.describe())


def test_scrapes_at_once_see_one_moment_each(desk: Desk) -> None:
    """While a writer changes two wallets in one step, no scrape sees one of them without the other."""
    pair: Rows = {("exchange", name): Wallet("exchange", name, 0.0) for name in ("A", "B")}
    desk.sync({"wallets": pair})
    source = collector(desk)

    def scrape(_: int) -> bool:
        return len(set(values(source, "exchange_wallet_balance").values())) == 1

    with ThreadPoolExecutor(4) as pool:
        verdicts = pool.map(scrape, range(40))
        for number in range(400):
            fresh = [Wallet("exchange", name, float(number)) for name in ("A", "B")]
            desk.tell(*(Upsert("wallets", ("exchange", row.currency), row) for row in fresh))
        assert all(verdicts)


def test_a_scrape_does_not_wait_for_a_stream(desk: Desk) -> None:
    """While a session is between two frames nothing is held that a scrape needs."""
    held: list[bool] = []

    def step(_: StreamState) -> None:
        held.append(bool(desk.state.lock.lock.locked()))  # type: ignore[attr-defined]

    desk.state.change("account", step)
    assert held == [True]
    assert desk.state.lock.lock.acquire(blocking=False)  # type: ignore[attr-defined]
    desk.state.lock.lock.release()  # type: ignore[attr-defined]


def test_what_time_alone_changes_is_seen_within_a_tenth_of_a_second(desk: Desk) -> None:
    """While nothing is told a page is looked over only so often; silence is noticed all the same."""
    desk.sync()
    source = collector(desk)
    first = source.body(openmetrics=False)
    desk.now += LOOK_EVERY / 2
    assert source.body(openmetrics=False) is first
    desk.now = desk.watched.state.streams["account"].trust.silence_timeout + 0.01
    assert values(source, "exchange_stream_up") == {"bitfinex,main,account": 0}


def test_whatever_is_told_is_seen_at_once(desk: Desk) -> None:
    """By a message, by REST, by a session or a reload: no page is older than what was told before it."""
    desk.sync({"wallets": wallets(1)})
    source = collector(desk)
    where = ("exchange", "C000")
    seen = [source.body(openmetrics=False)]
    steps: tuple[Callable[[], object], ...] = (
        lambda: desk.tell(Upsert("wallets", where, Wallet(*where, 2.0))),
        lambda: desk.state.permitted(Platform(operative=False), desk.instant),
        lambda: desk.state.reconciled(desk.instant),
        lambda: desk.state.change("account", lambda stream: stream.heard(Instant(1.0, 9.0))),
        desk.lose,
        lambda: desk.show_only(currencies=("BTC",)),
    )
    for step in steps:
        step()
        seen.append(source.body(openmetrics=False))
        assert seen[-1] is not seen[-2]


def test_the_clock_difference_is_the_least_of_a_venue(desk: Desk, other_desk: Desk) -> None:
    """Before a message told its time there is no sample; then the fastest message of all accounts speaks."""
    name = "exchange_clock_difference_seconds"
    assert values(collector(desk, other_desk), name) == {}
    for each, delay in ((desk, 0.25), (desk, 0.5), (other_desk, -2.0)):
        heard = Heard("wu", is_data=True, sent_at=each.instant.wall - delay)
        each.state.apply("account", heard, each.instant)
    assert values(collector(desk), name) == {"bitfinex": 0.25}
    assert values(collector(desk, other_desk), name) == {"bitfinex": -2.0}
    desk.now = other_desk.now = 301.0
    assert values(collector(desk, other_desk), name) == {}


def test_positions_are_judged_by_the_market_of_their_own_exchange(desk: Desk) -> None:
    """The last price comes from the venue that holds the position, and from no other."""
    name = "exchange_position_mark_price"
    desk.sync({"positions": {1: Position("ETH/USD", 1.0)}})
    ours, theirs = (MarketState(each, interval=60.0, lock=nullcontext()) for each in ("bitfinex", "other"))
    theirs.quoted({}, frozenset(), {}, 0.0, 1.0, marks={"ETH/USD": 1.0})
    source = AccountCollector(
        lambda: [desk.watched],
        clock=lambda: desk.instant,
        series_per_account=lambda: 5000,
        markets=lambda: [ours, theirs],
    )
    assert values(source, name) == {}
    ours.quoted({}, frozenset(), {}, 0.0, 1.0, marks={"ETH/USD": 2000.0})
    assert values(source, name) == {"bitfinex,main,ETH/USD": 2000.0}
    desk.now = 300.1
    desk.tell()
    assert values(source, name) == {}
