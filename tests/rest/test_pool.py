"""Encrypted connections of the REST reads: whom they trust, and what that costs."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter import trust
from exporter.exchanges.reads import Ask
from exporter.rest.client import RequestFailed, RestClient
from exporter.web.gate import Gate
from exporter.web.http import sentence
from exporter.web.server import Server


@pytest.fixture(autouse=True)
def _nothing_read_yet() -> Iterator[None]:
    trust.forget()
    yield
    trust.forget()


@pytest.fixture
def certificates(repository: Path) -> Path:
    """The folder with a server's certificate and its authority's."""
    return repository / "tests/web/testdata"


@pytest.fixture
def venue(certificates: Path, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Start a venue on loopback that speaks TLS and shows a certificate; gives its address."""
    servers: list[Server] = []

    def start(shown: str) -> str:
        config = tmp_path / "web.yml"
        names = f"cert_file: {certificates}/{shown}.pem, key_file: {certificates}/{shown}.key"
        config.write_text(f"tls_server_config: {{{names}}}\n")
        servers.append(Server(["127.0.0.1:0"], lambda _: sentence(200, "[1]"), tls=Gate(config).tls))
        servers[-1].start()
        return f"https://localhost:{servers[-1].ports[0]}/"

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(name="client")
def _client() -> Iterator[Callable[[], RestClient]]:
    made: list[RestClient] = []

    def make() -> RestClient:
        made.append(RestClient(timeout=5.0))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def read(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> list[ssl.SSLContext]:
    """Trust the test authority instead of the machine's; gives what was read so far."""
    contexts: list[ssl.SSLContext] = []
    real = ssl.create_default_context

    def reading() -> ssl.SSLContext:
        contexts.append(real(cafile=str(certificates / "ca.pem")))
        return contexts[-1]

    monkeypatch.setattr(ssl, "create_default_context", reading)
    return contexts


def test_trust_is_read_once(
    venue: Callable[[str], str], client: Callable[[], RestClient], read: list[ssl.SSLContext]
) -> None:
    """However many clients and venues there are, whom the machine trusts is read once."""
    for url in (venue("server"), venue("renewed")):
        for asked in (client(), client()):
            assert asked.send(Ask("GET", url, {})) == (200, b"[1]\n")
    assert len(read) == 1


def test_a_stranger_is_not_trusted(venue: Callable[[str], str], client: Callable[[], RestClient]) -> None:
    """A certificate that no authority of this machine stands for ends the request before it is sent."""
    with pytest.raises(RequestFailed, match=r"the request got no reply \(tls\)"):
        client().send(Ask("GET", venue("server"), {"key": "secret"}))


@pytest.mark.usefixtures("read")
def test_another_name_is_not_trusted(venue: Callable[[str], str], client: Callable[[], RestClient]) -> None:
    """A good certificate of another name ends the request as well."""
    with pytest.raises(RequestFailed, match=r"the request got no reply \(tls\)"):
        client().send(Ask("GET", venue("client"), {"key": "secret"}))
