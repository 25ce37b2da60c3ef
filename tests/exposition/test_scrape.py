"""Answers to scrapes: both formats, names asked for, other spellings, and nothing made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.core.events import Upsert
from exporter.core.model import Wallet
from exporter.exposition.collector import AccountCollector
from exporter.exposition.encode import OPENMETRICS, TEXT
from exporter.exposition.scrape import MACHINE_EVERY, Scrape
from exporter.exposition.telemetry import Telemetry, machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.exposition.conftest import Desk

BTC: Final = ("exchange", "BTC")
DELAY: Final = "exchange_stream_delivery_delay_seconds"


class Board:
    """An account and a machine with one gauge, on a clock of the test's own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        registry = CollectorRegistry()
        self.heat = Gauge("heat", 'How warm "it" is.', registry=registry)
        accounts = AccountCollector(
            lambda: [desk.watched], clock=lambda: desk.instant, series_per_account=lambda: 5000
        )
        self.scrape = Scrape(accounts, registry, clock=lambda: desk.now)

    def text(self, accept: str = TEXT, names: Sequence[str] = ()) -> str:
        """A whole body."""
        return b"".join(self.scrape(accept, names)[1]).decode()


@pytest.fixture
def board(desk: Desk) -> Board:
    """An account with one wallet."""
    desk.sync({"wallets": {BTC: Wallet(*BTC, 1.0)}})
    return Board(desk)


def openmetrics(text: str) -> list[Metric]:
    """The families as the library's strict parser reads them back."""
    return list(parse_openmetrics(text))  # type: ignore[no-untyped-call]


def test_both_formats_hold_accounts_and_machine(board: Board) -> None:
    """Each format parses as itself, ends as it must, and has the wallet and the machine's gauge."""
    board.heat.set(3)
    text, other = board.text(), board.text(OPENMETRICS)
    for names in ({each.name for each in parse_text(text)}, {each.name for each in openmetrics(other)}):
        assert {"exchange_wallet_balance", "heat"} <= names
    assert "# EOF" not in text
    assert other.endswith("# EOF\n")
    assert "\nheat 3.0\n" in text


def test_a_machine_that_could_not_be_read_is_read_again(board: Board) -> None:
    """What failed is no answer for the rest of the second: the next page is whole, to its end mark."""
    board.heat.set_function(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        board.text(OPENMETRICS)
    board.heat.set_function(lambda: 5)
    text = board.text(OPENMETRICS)
    assert "\nheat 5.0\n" in text
    assert text.endswith("# EOF\n")


def test_an_unchanged_page_is_the_same_object(board: Board) -> None:
    """What nobody changed is not made again; a change is seen at once; old bodies stay as they were."""
    first = board.scrape(TEXT)[1]
    board.scrape(OPENMETRICS)
    assert board.scrape(TEXT)[1] is first
    before = b"".join(first)
    board.desk.tell(Upsert("wallets", BTC, Wallet(*BTC, 2.0)))
    second = board.scrape(TEXT)[1]
    assert second is not first
    assert b'currency="BTC",exchange="bitfinex",wallet="exchange"} 2.0\n' in b"".join(second)
    assert b"".join(first) == before


def test_the_machine_is_read_once_a_second(board: Board) -> None:
    """Its figures cost more than all accounts, and nobody scrapes faster."""
    assert "\nheat 0.0\n" in board.text()
    board.heat.set(5)
    assert "\nheat 0.0\n" in board.text(OPENMETRICS)
    board.desk.now += MACHINE_EVERY
    assert "\nheat 5.0\n" in board.text(OPENMETRICS)
    assert "\nheat 5.0\n" in board.text()


@pytest.mark.parametrize(
    ("names", "families"),
    [
        (["exchange_wallet_balance"], ["exchange_wallet_balance"]),
        (["exchange_fees_paid_total"], ["exchange_fees_paid"]),
        (["exchange_fees_paid"], ["exchange_fees_paid"]),
        ([f"{DELAY}_count", "heat"], [DELAY, "heat"]),
        ([DELAY], [DELAY]),
        (["heat"], ["heat"]),
        (["nothing"], []),
    ],
)
def test_names_restrict(board: Board, names: list[str], families: list[str]) -> None:
    """The name of a family or of one of its samples asks for the whole family; an unknown one for nothing."""
    for accept, parse in ((OPENMETRICS, openmetrics), (TEXT, parse_text)):
        assert [each.name for each in parse(board.text(accept, names))] == families
    samples = [sample for each in openmetrics(board.text(OPENMETRICS, [DELAY])) for sample in each.samples]
    assert {sample.name.removeprefix(DELAY) for sample in samples} == {"_bucket", "_count", "_sum"}


@pytest.mark.parametrize("kind", ["text/plain;version=1.0.0", "application/openmetrics-text;version=1.0.0"])
def test_other_spellings_are_those_of_the_library(board: Board, kind: str) -> None:
    """Who asks for dots gets them, and the same values."""
    content_type, body = board.scrape(f"{kind};escaping=dots")
    text = b"".join(body).decode()
    assert content_type.endswith("escaping=dots")
    assert "exchange__wallet__balance{" in text
    assert text.count("\n") == board.text(OPENMETRICS if "open" in kind else TEXT).count("\n")


def test_the_machine_shows_memory_and_no_created_series(desk: Desk) -> None:
    """The process's own CPU, memory and collector are on the page; no `_created` doubles the counters."""
    telemetry = Telemetry(version="1", revision="r", is_demo=False)
    telemetry.expect_sessions([("bitfinex", "main", "account")])
    accounts = AccountCollector(
        lambda: [desk.watched], clock=lambda: desk.instant, series_per_account=lambda: 1, process=telemetry
    )
    page = b"".join(Scrape(accounts, machine(), clock=lambda: 0.0)(TEXT)[1]).decode()
    assert "process_resident_memory_bytes " in page
    assert "python_gc_collections_total" in page
    assert "_created" not in page
