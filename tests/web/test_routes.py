"""Paths, methods, types and sentences."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from exporter.web.http import TEXT, Request
from exporter.web.landing import CONTENT_SECURITY_POLICY, Overview
from exporter.web.routes import Routes, check_telemetry_path, gzip_wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

PAGE = [b"a 1\n"] * 1000


def routes(body: Any = b"# EOF\n", **changes: Any) -> Routes:
    """Routes where all is well, with changes."""

    def scrape(accept: str, names: Sequence[str]) -> tuple[str, bytes]:
        return OPENMETRICS, body or f"{accept} {list(names)}".encode()

    parts: dict[str, Any] = {
        "scrape": scrape,
        "overview": lambda: Overview("1.2.3", False, 10.0, 0.0, "/metrics", ()),
        "healthy": lambda: None,
        "ready": lambda: None,
        "reload": lambda: None,
    }
    return Routes(**{**parts, **changes})


@pytest.mark.parametrize(
    ("method", "path", "changes", "status", "text"),
    [
        ("GET", "/-/healthy", {}, 200, "healthy"),
        ("GET", "/-/healthy", {"healthy": lambda: "x is stuck"}, 503, "not healthy: x is stuck"),
        ("HEAD", "/-/ready", {}, 200, "ready"),
        ("GET", "/-/ready", {"ready": lambda: "starting"}, 503, "not ready: starting"),
        ("POST", "/-/ready", {}, 405, "method not allowed: expected GET or HEAD"),
        (
            "POST",
            "/-/reload",
            {},
            403,
            "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP",
        ),
        ("POST", "/-/reload", {"lifecycle": True}, 200, "reloaded"),
        (
            "POST",
            "/-/reload",
            {"lifecycle": True, "reload": lambda: "bad file"},
            500,
            "not reloaded: bad file",
        ),
        ("GET", "/-/reload", {"lifecycle": True}, 405, "method not allowed: reload with POST"),
        ("GET", "/-/reload", {}, 405, "method not allowed: reload with POST"),
        ("DELETE", "/metrics", {}, 405, "method not allowed: expected GET or HEAD"),
        ("GET", "/metrics/", {}, 404, "not found: metrics are at /metrics, an overview is at /"),
        (
            "GET",
            "/metrics",
            {"telemetry_path": "/m"},
            404,
            "not found: metrics are at /m, an overview is at /",
        ),
        ("GET", "/favicon.ico", {}, 404, "not found: metrics are at /metrics, an overview is at /"),
    ],
)
def test_sentences(method: str, path: str, changes: dict[str, Any], status: int, text: str) -> None:
    """Each path and method has its status, its one sentence and the exact type of plain text."""
    response = routes(**changes)(Request(method, path))
    assert (response.status, response.content_type, response.body) == (status, TEXT, f"{text}\n".encode())
    assert ("Cache-Control", "no-store") in response.headers
    assert ("X-Content-Type-Options", "nosniff") in response.headers


def test_methods_that_would_do_are_named() -> None:
    """A 405 says in Allow what is allowed."""
    assert ("Allow", "POST") in routes()(Request("GET", "/-/reload")).headers
    assert ("Allow", "GET, HEAD") in routes()(Request("PUT", "/")).headers


def test_a_reload_that_is_off_is_not_made() -> None:
    """Without the flag nothing is reloaded, whatever the answer says."""
    calls: list[str] = []
    routes(reload=lambda: calls.append("reload"))(Request("POST", "/-/reload"))
    routes(reload=lambda: calls.append("reload"), lifecycle=True)(Request("GET", "/-/reload"))
    assert calls == []


def test_scrape_gets_accept_and_names() -> None:
    """The Accept header and every name[] reach the scrape, and its type goes out unchanged."""
    request = Request("GET", "/metrics", "name[]=a&name%5B%5D=b%20c&x=y&name[]=", {"accept": "x/y"})
    response = routes(body=None)(request)
    assert response.content_type == OPENMETRICS
    assert response.body == b"x/y ['a', 'b c']"


def test_too_many_names_are_refused() -> None:
    """A query is bounded."""
    response = routes()(Request("GET", "/metrics", "&".join(["name[]=a"] * 101)))
    assert response.status == 400
    assert response.body == b"bad query: expected at most 100 name[] parameters\n"


@pytest.mark.parametrize("query", ["%", "name[]=%ff%fe", "=&=&&", "name[]", "\x7f=1"])
def test_odd_queries_do_no_harm(query: str) -> None:
    """Nonsense in the query is no error."""
    assert routes()(Request("GET", "/metrics", query)).status == 200


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzipped", False),
    ],
)
def test_who_wants_gzip(header: str, wanted: bool) -> None:  # noqa: FBT001 -- an expected value
    """A weight of zero is a refusal, and gzip by name goes before the star."""
    assert gzip_wanted(header) is wanted


@pytest.mark.parametrize("body", [b"a 1\n" * 1000, [b"a 1\n"] * 1000])
def test_large_bodies_are_compressed(body: Any) -> None:
    """What is larger than a packet is compressed for those who take it, in one piece or many."""
    response = routes(body)(Request("GET", "/metrics", headers={"accept-encoding": "gzip"}))
    assert isinstance(response.body, bytes)
    assert gzip.decompress(response.body) == b"a 1\n" * 1000
    assert ("Content-Encoding", "gzip") in response.headers
    plain = routes(body)(Request("GET", "/metrics"))
    assert plain.body == b"a 1\n" * 1000
    assert ("Vary", "Accept, Accept-Encoding") in plain.headers


def test_a_page_that_stays_is_compressed_once() -> None:
    """While the scrape gives the same object, the answer is the same; what is named is made for the asker."""
    handler, taking = routes(PAGE), {"accept-encoding": "gzip"}
    first = handler(Request("GET", "/metrics", headers=taking))
    assert handler(Request("HEAD", "/metrics", headers=taking)) is first
    named = handler(Request("GET", "/metrics", "name[]=a", taking))
    assert named is not first
    assert named == first
    assert handler(Request("GET", "/metrics", headers=taking)) is first


def test_small_bodies_are_not_compressed() -> None:
    """Up to 1 KiB compression only costs."""
    response = routes(b"a" * 1023)(Request("GET", "/metrics", headers={"accept-encoding": "gzip"}))
    assert response.body == b"a" * 1023


def test_landing_page_is_locked_down() -> None:
    """The page may run no script and load nothing."""
    response = routes()(Request("GET", "/"))
    assert response.content_type == "text/html; charset=utf-8"
    assert ("Content-Security-Policy", CONTENT_SECURITY_POLICY) in response.headers
    assert "script" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none';")


@pytest.mark.parametrize("path", ["", "metrics", "/a b", "/-/healthy", "/a?b", '/"', "/é"])
def test_bad_telemetry_paths(path: str) -> None:
    """A path that could not be reached is refused at the start."""
    assert (check_telemetry_path(path) or "").startswith(f'cannot serve metrics at "{path}": ')
    with pytest.raises(ValueError, match="cannot serve metrics at"):
        routes(telemetry_path=path)


def test_metrics_may_take_the_root() -> None:
    """With the telemetry path / there is no landing page."""
    assert routes(telemetry_path="/")(Request("GET", "/")).content_type == OPENMETRICS
