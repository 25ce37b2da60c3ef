"""The web configuration file: what is read, and every mistake with its sentence."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from exporter.web.webconfig import RateLimit, TLSSettings, WebConfig, WebConfigError, read

if TYPE_CHECKING:
    from pathlib import Path

HASH = "$2y$10$abcdefghijklmnopqrstuuoC4kWxM5rKsX0OM5a2EvZzkyYzDXZzW"


def write(folder: Path, text: str) -> Path:
    """The file with this content."""
    path = folder / "web.yml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with this content."""
    with pytest.raises(WebConfigError) as caught:
        read(write(folder, text))
    return caught.value.problems


def test_everything_at_once(tmp_path: Path) -> None:
    """A file that uses every supported key is read, with paths relative to its folder."""
    config = read(
        write(
            tmp_path,
            f"""\
tls_server_config:
  cert_file: server.pem
  key_file: /keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [scraper.example, "10.0.0.1"]
  min_version: TLS13
  max_version: TLS13
http_server_config:
  http2: false
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection: "0"
    Strict-Transport-Security: ""
basic_auth_users:
  alice: {HASH}
  bob: {HASH}
rate_limit:
  interval: 100ms
  burst: 20
""",
        )
    )
    assert config == WebConfig(
        tls=TLSSettings(
            tmp_path / "server.pem",
            type(tmp_path)("/keys/server.key"),
            tmp_path / "ca.pem",
            ("scraper.example", "10.0.0.1"),
            ssl.TLSVersion.TLSv1_3,
            ssl.TLSVersion.TLSv1_3,
        ),
        headers=(
            ("Content-Security-Policy", "default-src 'self'"),
            ("X-Frame-Options", "sameorigin"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-XSS-Protection", "0"),
        ),
        users={"alice": HASH.encode(), "bob": HASH.encode()},
        rate_limit=RateLimit(0.1, 20),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "{}",
        "tls_server_config:\nbasic_auth_users:\nrate_limit:\nhttp_server_config:\n",
        "basic_auth_users: {}\nrate_limit: {interval: 0}",
        "http_server_config: {headers: }",
    ],
)
def test_nothing_asked(tmp_path: Path, text: str) -> None:
    """An empty file and empty sections ask for nothing."""
    assert read(write(tmp_path, text)) == WebConfig()


def test_http2_is_a_warning(tmp_path: Path) -> None:
    """HTTP/2 is an offer to clients that need not be made: it is said, and the file is used."""
    config = read(write(tmp_path, "http_server_config: {http2: true}"))
    assert config.warnings == ("web.yml:1: http_server_config.http2: not supported here, HTTP/1.1 is served",)


TLS = "tls_server_config:\n  cert_file: a\n  key_file: b\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "tls_config: {}",
            [
                (
                    'web.yml:1: unknown key "tls_config" (did you mean "tls_server_config"? known: '
                    "basic_auth_users, http_server_config, rate_limit, tls_server_config)"
                )
            ],
        ),
        (
            "tls_server_config: {}",
            [
                'web.yml:1: tls_server_config: missing "cert_file" (expected a file of PEM certificates)',
                'web.yml:1: tls_server_config: missing "key_file" (expected a file with the PEM key)',
            ],
        ),
        (
            TLS + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n  cert: abc\n",
            [
                "web.yml:4: tls_server_config.cipher_suites: not supported here (use min_version: TLS13)",
                "web.yml:5: tls_server_config.cert: not supported here (use cert_file)",
            ],
        ),
        (
            TLS + "  client_auth_type: RequestClientCert\n",
            [
                (
                    "web.yml:4: tls_server_config.client_auth_type: unknown client_auth_type "
                    '"RequestClientCert" '
                    "(known: NoClientCert, RequireAndVerifyClientCert)"
                )
            ],
        ),
        (
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
            [
                (
                    "web.yml:4: tls_server_config.client_auth_type: "
                    "RequireAndVerifyClientCert needs client_ca_file"
                )
            ],
        ),
        (
            TLS + "  client_ca_file: c\n  client_allowed_sans: [x]\n",
            [
                (
                    "web.yml:4: tls_server_config.client_ca_file: has no effect without "
                    "client_auth_type: RequireAndVerifyClientCert"
                ),
                (
                    "web.yml:5: tls_server_config.client_allowed_sans: has no effect without "
                    "client_auth_type: RequireAndVerifyClientCert"
                ),
            ],
        ),
        (
            TLS + "  min_version: TLS10\n",
            [('web.yml:4: tls_server_config.min_version: unknown TLS version "TLS10" (known: TLS12, TLS13)')],
        ),
        (
            TLS + "  min_version: TLS13\n  max_version: TLS12\n",
            ["web.yml:4: tls_server_config.min_version: is above max_version"],
        ),
        (
            "http_server_config:\n  headers:\n    Server: x\n    X-Frame-Options: maybe\n",
            [
                (
                    'web.yml:3: http_server_config.headers: unknown key "Server" (known: '
                    "Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, "
                    "X-Frame-Options, X-XSS-Protection)"
                ),
                (
                    "web.yml:4: http_server_config.headers.X-Frame-Options: unknown value "
                    "(known: deny, sameorigin)"
                ),
            ],
        ),
        (
            'http_server_config: {headers: {X-XSS-Protection: "1\\r\\nSet-Cookie: a"}}',
            ["web.yml:1: http_server_config.headers.X-XSS-Protection: expected printable ASCII on one line"],
        ),
        (
            f"basic_auth_users:\n  alice: hunter2\n  'b:c': {HASH}\n  bob: {HASH[:-1]}\n  {HASH}: carol\n",
            [
                (
                    "web.yml:2: basic_auth_users: user 1: expected a bcrypt hash of cost 4 to 16, "
                    "such as htpasswd -nBC 10 makes"
                ),
                "web.yml:3: basic_auth_users: user 2: expected a printable name without a colon",
                (
                    "web.yml:4: basic_auth_users: user 3: expected a bcrypt hash of cost 4 to 16, "
                    "such as htpasswd -nBC 10 makes"
                ),
                (
                    "web.yml:5: basic_auth_users: user 4: expected a bcrypt hash of cost 4 to 16, "
                    "such as htpasswd -nBC 10 makes"
                ),
            ],
        ),
        (
            "basic_auth_users: [alice]",
            ["web.yml:1: basic_auth_users: expected a mapping of user to bcrypt hash, got a list"],
        ),
        (
            "rate_limit: {interval: 1s}",
            ["web.yml:1: rate_limit.burst: expected at least 1: with 0 every request would be refused"],
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Each mistake has its line, its path and one sentence, all at once, and none repeats a secret."""
    found = problems(tmp_path, text)
    assert found == expected
    assert "hunter2" not in str(found)
    assert HASH[:20] not in str(found)


def test_duplicate_users_are_refused(tmp_path: Path) -> None:
    """A user given twice is a mistake, for only one of the hashes could count."""
    found = problems(tmp_path, f"basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n")
    assert len(found) == 1
    assert found[0].startswith("web.yml:3: ")


def test_unreadable_files(tmp_path: Path) -> None:
    """A file that is missing, too large or not text is one sentence."""
    missing = tmp_path / "none.yml"
    with pytest.raises(WebConfigError) as caught:
        read(missing)
    assert caught.value.problems == [
        f"cannot read the web configuration file {missing}: no such file or directory"
    ]
    path = tmp_path / "web.yml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(WebConfigError, match="not UTF-8 text"):
        read(path)
    path.write_bytes(b"#" * (256 * 1024 + 1))
    with pytest.raises(WebConfigError, match="too large"):
        read(path)


def test_repr_shows_no_hash(tmp_path: Path) -> None:
    """Hashes can be attacked by whoever sees them: repr does not show them."""
    assert HASH not in repr(read(write(tmp_path, f"basic_auth_users: {{alice: {HASH}}}")))
