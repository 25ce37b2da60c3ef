"""The pollers of a serving process, as the desk sets them up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from threading import Event

import pytest

from exporter.commands.demo import demo_config, rest_side
from exporter.config.types import Config
from exporter.demo.accounts import MAIN
from exporter.demo.http import DemoHttp
from exporter.demo.records import Fill, Pair
from exporter.demo.server import DemoServer
from exporter.desk import Desk
from exporter.exposition.telemetry import Telemetry
from exporter.follow import Followed, Workshop, system_clock
from exporter.stream.supervisor import Supervisor

PATIENCE = 60.0


@pytest.fixture
def venue() -> Iterator[DemoServer]:
    """A running simulated venue."""
    server = DemoServer(seed=1)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def rest(venue: DemoServer) -> Iterator[DemoHttp]:
    """Its REST side."""
    side = rest_side(venue)
    side.start()
    yield side
    side.stop()


@pytest.fixture
def config(venue: DemoServer, rest: DemoHttp) -> Config:
    """The main account of the demo, and nothing else."""
    config = demo_config(venue, rest)
    return replace(config, accounts=config.accounts[:1])


@pytest.fixture
def followed(config: Config) -> Iterator[Followed]:
    """That account at work."""
    one = Workshop.equip(config.stream).follow(config.accounts[0])
    supervisor = Supervisor(clock=time.monotonic, stuck_after=lambda: PATIENCE, restarted=lambda _key: None)
    supervisor.start(one.sessions)
    yield one
    supervisor.stop()


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk that is closed in the end."""
    made = Desk(Telemetry(version="1", revision="1", is_demo=True))
    yield made
    made.close()


def add_untold(venue: DemoServer, number: int) -> None:
    """An execution that stands in the venue's books and that its stream never tells."""
    fill = Fill(
        id=number,
        pair=Pair("DUSK", "USD"),
        at=round(time.time() * 1000),
        order_id=1,
        client_id=1,
        amount=Decimal(3),
        price=Decimal("0.25"),
        room="exchange",
        order_type="LIMIT",
        order_price=Decimal("0.25"),
        maker=True,
        fee=Decimal("-0.003"),
        fee_currency="DUSK",
    )
    with venue.lock:
        venue.venues["bitfinex"].books[MAIN.name].trades.append(fill)


def wait_until(met: Callable[[], bool]) -> None:
    """Return when a condition is met; fail after a long while."""
    deadline, pause = time.monotonic() + PATIENCE, Event()
    while not met():
        assert time.monotonic() < deadline
        pause.wait(0.05)


def test_an_untold_execution_is_counted_also_after_a_reload(
    venue: DemoServer, config: Config, followed: Followed, desk: Desk
) -> None:
    """What was missed is fetched after the login, once; a new desk for the same account forgets nothing."""
    state = followed.watched.state

    def recovered() -> int:
        return state.report(system_clock().monotonic).tally.recovered

    desk.open([followed], config)
    wait_until(lambda: state.report(system_clock().monotonic).streams[0].is_up)
    add_untold(venue, 1)
    desk.open([followed], config)
    wait_until(lambda: recovered() == 1)
    desk.open([followed], config)
    add_untold(venue, 2)
    with venue.lock:
        venue.venues["bitfinex"].drop()
    # Executions of the demo itself may be missed too.
    wait_until(lambda: recovered() >= 2)
    assert not venue.venues["bitfinex"].violations


def test_prices_are_believed_by_the_present_interval(config: Config, followed: Followed, desk: Desk) -> None:
    """Known prices outlive a reload, unless it changes how often they are read."""
    desk.open([followed], config)
    (market,) = desk.markets()
    desk.open([followed], config)
    assert desk.markets() == (market,)
    desk.open([followed], replace(config, valuation=replace(config.valuation, interval=1800.0)))
    assert market not in desk.markets()
