"""Connections to venues, and requests over them within limits. The only module that imports `urllib3`."""

from __future__ import annotations

import time
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as RequestTimeoutError

from exporter import trust
from exporter.exchanges.reads import Ask
from exporter.rest.client import Answer, FailReason, RequestFailed

LARGEST_BODY: Final = 16 * 2**20
PIECE: Final = 64 * 1024


class Pool:
    """Kept connections, those that are encrypted and those that are not. `timeout` is in seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._managers: dict[bool, urllib3.PoolManager] = {}

    def send(self, ask: Ask) -> Answer:
        """Send one request and read its whole reply. Raises RequestFailed."""
        # The library's time-outs are per read: a reply that drips would outlast them all.
        deadline = time.monotonic() + 2 * self._timeout
        try:
            response = self._manager(ask.url).request(
                ask.method,
                ask.url,
                body=ask.body or None,
                headers=dict(ask.headers),
                redirect=False,
                preload_content=False,
            )
            try:
                return Answer(response.status, _body(response, deadline))
            finally:
                response.release_conn()
        except MaxRetryError as error:
            raise RequestFailed(_reason(error.reason)) from None
        except HTTPError as error:
            # Not chained: the library's texts hold addresses and sometimes headers.
            raise RequestFailed(_reason(error)) from None

    def clear(self) -> None:
        """Let go of kept connections."""
        for manager in self._managers.values():
            manager.clear()

    def _manager(self, url: str) -> urllib3.PoolManager:
        secure = url.startswith("https:")
        if secure not in self._managers:
            self._managers[secure] = urllib3.PoolManager(
                num_pools=4,
                maxsize=1,
                retries=False,
                timeout=urllib3.Timeout(connect=self._timeout / 2, read=self._timeout),
                # By itself the library reads the machine's certificates again for every connection.
                ssl_context=trust.venues() if secure else None,
            )
        return self._managers[secure]


def _body(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    # What one read of the socket brings, and not a full piece: a reply that drips would never fill it.
    while piece := response.read1(PIECE):
        size += len(piece)
        if time.monotonic() > deadline:
            response.close()
            raise RequestFailed("timeout")
        if size > LARGEST_BODY:
            response.close()
            raise RequestFailed("oversize")
        pieces.append(piece)
    return b"".join(pieces)


def _reason(error: Exception | None) -> FailReason:
    # The order matters: the library counts a refused connection among the time-outs.
    if isinstance(error, NameResolutionError):
        return "dns"
    if isinstance(error, NewConnectionError):
        return "network"
    if isinstance(error, RequestTimeoutError):
        return "timeout"
    return "tls" if isinstance(error, SSLError) else "network"
