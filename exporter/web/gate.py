"""The web configuration at work: it stands before every connection and request, and follows its files.

Files are looked at when someone comes (a `stat` each), so new certificates and users count at once and no
restart or signal is needed. What cannot be used is reported once and changes nothing. Nor does a file that
suddenly asks for less protection than before: half-written files look like that. It takes a restart.
"""

from __future__ import annotations

import logging
import secrets
import ssl
import threading
import time
from typing import TYPE_CHECKING

from exporter.web.auth import CrowdedError, Doorkeeper, TokenBucket
from exporter.web.http import Request, Response, sentence
from exporter.web.tls import TLSError, build_context, names_client, stamp, stamps, wrap
from exporter.web.webconfig import TLSSettings, WebConfig, WebConfigError, read

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

REALM = "exchange-exporter"

logger = logging.getLogger(__name__)


class Gate:
    """Everything that `--web.config.file` asks for. Without a file everyone may in, in the clear.

    Raises WebConfigError when the file or its certificates cannot be used at the start.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._config = WebConfig()
        self._context: ssl.SSLContext | None = None
        self._bucket: TokenBucket | None = None
        self._doorkeeper = Doorkeeper(secrets.token_bytes(32))
        # Stamps are taken before reading: a file that changes meanwhile is then read again, never missed.
        self._seen = stamp(path) if path is not None else None
        if path is not None:
            self._config = read(path)
        self._certificates = stamps(self._config.tls) if self._config.tls else ()
        try:
            self._adopt(self._config)
        except TLSError as error:
            name = path.name if path is not None else ""
            raise WebConfigError([f"{name}: tls_server_config: {error}"]) from error

    @property
    def config(self) -> WebConfig:
        """The configuration in force."""
        return self._config

    @property
    def tls(self) -> Gate | None:
        """What the server needs to encrypt, None for plain HTTP. It does not change while the server runs."""
        return self if self._config.tls is not None else None

    @property
    def guard(self) -> Callable[[Request], Response | None] | None:
        """What every request must pass, None without a file: then there is nothing to ask."""
        return self.admit if self._path is not None else None

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that go with every answer."""
        return self._config.headers

    def admit(self, request: Request) -> Response | None:
        """None when the request may pass, otherwise the answer to give instead."""
        self._follow()
        config, bucket = self._config, self._bucket
        if bucket is not None and not bucket.take(self._clock()):
            return sentence(429, "too many requests: the rate_limit of the web configuration is reached")
        if not config.users:
            return None
        try:
            admitted = self._doorkeeper.admits(config.users, request.headers.get("authorization", ""))
        except CrowdedError:
            return sentence(503, "too many passwords are being checked, try again", ("Retry-After", "1"))
        if admitted:
            return None
        challenge = ("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"')
        return sentence(401, "user and password expected", challenge)

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """The accepted socket with the newest certificate that works. Raises OSError."""
        self._follow()
        if self._context is None:
            raise ConnectionAbortedError
        return wrap(self._context, sock)

    def handshake(self, sock: ssl.SSLSocket) -> None:
        """Shake hands, then ask for the client's name. Raises OSError when it may not in."""
        sock.do_handshake()
        settings = self._config.tls
        if settings is not None and not names_client(sock, settings.client_allowed_sans):
            raise ssl.SSLError("the client certificate carries no allowed name")

    def _follow(self) -> None:
        """Take up changed files."""
        if self._path is None:
            return
        with self._lock:
            seen = stamp(self._path)
            if seen != self._seen:
                self._seen = seen
                self._reread(self._path)
            settings = self._config.tls
            if settings is not None and (certificates := stamps(settings)) != self._certificates:
                self._certificates = certificates
                self._recertify(settings)

    def _reread(self, path: Path) -> None:
        try:
            config = read(path)
            self._check_kept(config)
            certificates = stamps(config.tls) if config.tls else ()
            self._adopt(config)
        except (WebConfigError, TLSError) as error:
            logger.warning("the changed web configuration is not used, the old one stays: %s", error)
        else:
            self._certificates = certificates
            logger.info("the web configuration has been read again")

    def _check_kept(self, config: WebConfig) -> None:
        if (config.tls is None) != (self._config.tls is None):
            raise WebConfigError(["tls_server_config: TLS is switched on or off by a restart only"])
        if self._config.users and not config.users:
            raise WebConfigError(["basic_auth_users: the last user is removed by a restart only"])

    def _recertify(self, settings: TLSSettings) -> None:
        try:
            self._context = build_context(settings)
        except TLSError as error:
            # A rotation writes two files, one after the other: between them they do not fit.
            logger.warning("the changed certificate is not used, the old one stays: %s", error)
        else:
            logger.info("the certificate has been read again")

    def _adopt(self, config: WebConfig) -> None:
        context = build_context(config.tls) if config.tls is not None else None
        if config.rate_limit != self._config.rate_limit or self._bucket is None:
            self._bucket = TokenBucket(config.rate_limit, self._clock()) if config.rate_limit else None
        self._context = context
        self._config = config
