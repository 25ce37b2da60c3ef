"""From an incident to a notification: the demo, a real Prometheus, a real Alertmanager, a webhook."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from exporter.exchanges.bitfinex.calc import REFRESH
from tests.prometheus.conftest import PATIENCE, Alert, Stack, Webhook, fetch
from tests.servers import until


@pytest.mark.component
def test_calm_demo_is_quiet_and_incidents_are_told(stack: Stack, alertmanager: str, webhook: Webhook) -> None:
    """Nothing fires while nothing happens; a refused key, a withdrawal and maintenance are told."""
    _calm(stack)
    # Before the first scrape there was no exporter, and the short wait of the test's rules made that known.
    webhook.forget()
    with stack.venue.lock:
        bitfinex = stack.venue.venues["bitfinex"]
        bitfinex.faults.refusals["demo-lender-key"] = (10100, "apikey: invalid")
        bitfinex.drop("demo-lender")
        bitfinex.world._actors[0].treasury.withdraw("BTC")
    _withdrawal_is_told(webhook)
    _refused_key_is_told(stack, alertmanager, webhook)
    _maintenance(stack, webhook)
    assert webhook.names() == {
        "ExchangeAuthRejected",
        "ExchangeWithdrawalSeen",
        "ExchangeMaintenance",
    }


def _calm(stack: Stack) -> None:
    stack.await_result("count(exchange_stream_up == 1) == count(exchange_stream_expected)")
    stack.await_result("count(exchange_reconcile_last_success_timestamp_seconds > 0) == 3")
    # Some seconds of calm, counted in scrapes: more than twice what an alert waits.
    stack.await_result("sum(count_over_time(exchange_exporter_build_info[30s])) > 8")
    fired = stack.ask('count_over_time(ALERTS{alertstate="firing"}[8s])')
    assert fired == []
    assert stack.ask("ALERTS") == []


def _refused_key_is_told(stack: Stack, alertmanager: str, webhook: Webhook) -> None:
    told = webhook.await_alert("firing", alertname="ExchangeAuthRejected", account="demo-lender")
    assert (told["severity"], told["code"]) == ("critical", "10100")
    stack.await_result('ALERTS{alertname="ExchangeStreamDown",account="demo-lender",alertstate="firing"}')
    _await_inhibited(alertmanager, "ExchangeStreamDown")


def _await_inhibited(alertmanager: str, name: str) -> None:
    """Alertmanager knows of the alert, and what keeps it quiet."""

    def is_inhibited() -> bool:
        alerts = fetch(f"{alertmanager}/api/v2/alerts")
        found = [each["status"]["inhibitedBy"] for each in alerts if each["labels"]["alertname"] == name]
        return bool(found) and all(found)

    until(is_inhibited, lambda: f"{name} is not inhibited", PATIENCE)


def _withdrawal_is_told(webhook: Webhook) -> None:
    told = webhook.await_alert("firing", alertname="ExchangeWithdrawalSeen")
    assert (told["account"], told["currency"]) == ("demo-main", "BTC")


def _maintenance(stack: Stack, webhook: Webhook) -> None:
    with stack.venue.lock:
        stack.venue.venues["bitfinex"].maintain(on=True)
    webhook.await_alert("firing", alertname="ExchangeMaintenance", exchange="bitfinex")
    with stack.venue.lock:
        stack.venue.venues["bitfinex"].drop("demo-main")
    down = 'exchange_stream_up{account="demo-main"} == 0'
    stack.await_result(f"count_over_time(({down})[8s:1s]) > 6")
    assert stack.ask('ALERTS{alertname="ExchangeStreamDown",account="demo-main"}') == []


TOLD: Final = {
    "withdrawal": {"alertname": "ExchangeWithdrawalSeen", "currency": "BTC", "severity": "critical"},
    "key-may-withdraw": {
        "alertname": "ExchangeKeyCanWithdraw",
        "account": "demo-lender",
        "scope": "withdraw",
    },
    "messages-garbled": {"alertname": "ExchangeParseFailures", "account": "demo-main", "stream": "account"},
    "orders-rejected": {"alertname": "ExchangeOrdersRejected", "account": "demo-main"},
    "margin-call": {"alertname": "ExchangeMarginLevelCritical", "account": "demo-main"},
    "balance-low": {"alertname": "ExchangeBalanceBelowMinimum", "currency": "BTC", "severity": "critical"},
    "loans-end": {"alertname": "ExchangeFundingExpiryCliff", "account": "demo-main", "currency": "USD"},
    "exchange-unreachable": {"alertname": "ExchangeStreamDown", "account": "demo-bitopro"},
}
"""Incidents of every group of rules, and of what the webhook hears. The first five alerts wait for nothing,
as the repository's rules have it; the others wait for three seconds rather than minutes."""


@pytest.fixture
def _asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REFRESH, "margin", 3.0)


@pytest.mark.component
@pytest.mark.parametrize("stack", [tuple(TOLD)], indirect=True)
@pytest.mark.usefixtures("_asks_often")
def test_incidents_of_every_group_reach_a_person(stack: Stack, webhook: Webhook) -> None:
    """Streams, keys, withdrawals, balances, margin, orders, lending and the exporter's own end are told."""
    for labels in TOLD.values():
        webhook.await_alert("firing", **labels)
    stack.stop_exporter()
    webhook.await_alert("firing", alertname="ExchangeExporterDown", job="any")


def post(alertmanager: str, *alerts: Alert) -> None:
    """Hand alerts to Alertmanager as Prometheus does."""
    now = datetime.now(UTC).isoformat()
    fetch(f"{alertmanager}/api/v2/alerts", [{"labels": each, "startsAt": now} for each in alerts])


def state(alertmanager: str) -> dict[str, Any]:
    """What keeps each alert quiet, by its name and exchange."""
    return {
        f"{each['labels']['alertname']} {each['labels']['exchange']}": bool(each["status"]["inhibitedBy"])
        for each in fetch(f"{alertmanager}/api/v2/alerts")
    }


@pytest.mark.component
def test_maintenance_inhibits_alerts_of_its_exchange_only(alertmanager: str, webhook: Webhook) -> None:
    """While an exchange says it is in maintenance, its streams are nobody's business; money still is."""
    names = ("ExchangeMaintenance", "ExchangeStreamSilent", "ExchangeRestFailing", "ExchangeWithdrawalSeen")
    post(
        alertmanager,
        *({"alertname": name, "exchange": "bitfinex", "account": "main"} for name in names),
        {"alertname": "ExchangeStreamSilent", "exchange": "bitopro", "account": "main"},
    )
    webhook.await_alert("firing", alertname="ExchangeStreamSilent", exchange="bitopro")
    assert state(alertmanager) == {
        "ExchangeMaintenance bitfinex": False,
        "ExchangeStreamSilent bitfinex": True,
        "ExchangeRestFailing bitfinex": True,
        "ExchangeWithdrawalSeen bitfinex": False,
        "ExchangeStreamSilent bitopro": False,
    }


@pytest.mark.component
def test_the_worse_level_silences_the_other(alertmanager: str, webhook: Webhook) -> None:
    """Of two thresholds that are passed, the critical one is told, for each wallet by itself."""
    wallet = {"alertname": "ExchangeBalanceBelowMinimum", "exchange": "bitfinex", "account": "main"}
    post(
        alertmanager,
        {**wallet, "currency": "BTC", "severity": "critical"},
        {**wallet, "currency": "BTC", "severity": "warning"},
        {**wallet, "currency": "USD", "severity": "warning"},
    )
    webhook.await_alert("firing", currency="BTC", severity="critical")
    webhook.await_alert("firing", currency="USD", severity="warning")
    quiet = {
        (each["labels"]["currency"], each["labels"]["severity"])
        for each in fetch(f"{alertmanager}/api/v2/alerts")
        if each["status"]["inhibitedBy"]
    }
    assert quiet == {("BTC", "warning")}
