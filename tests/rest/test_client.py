"""The HTTP client of the REST reads, against a loopback server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from exporter.exchanges.reads import Ask
from exporter.rest.client import RequestFailed, RestClient


class Venue(BaseHTTPRequestHandler):
    """Answers by path; keeps what it was sent."""

    seen: list[tuple[str, str, dict[str, str], bytes]]
    release = threading.Event()
    dripped_on = threading.Event()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        if self.path == "/silent":
            self.release.wait(30.0)
            return
        if self.path == "/drip":
            self._drip()
            return
        status, reply = {"/redirect": (302, b""), "/error": (500, b'["error",10020,"x"]')}.get(
            self.path, (200, b"[1]" if self.path != "/large" else b"x" * 5000)
        )
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def _drip(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", "600")
        self.end_headers()
        for number in range(600):
            if number == 300:
                self.dripped_on.set()
            if self.release.wait(0.05):
                return
            try:
                self.wfile.write(b"1")
            except OSError:
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@pytest.fixture(name="url")
def _url() -> Iterator[str]:
    Venue.seen = []
    Venue.release.clear()
    Venue.dripped_on.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Venue)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Venue.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(name="client")
def _client() -> Iterator[RestClient]:
    client = RestClient(timeout=5.0)
    yield client
    client.close()


def test_a_request_is_sent_as_it_was_signed(url: str, client: RestClient) -> None:
    """Method, path, headers and body arrive unchanged, since they were signed."""
    answer = client.send(Ask("POST", f"{url}/v2/auth/r/wallets", {"bfx-nonce": "7"}, b"{}"))

    assert (answer.status, answer.body) == (200, b"[1]")
    method, path, headers, body = Venue.seen[0]
    assert (method, path, headers["bfx-nonce"], body) == ("POST", "/v2/auth/r/wallets", "7", b"{}")


def test_an_error_status_is_an_answer(url: str, client: RestClient) -> None:
    """A 500 has a body worth reading: it is given, not raised."""
    assert client.send(Ask("GET", f"{url}/error", {})) == (500, b'["error",10020,"x"]')


def test_a_redirect_is_not_followed(url: str, client: RestClient) -> None:
    """A redirect is given as it is: following it could carry the key elsewhere."""
    assert client.send(Ask("GET", f"{url}/redirect", {"key": "x"})).status == 302
    assert len(Venue.seen) == 1


def test_environment_proxies_are_not_used(
    url: str, client: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment sees nothing."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert client.send(Ask("GET", f"{url}/x", {})).status == 200


def test_a_reply_that_is_too_large_is_refused(
    url: str, client: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body over the limit is not read to its end."""
    monkeypatch.setattr("exporter.rest.pool.LARGEST_BODY", 1000)

    with pytest.raises(RequestFailed, match="oversize"):
        client.send(Ask("GET", f"{url}/large", {}))


def test_silence_is_a_timeout(url: str) -> None:
    """A venue that does not answer in time is named so."""
    client = RestClient(timeout=0.2)
    with pytest.raises(RequestFailed, match=r"the request got no reply \(timeout\)"):
        client.send(Ask("GET", f"{url}/silent", {}))
    client.close()


def test_a_closed_port_is_the_network(client: RestClient) -> None:
    """Nobody listening is a failure of the network, told without the address."""
    with pytest.raises(RequestFailed) as caught:
        client.send(Ask("GET", "http://127.0.0.1:9/secret-path", {"key": "secret"}))

    assert caught.value.reason == "network"
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_reply_that_drips_is_given_up(url: str) -> None:
    """Bytes that come one by one, each in time, do not hold the thread beyond the deadline."""
    client = RestClient(timeout=0.2)
    with pytest.raises(RequestFailed, match="timeout"):
        client.send(Ask("GET", f"{url}/drip", {}))
    assert not Venue.dripped_on.is_set()
    client.close()
