"""Programs as a user starts them, a simulated venue, and configurations for it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer

PATIENCE: Final = 60.0
Program = Callable[..., subprocess.CompletedProcess[str]]


class Process:
    """A running exporter with its log in a file."""

    def __init__(self, repository: Path, folder: Path, port: int, *arguments: str) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._log = folder / "exporter.log"
        command = [sys.executable, "-m", "exporter", *arguments, f"--web.listen-address=127.0.0.1:{port}"]
        env = {**os.environ, "PYTHONPATH": str(repository)}
        with self._log.open("wb") as output:
            self.popen = subprocess.Popen(command, stdout=output, stderr=output, env=env, cwd=folder)

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text()

    def get(self, path: str) -> str:
        """The body of a page."""
        with urllib.request.urlopen(self.base + path, timeout=PATIENCE) as answer:  # noqa: S310 - on loopback
            return str(answer.read().decode())

    def await_lines(self, *wanted: str) -> str:
        """The first page of metrics on which every wanted line stands."""
        deadline, page = time.monotonic() + PATIENCE, ""
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                page = self.get("/metrics")
                if set(wanted) <= set(page.splitlines()):
                    return page
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(timeout=0.05)
                break
        pytest.fail(f"never saw {wanted}\n{page[-3000:]}\n{self.log[-3000:]}")

    def await_log(self, sentence: str) -> None:
        """Return when a sentence is in the log."""
        deadline = time.monotonic() + PATIENCE
        while sentence not in self.log:
            assert time.monotonic() < deadline, self.log
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"ended with code {self.popen.wait(timeout=0.05)}: {self.log[-3000:]}")

    def end(self, number: int) -> int:
        """Send a signal and give the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(timeout=PATIENCE)


@pytest.fixture
def venue() -> Iterator[DemoServer]:
    """A running simulated venue on loopback."""
    server = DemoServer(seed=1)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def config_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a configuration that follows the demo's accounts at a venue; `keys` replaces keys by name."""

    def write(server: DemoServer, *, keys: dict[str, str] | None = None, extra: str = "") -> Path:
        path = tmp_path / "config.yaml"
        lines = ["accounts:"]
        for account in (each for each in ACCOUNTS if each.exchange == "bitfinex"):
            lines += [
                f"  - name: {account.name}",
                "    exchange: bitfinex",
                f"    api_key: {(keys or {}).get(account.name, account.api_key)}",
                f"    api_secret: {account.api_secret}",
                f"    endpoints: {{stream: '{server.url('bitfinex')}'}}",
            ]
        path.write_text(
            "\n".join([*lines, "reconcile: {interval: 0}", "valuation: {interval: 0}", extra, ""])
        )
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def program(repository: Path, tmp_path: Path) -> Program:
    """Run `python -m exporter` with arguments to its end; the caller judges code and output."""

    def run(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "exporter", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(repository)},
        )

    return run


@pytest.fixture
def launch(
    repository: Path, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[Callable[..., Process]]:
    """Start an exporter with arguments; killed afterwards if it still runs."""
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        started.append(Process(repository, tmp_path, free_port(), *arguments))
        return started[-1]

    yield start
    for process in started:
        process.popen.kill()
        process.popen.wait()
