"""The demo's server over real loopback sockets, spoken to with a library's client."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from exporter.demo.accounts import ACCOUNTS
from exporter.demo.server import DemoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
HANDSHAKE = (
    b"GET /bitfinex HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
def server() -> Iterator[DemoServer]:
    """A running demo server, stopped afterwards."""
    server = DemoServer(seed=1, speed=5.0)
    server.start()
    yield server
    server.stop()


def dial(server: DemoServer) -> ClientConnection:
    """A connection to the simulated Bitfinex."""
    return connect(server.url("bitfinex"), proxy=None, open_timeout=PATIENCE, max_queue=None)


def hear(connection: ClientConnection) -> Any:
    """The next message."""
    return json.loads(connection.recv(timeout=PATIENCE))


def login(connection: ClientConnection, nonce: int, account: int = 0) -> Any:
    """Log in as a demo account and give the answer."""
    who = ACCOUNTS[account]
    assert hear(connection)["event"] == "info"
    payload = f"AUTH{nonce}"
    signature = hmac.new(who.api_secret.encode(), payload.encode(), hashlib.sha384).hexdigest()
    message = {"event": "auth", "apiKey": who.api_key, "authNonce": nonce, "authPayload": payload}
    connection.send(json.dumps({**message, "authSig": signature}))
    return hear(connection)


def test_a_client_logs_in_and_hears_the_world_move(server: DemoServer) -> None:
    """Over a real socket: greeting, login, six snapshots, first wave, and then changes."""
    with dial(server) as connection:
        assert login(connection, 1)["status"] == "OK"
        kinds = [hear(connection)[1] for _ in range(6)]
        assert kinds == ["ps", "ws", "os", "fos", "fcs", "fls"]
        while hear(connection)[1] not in {"on", "oc", "fon", "foc"}:
            pass


def test_two_clients_share_one_venue_and_its_nonces(server: DemoServer) -> None:
    """A nonce used on one connection is spent on the other."""
    with dial(server) as first, dial(server) as second:
        assert login(first, 7)["status"] == "OK"
        assert login(second, 7)["code"] == 10114


def test_a_dropped_link_ends_without_a_close_frame(server: DemoServer) -> None:
    """The client sees an abnormal end, as from a cut cable."""
    with dial(server) as connection:
        assert hear(connection)["event"] == "info"
        with server.lock:
            server.venues["bitfinex"].drop()
        with pytest.raises(ConnectionClosed) as ended:
            hear(connection)
    assert ended.value.rcvd is None


def test_a_restart_closes_with_1012(server: DemoServer) -> None:
    """The client hears 20051 and then a close frame with the service restart code."""
    with dial(server) as connection:
        assert hear(connection)["event"] == "info"
        with server.lock:
            server.venues["bitfinex"].restart()
        assert hear(connection)["code"] == 20051
        with pytest.raises(ConnectionClosed) as ended:
            hear(connection)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1012


def test_another_path_is_not_found(server: DemoServer) -> None:
    """Only simulated exchanges have a path."""
    with pytest.raises(InvalidStatus) as refused:
        connect(server.url("bitfinex") + "x", proxy=None, open_timeout=PATIENCE)
    assert refused.value.response.status_code == 404


def test_an_exchange_without_simulator_is_named_with_those_that_have_one(server: DemoServer) -> None:
    """Asking for an unknown exchange's address says which are known."""
    with pytest.raises(KeyError, match=r"no simulated exchange 'nowhere' \(known: bitfinex, bitopro\)"):
        server.url("nowhere")


def test_it_listens_on_loopback_only(server: DemoServer) -> None:
    """The address in the URL is the loopback's."""
    assert server.url("bitfinex").startswith("ws://127.0.0.1:")


def test_binary_messages_are_answered_as_text_would_be(server: DemoServer) -> None:
    """Bytes that are no UTF-8 are an error event, not the end of the thread."""
    with dial(server) as connection:
        hear(connection)
        connection.send(b"\xff\xfe")
        assert hear(connection)["event"] == "error"


def test_a_client_that_leaves_is_forgotten(server: DemoServer) -> None:
    """After a client's goodbye its session's thread ends and the venue knows of no connection."""
    before = set(threading.enumerate())
    with dial(server) as connection:
        hear(connection)
        threads = set(threading.enumerate()) - before
        assert threads
    for thread in threads:
        thread.join(PATIENCE)
    with server.lock:
        assert server.venues["bitfinex"].connections == 0


def test_stop_ends_every_thread_with_clients_connected_silent_or_half_open() -> None:
    """Stopping waits for no client: not for one that listens, nor for one in mid-handshake."""
    before = set(threading.enumerate())
    server = DemoServer(seed=2)
    server.start()
    port = int(server.url("bitfinex").split(":")[2].split("/")[0])
    with dial(server) as connection, socket.create_connection(("127.0.0.1", port)) as half_open:
        hear(connection)
        half_open.sendall(b"GET /bitfinex HTTP/1.1\r\n")
        server.stop()
        heard = list(connection)
        assert all(isinstance(text, str) for text in heard)
        assert connection.close_code in {1000, 1001}
    # The client's own keep-alive thread ends by itself, when it next gets to run.
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
    assert set(threading.enumerate()) <= before


def test_a_client_that_reads_nothing_does_not_hold_up_the_stop() -> None:
    """Megabytes that nobody takes are given up, and every thread ends."""
    before = set(threading.enumerate())
    server = DemoServer(seed=2)
    server.start()
    port = int(server.url("bitfinex").split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as lazy:
        lazy.sendall(HANDSHAKE)
        heard = b""
        while not heard.endswith(b"}}"):
            heard += lazy.recv(4096)
        with server.lock:
            server.venues["bitfinex"].say("x" * 32_000_000)
        assert lazy.recv(1, socket.MSG_PEEK)
        server.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
    assert set(threading.enumerate()) <= before


def test_a_link_dropped_with_1006_ends_without_a_close_frame(server: DemoServer) -> None:
    """The code that stands for no close frame is never sent as one."""
    with dial(server) as connection:
        assert hear(connection)["event"] == "info"
        with server.lock:
            server.venues["bitfinex"].drop(code=1006)
        with pytest.raises(ConnectionClosed) as ended:
            hear(connection)
    assert ended.value.rcvd is None


def test_a_bug_in_a_simulator_is_logged(server: DemoServer, caplog: pytest.LogCaptureFixture) -> None:
    """What goes wrong on the demo's side is told, and ends that connection only."""
    server.venues["bitfinex"].faults.caps = "sideways"
    with dial(server) as connection, pytest.raises(ConnectionClosed):
        login(connection, 1)
    assert "the simulated exchange failed" in caplog.text


def test_a_server_that_never_started_stops() -> None:
    """Its listening socket is closed, so a port is not lost."""
    server = DemoServer()
    url = server.url("bitfinex")
    server.stop()
    with pytest.raises(OSError, match="refused"):
        connect(url, proxy=None, open_timeout=PATIENCE)


def bitopro_headers() -> dict[str, str]:
    """The three headers with which the demo's BitoPro account opens a stream now."""
    who = next(account for account in ACCOUNTS if account.exchange == "bitopro")
    said = {"identity": who.identity, "nonce": time.time_ns() // 1_000_000}
    payload = base64.b64encode(json.dumps(said).encode())
    return {
        "X-BITOPRO-APIKEY": who.api_key,
        "X-BITOPRO-PAYLOAD": payload.decode(),
        "X-BITOPRO-SIGNATURE": hmac.new(who.api_secret.encode(), payload, hashlib.sha384).hexdigest(),
    }


@pytest.mark.parametrize(
    ("path", "event"),
    [("account-balance", "ACCOUNT_BALANCE"), ("orders", "ACTIVE_ORDERS"), ("user-trades", "USER_TRADE")],
)
def test_bitopro_streams_begin_below_its_address(server: DemoServer, path: str, event: str) -> None:
    """Each private stream of the simulated BitoPro is a path of its own, opened by headers."""
    url = f"{server.url('bitopro')}/pub/auth/{path}"
    with connect(
        url, proxy=None, open_timeout=PATIENCE, max_queue=None, additional_headers=bitopro_headers()
    ) as connection:
        assert hear(connection)["event"] == event


def test_bitopro_refuses_at_the_handshake(server: DemoServer) -> None:
    """Without a good signature the upgrade is answered with 401 and the venue's own words."""
    url = f"{server.url('bitopro')}/pub/auth/orders"
    headers = {**bitopro_headers(), "X-BITOPRO-SIGNATURE": "0" * 96}
    with pytest.raises(InvalidStatus) as refused:
        connect(url, proxy=None, open_timeout=PATIENCE, additional_headers=headers)
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body or b"") == {"error": "Invalid Signature"}
    with server.lock:
        assert server.venues["bitopro"].connections == 0


def test_bitopro_shows_that_it_lives_by_pings(server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connections are pinged by the server, since hours may pass without a push."""
    monkeypatch.setattr(server.exchanges["bitopro"], "ping_interval", 0.05)
    pinged = threading.Event()
    url = f"{server.url('bitopro')}/pub/auth/orders"
    with connect(
        url, proxy=None, open_timeout=PATIENCE, max_queue=None, additional_headers=bitopro_headers()
    ) as connection:
        protocol = connection.protocol
        receive = protocol.recv_frame

        def noted(frame: Frame) -> None:
            if frame.opcode is Opcode.PING:
                pinged.set()
            receive(frame)

        protocol.recv_frame = noted  # type: ignore[method-assign]
        assert pinged.wait(PATIENCE)
