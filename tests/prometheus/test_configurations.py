"""The files of the stack: valid by the judgement of the programs that read them, closed to the outside."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml


def run(*command: str | Path) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def compose(repository: Path) -> dict[str, Any]:
    """The services of the stack."""
    document: dict[str, Any] = yaml.safe_load((repository / "deploy/compose.yaml").read_text())
    return document


@pytest.mark.component
def test_prometheus_reads_its_configuration_and_every_rule(
    repository: Path, component: Callable[[str], str], tmp_path: Path
) -> None:
    """Laid out as in the container, promtool finds the configuration valid and all rule files in it."""
    (tmp_path / "prometheus.yml").write_text((repository / "deploy/prometheus/prometheus.yml").read_text())
    (tmp_path / "rules").symlink_to(repository / "prometheus/rules")
    said = run(component("promtool"), "check", "config", tmp_path / "prometheus.yml")
    count = len(list((repository / "prometheus/rules").glob("exchange-*.yaml")))
    assert f"SUCCESS: {count} rule files found" in said
    said = run(component("promtool"), "check", "config", repository / "prometheus/prometheus.yml")
    assert f"SUCCESS: {count} rule files found" in said


@pytest.mark.component
def test_alertmanager_reads_its_configuration(repository: Path, component: Callable[[str], str]) -> None:
    """Routes, receivers and inhibitions are in order by the judgement of amtool."""
    path = repository / "deploy/alertmanager/alertmanager.yml"
    run(component("amtool"), "check-config", path)


@pytest.mark.component
def test_alertmanager_examples_are_valid(
    repository: Path, component: Callable[[str], str], tmp_path: Path
) -> None:
    """Every commented receiver works once its comment signs are removed."""
    text = (repository / "deploy/alertmanager/alertmanager.yml").read_text()
    examples = text.split("receivers:", 1)[1].split("inhibit_rules:")[0]
    opened = re.sub(r"^(\s+)# ", r"\1", examples, flags=re.MULTILINE)
    path = tmp_path / "alertmanager.yml"
    head, tail = text.split("receivers:", 1)
    path.write_text(f"{head}receivers:{opened}inhibit_rules:{tail.split('inhibit_rules:')[1]}")
    assert "3 receivers" in run(component("amtool"), "check-config", path)


def test_severities_have_their_receivers(repository: Path) -> None:
    """What is critical pages, what is for information tells nobody, the rest goes to the desk."""
    route = yaml.safe_load((repository / "deploy/alertmanager/alertmanager.yml").read_text())["route"]
    chosen = {each["matchers"][0]: each["receiver"] for each in route["routes"]}
    assert chosen == {'severity="critical"': "pager", 'severity="info"': "nobody"}
    assert route["receiver"] == "desk"


def test_inhibitions_name_alerts_that_exist(repository: Path) -> None:
    """Each name that an inhibition can mean is the name of an alert, and each alert it can mean exists."""
    names = set(
        re.findall(
            r"alert: (\w+)",
            "".join(path.read_text() for path in (repository / "prometheus/rules").glob("exchange-*.yaml")),
        )
    )
    rules = yaml.safe_load((repository / "deploy/alertmanager/alertmanager.yml").read_text())["inhibit_rules"]
    for rule in rules:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            told = re.fullmatch(r'alertname=~?"(.*)"', matcher)
            for name in _spread(told[1]) if told else ():
                assert name in names, matcher


def _spread(pattern: str) -> list[str]:
    """Every text that alternatives with one group each can mean."""
    found = []
    for part in re.split(r"\|(?![^(]*\))", pattern):
        group = re.search(r"\(([^)]*)\)", part)
        if group is None:
            found.append(part)
            continue
        found += [part.replace(group[0], choice) for choice in group[1].split("|")]
    return found


@pytest.mark.component
@pytest.mark.parametrize("environment", [None, "deploy/real.env"])
def test_compose_reads_the_stack(
    repository: Path, component: Callable[[str], str], environment: str | None
) -> None:
    """The demo without a word, the real accounts by one file of the environment."""
    chosen = ["--env-file", str(repository / environment)] if environment else []
    said = run(component("docker-compose"), *chosen, "-f", repository / "deploy/compose.yaml", "config")
    exporter = yaml.safe_load(said)["services"]["exporter"]
    if environment is None:
        assert exporter["command"].startswith("demo ")
        assert "no-keys:/run/secrets:ro" in exporter["volumes"]
    else:
        assert exporter["command"].startswith("run --config.file=/etc/exchange-exporter/config.yaml ")
        assert f"{repository / 'secrets'}:/run/secrets:ro" in exporter["volumes"]


def test_stack_is_open_to_loopback_only(compose: dict[str, Any]) -> None:
    """No port on a public address, no privilege, no password that is the same everywhere."""
    for name, service in compose["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not any("PASSWORD" in key for key in service.get("environment", {})), name
    grafana = compose["services"]["grafana"]["environment"]
    assert grafana["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert grafana["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    """Each image has a full version."""
    for name, service in compose["services"].items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name


def test_mounts_exist(compose: dict[str, Any], repository: Path) -> None:
    """Each file or folder of the repository that is mounted is there."""
    for service in compose["services"].values():
        for mount in service["volumes"]:
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", mount).split(":")[0]
            if source.startswith("."):
                assert (repository / "deploy" / source).exists(), mount
            else:
                assert source in compose["volumes"], mount


def test_grafana_finds_prometheus_and_the_dashboards(compose: dict[str, Any], repository: Path) -> None:
    """The provisioned data source is the service, and the provisioned folder is mounted."""
    provisioning = repository / "grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioning / "dashboards/exporter.yaml").read_text())["providers"]
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"../grafana/dashboards:{provider['options']['path']}:ro" in mounts
