"""The part of HTTP/1.1 that a scrape needs, without sockets: bytes to requests, responses to bytes.

Strict where leniency helps only attackers (line ends, folded headers, two lengths), forgiving elsewhere. What
cannot be served is an `HTTPError` with a status and a sentence; the server answers it and closes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from types import MappingProxyType

MAX_REQUEST_LINE = 8 * 1024
MAX_HEAD = 32 * 1024
MAX_HEADERS = 100
MAX_BODY = 64 * 1024

TEXT = "text/plain; charset=utf-8"

Body = bytes | Sequence[bytes]
Headers = tuple[tuple[str, str], ...]

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VERSION = re.compile(rb"HTTP/(\d)\.(\d)\Z")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


class HTTPError(Exception):
    """A request that is refused before any route sees it; the connection is closed after the answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower case; a header given twice is joined with a comma."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    # The body and the headers may hold passwords: they stay out of logs and reprs.
    body: bytes = field(default=b"", repr=False)
    keep_alive: bool = True

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path})"


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. A body of several pieces is sent as it is, without being joined."""

    status: int
    content_type: str = TEXT
    body: Body = b""
    headers: Headers = ()
    length: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", sum(map(len, self.pieces())))

    def pieces(self) -> Sequence[bytes]:
        """The body as a sequence of pieces."""
        return (self.body,) if isinstance(self.body, bytes) else self.body


def sentence(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """An answer of one plain sentence."""
    return Response(status, TEXT, f"{text}\n".encode(), headers)


def head_end(buffer: bytearray) -> int | None:
    """Where the head of the first request in the buffer ends, None while it is incomplete.

    Raises HTTPError when it can no longer become a request that is served.
    """
    end = buffer.find(b"\r\n\r\n")
    line = buffer.find(b"\r\n", 0, MAX_REQUEST_LINE + 2)
    if line < 0 and len(buffer) > MAX_REQUEST_LINE:
        raise HTTPError(414, f"the request line is longer than {MAX_REQUEST_LINE} bytes")
    if end > MAX_HEAD or (end < 0 and len(buffer) > MAX_HEAD):
        raise HTTPError(431, f"the request headers are longer than {MAX_HEAD} bytes")
    if end >= 0:
        return end + 4
    if b"\n\n" in buffer:
        raise HTTPError(400, "malformed request: lines must end with CR LF")
    return None


def parse_head(head: bytes) -> tuple[Request, int]:
    """The request without its body, and how many bytes of body follow. Raises HTTPError."""
    first, *lines = head[:-4].split(b"\r\n")
    method, target, minor = _request_line(first)
    headers = _headers(lines)
    if minor and "host" not in headers:
        raise HTTPError(400, "malformed request: HTTP/1.1 needs a Host header")
    path, _, query = target.partition("?")
    connection = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    keep_alive = "close" not in connection and (bool(minor) or "keep-alive" in connection)
    request = Request(method, path, query, MappingProxyType(headers), b"", keep_alive)
    return request, _length(headers)


def _request_line(line: bytes) -> tuple[str, str, int]:
    parts = line.split(b" ")
    if len(parts) != 3:  # noqa: PLR2004 -- method, target, version
        raise HTTPError(400, "malformed request line: expected METHOD /path HTTP/1.1")
    method, target, version = parts
    known = _VERSION.match(version)
    if known is None or not _TOKEN.match(method):
        raise HTTPError(400, "malformed request line: expected METHOD /path HTTP/1.1")
    if known[1] != b"1":
        raise HTTPError(505, "this HTTP version is not served: expected HTTP/1.0 or HTTP/1.1")
    if _FORBIDDEN.search(target) or not target.isascii():
        raise HTTPError(400, "malformed request target: expected printable ASCII")
    # A proxy may send the absolute form; only the path matters here.
    text = _ABSOLUTE.sub("", target.decode("ascii"), count=1) or "/"
    if not text.startswith(("/", "?")) and not (text == "*" and method == b"OPTIONS"):
        raise HTTPError(400, "malformed request target: expected a path that starts with /")
    return method.decode("ascii"), text if text[0] != "?" else f"/{text}", int(known[2])


def _headers(lines: Sequence[bytes]) -> dict[str, str]:
    if len(lines) > MAX_HEADERS:
        raise HTTPError(431, f"more than {MAX_HEADERS} request headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.match(name) or _FORBIDDEN.search(value):
            raise HTTPError(400, "malformed request header: expected name: value")
        key, text = name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")
        if key in headers:
            if key in ("host", "content-length", "authorization"):
                raise HTTPError(400, f"malformed request: {key} is given twice")
            text = f"{headers[key]}, {text}"
        headers[key] = text
    return headers


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise HTTPError(411, "a chunked body is not read here: expected a Content-Length")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise HTTPError(400, "malformed Content-Length: expected a number of bytes")
    if len(text) > len(str(MAX_BODY)) or int(text) > MAX_BODY:
        raise HTTPError(413, f"the request body is longer than {MAX_BODY} bytes")
    return int(text)


def encode_head(response: Response, *, date: str, keep_alive: bool, extra: Headers = ()) -> bytes:
    """The status line and headers. `extra` wins over the response's own headers of the same name.

    Raises ValueError for a header with a line end in it: that would be a second header.
    """
    start, middle, end = _constant(
        response.status, response.content_type, response.headers, extra, keep_alive=keep_alive
    )
    return f"{start}{date}{middle}{response.length}{end}".encode("latin-1")


@lru_cache(maxsize=32)
def _constant(
    status: int, content_type: str, headers: Headers, extra: Headers, *, keep_alive: bool
) -> tuple[str, str, str]:
    """What stands before, between and after date and length: the same for all answers of a kind."""
    overridden = {name.lower() for name, _ in extra}
    kept = [each for each in headers if each[0].lower() not in overridden]
    closing = () if keep_alive else (("Connection", "close"),)
    lines = [f"{name}: {value}" for name, value in (*kept, *extra, *closing)]
    if any("\r" in line or "\n" in line for line in (content_type, *lines)):
        raise ValueError("a response header holds a line end")
    return (
        f"HTTP/1.1 {status} {_reason(status)}\r\nDate: ",
        f"\r\nContent-Type: {content_type}\r\nContent-Length: ",
        "\r\n".join(["", *lines, "", ""]),
    )


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
