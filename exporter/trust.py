"""Whom this machine trusts to be a venue: one TLS context for streams and REST reads together.

Reading the machine's certificates takes 20 ms, and each context that holds them takes most of a megabyte.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from functools import cache
from typing import Final

_ALPN: Final = ["http/1.1"]
"""What every connection begins with, WebSocket too."""
_lock: Final = threading.Lock()


def venues() -> ssl.SSLContext:
    """The context for connections to venues; made at the first call, from any thread."""
    # Streams connect at the same time: without the lock each of them would make one.
    with _lock:
        return _made()


def forget() -> None:
    """Let the next call read the machine's certificates anew."""
    with _lock:
        _made.cache_clear()


@cache
def _made() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # SSLKEYLOGFILE in the environment must not be enough to read an API key off the wire.
    context.keylog_filename = None  # type: ignore[assignment]
    # urllib3 says this again at every connection, and OpenSSL lets nobody change a context while another
    # thread connects with it. So it is said here, once and for all.
    context.set_alpn_protocols(_ALPN)
    context.set_alpn_protocols = _already_set  # type: ignore[method-assign]
    return context


def _already_set(alpn_protocols: Iterable[str]) -> None:  # noqa: ARG001 - as the method that it replaces
    return
