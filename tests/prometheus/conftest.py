"""A whole stack on loopback: demo, real Prometheus with the rules, real Alertmanager, and a webhook."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.app import WebSettings
from exporter.commands.demo import Demo
from exporter.logs import Redactor
from tests import servers
from tests.servers import await_ready, until

PATIENCE: Final = 60.0
CALM: Final = 10.0
"""Seconds before an incident, in which Prometheus sees what was before."""
Alert = dict[str, str]


def fetch(url: str, body: object = None) -> Any:
    """The JSON that a server on loopback answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310 - on loopback
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
        text = answer.read()
        return json.loads(text) if text else None


class Webhook:
    """Whom Alertmanager tells: keeps every alert of every notification."""

    def __init__(self) -> None:
        told: list[tuple[str, Alert]] = []
        arrived = threading.Condition()
        self._told, self._arrived = told, arrived

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with arrived:
                    told.extend((each["status"], each["labels"]) for each in body["alerts"])
                    arrived.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def await_alert(self, status: str, **labels: str) -> Alert:
        """The first notification of an alert with this status and these labels."""

        def find() -> Alert | None:
            return next(
                (each for s, each in self._told if s == status and labels.items() <= each.items()), None
            )

        with self._arrived:
            self._arrived.wait_for(lambda: find() is not None, PATIENCE)
            found = find()
            assert found is not None, f"not told that {labels} is {status}, only {self._told}"
            return found

    def forget(self) -> None:
        """Begin anew: what was told so far is of no interest."""
        with self._arrived:
            self._told.clear()

    def names(self) -> set[str]:
        """The names of all alerts that were told to fire."""
        with self._arrived:
            return {labels["alertname"] for status, labels in self._told if status == "firing"}

    def stop(self) -> None:
        """End the server and its thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """Someone to notify."""
    hook = Webhook()
    yield hook
    hook.stop()


@pytest.fixture
def alertmanager(
    component: Callable[[str], str],
    free_port: Callable[[], int],
    tmp_path: Path,
    repository: Path,
    webhook: Webhook,
) -> Iterator[str]:
    """The URL of a real Alertmanager: routes and inhibitions of the stack, quick, telling the webhook."""
    config = yaml.safe_load((repository / "deploy/alertmanager/alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    for receiver in config["receivers"]:
        receiver["webhook_configs"] = [{"url": webhook.url}]
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [component("prometheus-alertmanager"), f"--config.file={path}", "--cluster.listen-address="]
    command += [f"--storage.path={tmp_path / 'alertmanager'}", f"--web.listen-address={address}"]
    with (tmp_path / "alertmanager.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    url = f"http://{address}"
    try:
        await_ready(process, f"{url}/api/v2/status", tmp_path / "alertmanager.log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


class Stack:
    """The demo as Prometheus sees it, and the strings to play its troubles."""

    def __init__(self, demo: Demo, url: str, stop: Callable[[], None]) -> None:
        self.venue, self._url, self.stop_exporter = demo.server, url, stop

    def ask(self, query: str) -> list[Alert]:
        """The labels of what an instant query finds."""
        return [each["metric"] for each in servers.query(self._url, query)]

    def await_result(self, query: str) -> list[Alert]:
        """The first result that is not empty."""
        return until(lambda: self.ask(query), lambda: f"no result for {query}", PATIENCE)


def quick(rules: str) -> str:
    """The rules at the pace of a test that scrapes each second: short waits, and short windows of states."""
    rules = re.sub(r"for: \w+", "for: 3s", rules)
    rules = re.sub(r"interval: 30s", "interval: 1s", rules)
    return rules.replace("[1m]", "[4s]")


@pytest.fixture
def stack(
    request: pytest.FixtureRequest,
    prometheus_server: Callable[[str], str],
    alertmanager: str,
    repository: Path,
    tmp_path: Path,
) -> Iterator[Stack]:
    """The demo, scraped and judged each second by the rules of the repository.

    Nothing happens but what a test does, or the incidents that are the fixture's parameter.
    """
    for path in (repository / "prometheus/rules").glob("exchange-*.yaml"):
        (tmp_path / path.name).write_text(quick(path.read_text()))
    web = WebSettings(("127.0.0.1:0",), "/metrics", None, 5, lifecycle=False)
    demo = Demo(web, Redactor(), incidents=getattr(request, "param", ("calm",)), begin=CALM)
    demo.app.start()
    done = threading.Event()
    turner = threading.Thread(target=lambda: [demo.app._turn() for _ in iter(done.is_set, True)])
    turner.start()

    def stop() -> None:
        if not done.is_set():
            done.set()
            turner.join(PATIENCE)
            demo.app.stop()

    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(tmp_path / "exchange-*.yaml")],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}]
        },
        "scrape_configs": [
            {"job_name": "any", "static_configs": [{"targets": [f"127.0.0.1:{demo.app.ports[0]}"]}]}
        ],
    }
    try:
        yield Stack(demo, prometheus_server(yaml.safe_dump(settings)), stop)
    finally:
        stop()
        demo.close()
