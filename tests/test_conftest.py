"""The ground the other tests stand on: nothing outside is reached, and a missing component is told."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com"])
def test_outside_is_out_of_reach(host: str) -> None:
    """A connection to anything but loopback fails the test at once with the address in the sentence."""
    with socket.socket() as sock:
        with pytest.raises(AssertionError, match=f"^tests connect to loopback only, not to {host}$"):
            sock.connect((host, 443))
        with pytest.raises(AssertionError, match=host):
            sock.connect_ex((host, 443))


def test_loopback_is_in_reach() -> None:
    """Loopback connections work as ever."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as sock:
        sock.connect(server.getsockname())
        server.accept()[0].close()


def test_environment_is_clean() -> None:
    """No proxy setting reaches a test."""
    assert not [name for name in os.environ if name.lower().endswith("_proxy")]


def test_missing_component_skips_locally_and_fails_in_ci(
    component: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A component that is not installed is one sentence: a skip for a developer, a failure under CI=true."""
    sentence = r"^no-such-thing is not installed \(Debian: apt-get install no-such-thing\)$"
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=sentence):
        component("no-such-thing")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=sentence):
        component("no-such-thing")


@pytest.mark.component
def test_prometheus_server_answers_queries(prometheus_server: Callable[[str], str]) -> None:
    """The Prometheus that tests scrape with is a real one and evaluates expressions."""
    url = prometheus_server("scrape_configs: []\n")
    with urllib.request.urlopen(f"{url}/api/v1/query?query=vector(7)", timeout=30) as answer:  # noqa: S310 - loopback
        assert json.load(answer)["data"]["result"][0]["value"][1] == "7"
