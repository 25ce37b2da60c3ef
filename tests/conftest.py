"""What every test starts from: a clean environment, loopback only, and real components where they exist."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings

from tests.servers import await_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPOSITORY: Final = Path(__file__).parent.parent

PACKAGES: Final[Mapping[str, str]] = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}
"""Which Debian package brings a component."""

STRANGERS: Final = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"),
    *("CREDENTIALS_DIRECTORY", "SSLKEYLOGFILE"),
)
"""Variables of the developer's machine that would change what a test sees."""

# A machine that is busy elsewhere is no failure; what failed can be repeated from the printed blob.
settings.register_profile(
    "house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, certificate store or Prometheus setting of this machine reaches a test."""
    for name in (*STRANGERS, *(name for name in os.environ if name.startswith("PROMETHEUS_"))):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that would talk to the outside fails at once, and says to whom."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(sock: socket.socket, address: object) -> None:
        _demand_loopback(sock, address)
        connect(sock, address)  # type: ignore[arg-type]

    def guarded_ex(sock: socket.socket, address: object) -> int:
        _demand_loopback(sock, address)
        return connect_ex(sock, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)


def _demand_loopback(sock: socket.socket, address: object) -> None:
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return
    host = str(address[0])
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        # No OSError: what is under test would take that for a network failure and try again.
        raise AssertionError(f"tests connect to loopback only, not to {host}")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return REPOSITORY


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that names a TCP port of 127.0.0.1 nobody listens on; prefer port 0 where you can."""

    def pick() -> int:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port: int = sock.getsockname()[1]
            return port

    return pick


@pytest.fixture(scope="session")
def component() -> Callable[[str], str]:
    """A function from a program's name to its path; a missing one skips, or fails under CI=true."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            sentence = f"{name} is not installed (Debian: apt-get install {PACKAGES.get(name, name)})"
            if os.environ.get("CI") == "true":
                pytest.fail(sentence, pytrace=False)
            pytest.skip(sentence)
        return path

    return find


@pytest.fixture(scope="session")
def promtool(component: Callable[[str], str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run promtool with arguments, and `stdin` if given; the caller judges code and output."""
    path = component("promtool")

    def run(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [path, *map(str, arguments)]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def prometheus_server(
    component: Callable[[str], str], free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Callable[..., str]]:
    """A function that starts a real Prometheus with a configuration and returns its URL once ready.

    `data` is the folder of its blocks, for one that begins with some.
    """
    path = component("prometheus")
    started: list[subprocess.Popen[bytes]] = []

    def start(config: str, *, data: Path | None = None) -> str:
        folder = tmp_path / f"prometheus-{len(started)}"
        folder.mkdir()
        (folder / "prometheus.yml").write_text(config)
        address = f"127.0.0.1:{free_port()}"
        command = [
            path,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={data or folder / 'data'}",
            f"--web.listen-address={address}",
            "--enable-feature=exemplar-storage,native-histograms",
        ]
        with (folder / "log").open("wb") as output:
            started.append(subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL))
        await_ready(started[-1], f"http://{address}/-/ready", folder / "log")
        return f"http://{address}"

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(timeout=90)
