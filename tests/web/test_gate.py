"""The web configuration at work, over real sockets: TLS, sign-in, rate limit, and files that change."""

from __future__ import annotations

import base64
import contextlib
import http.client
import logging
import os
import shutil
import socket
import ssl
from typing import TYPE_CHECKING

import bcrypt
import pytest

from exporter.web.auth import CrowdedError, Doorkeeper
from exporter.web.connection import ENCRYPT_BYTES, Limits
from exporter.web.gate import Gate
from exporter.web.http import Request, Response, sentence
from exporter.web.webconfig import WebConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.web.server import Server

PATIENCE = 20.0
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
CLIENTS = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
"""


@pytest.fixture
def folder(tmp_path: Path, testdata: Path) -> Path:
    """A folder of its own with the certificates."""
    for path in testdata.glob("*.*"):
        shutil.copy(path, tmp_path)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    """Write the web configuration; its stamp changes even when the clock of the file system is coarse."""
    path = folder / "web.yml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    touch(path, before)
    return path


def touch(path: Path, before: int) -> None:
    """Make sure that a file looks newer than before."""
    later = max(path.stat().st_mtime_ns, before + 1_000_000_000)
    os.utime(path, ns=(later, later))


def replace(path: Path, source: Path) -> None:
    """Put another file's content there, as a renewal does."""
    before = path.stat().st_mtime_ns
    shutil.copy(source, path)
    touch(path, before)


def hashed(password: str) -> str:
    """A cheap bcrypt hash."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def asking(password: str = "") -> Request:
    """A request with or without a password."""
    if not password:
        return Request("GET", "/")
    credentials = base64.b64encode(f"alice:{password}".encode()).decode()
    return Request("GET", "/", headers={"authorization": f"Basic {credentials}"})


def ok(_: Request) -> Response:
    """Always well."""
    return sentence(200, "ok" * 10_000)


def guarded(serve: Callable[..., Server], gate: Gate, **options: object) -> Server:
    """A server behind the gate."""
    return serve(ok, guard=gate.guard, headers=gate.headers, tls=gate.tls, **options)


def get(server: Server, context: ssl.SSLContext) -> tuple[int, str]:
    """One scrape over TLS: the status, and whose certificate the server showed."""
    connection = http.client.HTTPSConnection("localhost", server.ports[0], timeout=PATIENCE, context=context)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        assert isinstance(connection.sock, ssl.SSLSocket)
        shown = connection.sock.getpeercert() or {}
        response = connection.getresponse()
        assert len(response.read()) == 20_001
        subject = shown["subject"]
        assert isinstance(subject, tuple)
        return response.status, str(subject[0][0][1])


def test_without_a_file_everyone_may_in() -> None:
    """No file means plain HTTP without questions."""
    gate = Gate(None)
    assert gate.tls is None
    assert gate.guard is None
    assert gate.headers() == ()
    assert gate.admit(asking()) is None


def test_sign_in(tmp_path: Path) -> None:
    """Without the password the answer is 401 with a challenge, with it the request passes."""
    gate = Gate(write(tmp_path, f"basic_auth_users: {{alice: {hashed('secret')}}}"))
    for request in (asking(), asking("wrong"), asking("x" * 73)):
        refused = gate.admit(request)
        assert refused is not None
        assert (refused.status, refused.body) == (401, b"user and password expected\n")
        assert refused.headers == (("WWW-Authenticate", 'Basic realm="exchange-exporter", charset="UTF-8"'),)
    assert gate.admit(asking("secret")) is None


def test_too_many_guesses_are_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the queue of passwords to check is full, the answer is 503 and the client may come again."""

    def crowded(*_: object) -> bool:
        raise CrowdedError

    gate = Gate(write(tmp_path, f"basic_auth_users: {{alice: {hashed('secret')}}}"))
    monkeypatch.setattr(Doorkeeper, "admits", crowded)
    refused = gate.admit(asking("secret"))
    assert refused is not None
    assert (refused.status, refused.body) == (503, b"too many passwords are being checked, try again\n")


def test_rate_limit(tmp_path: Path) -> None:
    """Beyond the limit the answer is 429, before any password is looked at."""
    now = [0.0]
    text = f"rate_limit: {{interval: 1s, burst: 2}}\nbasic_auth_users: {{alice: {hashed('secret')}}}"
    gate = Gate(write(tmp_path, text), clock=lambda: now[0])

    def statuses() -> list[int]:
        answers = [gate.admit(asking("secret")) for _ in range(3)]
        return [200 if answer is None else answer.status for answer in answers]

    assert statuses() == [200, 200, 429]
    now[0] += 1.0
    assert statuses() == [200, 429, 429]


def test_users_change_without_a_restart(tmp_path: Path) -> None:
    """A new password counts from the next request on, and the old one no longer."""
    gate = Gate(write(tmp_path, f"basic_auth_users: {{alice: {hashed('old')}}}"))
    assert gate.admit(asking("old")) is None
    write(
        tmp_path,
        f"basic_auth_users: {{alice: {hashed('new')}}}\n"
        "http_server_config: {headers: {X-Frame-Options: deny}}",
    )
    assert gate.admit(asking("old")) is not None
    assert gate.admit(asking("new")) is None
    assert gate.headers() == (("X-Frame-Options", "deny"),)


@pytest.mark.parametrize("broken", ["", "basic_auth_users: {}", "nonsense: 1", "a: [", TLS])
def test_a_broken_change_opens_no_door(tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str) -> None:
    """A file that is half-written, wrong, or drops the protection changes nothing, and is said once."""
    gate = Gate(write(tmp_path, f"basic_auth_users: {{alice: {hashed('secret')}}}"))
    write(tmp_path, broken)
    with caplog.at_level(logging.WARNING):
        assert gate.admit(asking()) is not None
        assert gate.admit(asking("secret")) is None
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "the changed web configuration is not used, the old one stays"
    ]


def test_a_missing_file_opens_no_door(tmp_path: Path) -> None:
    """A file that is deleted while the server runs changes nothing."""
    path = write(tmp_path, f"basic_auth_users: {{alice: {hashed('secret')}}}")
    gate = Gate(path)
    path.unlink()
    assert gate.admit(asking()) is not None
    assert gate.admit(asking("secret")) is None


@pytest.mark.parametrize(
    ("text", "sentence_"),
    [
        ("a: 1", 'web.yml:1: unknown key "a" (known: basic_auth_users, http_server_config, rate_limit, '),
        (
            "tls_server_config: {cert_file: none.pem, key_file: server.key}",
            "web.yml: tls_server_config: cannot read {folder}/none.pem: no such file or directory",
        ),
        (
            "tls_server_config: {cert_file: renewed.pem, key_file: server.key}",
            (
                "web.yml: tls_server_config: cannot use certificate and key ({folder}/renewed.pem and "
                "{folder}/server.key): expected PEM files that belong together"
            ),
        ),
        (
            CLIENTS.replace("ca.pem", "server.key"),
            "web.yml: tls_server_config: cannot use {folder}/server.key: expected PEM certificates",
        ),
    ],
)
def test_what_cannot_start(folder: Path, text: str, sentence_: str) -> None:
    """At the start a file or certificate that cannot be used is an error with the reason."""
    with pytest.raises(WebConfigError) as caught:
        Gate(write(folder, text))
    assert str(caught.value).startswith(sentence_.replace("{folder}", str(folder)))


def test_tls(serve: Callable[..., Server], trusting: Callable[..., ssl.SSLContext], folder: Path) -> None:
    """A scrape over TLS works, on a connection that is kept as well."""
    server = guarded(serve, Gate(write(folder, TLS)))
    assert get(server, trusting()) == (200, "First server")
    connection = http.client.HTTPSConnection(
        "localhost", server.ports[0], timeout=PATIENCE, context=trusting()
    )
    with contextlib.closing(connection):
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"ok" * 10_000 + b"\n"
    assert server.stats().accepted == 2


def test_a_large_page_over_tls(
    serve: Callable[..., Server], trusting: Callable[..., ssl.SSLContext], folder: Path
) -> None:
    """A page of many pieces, empty, small and large, arrives whole over TLS, and HEAD sends none of it."""
    gate = Gate(write(folder, TLS))
    pieces = [b"%d" % number * (number % 500) for number in range(3000)] + [b"x" * ENCRYPT_BYTES] * 3
    server = serve(lambda request: Response(200, body=pieces), tls=gate.tls)
    connection = http.client.HTTPSConnection(
        "localhost", server.ports[0], timeout=PATIENCE, context=trusting()
    )
    with contextlib.closing(connection):
        for method, expected in (("GET", b"".join(pieces)), ("HEAD", b""), ("GET", b"".join(pieces))):
            connection.request(method, "/")
            assert connection.getresponse().read() == expected


@pytest.mark.parametrize("saying", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_silent_and_foreign_tls_clients_delay_nobody(
    serve: Callable[..., Server], trusting: Callable[..., ssl.SSLContext], folder: Path, saying: bytes
) -> None:
    """Clients that begin no handshake, half a one, or speak plain HTTP do not keep a scrape waiting."""
    limits = Limits(max_connections=16, read_timeout=1e9, request_timeout=1e9)
    server = guarded(serve, Gate(write(folder, TLS)), limits=limits)
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.ports[0]), PATIENCE))
            with contextlib.suppress(OSError):
                client.sendall(saying)
        assert get(server, trusting()) == (200, "First server")


def test_client_certificates(
    serve: Callable[..., Server], trusting: Callable[..., ssl.SSLContext], folder: Path
) -> None:
    """Where client certificates are asked for, none and a stranger's are turned away."""
    server = guarded(serve, Gate(write(folder, CLIENTS)))
    assert get(server, trusting("client")) == (200, "First server")
    for context in (trusting(), trusting("stranger")):
        with pytest.raises(OSError):  # noqa: PT011 -- an alert or a reset, as the race has it
            get(server, context)


@pytest.mark.parametrize(
    ("sans", "admitted"),
    [("scraper.example", True), ("other, scraper@example.org", True), ("Scraper, example", False)],
)
def test_names_of_clients(
    serve: Callable[..., Server],
    trusting: Callable[..., ssl.SSLContext],
    folder: Path,
    sans: str,
    admitted: bool,  # noqa: FBT001 -- an expected value
) -> None:
    """With a list of names, only certificates that carry one of them as an alternative name may in."""
    server = guarded(serve, Gate(write(folder, f"{CLIENTS}  client_allowed_sans: [{sans}]\n")))
    if admitted:
        assert get(server, trusting("client"))[0] == 200
    else:
        with pytest.raises((OSError, http.client.HTTPException)):
            get(server, trusting("client"))


def test_certificates_are_renewed_in_place(
    serve: Callable[..., Server],
    trusting: Callable[..., ssl.SSLContext],
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A renewal counts from the next connection on; between its two files the old certificate stays."""
    server = guarded(serve, Gate(write(folder, TLS)))
    assert get(server, trusting())[1] == "First server"
    replace(folder / "server.pem", folder / "renewed.pem")
    with caplog.at_level(logging.WARNING):
        assert get(server, trusting())[1] == "First server"
    assert "the changed certificate is not used, the old one stays" in caplog.text
    replace(folder / "server.key", folder / "renewed.key")
    assert get(server, trusting())[1] == "Renewed server"


def test_tls_is_not_dropped_by_a_changed_file(
    serve: Callable[..., Server], trusting: Callable[..., ssl.SSLContext], folder: Path
) -> None:
    """A file that no longer asks for TLS does not make a running server speak plain HTTP."""
    server = guarded(serve, Gate(write(folder, TLS)))
    write(folder, "")
    assert get(server, trusting())[0] == 200


def test_oldest_versions_are_refused(
    serve: Callable[..., Server], trusting: Callable[..., ssl.SSLContext], folder: Path
) -> None:
    """With min_version TLS13 a client that speaks only 1.2 is turned away."""
    text = "tls_server_config: {cert_file: server.pem, key_file: server.key, min_version: TLS13}"
    server = guarded(serve, Gate(write(folder, text)))
    old = trusting()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        get(server, old)
    assert get(server, trusting())[0] == 200
