"""Requests and responses as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.http import HTTPError, Request, Response, encode_head, head_end, parse_head


def parse(*lines: bytes) -> tuple[Request, int]:
    """One request from its lines."""
    head = b"\r\n".join([*lines, b"", b""])
    assert head_end(bytearray(head)) == len(head)
    return parse_head(head)


def test_headers_are_found_by_lower_case_and_joined() -> None:
    """A header given twice is one list; names are found whatever their case."""
    request, length = parse(b"GET /a?b HTTP/1.1", b"HOST: x", b"Accept: a", b"aCCept:b  ", b"Empty:")
    assert (request.method, request.path, request.query, length) == ("GET", "/a", "b", 0)
    assert dict(request.headers) == {"host": "x", "accept": "a, b", "empty": ""}


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://x:1/a?b", "/a"),
        (b"http://x", "/"),
        (b"HTTPS://x?b", "/"),
        (b"/a%20b", "/a%20b"),
        (b"//a", "//a"),
    ],
)
def test_targets(target: bytes, path: str) -> None:
    """The absolute form that proxies send is taken for its path."""
    assert parse(b"GET %s HTTP/1.1" % target, b"Host: x")[0].path == path


@pytest.mark.parametrize(
    ("lines", "keep"),
    [
        ((b"GET / HTTP/1.1", b"Host: x"), True),
        ((b"GET / HTTP/1.1", b"Host: x", b"Connection: Upgrade, Close"), False),
        ((b"GET / HTTP/1.0",), False),
        ((b"GET / HTTP/1.0", b"Connection: keep-alive"), True),
    ],
)
def test_who_stays(lines: tuple[bytes, ...], keep: bool) -> None:  # noqa: FBT001 -- an expected value
    """HTTP/1.1 stays unless told otherwise, HTTP/1.0 leaves unless told otherwise."""
    assert parse(*lines)[0].keep_alive is keep


@pytest.mark.parametrize(
    "lines",
    [
        (b"GET / HTTP/1.1",),
        (b"GET  / HTTP/1.1", b"Host: x"),
        (b"GET /", b"Host: x"),
        (b"G\x00T / HTTP/1.1", b"Host: x"),
        (b"GET a HTTP/1.1", b"Host: x"),
        (b"GET /\xff HTTP/1.1", b"Host: x"),
        (b"GET * HTTP/1.1", b"Host: x"),
        (b"GET / HTTP/1.1", b"Host: x", b"Host: y"),
        (b"GET / HTTP/1.1", b"Host: x", b" folded"),
        (b"GET / HTTP/1.1", b"Host: x", b"A : b"),
        (b"GET / HTTP/1.1", b"Host: x", b"A: b\rc"),
        (b"GET / HTTP/1.1", b"Host: x", b"A: b\nc"),
        (b"GET / HTTP/1.1", b"Host: x", b"Content-Length: 1", b"Content-Length: 2"),
        (b"GET / HTTP/1.1", b"Host: x", b"Content-Length: +1"),
        (b"GET / HTTP/1.1", b"Host: x", b"Content-Length: \xb2"),
        (b"GET / HTTP/1.1", b"Host: x", b"Content-Length:"),
    ],
)
def test_malformed(lines: tuple[bytes, ...]) -> None:
    """Everything that two readers could understand differently is refused."""
    with pytest.raises(HTTPError) as caught:
        parse(*lines)
    assert caught.value.status == 400


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_request_or_a_refusal(data: bytes, hosted: bool) -> None:  # noqa: FBT001 -- drawn
    """No input raises anything but the refusal that becomes an answer."""
    head = (b"GET / HTTP/1.1\r\nHost: x\r\n" if hosted else b"") + data + b"\r\n\r\n"
    request = None
    status = 0
    try:
        end = head_end(bytearray(head))
        request, _ = parse_head(head[:end])
    except HTTPError as error:
        status = error.status
    assert status in (400, 411, 413, 505) if request is None else request.path.startswith(("/", "*"))


def test_repr_shows_no_secrets() -> None:
    """Neither headers nor body nor query are shown by repr: they may hold passwords."""
    request = Request("GET", "/a", "q=secret", {"authorization": "secret"}, b"secret")
    assert repr(request) == "Request(GET /a)"


def test_unknown_status_has_a_phrase() -> None:
    """A status without a registered phrase is still a valid status line."""
    assert encode_head(Response(299), date="", keep_alive=True).startswith(b"HTTP/1.1 299 Unknown\r\n")
