"""Servers of others on loopback, asked and waited for: they cannot tell when something has come true."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

PACE: Final = 0.1
"""Seconds between two looks."""
READY_SECONDS: Final = 60.0
T = TypeVar("T")


def until(look: Callable[[], T], missing: Callable[[], str], seconds: float, pace: float = PACE) -> T:
    """What a look finds once it finds something; after so many seconds fails with what is missing."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, missing()
        time.sleep(pace)
    return found


def query(url: str, expr: str) -> list[dict[str, Any]]:
    """What a Prometheus finds now; an error of the query fails the test in its words."""
    body = urllib.parse.urlencode({"query": expr}).encode()
    request = urllib.request.Request(f"{url}/api/v1/query", data=body)  # noqa: S310 - on loopback
    try:
        with urllib.request.urlopen(request, timeout=READY_SECONDS) as answer:  # noqa: S310 - as above
            result: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
            return result
    except urllib.error.HTTPError as error:
        pytest.fail(f"{expr}: {error.read().decode()}", pytrace=False)


def await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return when a server answers; fail with its log when it died or does not within a minute."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - a URL of ours, on loopback
                return
        except (urllib.error.URLError, OSError):
            try:
                process.wait(timeout=PACE)
            except subprocess.TimeoutExpired:
                continue
            break
    process.kill()
    process.wait()
    pytest.fail(f"{url} did not become ready:\n{log.read_text()[-2000:]}", pytrace=False)
