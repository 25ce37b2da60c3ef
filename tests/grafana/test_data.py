"""Every query of every dashboard finds something in a real Prometheus that scrapes the demo."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

import pytest
import yaml

from exporter.app import App, WebSettings
from exporter.commands.demo import demo_config, rest_side
from exporter.demo.server import DemoServer
from exporter.logs import Redactor
from tests import servers
from tests.servers import until

PATIENCE: Final = 180.0
PACE: Final = 0.5

SILENT: Final = {
    r"exchange_pnl_usd:delta1d": "needs a day of history",
    r"realized_apr:ratio(7|30)d": "needs as many days of history",
    r"stream_malformed_total": "the simulated venues say nothing that cannot be read",
    r"stream_auth_failures_total": "no key of the demo is refused",
    r"stream_connect_failures_total": "the simulated venues take every connection",
    r"rest_request_failures_total": "the simulated REST answers everything",
    r"reconcile_difference|reconcile_mismatched_rows": "streams and REST of the demo agree in the end",
    r"fee_rebates_total": "the simulated venues pay no rebates",
    r"reason=\"deposit\".*> 0$": "the demo deposits only when a wallet runs low",
    r"position_opened_timestamp_seconds": "only a snapshot tells it, and positions of the demo do not last",
}
"""Queries that may stay silent, by a pattern, and why."""


class Query(Protocol):
    """What conftest makes of a query."""

    where: str
    expr: str


@pytest.fixture
def app() -> Iterator[App]:
    """The demo at five times its pace, so that each of its incidents happens within a minute."""
    venue = DemoServer(seed=1, speed=5.0)
    venue.start()
    rest = rest_side(venue)
    rest.start()
    config = demo_config(venue, rest)
    web = WebSettings(("127.0.0.1:0",), "/metrics", None, 5, lifecycle=False)
    app = App(config, web, reread=lambda: config, redact=Redactor(), is_demo=True)
    app.start()
    done = threading.Event()
    turner = threading.Thread(target=lambda: [app._turn() for _ in iter(done.is_set, True)])
    turner.start()
    yield app
    done.set()
    turner.join(PATIENCE)
    app.stop()
    rest.stop()
    venue.stop()


@pytest.fixture
def url(app: App, prometheus_server: Callable[[str], str], repository: Path, tmp_path: Path) -> str:
    """A Prometheus that scrapes the demo and keeps the rules each second."""
    for path in (repository / "prometheus/rules").glob("exchange-*.yaml"):
        (tmp_path / path.name).write_text(path.read_text().replace("interval: 30s", "interval: 1s"))
    job = {"job_name": "exchange", "static_configs": [{"targets": [f"127.0.0.1:{app.ports[0]}"]}]}
    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(tmp_path / "exchange-*.yaml")],
        "scrape_configs": [job],
    }
    return prometheus_server(yaml.safe_dump(settings))


def concrete(expr: str) -> str:
    """The query as it is sent when everything is chosen and the last minutes are shown."""
    expr = expr.replace("$__rate_interval", "15s").replace("$__range", "5m")
    return re.sub(r"\$(job|instance|exchange|account|currency)\b", ".+", expr)


def silent(query: Query) -> bool:
    """Whether the query may find nothing in the demo."""
    return any(re.search(pattern, query.expr) for pattern in SILENT)


@pytest.mark.component
def test_every_query_finds_data(url: str, queries: Sequence[Query]) -> None:
    """Each query that is not listed with a reason has a result at one time or another."""
    waiting = {query.expr: query for query in queries}

    def wanted() -> list[Query]:
        return [query for query in waiting.values() if not silent(query)]

    def is_over() -> bool:
        for expr in list(waiting):
            if servers.query(url, concrete(expr)):
                del waiting[expr]
        return not wanted()

    def missing() -> str:
        names = "\n".join(f"{query.where}: {concrete(query.expr)}" for query in wanted())
        return f"{len(wanted())} queries found nothing:\n{names}"

    until(is_over, missing, PATIENCE, PACE)


def test_the_list_of_silent_queries_is_short(queries: Sequence[Query]) -> None:
    """Each entry stands for queries that there are, and most queries are not excused."""
    exprs = {query.expr for query in queries}
    assert all(any(re.search(pattern, expr) for expr in exprs) for pattern in SILENT)
    assert len({query.expr for query in queries if silent(query)}) < len(exprs) / 8
