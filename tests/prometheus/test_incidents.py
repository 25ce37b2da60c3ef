"""The named incidents of the demo: every alert has one, and each makes its alerts fire and no others."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from exporter.demo.incidents import INCIDENTS
from tests.prometheus.hasty_demo import READY
from tests.prometheus.hurry import SHORTER, hasten
from tests.servers import query, until

BEGIN: Final = 8.0
"""Seconds of calm first: some scrapes see what rises or falls later."""
PATIENCE: Final = 120.0
PACE: Final = 1.0
"""Seconds between two looks: what fires changes once a second."""


class Group(NamedTuple):
    """Incidents that do not disturb each other, played in one demo."""

    incidents: tuple[str, ...]
    speed: float = 4.0
    compares: bool = True
    """Whether stream and REST are compared: each second comparison of a late stream finds a difference."""
    may: frozenset[str] = frozenset()
    """Alerts that fire here only because waits are so short."""


GROUPS: Final[Mapping[str, Group]] = {
    "calm": Group(("calm",)),
    "money": Group(
        (
            *("withdrawal", "balance-low", "balance-high", "wallet-emptied", "holding-unpriced"),
            *("margin-call", "liquidation-near", "order-forgotten", "quotes-untaken", "orders-rejected"),
            *("money-idle", "loans-end", "interest-missing", "offer-forgotten"),
        )
    ),
    "wire": Group(
        (
            *("bad-trade", "money-missing", "key-may-trade", "clock-off", "rest-differs"),
            *("link-flapping", "config-broken"),
        ),
        # A line that breaks every three seconds is down for three, where the machine is slow; and one that
        # breaks three times before its first message looks like a key that BitoPro does not want.
        may=frozenset({"ExchangeStreamDown", "ExchangeBalancesWithheld", "ExchangeAuthRejected"}),
    ),
    "limit": Group(("series-limit", "messages-lost", "messages-garbled", "exchange-unreachable")),
    "silent": Group(("stream-silent", "stream-missing")),
    "dark": Group(("rest-outage", "key-refused")),
    "hidden": Group(("balance-low-hidden",)),
    # What is late is so by the wall clock: here the world must not be faster.
    "late": Group(("messages-late", "key-may-withdraw"), speed=1.0, compares=False),
    "stuck": Group(("session-stuck",)),
    "maintenance": Group(("maintenance",)),
    "bugs": Group(("account-unshown", "session-dies")),
    "gone": Group(("exporter-ends",)),
}
HASTY: Final = {"ExchangeQuotingWithoutFills", "ExchangeFundingNoInterest"}
"""Their six and thirty hours are seconds here, which an account that is quiet or dark for another reason
passes as well: groups without an incident of theirs are not judged by them."""
ABSENT: Final = "ExchangeExporterAbsent"
"""Fires while there is no demo at all: before the first scrape, and after the last."""


@pytest.fixture(scope="module")
def rules(repository: Path) -> Mapping[str, str]:
    """The text of each file of rules, by its name."""
    return {path.name: path.read_text() for path in (repository / "prometheus/rules").glob("exchange-*.yaml")}


@pytest.fixture(scope="module")
def alerts(rules: Mapping[str, str]) -> set[str]:
    """The names of all alerts."""
    return {name for text in rules.values() for name in re.findall(r"- alert: (\w+)", text)}


def test_each_alert_has_an_incident(alerts: set[str]) -> None:
    """There is none that cannot be tried, and nothing is named that is no alert."""
    assert {name for incident in INCIDENTS.values() for name in incident.fires} == alerts


def test_each_incident_is_played_in_one_group() -> None:
    """No incident is left out of the test below."""
    assert sorted(name for group in GROUPS.values() for name in group.incidents) == sorted(INCIDENTS)


def test_every_duration_that_is_made_shorter_is_there(rules: Mapping[str, str]) -> None:
    """A rule that changed its duration does not slip through the net of the hurry."""
    text = "".join(rules.values())
    assert [pattern for pattern in SHORTER if not re.search(pattern, text)] == []


def scrape(group: str, address: str) -> dict[str, Any]:
    """Scrape the demo of a group, as if it followed exchanges of its own: rules must not mix the groups."""
    rename = {"source_labels": ["exchange"], "regex": "(.+)", "target_label": "exchange"}
    return {
        "job_name": group,
        "static_configs": [{"targets": [address], "labels": {"instance": f"{group}/"}}],
        "metric_relabel_configs": [{**rename, "replacement": f"{group}/$1"}],
    }


class Demos:
    """One demo for each group; `logs` is where theirs are kept."""

    def __init__(self, repository: Path, logs: Path) -> None:
        self._repository = repository
        self._logs = logs
        self._started: list[subprocess.Popen[str]] = []

    def play(self, addresses: Mapping[str, str]) -> None:
        """Play each group at its address, all from the same moment."""
        logs = {name: self._logs / f"{name}.log" for name in GROUPS}
        self._started = [self._prepare(group, addresses[name], logs[name]) for name, group in GROUPS.items()]
        for process, log in zip(self._started, logs.values(), strict=True):
            assert process.stdout
            assert process.stdout.readline().strip() == READY, log.read_text()
        for process in self._started:
            assert process.stdin
            process.stdin.close()

    def stop(self) -> None:
        """End those that still run. Idempotent."""
        started, self._started = self._started, []
        for process in started:
            process.terminate()
        for process in started:
            with process:  # closes its pipes
                process.wait(timeout=PATIENCE)

    def _prepare(self, group: Group, address: str, log: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.prometheus.hasty_demo", f"--address={address}"]
        command += [f"--begin={BEGIN}", f"--speed={group.speed}", *group.incidents]
        command += ["--compares"] if group.compares else []
        with log.open("w") as output:
            return subprocess.Popen(
                command, cwd=self._repository, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output,
            )  # fmt: skip


@pytest.fixture
def demos(repository: Path, tmp_path: Path) -> Iterator[Demos]:
    """Demos of all groups, not started yet."""
    made = Demos(repository, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def judged(
    prometheus_server: Callable[[str], str],
    demos: Demos,
    free_port: Callable[[], int],
    rules: Mapping[str, str],
    tmp_path: Path,
) -> str:
    """The URL of a Prometheus that watches one running demo for each group."""
    for name, text in rules.items():
        (tmp_path / name).write_text(hasten(text))
    addresses = {group: f"127.0.0.1:{free_port()}" for group in GROUPS}
    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(tmp_path / "exchange-*.yaml")],
        "scrape_configs": [scrape(group, address) for group, address in addresses.items()],
    }
    # Ready before the demos begin, so that it sees the calm before.
    url = prometheus_server(yaml.safe_dump(settings))
    demos.play(addresses)
    return url


def fired(url: str) -> dict[str, set[str]]:
    """Alerts that have fired so far, by group."""
    found: dict[str, set[str]] = {name: set() for name in GROUPS}
    for each in query(url, 'count_over_time(ALERTS{alertstate="firing"}[10m])'):
        labels = each["metric"]
        if labels["alertname"] != ABSENT:
            group = labels.get("exchange", labels.get("instance", "")).partition("/")[0]
            found[group].add(labels["alertname"])
    return found


@pytest.mark.component
def test_each_incident_fires_its_alerts_and_no_others(judged: str, demos: Demos) -> None:
    """By a real Prometheus with hastened rules; a calm demo under the same rules fires nothing."""
    wanted = {
        name: {alert for incident in group.incidents for alert in INCIDENTS[incident].fires} - {ABSENT}
        for name, group in GROUPS.items()
    }

    def missing() -> dict[str, list[str]]:
        seen = fired(judged)
        return {name: sorted(wanted[name] - seen[name]) for name in GROUPS if wanted[name] - seen[name]}

    until(lambda: not missing(), lambda: f"not fired: {missing()}", PATIENCE, PACE)
    excused = {name: (HASTY | group.may) - wanted[name] for name, group in GROUPS.items()}
    assert {name: found - excused[name] for name, found in fired(judged).items()} == wanted
    # Nobody misses one exporter while there are others.
    absent = f'ALERTS{{alertname="{ABSENT}",alertstate="firing"}}'
    assert query(judged, absent) == []
    demos.stop()
    until(lambda: query(judged, absent), lambda: f"{ABSENT} does not fire", PATIENCE, PACE)
