#!/usr/bin/env python3
"""Makes the objects of the Prometheus Operator from the rule files and the scrape example.

    python prometheus/build.py                   # writes both into deploy/kubernetes
    python prometheus/build.py --check           # exit 1 when they are not what the rules say
    python prometheus/build.py --output DIR --runbooks URL --dashboards URL
                                                 # a copy of all of it with the links of your own house

The rule files are the source; nothing that is written here is edited by hand.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).resolve().parent
TESTS: Final = HERE / "tests"
MANIFESTS: Final = HERE.parent / "deploy" / "kubernetes"
RUNBOOKS: Final = "https://exchange-exporter.example/runbooks"
DASHBOARDS: Final = "http://localhost:3000/d"
NAME: Final = "exchange-exporter"
METADATA: Final = {"name": NAME, "labels": {"app.kubernetes.io/name": NAME}}
GENERATED: Final = "# Made by prometheus/build.py. Change prometheus/ and run it again.\n"


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks, and lists indented like the rest of the repository."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the signature of the library
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature of the library
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def rule_files() -> list[Path]:
    """The rules that everybody loads, in the order of their names; the old names are not among them."""
    return sorted((HERE / "rules").glob(f"{NAME.partition('-')[0]}-*.yaml"))


def prometheus_rule() -> str:
    """The PrometheusRule with every group of every rule file."""
    groups = [group for path in rule_files() for group in yaml.safe_load(path.read_text())["groups"]]
    return _dump(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": METADATA,
            "spec": {"groups": groups},
        }
    )


def service_monitor() -> str:
    """The ServiceMonitor, with interval and time-out of the scrape example."""
    scrape = yaml.safe_load((HERE / "prometheus.yml").read_text())["global"]
    endpoint = {
        "port": "metrics",
        "interval": scrape["scrape_interval"],
        "scrapeTimeout": scrape["scrape_timeout"],
    }
    return _dump(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "ServiceMonitor",
            "metadata": METADATA,
            "spec": {"selector": {"matchLabels": METADATA["labels"]}, "endpoints": [endpoint]},
        }
    )


def _dump(document: dict[str, Any]) -> str:
    return GENERATED + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)


def main(arguments: list[str] | None = None) -> int:
    """Write or check the files; 1 when the check finds a difference."""
    parser = argparse.ArgumentParser(description="objects of the Prometheus Operator from the rule files")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    parser.add_argument("--output", type=Path, help="folder for a copy of rules and objects")
    parser.add_argument("--runbooks", default=RUNBOOKS, help="address under which docs/runbooks is served")
    parser.add_argument("--dashboards", default=DASHBOARDS, help="address of Grafana, with its /d")
    chosen = parser.parse_args(arguments)
    if not chosen.output and (chosen.runbooks, chosen.dashboards) != (RUNBOOKS, DASHBOARDS):
        parser.error(
            "--runbooks and --dashboards need --output: the rules in the repository stay as they are"
        )
    made = {"prometheusrule.yaml": prometheus_rule(), "servicemonitor.yaml": service_monitor()}
    folder: Path = chosen.output or MANIFESTS
    if chosen.output:
        made |= {f"rules/{path.name}": path.read_text() for path in rule_files()}
    if chosen.check:
        stale = [name for name, text in made.items() if _read(folder / name) != text]
        for name in stale:
            sys.stderr.write(f"{folder / name} is not what the rules say: run python prometheus/build.py\n")
        sys.stdout.write(counts() + "\n")
        return 1 if stale else 0
    for name, text in made.items():
        ours = text.replace(f"{RUNBOOKS}/", f"{chosen.runbooks.rstrip('/')}/")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ours.replace(f"{DASHBOARDS}/", f"{chosen.dashboards.rstrip('/')}/"))
    return 0


def counts() -> str:
    """How many rules there are, and how many cases prove them, in one line."""
    rules = [
        rule
        for path in rule_files()
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    alerts = sum("alert" in rule for rule in rules)
    names = [
        str(case["name"])
        for path in sorted(TESTS.glob("*.yaml"))
        for case in yaml.safe_load(path.read_text())["tests"]
    ]
    firing, quiet = (sum(word in name for name in names) for word in (" fires: ", " quiet: "))
    return (
        f"prometheus: {alerts} alerts, {len(rules) - alerts} recorded series; "
        f"{firing} firing and {quiet} quiet cases, {len(names) - firing - quiet} of recorded series"
    )


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
