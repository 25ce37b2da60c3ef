"""One HTTP request at a time: what is asked of the network, and how it can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from exporter.exchanges.reads import Ask

if TYPE_CHECKING:
    from exporter.rest.pool import Pool

TIMEOUT: Final = 10.0
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
        self._pool: Pool | None = None

    def send(self, ask: Ask) -> Answer:
        """Send one request and read its whole reply; raises RequestFailed.

        Redirects are not followed: they could carry the key.
        """
        if self._pool is None:
            # An eighth of the time to start, and nothing for those who turned REST off.
            from exporter.rest.pool import Pool  # noqa: PLC0415 - loaded with the first request

            self._pool = Pool(self._timeout)
        return self._pool.send(ask)

    def close(self) -> None:
        """Let go of kept connections."""
        if self._pool is not None:
            self._pool.clear()
