"""The server against clients that behave, and mostly against clients that do not."""

from __future__ import annotations

import contextlib
import errno
import http.client
import logging
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from exporter.web.connection import IOV_MAX, Connection, Limits, Phase
from exporter.web.conversation import Conversation
from exporter.web.http import MAX_BODY, MAX_HEAD, Request, Response, sentence
from exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 20.0
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

Serve = "Callable[..., Server]"


def hello(request: Request) -> Response:
    """Answers what was asked."""
    return sentence(
        200, f"{request.method} {request.path}{request.query and '?'}{request.query} {request.body!r}"
    )


def dial(server: Server) -> socket.socket:
    """A client that has connected and says nothing yet."""
    return socket.create_connection(("127.0.0.1", server.ports[0]), timeout=PATIENCE)


@contextlib.contextmanager
def crowd(server: Server, count: int, saying: bytes = b"") -> Iterator[list[socket.socket]]:
    """Many clients at once, all saying the same."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(dial(server)) for _ in range(count)]
        for client in clients:
            with contextlib.suppress(OSError):  # the server may have cut this one already
                client.sendall(saying)
        yield clients


def talk(client: socket.socket, *said: bytes) -> bytes:
    """Say it, and hear everything until the server closes."""
    for part in said:
        client.sendall(part)
    return hear(client)


def hear(client: socket.socket) -> bytes:
    """Everything until the server closes; a reset ends it too."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while data := client.recv(65536):
            heard += data
    return heard


def scrape(server: Server) -> tuple[int, bytes]:
    """One ordinary scrape."""
    connection = http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        return response.status, response.read()


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        threading.Event().wait(0.01)


def test_answers_and_keeps_the_connection(serve: Callable[..., Server]) -> None:
    """Two requests on one connection get two answers, with exact types and lengths and no software names."""
    server = serve(hello, wall=lambda: 0.0)
    with dial(server) as client:
        heard = talk(client, SCRAPE, b"GET /b?c=d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert heard == (
        b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\n\r\nGET /metrics b''\n"
        b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 15\r\n"
        b"Connection: close\r\n\r\nGET /b?c=d b''\n"
    )


def test_head_has_no_body(serve: Callable[..., Server]) -> None:
    """HEAD says how long the body would be and sends none."""
    with dial(serve(hello)) as client:
        heard = talk(client, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 11\r\n" in heard
    assert heard.endswith(b"\r\n\r\n")


def test_pipelined_requests_are_answered_in_order(serve: Callable[..., Server]) -> None:
    """Many requests in one packet get as many answers, in order."""
    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(50))
    with dial(serve(hello)) as client:
        heard = talk(client, requests + b"GET /end HTTP/1.0\r\n\r\n")
    paths = [line.split()[1] for line in heard.splitlines() if line.startswith(b"GET /")]
    assert paths == [b"/%d" % number for number in range(50)] + [b"/end"]


def test_a_request_may_come_byte_by_byte(serve: Callable[..., Server]) -> None:
    """How the network cuts a request, body included, does not matter."""
    request = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
    with dial(serve(hello)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        heard = talk(client, *(request[at : at + 1] for at in range(len(request))))
    assert heard.endswith(b"POST / b'abc'\n")


def test_a_waiting_body_is_asked_for(serve: Callable[..., Server]) -> None:
    """A client that waits for 100 before it sends its body gets it."""
    with dial(serve(hello)) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert talk(client, b"ab").endswith(b"POST / b'ab'\n")


@pytest.mark.parametrize(
    ("said", "status", "text"),
    [
        (b"GET /" + b"a" * 9000, 414, b"the request line is longer than 8192 bytes"),
        (
            b"GET / HTTP/1.1\r\nA: " + b"a" * (MAX_HEAD + 1),
            431,
            b"the request headers are longer than 32768 bytes",
        ),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431, b"more than 100 request headers"),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1),
            413,
            b"the request body is longer than 65536 bytes",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            411,
            b"expected a Content-Length",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, b"expected METHOD /path HTTP/1.1"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, b"expected HTTP/1.0 or HTTP/1.1"),
        (b"GET / HTTP/1.1\n\n", 400, b"lines must end with CR LF"),
    ],
)
def test_what_is_no_request_is_refused_with_a_sentence(
    serve: Callable[..., Server], said: bytes, status: int, text: bytes
) -> None:
    """Oversized and malformed requests get their status and one sentence, then the connection ends."""
    with dial(serve(hello)) as client:
        heard = talk(client, said)
    assert heard.startswith(b"HTTP/1.1 %d " % status)
    assert text in heard
    assert b"Connection: close" in heard


@pytest.mark.parametrize("saying", [b"", b"GET /metrics HT", SCRAPE[:-1]])
def test_two_hundred_silent_clients_delay_nobody(serve: Callable[..., Server], saying: bytes) -> None:
    """With more silent or half-asking clients than room, a scrape is answered: the oldest made room."""
    server = serve(hello, limits=Limits(max_connections=16, read_timeout=1e9, request_timeout=1e9))
    with crowd(server, 200, saying):
        for _ in range(3):
            assert scrape(server) == (200, b"GET /metrics b''\n")
        seen = server.stats()
    assert seen.accepted == 203
    assert seen.evicted >= 200 - 16
    assert seen.expired == 0


def test_a_kept_connection_outlives_a_crowd_of_silent_ones(serve: Callable[..., Server]) -> None:
    """Room is made by those who have asked nothing, not by a scraper between two scrapes."""
    server = serve(hello, limits=Limits(max_connections=8, read_timeout=1e9, idle_timeout=1e9))
    scraper = http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=PATIENCE)
    with contextlib.closing(scraper):
        scraper.request("GET", "/1")
        assert scraper.getresponse().read() == b"GET /1 b''\n"
        kept = scraper.sock
        with crowd(server, 50):
            until(lambda: server.stats().evicted >= 40)
            scraper.request("GET", "/2")
            assert scraper.getresponse().read() == b"GET /2 b''\n"
        assert scraper.sock is kept


def test_slow_readers_hold_no_slot(serve: Callable[..., Server]) -> None:
    """Clients that ask for much and read nothing keep nobody waiting, and are cut at the deadline."""
    now = [0.0]
    large = [b"x" * 65536] * 256
    server = serve(
        lambda request: Response(200, body=large) if request.path == "/large" else hello(request),
        max_requests=1,
        clock=lambda: now[0],
    )
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(dial(server))
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            # Its first bytes show that it is being written to, and no longer being served.
            assert client.recv(1) == b"H"
        assert scrape(server)[0] == 200

        def later() -> bool:
            now[0] += 31.0
            return server.stats().expired == 10

        until(later)


def test_dripping_does_not_prolong_a_request() -> None:
    """Each piece moves the deadline by the read time-out, but never past that of the whole request."""
    now = [100.0]
    limits = Limits(read_timeout=5.0, request_timeout=15.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, lambda: now[0], 0.0)
        conversation = Conversation(connection, limits)
        connection.enter(Phase.READING, limits.read_timeout)
        deadlines = [connection.deadline]
        for _ in range(5):
            now[0] += 4.0
            theirs.sendall(b"a")
            conversation._more()
            deadlines.append(connection.deadline)
    assert deadlines == [105.0, 109.0, 113.0, 115.0, 115.0, 115.0]


@pytest.mark.parametrize("said", [b"", b"GET / HT", SCRAPE])
def test_silence_ends_a_connection(serve: Callable[..., Server], said: bytes) -> None:
    """A client that says nothing more is cut when its time is up, whatever it has said before."""
    now = [0.0]
    server = serve(hello, clock=lambda: now[0])

    def later() -> bool:
        now[0] += 100.0
        return server.stats().expired == 1

    with dial(server) as client:
        client.sendall(said)
        if said == SCRAPE:
            assert client.recv(4) == b"HTTP"
        until(later)
        hear(client)


def test_an_old_connection_ends_with_an_answer(serve: Callable[..., Server]) -> None:
    """A connection past its lifetime is told so with its last answer, never cut in the middle."""
    now = [0.0]
    server = serve(
        hello, clock=lambda: now[0], limits=Limits(lifetime=60.0, idle_timeout=1e9, read_timeout=1e9)
    )
    with dial(server) as client:
        client.sendall(SCRAPE)
        assert b"Connection: close" not in client.recv(65536)
        now[0] = 61.0
        assert b"Connection: close" in talk(client, SCRAPE)


def test_too_many_requests_at_once_are_told_so(serve: Callable[..., Server]) -> None:
    """Beyond the bound of concurrent requests the answer is 503 at once; afterwards all is as before."""
    inside, leave = threading.Event(), threading.Event()

    def slow(request: Request) -> Response:
        if request.path == "/slow":
            inside.set()
            leave.wait(PATIENCE)
        return hello(request)

    server = serve(slow, max_requests=1)
    with dial(server) as client:
        client.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
        assert inside.wait(PATIENCE)
        expected = b"limit of 1 concurrent requests reached (--web.max-requests), try again\n"
        assert scrape(server) == (503, expected)
        leave.set()
        assert hear(client).endswith(b"GET /slow b''\n")
    assert scrape(server)[0] == 200
    assert server.stats().busy == 1


def test_a_full_house_refuses_the_newcomer(serve: Callable[..., Server]) -> None:
    """When every connection is being served none is cut for a new one: the new one is closed."""
    inside, leave = threading.Semaphore(0), threading.Event()

    def slow(request: Request) -> Response:
        inside.release()
        leave.wait(PATIENCE)
        return hello(request)

    server = serve(slow, limits=Limits(max_connections=2))
    with crowd(server, 2, SCRAPE) as clients:
        for _ in clients:
            assert inside.acquire(timeout=PATIENCE)
        with dial(server) as late:
            assert hear(late) == b""
        leave.set()
        for client in clients:
            assert client.recv(15) == b"HTTP/1.1 200 OK"


def test_no_more_descriptors_makes_room(serve: Callable[..., Server]) -> None:
    """When the process can open no more files, the connection that matters least is given up."""

    class Exhausted(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            raise OSError(errno.EMFILE, "too many open files")

    server = serve(hello)
    with dial(server) as client, Exhausted() as listener:
        until(lambda: server.stats().open == 1)
        server._accept(listener)
        assert hear(client) == b""
    assert scrape(server)[0] == 200


def test_no_more_threads_refuses_the_newcomer(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the process can start no more threads, a client is closed and the server goes on."""

    def full(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    server = serve(hello)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", full)
        with dial(server) as client:
            assert hear(client) == b""
    assert scrape(server)[0] == 200


def test_the_guard_answers_without_taking_a_slot(serve: Callable[..., Server]) -> None:
    """What the guard refuses never reaches the handler and does not use up the slots."""
    inside, leave = threading.Event(), threading.Event()

    def slow(request: Request) -> Response:
        inside.set()
        leave.wait(PATIENCE)
        return hello(request)

    def guard(request: Request) -> Response | None:
        return None if request.path == "/slow" else sentence(401, "no")

    server = serve(slow, max_requests=1, guard=guard)
    with dial(server) as client:
        client.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
        assert inside.wait(PATIENCE)
        assert scrape(server) == (401, b"no\n")
        leave.set()
        hear(client)


def test_a_failing_route_is_a_500_that_tells_nothing(
    serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """An error in a route is logged and answered without its text, and the connection goes on."""

    def broken(request: Request) -> Response:
        raise RuntimeError("innards")

    server = serve(broken)
    with caplog.at_level(logging.ERROR):
        assert scrape(server) == (500, b"internal error: the exporter's log has the reason\n")
    assert "request failed: GET /metrics" in caplog.text
    assert server.stats().failed == 1


def test_added_headers_win(serve: Callable[..., Server]) -> None:
    """Configured headers go with every answer, refusals included, and replace the route's own."""

    def handler(request: Request) -> Response:
        return Response(200, headers=(("X-Frame-Options", "deny"),))

    server = serve(handler, headers=lambda: (("x-frame-options", "sameorigin"),))
    for said in (b"GET / HTTP/1.0\r\n\r\n", b"nonsense\r\n\r\n"):
        with dial(server) as client:
            heard = talk(client, said)
        assert heard.lower().count(b"x-frame-options") == 1
        assert b"sameorigin" in heard


def test_a_header_with_a_line_end_is_never_sent(
    serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """A line end inside a header would be a second header: nothing goes out, and the log knows."""
    server = serve(lambda request: Response(200, headers=(("A", "b\r\nSet-Cookie: c"),)))
    with caplog.at_level(logging.ERROR), dial(server) as client:
        assert talk(client, SCRAPE) == b""
    assert "a response header holds a line end" in caplog.text


def test_many_pieces_arrive_as_one_body(serve: Callable[..., Server]) -> None:
    """A body of more pieces than one system call takes, empty ones among them, arrives whole."""
    pieces = [b"%d," % number * (number % 7) for number in range(3 * IOV_MAX)]
    server = serve(lambda request: Response(200, body=pieces))
    assert scrape(server) == (200, b"".join(pieces))


def test_a_large_body_survives_partial_sends(serve: Callable[..., Server]) -> None:
    """A body far beyond the socket buffers arrives whole."""
    pieces = [bytes([number % 251]) * 70_001 for number in range(400)]
    server = serve(lambda request: Response(200, body=pieces))
    assert scrape(server) == (200, b"".join(pieces))


def test_clients_that_vanish_leave_no_trace(
    serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """Resets in the middle of a request or an answer end that connection and nothing else."""
    server = serve(lambda request: Response(200, body=[b"x" * 65536] * 64))
    for said in (b"", b"GET / HT", SCRAPE, SCRAPE * 3):
        client = dial(server)
        client.sendall(said)
        # Linger zero: closing sends a reset instead of a goodbye.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    assert scrape(server)[0] == 200
    until(lambda: server.stats().open == 0)
    assert caplog.records == []


def test_stopping_ends_everything(serve: Callable[..., Server]) -> None:
    """After stop no client is connected, no port open, no thread left; a second stop does nothing."""
    server = serve(hello)
    port = server.ports[0]
    with crowd(server, 20) as clients:
        until(lambda: server.stats().open == 20)
        server.stop()
        assert [hear(client) for client in clients] == [b""] * 20
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    until(lambda: not any(thread.name.startswith("web:") for thread in threading.enumerate()))


def test_stopping_lets_a_request_finish(serve: Callable[..., Server]) -> None:
    """A request in hand is still answered when the server stops."""
    inside, leave = threading.Event(), threading.Event()

    def slow(request: Request) -> Response:
        inside.set()
        leave.wait(PATIENCE)
        return hello(request)

    server = serve(slow)
    with dial(server) as client:
        client.sendall(SCRAPE)
        assert inside.wait(PATIENCE)
        # Released by the closing of the port, which is the first thing stop does.
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        until(lambda: server.ports == [])
        leave.set()
        assert hear(client).endswith(b"GET /metrics b''\n")
        stopper.join()
