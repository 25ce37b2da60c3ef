"""A WebSocket peer of which the test controls every byte, and the certificates to talk TLS to it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from exporter.stream.transport import Abort, Closed, Connection, Connector, Limits, Ping, Pong

# Generous: only a test that fails ever waits this long, seconds.
PATIENCE = 20.0
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Peer:
    """The server's end of one connection."""

    sock: socket.socket
    head: bytes = b""
    stop: threading.Event = field(default_factory=threading.Event)

    def read_head(self) -> bytes:
        """The client's upgrade request."""
        while not self.head.endswith(b"\r\n\r\n"):
            data = self.sock.recv(1)
            assert data, "the client hung up in its request"
            self.head += data
        return self.head

    def accept(self, extra: bytes = b"", *, status: bytes = b"101 Switching Protocols") -> None:
        """Answer the upgrade as a server should."""
        request = self.read_head()
        key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        token = base64.b64encode(hashlib.sha1(key + ACCEPT_GUID, usedforsecurity=False).digest())
        self.sock.sendall(
            b"HTTP/1.1 " + status + b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + token + b"\r\n" + extra + b"\r\n"
        )

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.sock.sendall(data)

    def read_frame(self) -> tuple[int, bytes]:
        """One frame of the client: opcode and unmasked payload; (-1, b"") when it hung up."""
        first = self._exactly(2)
        if len(first) < 2:
            return -1, b""
        assert first[1] & 0x80, "a client must mask its frames"
        length = first[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(8))
        mask = self._exactly(4)
        data = self._exactly(length)
        return first[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))

    def frame(self, *args: Any, **options: Any) -> None:
        """Send one frame; see the function `frame`."""
        self.send(frame(*args, **options))

    def hang_up(self) -> None:
        """Close without a close frame."""
        self.sock.close()

    def reset(self) -> None:
        """Close so that the client sees a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                more = self.sock.recv(count - len(data))
            except ConnectionError:
                break
            if not more:
                break
            data += more
        return data


def frame(
    opcode: int, data: bytes = b"", *, fin: int = 1, rsv: int = 0, announced: int | None = None
) -> bytes:
    """A server's frame; `announced` lies about the length."""
    length = len(data) if announced is None else announced
    first = bytes([fin << 7 | rsv << 4 | opcode])
    if length < 126:
        return first + bytes([length]) + data
    if length < 1 << 16:
        return first + struct.pack("!BH", 126, length) + data
    return first + struct.pack("!BQ", 127, length) + data


class Server:
    """Listens on loopback and runs a script for each connection, in a thread of its own."""

    def __init__(self, script: Callable[[Peer], None], tls: ssl.SSLContext | None = None) -> None:
        self.stop = threading.Event()
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'wss' if tls else 'ws'}://{'localhost' if tls else '127.0.0.1'}:{self.port}/ws?x=1"
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._run, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _run(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        peer = Peer(sock, stop=self.stop)
        self.peers.append(peer)
        try:
            if self._tls:
                peer.sock = self._tls.wrap_socket(sock, server_side=True)
            self._script(peer)
        except OSError as error:
            if not self.stop.is_set():
                self.errors.append(error)
        except BaseException as error:  # noqa: BLE001 - handed to the test's thread
            self.errors.append(error)

    def close(self) -> None:
        """Stop listening, drop every connection, wait for every thread."""
        self.stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        for peer in self.peers:
            peer.sock.close()


Event = bytes | Ping | Pong | Closed


class Inbox:
    """What a connection gives, one by one: a read may bring many messages at once, or a part of one."""

    def __init__(self, client: Connection) -> None:
        self._client = client
        self._messages: list[bytes] = []

    def next(self) -> Event:
        """Wait for the next message, control frame or end."""
        deadline = time.monotonic() + PATIENCE
        while not self._messages:
            received = self._client.receive(PATIENCE)
            if isinstance(received, list):
                self._messages = received
            elif received is not None:
                return received
            assert time.monotonic() < deadline, "nothing came"
        return self._messages.pop(0)


@dataclass
class Link:
    """An open connection seen from both ends."""

    client: Connection
    peer: Peer
    abort: Abort

    def __post_init__(self) -> None:
        self.next = Inbox(self.client).next

    @property
    def sock(self) -> socket.socket:
        """The client's own socket."""
        assert self.abort._sock is not None
        return self.abort._sock


@dataclass
class Pair:
    """How the tests of this folder make connections, with everything closed at the end."""

    tls_server: ssl.SSLContext
    tls_client: ssl.SSLContext
    servers: list[Server] = field(default_factory=list)
    clients: list[Connection] = field(default_factory=list)

    def serve(self, script: Callable[[Peer], None], layer: str = "plain") -> Server:
        """A server that runs `script` for each connection, on the layer "plain" or "tls"."""
        self.servers.append(Server(script, self.tls_server if layer == "tls" else None))
        return self.servers[-1]

    frame = staticmethod(frame)

    def connector(
        self, *, connect: float = PATIENCE, size: int = 1 << 20, send: float = PATIENCE
    ) -> Connector:
        """A connector that trusts the test's certificate."""
        limits = Limits(connect_timeout=connect, max_message_bytes=size, send_timeout=send)
        return Connector(limits=limits, tls=self.tls_client)

    def link(self, layer: str = "plain", *, size: int = 1 << 20, send: float = PATIENCE) -> Link:
        """An accepted connection, its far end in the test's own hands."""
        ready = threading.Event()

        def script(peer: Peer) -> None:
            peer.accept()
            ready.set()

        server = self.serve(script, layer)
        abort = Abort()
        client = self.connector(size=size, send=send).connect(server.url, abort=abort)
        self.clients.append(client)
        assert ready.wait(PATIENCE)
        return Link(client, server.peers[0], abort)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    # Newer Python checks strictly, and asks this of a certificate that signs itself.
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=60)
    both = folder / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


@pytest.fixture
def pair(certificate: Path) -> Iterator[Pair]:
    """Connections under test; at the end nothing is left open and no server script may have failed."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    made = Pair(server, ssl.create_default_context(cafile=certificate))
    yield made
    for client in made.clients:
        client.close()
    for one in made.servers:
        one.close()
    errors = [error for one in made.servers for error in one.errors]
    assert not errors
