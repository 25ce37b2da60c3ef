"""The landing page in a real browser: shown as meant, hostile names inert, nothing to complain of."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from exporter.web.http import Request, Response
from exporter.web.landing import AccountRow, EventLine, Overview, StreamRow
from exporter.web.routes import Routes
from exporter.web.server import Server

HOSTILE: Final = '"><img src=x onerror="document.title=1337"><script>document.title=1337</script>'
NOW: Final = 1_700_000_000.0
QUIET: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
"""A browser that asks nobody but the page; no sandbox, since tests run as root."""


def row(stream: str, state: str, *, up: bool) -> StreamRow:
    """A stream whose every text is hostile."""
    return StreamRow(stream, state, up, NOW - 60, NOW - 1, 3, HOSTILE, (EventLine(NOW - 5, HOSTILE),))


def overview() -> Overview:
    """One good account and one whose name is an attack."""
    good = AccountRow("main", "bitfinex", 7, (row("account", "live", up=True),), "read only")
    bad = AccountRow(HOSTILE, "bitopro", None, (row(HOSTILE, "refused", up=False),), "can withdraw")
    return Overview("1.2.3", True, NOW, NOW - 100, "/metrics", (good, bad))


@pytest.fixture(name="url")
def _url() -> Iterator[str]:
    routes = Routes(
        scrape=lambda _accept, _names: ("text/plain", b""),
        overview=overview,
        healthy=lambda: None,
        ready=lambda: None,
        reload=lambda: None,
    )
    asked: list[Request] = []

    def note(request: Request) -> Response:
        asked.append(request)
        return routes(request)

    server = Server(["127.0.0.1:0"], note)
    server.start()
    yield f"http://127.0.0.1:{server.ports[0]}/"
    server.stop()
    assert {request.path for request in asked} == {"/"}


@pytest.mark.component
def test_the_page_in_a_browser(url: str, tmp_path: Path, component: Callable[[str], str]) -> None:
    """Accounts and states are shown, nothing is injected by hostile names, and the console is clean."""
    command = [
        component("chromium"),
        *QUIET,
        f"--user-data-dir={tmp_path}",
        "--enable-logging=stderr",
        "--virtual-time-budget=3000",
        "--dump-dom",
        url,
    ]
    env = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=env)
    page = done.stdout

    assert "1337</title>" not in page
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;") >= 5
    for text in ("main", "live", "refused", "1 of 2", "7 wallets", "can withdraw"):
        assert text in page
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
