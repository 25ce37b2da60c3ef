"""Requests out of a connection, answers into it, each within its time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.web.connection import Connection, Limits, Phase
from exporter.web.http import (
    Headers,
    HTTPError,
    Request,
    Response,
    encode_head,
    head_end,
    parse_head,
    sentence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Conversation:
    """The talk of one client with the server, one request after the other, pipelined ones included."""

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._buffer = bytearray()
        self._bodiless = False
        # A scraper says the same each time: its last head without a body is not read again.
        self._said = b""
        self._meant: Request | None = None

    def requests(self) -> Iterator[Request | Response]:
        """Every request as it comes; the answer to give instead when one cannot be read. Raises OSError."""
        phase, patience = Phase.READING, self._limits.read_timeout
        while True:
            self._connection.enter(phase, patience)
            try:
                request = self._read()
            except HTTPError as error:
                self._bodiless = False
                yield sentence(error.status, error.sentence)
                return
            if request is None:
                return
            self._bodiless = request.method == "HEAD"
            yield request
            if self._buffer:  # pipelined, or the beginning of it
                phase, patience = Phase.READING, self._limits.read_timeout
            else:
                phase, patience = Phase.IDLE, self._limits.idle_timeout

    def answer(self, response: Response, *, date: str, last: bool, extra: Headers = ()) -> None:
        """Send the answer to the request that came last. Raises OSError."""
        head = encode_head(response, date=date, keep_alive=not last, extra=extra)
        self._connection.enter(Phase.WRITING, self._limits.write_timeout)
        if self._bodiless:
            self._connection.send((head,), len(head))
        else:
            self._connection.send((head, *response.pieces()), len(head) + response.length)

    def _read(self) -> Request | None:
        """The next request, None when the client has no more. Raises HTTPError, OSError."""
        buffer = self._buffer
        if not buffer:
            data = self._connection.receive()
            if data == self._said and self._meant is not None:
                return self._meant
            if not self._take(data):
                return None
        while (end := head_end(buffer)) is None:
            if not self._more():
                return None
        head = bytes(buffer[:end])
        request, length = parse_head(head)
        self._said, self._meant = (head, request) if not length else (b"", None)
        del buffer[:end]
        if length > len(buffer) and request.headers.get("expect", "").lower() == "100-continue":
            self._connection.send((CONTINUE,), len(CONTINUE))
        while len(buffer) < length:
            if not self._more():
                return None
        body = bytes(buffer[:length])
        del buffer[:length]
        return replace(request, body=body) if body else request

    def _more(self) -> bool:
        return self._take(self._connection.receive())

    def _take(self, data: bytes) -> bool:
        """Put what was said to the rest, and give it time for more; False at the end."""
        connection, limits = self._connection, self._limits
        if connection.phase is Phase.IDLE:
            connection.enter(Phase.READING, limits.read_timeout)
        else:
            whole = connection.since + limits.request_timeout
            connection.deadline = min(connection.clock() + limits.read_timeout, whole)
        self._buffer += data
        return bool(data)
