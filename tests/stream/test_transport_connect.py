"""Connecting: deadlines, addresses, TLS, the HTTP upgrade, and what must never leak on the way."""

from __future__ import annotations

import dataclasses
import logging
import re
import select
import socket
import ssl
import threading
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
import websocket

from exporter import trust
from exporter.stream import dial, transport
from exporter.stream.transport import (
    Abort,
    Closed,
    ConnectFailed,
    Connection,
    Connector,
    HandshakeRejected,
    Limits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stream.conftest import Pair, Peer

PATIENCE = 20.0
# The broadcast address of the loopback network: no TCP goes there, and no packet leaves the machine.
NOWHERE = "127.255.255.255"
SECRET = {"X-API-Key": "do-not-leak-me"}
BOTH = pytest.mark.parametrize("layer", ["plain", "tls"])


@pytest.fixture(autouse=True)
def _nothing_read_yet() -> Iterator[None]:
    trust.forget()
    yield
    trust.forget()


def address(place: tuple[str, int]) -> dial.AddressInfo:
    """What a resolver says of one IPv4 address."""
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)


def through(*places: tuple[str, int], connect: float = PATIENCE) -> Connector:
    """A connector for which every name has the given addresses."""
    limits = Limits(connect_timeout=connect, max_message_bytes=1000)
    return Connector(limits=limits, resolve=lambda _host, _port: [address(place) for place in places])


def failure(connect: Callable[[], Connection]) -> ConnectFailed:
    """The way a connect fails."""
    with pytest.raises(ConnectFailed) as caught:
        connect()
    return caught.value


def in_thread(action: Callable[[], Connection]) -> Callable[[], ConnectFailed]:
    """Start a connect that will fail; the result waits for the failure."""
    failures: list[ConnectFailed] = []
    thread = threading.Thread(target=lambda: failures.append(failure(action)))
    thread.start()

    def join() -> ConnectFailed:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "still connecting"
        return failures[0]

    return join


@pytest.fixture
def closed_port() -> Iterator[tuple[str, int]]:
    """An address where nobody listens: bound, so that nobody else can."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()


@pytest.fixture
def silent_port() -> Iterator[tuple[str, int]]:
    """An address that drops connection requests: its queue of connections is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        queued = []
        while True:
            sock = socket.socket()
            queued.append(sock)
            sock.settimeout(0.2)
            try:
                sock.connect(place)
            except TimeoutError:
                break
        yield place
        for sock in queued:
            sock.close()


# --- the request -------------------------------------------------------------------------------------------


def test_the_request_carries_our_headers_and_no_origin(pair: Pair) -> None:
    """Path, query and given headers are sent; an Origin, which exchanges may refuse, is not (row 22)."""
    heads: list[bytes] = []

    def script(peer: Peer) -> None:
        heads.append(peer.read_head())
        peer.accept()

    server = pair.serve(script)
    pair.clients.append(pair.connector().connect(server.url, {"User-Agent": "us/1", **SECRET}))
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "GET /ws?x=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "User-Agent: us/1" in lines
    assert "X-API-Key: do-not-leak-me" in lines
    assert not [line for line in lines if line.lower().startswith(("origin", "cookie", "sec-websocket-ext"))]


@pytest.mark.parametrize("headers", [{"A": "b\r\nEvil: 1"}, {"A\n": "b"}, {"A": "b\0"}])
def test_a_header_with_a_line_break_is_refused_without_showing_its_value(
    pair: Pair, headers: dict[str, str]
) -> None:
    """A secret file with a stray newline must not split the request, nor be quoted in the error."""
    with pytest.raises(ValueError, match=r"^header .*: line breaks cannot be sent$") as caught:
        pair.connector().connect("ws://127.0.0.1:1/", headers)
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://h/", "https://h/", "WSS://h/", "h:443", "", "file:///etc/passwd"])
def test_other_schemes_are_refused(pair: Pair, url: str) -> None:
    """Only ws and wss exist here."""
    with pytest.raises(ValueError, match=r'^endpoint scheme ".*": expected ws or wss$'):
        pair.connector().connect(url)


def test_a_url_without_a_host_is_refused(pair: Pair) -> None:
    """The sentence says what a URL looks like."""
    with pytest.raises(ValueError, match=r"^endpoint without a host name: expected wss://host/path$"):
        pair.connector().connect("wss:///path")


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_ignored(
    pair: Pair, name: str, closed_port: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says, we go straight to the endpoint (row 11)."""
    monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port[1]}")
    pair.link().client.close()
    pair.link("tls").client.close()


def test_a_default_timeout_of_the_library_does_not_reach_us(pair: Pair) -> None:
    """Module-wide settings that somebody else makes have no effect (rows 3 and 24)."""
    before = websocket.getdefaulttimeout()
    websocket.setdefaulttimeout(0.000001)
    try:
        link = pair.link()
        link.peer.frame(1, b"x")
        assert link.next() == b"x"
    finally:
        websocket.setdefaulttimeout(before)


@BOTH
def test_the_socket_is_tuned(pair: Pair, layer: str) -> None:
    """Small frames leave at once and the kernel probes a silent peer (row 19), since the library does not."""
    sock = pair.link(layer).sock
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    assert [sock.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [30, 10, 3]


# --- addresses ---------------------------------------------------------------------------------------------


def test_an_unreachable_first_address_does_not_spoil_the_second(
    pair: Pair, closed_port: tuple[str, int]
) -> None:
    """Unreachable and refusing addresses are passed over for one that works (row 16)."""
    server = pair.serve(lambda peer: peer.accept())
    connector = through((NOWHERE, 1), closed_port, ("127.0.0.1", server.port))
    pair.clients.append(connector.connect(f"ws://name.invalid:{server.port}/"))


def test_an_address_that_swallows_packets_leaves_time_for_the_next(
    pair: Pair, silent_port: tuple[str, int]
) -> None:
    """Each address has its share of the deadline; none may use up all of it."""
    server = pair.serve(lambda peer: peer.accept())
    connector = through(silent_port, ("127.0.0.1", server.port), connect=2.0)
    pair.clients.append(connector.connect("ws://name.invalid/"))


def test_nobody_listening_is_refused(closed_port: tuple[str, int]) -> None:
    """The sentence names the place, the kind and the count of addresses; the most telling failure wins."""
    connector = through(closed_port, (NOWHERE, 1))
    failed = failure(lambda: connector.connect("ws://name.invalid:81/"))
    assert failed.reason == "refused"
    assert str(failed) == (
        "connection to name.invalid:81 failed (refused): connection refused (addresses tried: 2)"
    )


def test_no_route_is_unreachable() -> None:
    """A network without a way there has its own reason."""
    assert failure(lambda: through((NOWHERE, 1)).connect("ws://x.invalid/")).reason == "unreachable"


def test_no_answer_to_the_connection_request_is_a_timeout(silent_port: tuple[str, int]) -> None:
    """The sentence says how long and in which step."""
    failed = failure(lambda: through(silent_port, connect=0.2).connect("ws://name.invalid/"))
    assert failed.reason == "timeout"
    assert str(failed) == (
        "connection to name.invalid:80 failed (timeout): not done within 0.2 s, stopped while connecting"
    )


def test_a_name_without_address_is_dns() -> None:
    """The resolver's refusal and its empty answer are both `dns`."""

    def unknown(host: str, port: int) -> list[dial.AddressInfo]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    limits = Limits(connect_timeout=PATIENCE, max_message_bytes=1000)
    failed = failure(lambda: Connector(limits=limits, resolve=unknown).connect("wss://name.invalid/"))
    assert str(failed) == (
        "connection to name.invalid:443 failed (dns): "
        "the name could not be looked up: name or service not known"
    )
    assert failure(lambda: through().connect("ws://name.invalid/")).reason == "dns"


def test_a_name_no_dns_can_have_is_dns(pair: Pair) -> None:
    """An impossible label is reported like an unknown name, not as a crash."""
    failed = failure(lambda: pair.connector().connect(f"ws://{'x' * 64}.invalid/"))
    assert failed.reason == "dns"


@pytest.fixture
def stuck_resolver() -> Iterator[tuple[dial.Resolve, threading.Event]]:
    """A resolver that answers only at the end of the test, and an event for when it is asked."""
    asked, stop = threading.Event(), threading.Event()

    def resolve(host: str, port: int) -> list[dial.AddressInfo]:
        asked.set()
        stop.wait(10 * PATIENCE)
        return []

    yield resolve, asked
    stop.set()


def test_a_resolver_that_hangs_is_left_at_the_deadline(
    stuck_resolver: tuple[dial.Resolve, threading.Event],
) -> None:
    """The system's lookup has no time-out of its own; ours holds."""
    connector = Connector(limits=Limits(0.2, 1000), resolve=stuck_resolver[0])
    failed = failure(lambda: connector.connect("ws://name.invalid/"))
    assert failed.reason == "timeout"
    assert str(failed).endswith("stopped while looking up the name")


# --- abort -------------------------------------------------------------------------------------------------


def test_abort_ends_a_name_lookup(stuck_resolver: tuple[dial.Resolve, threading.Event]) -> None:
    """A stop does not wait for the resolver."""
    resolve, asked = stuck_resolver
    abort = Abort()
    connector = Connector(limits=Limits(10 * PATIENCE, 1000), resolve=resolve)
    join = in_thread(lambda: connector.connect("ws://name.invalid/", abort=abort))
    assert asked.wait(PATIENCE)
    abort.abort()
    failed = join()
    assert failed.reason == "aborted"
    assert str(failed).endswith("failed (aborted): this program stopped the attempt")


def test_abort_ends_a_tcp_connect(silent_port: tuple[str, int]) -> None:
    """A stop does not wait for a peer that swallows packets."""
    abort, asked = Abort(), threading.Event()

    def resolve(host: str, port: int) -> list[dial.AddressInfo]:
        asked.set()
        return [address(silent_port)]

    connector = Connector(limits=Limits(10 * PATIENCE, 1000), resolve=resolve)
    join = in_thread(lambda: connector.connect("ws://name.invalid/", abort=abort))
    assert asked.wait(PATIENCE)
    abort.abort()
    assert join().reason == "aborted"


def test_abort_ends_a_tls_handshake(pair: Pair) -> None:
    """A stop does not wait for a peer that is silent after our hello."""
    hello = threading.Event()

    def script(peer: Peer) -> None:
        assert peer.sock.recv(1)
        hello.set()
        peer.stop.wait(PATIENCE)

    server = pair.serve(script)
    abort = Abort()
    url = server.url.replace("ws://127.0.0.1", "wss://localhost")
    join = in_thread(lambda: pair.connector(connect=10 * PATIENCE).connect(url, abort=abort))
    assert hello.wait(PATIENCE)
    abort.abort()
    assert join().reason == "aborted"


@BOTH
def test_abort_ends_an_upgrade(pair: Pair, layer: str) -> None:
    """A stop does not wait for an answer to our request."""
    asked = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_head()
        asked.set()
        peer.stop.wait(PATIENCE)

    server = pair.serve(script, layer)
    abort = Abort()
    join = in_thread(lambda: pair.connector(connect=10 * PATIENCE).connect(server.url, abort=abort))
    assert asked.wait(PATIENCE)
    abort.abort()
    assert join().reason == "aborted"


@BOTH
def test_an_abort_that_came_first_lets_nothing_through(pair: Pair, layer: str) -> None:
    """The token may be used before the attempt begins."""
    server = pair.serve(lambda peer: None if layer == "tls" else peer.accept())
    abort = Abort()
    abort.abort()
    url = server.url.replace("ws://127.0.0.1", "wss://localhost") if layer == "tls" else server.url
    assert failure(lambda: pair.connector().connect(url, abort=abort)).reason == "aborted"
    assert abort.aborted


@BOTH
def test_an_abort_at_any_moment_closes_what_was_opened(
    pair: Pair, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever in connect or receive the abort strikes, the socket is closed and the reason is the abort."""
    opened: list[socket.socket] = []
    attach = Abort.attach

    def recording(self: Abort, sock: socket.socket) -> None:
        opened.append(sock)
        attach(self, sock)

    monkeypatch.setattr(Abort, "attach", recording)
    server = pair.serve(lambda peer: peer.accept(), layer)
    server.errors = _Ignored()
    outcomes: list[str] = []

    def run(abort: Abort) -> None:
        try:
            client = pair.connector().connect(server.url, abort=abort)
        except ConnectFailed as failed:
            outcomes.append(failed.reason)
        else:
            ended = client.receive(PATIENCE)
            assert isinstance(ended, Closed)
            outcomes.append(ended.reason)

    for round_ in range(60):
        abort = Abort()
        thread = threading.Thread(target=run, args=(abort,))
        thread.start()
        abort_after(abort, thread, round_ * 0.0001)
    assert outcomes == ["aborted"] * 60
    assert all(sock.fileno() == -1 for sock in opened)


def abort_after(abort: Abort, thread: threading.Thread, delay: float) -> None:
    """Abort after `delay` seconds: which step that hits is left to chance, on purpose."""
    thread.join(delay)
    abort.abort()
    thread.join(PATIENCE)
    assert not thread.is_alive()


# --- TLS ---------------------------------------------------------------------------------------------------


def test_an_unknown_certificate_is_refused(pair: Pair) -> None:
    """Without `tls` the system's trust store decides, and it does not know this certificate."""
    server = pair.serve(lambda peer: peer.accept(), "tls")
    server.errors = _Ignored()
    failed = failure(lambda: Connector(limits=Limits(PATIENCE, 1000)).connect(server.url))
    assert failed.reason == "tls"
    sentence = (
        rf"connection to localhost:{server.port} failed \(tls\): certificate not accepted: self.signed cert.*"
    )
    assert re.fullmatch(sentence, str(failed))


def test_a_certificate_for_another_name_is_refused(pair: Pair) -> None:
    """The name in the certificate must be the one we asked for."""
    server = pair.serve(lambda peer: peer.accept(), "tls")
    server.errors = _Ignored()
    failed = failure(lambda: pair.connector().connect(server.url.replace("localhost", "127.0.0.1")))
    assert failed.reason == "tls"
    assert "certificate is not valid for '127.0.0.1'" in str(failed)


def test_a_peer_that_speaks_no_tls_is_named_so(pair: Pair) -> None:
    """A plain-text answer to a TLS hello is a TLS failure."""
    server = pair.serve(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    url = server.url.replace("ws://127.0.0.1", "wss://localhost")
    assert failure(lambda: pair.connector().connect(url)).reason == "tls"


@pytest.mark.parametrize("host", [".localhost", "x" * 64 + ".invalid"])
def test_a_host_name_tls_cannot_check_is_a_tls_failure(host: str) -> None:
    """The standard library's complaint about a name becomes a failed connect, not a crash."""
    failed = failure(lambda: through().connect(f"wss://{host}/"))
    assert failed.reason == "tls"
    assert str(failed).endswith("failed (tls): not a host name that a certificate can be checked for")


def test_a_reset_before_tls_begins_is_told(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that tears down at once is `reset`, and no descriptor is left to the garbage collector."""
    wrap = dial._wrap

    def once_reset(target: dial.Target, sock: socket.socket) -> socket.socket:
        poll = select.poll()
        poll.register(sock, select.POLLHUP)
        assert poll.poll(PATIENCE * 1000)
        return wrap(target, sock)

    monkeypatch.setattr(dial, "_wrap", once_reset)
    server = pair.serve(lambda peer: peer.reset())
    url = server.url.replace("ws://127.0.0.1", "wss://localhost")
    assert failure(lambda: pair.connector().connect(url)).reason == "reset"


def test_one_tls_context_serves_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trust store is loaded once for all connectors, and only when it is needed (row 18)."""
    made: list[ssl.SSLContext] = []
    create = ssl.create_default_context

    def counting(*args: Any, **options: Any) -> ssl.SSLContext:
        made.append(create(*args, **options))
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", counting)
    connector = through((NOWHERE, 1))
    assert failure(lambda: connector.connect("ws://x.invalid/")).reason == "unreachable"
    assert not made
    for each in (connector, through((NOWHERE, 1))) * 2:
        assert failure(partial(each.connect, "wss://x.invalid/")).reason == "unreachable"
    assert len(made) == 1
    assert made[0].verify_mode is ssl.CERT_REQUIRED
    assert made[0].check_hostname


def test_the_environment_cannot_log_tls_keys(
    pair: Pair, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSLKEYLOGFILE alone must not be enough to read an API key off the wire (row 18)."""
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = pair.serve(lambda peer: peer.accept(), "tls")
    connector = Connector(limits=Limits(PATIENCE, 1000))
    pair.clients.append(connector.connect(server.url))
    assert not log.exists() or "TRAFFIC_SECRET" not in log.read_text()


# --- the answer --------------------------------------------------------------------------------------------


def answer(pair: Pair, text: bytes, *, connect: float = PATIENCE) -> ConnectFailed:
    """How a connect fails that is answered with `text` and then silence."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(text)
        peer.stop.wait(PATIENCE)

    server = pair.serve(script)
    return failure(lambda: pair.connector(connect=connect).connect(server.url, SECRET))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 503])
def test_a_refusal_gives_its_status_and_nothing_of_its_text(pair: Pair, status: int) -> None:
    """Status only: headers and body may hold anything, our own key included (row 12)."""
    body = b"Content-Length: 14\r\nX-Echo: do-not-leak-me\r\n\r\ndo-not-leak-me"
    failed = answer(pair, f"HTTP/1.1 {status} do-not-leak-me\r\n".encode() + body)
    assert isinstance(failed, HandshakeRejected)
    assert (failed.status, failed.retry_after, failed.reason) == (status, None, "rejected")
    assert str(failed).endswith(
        f" failed (rejected): the upgrade was answered with status {status}, expected 101"
    )
    assert failed.__cause__ is None
    assert failed.__context__ is None
    assert "do-not-leak-me" not in "".join(traceback.format_exception(failed)) + repr(failed)


def test_a_refusal_is_known_before_its_body(pair: Pair) -> None:
    """A body that never comes, however long it claims to be, does not hide the status."""
    failed = answer(pair, b"HTTP/1.1 429 Slow\r\nRetry-After: 17\r\nContent-Length: 99999999\r\n\r\n")
    assert isinstance(failed, HandshakeRejected)
    assert (failed.status, failed.retry_after) == (429, 17.0)


@pytest.mark.parametrize(
    ("value", "lowest", "highest"),
    [
        (b"0", 0, 0),
        (b"120 ", 120, 120),
        (b"Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        (b"Fri, 21 Oct 2095 07:28:00 GMT", 1e8, 1e10),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    pair: Pair, value: bytes, lowest: float, highest: float
) -> None:
    """Both forms of the header give seconds from now, a date gone by gives 0."""
    failed = answer(pair, b"HTTP/1.1 503 No\r\nretry-after:" + value + b"\r\n\r\n")
    assert isinstance(failed, HandshakeRejected)
    assert failed.retry_after is not None
    assert lowest <= failed.retry_after <= highest


@pytest.mark.parametrize("value", [b"", b"soon", b"-1", b"1e9", b"\xff", b"99999999999", b"x" * 500])
def test_an_unreadable_retry_after_is_none(pair: Pair, value: bytes) -> None:
    """A header that makes no sense asks for nothing."""
    failed = answer(pair, b"HTTP/1.1 503 No\r\nRetry-After: " + value + b"\r\n\r\n")
    assert isinstance(failed, ConnectFailed)
    assert getattr(failed, "retry_after", None) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(pair: Pair, status: int) -> None:
    """The place redirected to is never called, so the key does not go there (row 9)."""
    called = threading.Event()
    other = pair.serve(lambda _peer: called.set())
    failed = answer(pair, f"HTTP/1.1 {status} Moved\r\nLocation: {other.url}\r\n\r\n".encode())
    assert failed.reason == "redirect"
    assert str(failed).endswith(
        f"status {status}, expected 101; redirects would take the key along and are not followed"
    )
    assert not called.is_set()


NOT_WEBSOCKET = {
    "rubbish": b"SSH-2.0-OpenSSH\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "odd status": b"HTTP/1.1 1_01 Switching\r\n\r\n",
    "no headers": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "wrong key": (
        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AA==\r\n\r\n"
    ),
    "header without colon": b"HTTP/1.1 101 x\r\nrubbish\r\n\r\n",
    "empty lines": b"\r\n\r\n",
    "no text": b"\xff\xfe\xfd\r\n\r\n",
    "endless head": b"HTTP/1.1 101 x\r\nX: " + b"x" * 20_000,
}


@pytest.mark.parametrize("text", NOT_WEBSOCKET.values(), ids=NOT_WEBSOCKET.keys())
def test_an_answer_that_is_no_upgrade_is_a_handshake_failure(pair: Pair, text: bytes) -> None:
    """Whatever else answers on that port gives one reason and no crash, after a bounded amount of reading."""
    assert answer(pair, text).reason == "handshake"


def test_an_extension_nobody_asked_for_is_refused(pair: Pair) -> None:
    """We offer no compression, so a server that turns it on is not understood (row 20)."""
    server = pair.serve(lambda peer: peer.accept(b"Sec-WebSocket-Extensions: permessage-deflate\r\n"))
    failed = failure(lambda: pair.connector().connect(server.url))
    assert failed.reason == "handshake"
    assert str(failed).endswith("the server switched on an extension nobody asked for")


def test_a_hang_up_during_the_upgrade_is_eof(pair: Pair) -> None:
    """A peer that leaves in the middle of its answer is told from one that is silent."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 101 Swit")
        peer.hang_up()

    server = pair.serve(script)
    assert failure(lambda: pair.connector().connect(server.url)).reason == "eof"


def test_a_reset_during_the_upgrade_is_told(pair: Pair) -> None:
    """A connection torn down before the answer is `reset`."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.reset()

    server = pair.serve(script)
    assert failure(lambda: pair.connector().connect(server.url)).reason == "reset"


@BOTH
def test_a_dripping_server_is_cut_at_the_deadline(pair: Pair, layer: str) -> None:
    """One deadline for all of it, although every single read succeeds (row 15)."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 101 ")
        while not peer.stop.wait(0.05):
            peer.send(b"x")

    server = pair.serve(script, layer)
    server.errors = _Ignored()
    # At this pace the longest head allowed would take a quarter of an hour.
    failed = failure(lambda: pair.connector(connect=0.5).connect(server.url))
    assert failed.reason == "timeout"
    assert str(failed).endswith("not done within 0.5 s, stopped while upgrading to WebSocket")


def test_a_silent_tls_peer_is_cut_at_the_deadline(pair: Pair) -> None:
    """The deadline holds in the TLS handshake too."""
    server = pair.serve(lambda peer: (peer.stop.wait(PATIENCE), None)[1])
    url = server.url.replace("ws://127.0.0.1", "wss://localhost")
    failed = failure(lambda: pair.connector(connect=0.3).connect(url))
    assert failed.reason == "timeout"
    assert str(failed).endswith("stopped while negotiating TLS")


def test_frames_sent_with_the_answer_are_not_lost(pair: Pair) -> None:
    """A server may greet in the same packet as its 101."""

    def script(peer: Peer) -> None:
        peer.read_head()
        recorder = _Recorder()
        dataclasses.replace(peer, sock=cast("socket.socket", recorder)).accept()
        peer.send(recorder.data + pair.frame(1, b"hello"))

    server = pair.serve(script)
    client = pair.connector().connect(server.url)
    pair.clients.append(client)
    assert client.receive(PATIENCE) == [b"hello"]


# --- leaks from one account to another ---------------------------------------------------------------------


def test_cookies_do_not_travel_between_connections(pair: Pair) -> None:
    """What a server sets on one account's connection is not sent on the next (row 10)."""
    heads: list[bytes] = []

    def script(peer: Peer) -> None:
        heads.append(peer.read_head())
        peer.accept(b"Set-Cookie: session=account-1; Domain=127.0.0.1\r\n")

    server = pair.serve(script)
    for _ in range(2):
        pair.clients.append(pair.connector().connect(server.url))
    assert len(heads) == 2
    assert b"ookie" not in b"".join(heads)


def test_the_cookie_jar_of_the_library_is_where_we_replaced_it() -> None:
    """Guard on a private name: the jar the handshake uses is ours and stays empty."""
    jar = websocket._handshake.CookieJar
    assert isinstance(jar, transport._NoCookies)
    jar.add("a=b; Domain=example.com")
    assert jar.get("example.com") == ""


def test_the_library_is_new_enough() -> None:
    """Below 1.9.2 redirects count as connected, and more (rows 9 and 23)."""
    assert tuple(int(part) for part in websocket.__version__.split(".")[:3]) >= (1, 9, 2)


def test_a_library_laid_out_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that moves what we override must not pass in silence."""
    monkeypatch.delattr(websocket._handshake, "CookieJar")
    with pytest.raises(ImportError, match=r"^websocket-client .* install websocket-client 1\.9\.2$"):
        transport._require_known_library()


def test_nothing_is_logged_of_request_or_frames(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """At the most talkative level the library says nothing of keys or messages (row 21)."""
    caplog.set_level(logging.DEBUG)
    link = pair.link()
    link.client.send('{"authSig":"do-not-leak-me"}')
    link.peer.read_frame()
    link.peer.frame(1, b"do-not-leak-me")
    assert link.next() == b"do-not-leak-me"
    link.peer.hang_up()
    assert link.next() == Closed(None, "eof")
    answer(pair, b"HTTP/1.1 401 No\r\n\r\n")
    assert "do-not-leak-me" not in caplog.text


class _Ignored(list[BaseException]):
    """For servers whose script is expected to fail when the client turns away."""

    def append(self, _error: BaseException) -> None:
        """Forget it."""


class _Recorder:
    """Takes what a peer would send."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        """Keep it."""
        self.data += data
