"""The web configuration file that all exporters share: one file secures every exporter of a host.

Strict: an unknown key is an error, and so is a known key of other exporters that this one cannot honour,
because silence about security settings is the worst answer. Paths are relative to the file's own folder.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from exporter.config.document import compose
from exporter.config.problems import Problem
from exporter.config.section import Findings, Section
from exporter.config.values import Refusal, boolean, duration, integer, one_of, word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.config.document import Node

MAX_BYTES: Final = 256 * 1024
TLS_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
NO_CLIENT: Final = "NoClientCert"
VERIFIED_CLIENT: Final = "RequireAndVerifyClientCert"

_TLS_KEYS: Final = (
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "client_allowed_sans",
    "min_version",
    "max_version",
)
_INSTEAD: Final = {
    "cert": "cert_file",
    "key": "key_file",
    "client_ca": "client_ca_file",
    "cipher_suites": "min_version: TLS13",
    "curve_preferences": "OpenSSL's own choice",
    "prefer_server_cipher_suites": "OpenSSL's own choice",
}
# Header names as all exporters take them, with the values they may have (None: any).
_HEADERS: Final[dict[str, tuple[str, ...] | None]] = {
    "Content-Security-Policy": None,
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": None,
    "Strict-Transport-Security": None,
}
_BCRYPT: Final = re.compile(r"\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")


class WebConfigError(Exception):
    """The file cannot be used; `problems` has one printable sentence each, with file and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class TLSSettings:
    """Where certificates are and what clients must show."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One request per interval (seconds) in the long run, `burst` at once."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file asks for. Without a file: plain HTTP, open to all who reach the address."""

    tls: TLSSettings | None = None
    headers: tuple[tuple[str, str], ...] = ()
    # bcrypt hashes can be attacked at leisure by whoever has them: not in reprs.
    users: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    rate_limit: RateLimit | None = None
    warnings: tuple[str, ...] = ()


def read(path: Path) -> WebConfig:
    """Read the file. Raises WebConfigError with every problem found; certificates are not opened here."""
    source = path.name
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise WebConfigError([f"cannot read the web configuration file {path}: {reason}"]) from error
    if len(raw) > MAX_BYTES:
        raise WebConfigError([f"{source}: too large (at most {MAX_BYTES} bytes)"])
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise WebConfigError([f"{source}: not UTF-8 text"]) from error
    outcome = compose(text)
    findings = Findings(problems=list(outcome.problems))
    config = _config(outcome.root, path.parent, findings) if outcome.root is not None else WebConfig()
    if findings.problems:
        raise WebConfigError([problem.at(source) for problem in sorted(findings.problems)])
    warnings = tuple(problem.at(source) for problem in findings.warnings)
    return WebConfig(config.tls, config.headers, config.users, config.rate_limit, warnings)


def _config(root: Node, folder: Path, findings: Findings) -> WebConfig:
    known = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
    top = Section(root, "", findings, known)
    return WebConfig(
        _tls(top, folder, findings),
        _http(top, findings),
        _users(top, findings),
        _rate(top, findings),
    )


def _tls(top: Section, folder: Path, findings: Findings) -> TLSSettings | None:
    node = top.child("tls_server_config")
    if node is None or node.value is None:
        return None
    section = Section(node, "tls_server_config", findings, (*_TLS_KEYS, *_INSTEAD))
    for key, instead in _INSTEAD.items():
        if key in section:
            section.refuse(key, f"not supported here (use {instead})")
    cert = section.need("cert_file", word, "a file of PEM certificates")
    key_file = section.need("key_file", word, "a file with the PEM key")
    policy = section.take(
        "client_auth_type", one_of("client_auth_type", (NO_CLIENT, VERIFIED_CLIENT)), NO_CLIENT
    )
    authority = section.take("client_ca_file", word, "")
    sans = section.take_list("client_allowed_sans", word)
    lowest = section.take("min_version", one_of("TLS version", tuple(TLS_VERSIONS)), "TLS12")
    highest = section.take("max_version", one_of("TLS version", tuple(TLS_VERSIONS)), "TLS13")
    if policy == VERIFIED_CLIENT and not authority:
        section.refuse("client_auth_type", f"{VERIFIED_CLIENT} needs client_ca_file")
    for name, given in (("client_ca_file", authority), ("client_allowed_sans", sans)):
        if given and policy == NO_CLIENT:
            section.refuse(name, f"has no effect without client_auth_type: {VERIFIED_CLIENT}")
    if TLS_VERSIONS[lowest] > TLS_VERSIONS[highest]:
        section.refuse("min_version", "is above max_version")
    if cert is None or key_file is None:
        return None
    return TLSSettings(
        folder / cert,
        folder / key_file,
        folder / authority if authority else None,
        sans,
        TLS_VERSIONS[lowest],
        TLS_VERSIONS[highest],
    )


def _http(top: Section, findings: Findings) -> tuple[tuple[str, str], ...]:
    section = Section(top.child("http_server_config"), "http_server_config", findings, ("http2", "headers"))
    if section.take("http2", boolean, False):
        section.warn("http2", "not supported here, HTTP/1.1 is served")
    headers = Section(section.child("headers"), "http_server_config.headers", findings, tuple(_HEADERS))
    return tuple(
        (name, value)
        for name, allowed in _HEADERS.items()
        if (value := headers.take(name, partial(_header, allowed=allowed), ""))
    )


def _header(node: Node, allowed: tuple[str, ...] | None) -> str:
    value = node.text or ""
    if not isinstance(node.value, str | int | None) or isinstance(node.value, bool):
        raise Refusal(f"expected text, got {node.kind}")
    if not value.isascii() or (value and not value.isprintable()):
        raise Refusal("expected printable ASCII on one line")
    if value and allowed and value.lower() not in allowed:
        raise Refusal(f"unknown value (known: {', '.join(allowed)})")
    return value


def _users(top: Section, findings: Findings) -> Mapping[str, bytes]:
    node = top.child("basic_auth_users")
    if node is None or node.value is None:
        return MappingProxyType({})
    if not isinstance(node.value, dict):
        top.refuse("basic_auth_users", f"expected a mapping of user to bcrypt hash, got {node.kind}")
        return MappingProxyType({})
    users = {}
    for number, (name, entry) in enumerate(node.value.items(), start=1):
        path = "basic_auth_users"
        if not name or ":" in name or not name.isprintable():
            # Name and hash swapped is the likely slip: neither is repeated.
            sentence = f"user {number}: expected a printable name without a colon"
            findings.problems.append(Problem(entry.key_line, path, sentence))
        elif not _BCRYPT.fullmatch(entry.text or ""):
            # What stands here instead is often the password itself.
            sentence = (
                f"user {number}: expected a bcrypt hash of cost 4 to 16, such as htpasswd -nBC 10 makes"
            )
            findings.problems.append(Problem(entry.key_line, path, sentence))
        else:
            users[name] = (entry.text or "").encode()
    return MappingProxyType(users)


def _rate(top: Section, findings: Findings) -> RateLimit | None:
    section = Section(top.child("rate_limit"), "rate_limit", findings, ("interval", "burst"))
    interval = section.take("interval", duration("1ms", "1h", off=True), 0.0)
    burst = section.take("burst", integer(0, 1_000_000), 0)
    if interval and not burst:
        section.refuse("burst", "expected at least 1: with 0 every request would be refused")
    return RateLimit(interval, burst) if interval else None
