"""What the web tests share: servers that are stopped again, and certificates."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TESTDATA = Path(__file__).parent / "testdata"


@pytest.fixture
def testdata() -> Path:
    """The folder with certificates."""
    return TESTDATA


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server on a free port of loopback; it is stopped at the end of the test."""
    with contextlib.ExitStack() as stack:

        def start(handler: Any, *, addresses: tuple[str, ...] = ("127.0.0.1:0",), **options: Any) -> Server:
            server = Server(addresses, handler, **options)
            stack.callback(server.stop)
            server.start()
            return server

        yield start


@pytest.fixture
def trusting() -> Callable[..., ssl.SSLContext]:
    """A client's TLS context that trusts the test authority, and shows a certificate when named."""

    def context(shows: str = "") -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(TESTDATA / "ca.pem"))
        if shows:
            made.load_cert_chain(TESTDATA / f"{shows}.pem", TESTDATA / f"{shows}.key")
        return made

    return context
