"""The health check of containers: one question, one line, exit 0 or 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from exporter.commands.healthcheck import main
from exporter.web.http import Request, Response
from exporter.web.server import Server


@contextmanager
def serving(status: int, body: bytes) -> Iterator[str]:
    """A server that gives one answer to everything; its health URL."""

    def answer(_: Request) -> Response:
        return Response(status, "text/plain", body)

    server = Server(["127.0.0.1:0"], answer)
    server.start()
    yield f"http://127.0.0.1:{server.ports[0]}/-/healthy"
    server.stop()


def test_a_healthy_exporter_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    """The answer is printed, and the exit code is 0."""
    with serving(200, b"healthy\n") as url:
        assert main([url]) == 0
    assert capsys.readouterr().out == "healthy\n"


def test_an_unhealthy_exporter_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    """A failure is told with its status and the exporter's own sentence."""
    with serving(503, b"session is stuck\n") as url:
        assert main([url]) == 1
    assert capsys.readouterr().out == "not healthy: status 503: session is stuck\n"


def test_an_exporter_that_wants_a_password_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Users in the web configuration do not make a container unhealthy: it answers."""
    with serving(401, b"user and password expected\n") as url:
        assert main([url]) == 0
    assert capsys.readouterr().out == "serving; health is for users of the web configuration only\n"


def test_nobody_there_is_1(free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]) -> None:
    """A port without a listener is not healthy."""
    url = f"http://127.0.0.1:{free_port()}/-/healthy"
    assert main([url]) == 1
    assert capsys.readouterr().out == f"not healthy: no answer from {url}: connection refused\n"


def test_the_environments_proxy_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    """A proxy that does not work does not make the exporter unhealthy."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with serving(200, b"healthy\n") as url:
        assert main([url]) == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "127.0.0.1:19700", "ftp://127.0.0.1/x"])
def test_only_http_is_asked(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Another scheme is refused in one sentence."""
    assert main([url]) == 1
    assert capsys.readouterr().out == f"cannot ask {url}: expected an http or https URL\n"
