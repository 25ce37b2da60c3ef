"""One HTTP request at a time, within limits. The only module that imports `urllib3`."""

from __future__ import annotations

import time
from typing import Final, Literal, NamedTuple

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as RequestTimeoutError

from exporter.exchanges.reads import Ask

TIMEOUT: Final = 10.0
LARGEST_BODY: Final = 16 * 2**20
PIECE: Final = 64 * 1024
FailReason = Literal["timeout", "dns", "tls", "network", "oversize"]


class Answer(NamedTuple):
    """Status and body of a reply."""

    status: int
    body: bytes


class RequestFailed(Exception):  # noqa: N818 - it names the event, as ConnectFailed does
    """No reply came; `reason` is from a closed set, and the text names neither URL nor headers."""

    def __init__(self, reason: FailReason) -> None:
        self.reason: FailReason = reason
        super().__init__(f"the request got no reply ({reason})")


class RestClient:
    """Sends requests over kept connections. One thread uses it. Proxies of the environment are not used."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._pool = urllib3.PoolManager(
            num_pools=4,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=timeout / 2, read=timeout),
        )

    def send(self, ask: Ask) -> Answer:
        """Send one request and read its whole reply. Redirects are not followed: they could carry the key."""
        # The library's time-outs are per read: a reply that drips would outlast them all.
        deadline = time.monotonic() + 2 * self._timeout
        try:
            response = self._pool.request(
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

    def close(self) -> None:
        """Let go of kept connections."""
        self._pool.clear()


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
