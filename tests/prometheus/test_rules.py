"""The rules: accepted by promtool, made of metrics that exist, each alert tested, explained and linked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
import yaml

from exporter.exposition.catalogue import BY_NAME
from tests.prometheus.expressions import Named, scan, seconds

Promtool = Callable[..., "subprocess.CompletedProcess[str]"]
Rule = dict[str, Any]

SCRAPE_INTERVAL: Final = 15
SEVERITIES: Final = {"critical", "warning", "info", "{{ $labels.level }}"}
ANNOTATIONS: Final = {"summary", "description", "runbook_url", "dashboard_url"}
OF_PROMETHEUS: Final = {"up": set[str]()}
OF_TARGETS: Final = {"job", "instance"}
HEADINGS: Final = ["Meaning", "Impact", "Diagnosis", "Mitigation"]


def rules_of(path: Path) -> list[Rule]:
    """Every rule of a file."""
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    """The folder of rules and their tests."""
    return repository / "prometheus"


@pytest.fixture(scope="module")
def rules(folder: Path) -> list[Rule]:
    """Every rule of every file, the old names included."""
    return [rule for path in sorted((folder / "rules").glob("*.yaml")) for rule in rules_of(path)]


@pytest.fixture(scope="module")
def alerts(rules: list[Rule]) -> dict[str, Rule]:
    """The alerts by name."""
    found = {rule["alert"]: rule for rule in rules if "alert" in rule}
    assert len(found) == sum("alert" in rule for rule in rules)
    return found


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[dict[str, Any]]:
    """Every case of the promtool tests."""
    return [
        case
        for path in sorted((folder / "tests").glob("*.yaml"))
        for case in yaml.safe_load(path.read_text())["tests"]
    ]


def test_rules_parse_with_a_grammar_of_prometheus_3(rules: list[Rule]) -> None:
    """A parser that follows Prometheus 3 reads every rule, not only Debian's older one."""
    assert len(rules) > 60
    for rule in rules:
        assert promql_parser.parse(rule["expr"]) is not None, rule


@pytest.mark.component
def test_promtool_accepts_the_rules(folder: Path, promtool: Promtool) -> None:
    """Grammar, templates and duplicates are in order by promtool's own judgement."""
    done = promtool("check", "rules", *sorted((folder / "rules").glob("*.yaml")))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.component
def test_promtool_runs_the_cases(
    folder: Path,
    promtool: Promtool,
) -> None:
    """Each case says exactly which alerts fire, with all their labels and annotations."""
    done = promtool("test", "rules", *sorted((folder / "tests").glob("*.yaml")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_firing_and_a_quiet_case(
    alerts: dict[str, Rule], cases: list[dict[str, Any]]
) -> None:
    """A case is named as its alert, and what its name says is what it expects."""
    seen: dict[str, set[str]] = {name: set() for name in alerts}
    for case in cases:
        told = re.match(r"(\w+) (fires|quiet): ", case["name"])
        if told is None:
            assert "alert_rule_test" not in case, case["name"]
            continue
        (judged,) = case["alert_rule_test"]
        assert judged["alertname"] == told[1]
        assert bool(judged["exp_alerts"]) == (told[2] == "fires"), case["name"]
        seen[told[1]].add(told[2])
    assert [name for name, kinds in seen.items() if kinds != {"fires", "quiet"}] == []


def test_alerts_have_what_a_person_needs(alerts: dict[str, Rule], repository: Path) -> None:
    """Severity, a constant summary, a description, a runbook of its own name, a dashboard that exists."""
    uids = {
        json.loads(path.read_text())["uid"] for path in (repository / "grafana/dashboards").glob("*.json")
    }
    for name, rule in alerts.items():
        notes = rule["annotations"]
        assert name.startswith("Exchange")
        assert set(rule["labels"]) == {"severity"}, name
        assert rule["labels"]["severity"] in SEVERITIES, name
        assert set(notes) == ANNOTATIONS, name
        assert re.fullmatch(r"[A-Z][^{}]*\.", notes["summary"]), name
        assert notes["description"].endswith("."), name
        assert notes["runbook_url"].endswith(f"/runbooks/{name}"), name
        board = re.search(r"/d/([\w-]+)", notes["dashboard_url"])
        assert board, name
        assert board[1] in uids, name


def test_each_alert_has_a_runbook_and_each_runbook_an_alert(
    alerts: dict[str, Rule], repository: Path
) -> None:
    """A page named as the alert tells meaning, impact, diagnosis and mitigation, and the index has it."""
    pages = {path.stem: path.read_text() for path in (repository / "docs/runbooks").glob("Exchange*.md")}
    assert sorted(pages) == sorted(alerts)
    index = (repository / "docs/runbooks/README.md").read_text()
    for name, text in pages.items():
        assert text.startswith(f"# {name}\n"), name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS, name
        assert all(part.strip() for part in re.split(r"^#.*$", text, flags=re.MULTILINE)[2:]), name
        assert f"| [{name}]({name}.md) | {alerts[name]['labels']['severity'].strip('{} ')} |" in index, name


def test_runbooks_name_what_exists(rules: list[Rule], repository: Path) -> None:
    """A metric, recorded series or alert that a runbook names is there."""
    known = set(BY_NAME) | {rule.get("record", rule.get("alert")) for rule in rules}
    for path in (repository / "docs/runbooks").glob("*.md"):
        named = set(re.findall(r"\b(?:\w+:)?exchange_\w+(?::\w+)?|\bExchange[A-Z]\w+", path.read_text()))
        assert sorted(named - known) == [], path.name


def labels_of(name: str, recorded: dict[str, set[str]]) -> set[str] | None:
    """The labels that a series of this name may have, None when there is none."""
    if name in OF_PROMETHEUS:
        return OF_TARGETS
    if name in recorded:
        return recorded[name]
    base = BY_NAME.get(name) or BY_NAME.get(re.sub(r"_(bucket|sum|count)$", "", name))
    if base is None:
        return None
    return {*base.labels, *OF_TARGETS, *(("le",) if name.endswith("_bucket") else ())}


def reach(found: Named, recorded: dict[str, set[str]]) -> set[str]:
    """Every label that anything in an expression can have."""
    return set(found.made).union(*(labels_of(name, recorded) or set() for name in found.metrics))


def test_expressions_name_only_what_exists(folder: Path) -> None:
    """Each metric is in the catalogue or recorded before, and each label is one that it has."""
    recorded: dict[str, set[str]] = {}
    problems = []
    # Recorded series first: a rule may use only what a rule before it recorded.
    paths = sorted(
        (folder / "rules").glob("*.yaml"), key=lambda path: ("recording" not in path.name, path.name)
    )
    for rule in (rule for path in paths for rule in rules_of(path)):
        name, found = rule.get("record") or rule["alert"], scan(rule["expr"])
        assert found.metrics, name
        for metric, matched in found.metrics.items():
            has = labels_of(metric, recorded)
            if has is None:
                problems.append(f"{name}: no metric {metric}")
            elif matched - has:
                problems.append(f"{name}: {metric} has no {sorted(matched - has)}")
        if found.labels - reach(found, recorded):
            problems.append(f"{name}: nothing has {sorted(found.labels - reach(found, recorded))}")
        if "record" in rule:
            recorded[name] = reach(found, recorded)
    assert problems == []


def test_expressions_keep_the_rules_of_the_house(rules: list[Rule]) -> None:
    """No name of a job, windows of four scrapes or more, no counter outside of increase or rate."""
    for rule in rules:
        name, found = rule.get("record") or rule["alert"], scan(rule["expr"])
        assert not any("job" in matched for matched in found.metrics.values()), name
        assert all(window >= 4 * SCRAPE_INTERVAL for window in found.windows), name
        for metric in found.metrics:
            if metric in BY_NAME and BY_NAME[metric].kind == "counter":
                assert re.search(rf"(increase|rate)\({metric}\b", rule["expr"]), name


def test_alerts_compare_and_wait(folder: Path, alerts: dict[str, Rule]) -> None:
    """Each alert compares or is about absence; one that waits less than 5 minutes says why above it."""
    text = "".join(path.read_text() for path in (folder / "rules").glob("exchange-*.yaml"))
    for name, rule in alerts.items():
        assert re.search(r"[<>]|==|\babsent\(|\bunless\b", rule["expr"]), name
        looks_back = max([0, *scan(rule["expr"]).windows])
        if seconds(rule.get("for", "0s")) < 300 and looks_back < 900:
            assert re.search(rf"^ +# .+\n +- alert: {name}\n", text, re.MULTILINE), name


def test_operator_objects_are_made_from_the_rules(repository: Path) -> None:
    """PrometheusRule and ServiceMonitor are what prometheus/build.py makes of the rules now."""
    done = subprocess.run(
        [sys.executable, str(repository / "prometheus/build.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.component
def test_links_can_be_made_ones_own(repository: Path, tmp_path: Path, promtool: Promtool) -> None:
    """A copy with other addresses has these and no other, and is a valid set of rules."""
    command = [sys.executable, str(repository / "prometheus/build.py"), f"--output={tmp_path}"]
    command += ["--runbooks=https://wiki.example/books/", "--dashboards=https://grafana.example/d"]
    subprocess.run(command, check=True, timeout=60)
    made = sorted((tmp_path / "rules").glob("*.yaml"))
    text = "".join(path.read_text() for path in (*made, tmp_path / "prometheusrule.yaml"))
    assert "https://wiki.example/books/ExchangeStreamDown\n" in text
    assert "https://grafana.example/d/exchange-exporter-streams" in text
    assert "exchange-exporter.example" not in text
    assert "localhost" not in text
    assert promtool("check", "rules", *made).returncode == 0
