"""What Prometheus makes of movements: the first withdrawal of all is seen."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from exporter.demo.script import SCRIPT
from tests.simulated import Stage

SCRAPE: Final = 15
SECONDS: Final = 180
RULE: Final = {
    "alert": "WithdrawalSeen",
    "expr": 'increase(exchange_wallet_debits_total{reason="withdrawal"}[1m]) > 0',
}


def scraped(stage: Stage) -> list[dict[str, Any]]:
    """The debits of a demo account in the form that promtool takes, one sample per scrape."""
    series: dict[tuple[str, ...], list[str]] = {}

    def scrape(number: int) -> None:
        for labels, value in stage.samples().get("exchange_wallet_debits_total", {}).items():
            series.setdefault(labels, ["_"] * number).append(repr(value))

    for number, second in enumerate(range(0, SECONDS, SCRAPE)):
        stage.at(second, partial(scrape, number))
    stage.freeze(SECONDS)
    names = ("exchange", "account", "currency", "reason")
    return [
        {"series": _written(dict(zip(names, labels, strict=True))), "values": " ".join(values)}
        for labels, values in series.items()
    ]


def _written(labels: dict[str, str]) -> str:
    inside = ",".join(f'{name}="{label}"' for name, label in labels.items())
    return "exchange_wallet_debits_total{" + inside + "}"


def test_the_first_withdrawal_is_a_rise(
    promtool: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """`increase` sees the demo's first withdrawal, and nothing before it or a minute and a half after it."""
    alert = {"exchange": "bitfinex", "account": "demo-main", "currency": "BTC", "reason": "withdrawal"}
    unit = {
        "interval": f"{SCRAPE}s",
        "input_series": scraped(Stage(script=SCRIPT[:1])),
        "alert_rule_test": [
            {"eval_time": "15s", "alertname": RULE["alert"], "exp_alerts": []},
            {"eval_time": "60s", "alertname": RULE["alert"], "exp_alerts": [{"exp_labels": alert}]},
            {"eval_time": "135s", "alertname": RULE["alert"], "exp_alerts": []},
        ],
    }
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "movements", "rules": [RULE]}]}))
    (tmp_path / "unit.yml").write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": f"{SCRAPE}s", "tests": [unit]})
    )
    done = promtool("test", "rules", tmp_path / "unit.yml")
    assert done.returncode == 0, done.stdout + done.stderr
