"""A real Prometheus scrapes the demo, and a query finds a balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exporter.app import App, WebSettings
from exporter.commands.demo import demo_config, rest_side
from exporter.demo.server import DemoServer
from exporter.logs import Redactor
from tests.servers import query, until

PATIENCE = 90.0
CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: exchange
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@pytest.fixture
def app() -> Iterator[App]:
    """The demo, served in this process."""
    venue = DemoServer(seed=1)
    venue.start()
    rest = rest_side(venue)
    rest.start()
    config = demo_config(venue, rest)
    web = WebSettings(("127.0.0.1:0",), "/metrics", None, 5, lifecycle=False)
    app = App(config, web, reread=lambda: config, redact=Redactor(), is_demo=True)
    app.start()
    yield app
    app.stop()
    rest.stop()
    venue.stop()


def await_result(url: str, expr: str) -> list[dict[str, Any]]:
    """The first result of a query that is not empty; Prometheus itself sets the pace."""
    return until(lambda: query(url, expr), lambda: f"no result for {expr}", PATIENCE)


@pytest.mark.component
def test_a_real_prometheus_reads_a_balance(app: App, prometheus_server: Callable[[str], str]) -> None:
    """Scraped over HTTP: the target is up, a balance has its labels, and no sample was refused."""
    url = prometheus_server(CONFIG.format(port=app.ports[0]))
    (balance,) = await_result(
        url, 'exchange_wallet_balance{account="demo-main",wallet="margin",currency="UST"}'
    )
    assert float(balance["value"][1]) > 0
    assert balance["metric"]["exchange"] == "bitfinex"
    assert balance["metric"]["job"] == "exchange"
    assert await_result(url, 'up{job="exchange"}')[0]["value"][1] == "1"
    assert len(await_result(url, 'exchange_stream_up{exchange="bitfinex"} == 1')) >= 2
    lag = "histogram_quantile(0.99, sum by (le) (exchange_stream_delivery_delay_seconds_bucket))"
    assert await_result(url, lag)
    assert await_result(url, 'exchange_currency_price_usd{exchange="bitfinex",currency="BTC"} > 0')
    assert query(url, "exchange_rest_request_failures_total > 0") == []
    scraped = await_result(url, "scrape_samples_scraped")[0]["value"][1]
    assert int(scraped) > 500
