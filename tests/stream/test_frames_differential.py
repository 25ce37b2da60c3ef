"""Our frame cutter against websocket-client's parser: the same bytes mean the same, however they are cut.

The library's frames are judged by its own rules and by ours: `STRICTER` names each that goes beyond them.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websocket import ABNF, WebSocket, WebSocketConnectionClosedException, WebSocketProtocolException

from exporter.stream.connection import Connection
from exporter.stream.frames import FrameCutter
from exporter.stream.transport import Abort, Closed, CloseReason, Limits, Ping, Pong, _Frames

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIMIT: Final = 70_000
LOWER: Final = 250
"""A limit that a frame of the hot path can break."""
PATIENCE: Final = 20.0
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
Event = bytes | Ping | Pong | Closed


class Head(NamedTuple):
    """The header of a frame as the library has read it."""

    fin: int
    rsv1: int
    rsv2: int
    rsv3: int
    opcode: int
    masked: int
    size: int

    @property
    def control(self) -> bool:
        """Whether it is of a control frame."""
        return self.opcode >= CLOSE


STRICTER: Final[Mapping[str, Callable[[Head], bool]]] = {
    "masked, which only clients may": lambda head: bool(head.masked),
    "a control frame in fragments": lambda head: head.control and not head.fin,
    "a control frame above 125 bytes": lambda head: head.control and head.size > 125,
}
"""Frames that we refuse as `protocol` and the library takes, by what is wrong with them.

Stricter besides: a message above the limit is `oversize`, and whatever a header gives away is refused before
the payload is there, for which the library waits.
"""


class Reference(WebSocket):
    """The library over bytes instead of a socket, with our stricter rules on top of its own."""

    def __init__(self, data: bytes, limit: int) -> None:
        super().__init__(skip_utf8_validation=True, enable_multithread=False)
        self._data = data
        self._limit = limit
        self._fragments = 0
        self.pongs: list[bytes] = []
        self.stricter: set[str] = set()

    def _recv(self, bufsize: int) -> bytes:
        """The library's own read hook."""
        data, self._data = self._data[:bufsize], self._data[bufsize:]
        if not data:
            raise WebSocketConnectionClosedException
        return data

    def event(self) -> Event | None:
        """What the next frame means; None for a fragment that completes nothing."""
        buffer = self.frame_buffer
        try:
            frame = buffer.recv_frame()
            bits = (frame.fin, frame.rsv1, frame.rsv2, frame.rsv3)
            reason = self._refusal(Head(*bits, frame.opcode, frame.mask_value, len(frame.data)))
            return Closed(None, reason) if reason else self._meaning(frame)
        except WebSocketProtocolException:
            return Closed(None, "protocol")
        except WebSocketConnectionClosedException:
            if buffer.header is None or buffer.length is None:
                return Closed(None, "eof")
            head = Head._make((*buffer.header[:6], buffer.length))
            return Closed(None, self._refusal(head) or "eof")

    def _meaning(self, frame: ABNF) -> Event | None:
        data = bytes(frame.data)  # type: ignore[arg-type] # bytes whenever received
        if frame.opcode == PING:
            self.pongs.append(data)
            return Ping(data)
        if frame.opcode == PONG:
            return Pong(data)
        if frame.opcode == CLOSE:
            return Closed(struct.unpack("!H", data[:2])[0] if data else None, "remote_close")
        self._fragments += len(data)
        self.cont_frame.validate(frame)
        self.cont_frame.add(frame)
        if not self.cont_frame.is_fire(frame):
            return None
        self._fragments = 0
        return bytes(self.cont_frame.extract(frame)[1].data)

    def _refusal(self, head: Head) -> CloseReason | None:
        """Why we refuse a frame by its header: by the library's rules, by the stricter ones, by the limit."""
        stricter = [name for name, wrong in STRICTER.items() if wrong(head)]
        self.stricter.update(stricter)
        payload = b"\x03\xe8"[: head.size] if head.opcode == CLOSE else b""
        frame = ABNF(*head[:6], payload)
        try:
            frame.validate(skip_utf8_validation=True)
            self.cont_frame.validate(frame)
        except WebSocketProtocolException:
            return "protocol"
        if stricter:
            return "protocol"
        return "oversize" if not head.control and self._fragments + head.size > self._limit else None


def reference(data: bytes, limit: int = LIMIT) -> tuple[list[Event], Reference]:
    """What the library makes of the bytes, up to the end."""
    library = Reference(data, limit)
    events: list[Event] = []
    while not events or not isinstance(events[-1], Closed):
        if (event := library.event()) is not None:
            events.append(event)
    return events, library


# --- bytes to try -------------------------------------------------------------------------------------------


def encode(first: int, payload: bytes, form: Literal[7, 16, 64], mask: bytes = b"") -> bytes:
    """A frame with its length in one of the three forms, also where a shorter one would do."""
    size = len(payload)
    if form == 7 and size > 125:
        form = 16
    if form == 16 and size > 65_535:
        form = 64
    flag = 0x80 if mask else 0
    length = {7: bytes([flag | size & 127]), 16: struct.pack("!BH", flag | 126, size & 65_535)}.get(form)
    return bytes([first]) + (length or struct.pack("!BQ", flag | 127, size)) + mask + payload


plain = st.builds(encode, st.just(0x80 | TEXT), st.binary(max_size=300), st.sampled_from([7, 16]))
edges = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, LIMIT, LIMIT + 1]).map(bytes)
close = st.builds(
    lambda code, rest: struct.pack("!H", code) + rest, st.integers(0, 5001), st.binary(max_size=130)
)
strange = st.builds(
    encode,
    st.sampled_from([0x80, 0x80, 0x00, 0x00, 0xC0, 0xA0, 0x90]).flatmap(
        lambda bits: st.sampled_from([CONT, TEXT, BINARY, 3, CLOSE, PING, PONG, 11]).map(
            lambda code: bits | code
        )
    ),
    st.one_of(st.binary(max_size=150), edges, close),
    st.sampled_from([7, 16, 64]),
    st.sampled_from([b"", b"", b"", b"", b"", b"mask"]),
)
fragments = st.builds(
    lambda parts, finished: b"".join(
        encode((CONT if index else TEXT) | (0x80 if finished and index == len(parts) - 1 else 0), part, 7)
        for index, part in enumerate(parts)
    ),
    st.lists(st.one_of(*[st.binary(max_size=60)] * 5, edges), min_size=2, max_size=4),
    st.sampled_from([True, True, False]),
)
large = st.builds(
    encode,
    st.sampled_from([0x80 | TEXT, 0x80 | BINARY]),
    st.sampled_from([65_535, 65_536, 65_537, LIMIT - 1, LIMIT, LIMIT + 1]).map(bytes),
    st.sampled_from([16, 64]),
)
control = st.builds(
    encode,
    st.sampled_from([0x80 | PING, 0x80 | PONG]),
    st.one_of(st.binary(max_size=125), st.sampled_from([125, 125, 126]).map(bytes)),
    st.just(7),
)
mutation = st.tuples(
    st.integers(0, 1 << 20), st.integers(0, 255), st.sampled_from(["set", "drop", "insert", "cut"])
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Mostly plain messages, some of everything else, and in half of the streams some bytes changed."""
    kind = st.one_of(plain, plain, plain, plain, control, fragments, strange, large)
    data = bytearray(b"".join(draw(st.lists(kind, max_size=8))))
    for place, value, what in draw(st.one_of(st.just([]), st.lists(mutation, max_size=4))):
        at = place % (len(data) + 1)
        if what == "cut":
            del data[at:]
        elif what == "insert":
            data.insert(at, value)
        elif at < len(data):
            data[at : at + 1] = bytes([value]) if what == "set" else b""
    return bytes(data)


cuts = st.lists(st.integers(0, 1 << 20), max_size=12)


def pieces(data: bytes, places: list[int]) -> list[bytes]:
    """The bytes, cut at the given places."""
    edges_ = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges_)]


# --- ours ---------------------------------------------------------------------------------------------------


def cut(parts: Iterable[bytes], limit: int = LIMIT) -> list[Event]:
    """What the cutter alone makes of the pieces, up to the end."""
    cutter = FrameCutter(limit)
    events: list[Event] = []
    for part in parts:
        event = cutter.cut(part)
        while event is not None:
            assert event != []
            events += event if isinstance(event, list) else [event]
            if isinstance(event, Closed):
                return events
            event = cutter.cut() if cutter.pending else None
        assert cutter.cut() is None, "the cutter held something back"
    return [*events, Closed(None, "eof")]


class Pair:
    """A connection of ours over a socket pair, plain or with TLS, and the peer's end of it."""

    def __init__(self, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None) -> None:
        self.peer, mine = socket.socketpair()
        if tls is not None:
            server, client = tls
            accepted: list[ssl.SSLSocket] = []
            thread = threading.Thread(
                target=lambda: accepted.append(server.wrap_socket(self.peer, server_side=True))
            )
            thread.start()
            mine = client.wrap_socket(mine, server_hostname="localhost")
            thread.join()
            (self.peer,) = accepted
        self.peer.settimeout(PATIENCE)
        abort = Abort()
        abort.attach(mine)
        self.client = Connection(_Frames(Limits(PATIENCE, LIMIT), mine), abort)

    def events(self, parts: Iterable[bytes]) -> list[Event]:
        """What comes of the pieces when each is read before the next is sent, up to the end."""
        events: list[Event] = []
        sent = 0
        for part in parts:
            self.peer.sendall(part)
            sent += len(part)
            while self.client.bytes_received < sent:
                if self._take(events):
                    return events
        socket.socket.shutdown(self.peer, socket.SHUT_WR)
        while not self._take(events):
            pass
        return events

    def _take(self, events: list[Event]) -> bool:
        """Receive once; True at the end."""
        received = self.client.receive(PATIENCE)
        if received is not None:
            events += received if isinstance(received, list) else [received]
        return isinstance(received, Closed)

    def pongs(self) -> list[bytes]:
        """The payloads of the pongs that the peer was sent."""
        data, found = b"", []
        with contextlib.suppress(OSError):
            while more := self.peer.recv(1 << 16):
                data += more
        while data:
            size, mask = data[1] & 127, data[2:6]
            if data[0] & 15 == PONG:
                found.append(bytes(byte ^ mask[i % 4] for i, byte in enumerate(data[6 : 6 + size])))
            data = data[6 + size :]
        return found

    def close(self) -> None:
        """Let go of both ends."""
        self.client.close()
        self.peer.close()


@pytest.fixture(scope="module")
def contexts(certificate: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For the server and the client of a pair."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    return server, ssl.create_default_context(cafile=certificate)


@settings(deadline=None, max_examples=1500)
@given(streams(), cuts, st.sampled_from([LOWER, LIMIT]))
def test_the_cutter_agrees_with_the_library(data: bytes, places: list[int], limit: int) -> None:
    """Messages, control frames and the kind of the end are the library's, save what we say we refuse."""
    assert cut(pieces(data, places), limit) == reference(data, limit)[0]


@settings(deadline=None, max_examples=400)
@given(streams())
def test_byte_by_byte_is_the_same(data: bytes) -> None:
    """The finest cut there is agrees with none at all."""
    data = data[:5000]
    assert cut(data[at : at + 1] for at in range(len(data))) == cut([data]) == reference(data)[0]


@pytest.mark.parametrize("layer", ["plain", "tls"])
@settings(deadline=None, max_examples=100)
@given(data=streams(), places=cuts)
def test_a_connection_agrees_with_the_library(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], layer: str, data: bytes, places: list[int]
) -> None:
    """The same over real sockets, where every ping is answered with what it brought."""
    data = data[:100_000]  # a socket pair holds that much unread
    expected, library = reference(data)
    pair = Pair(contexts if layer == "tls" else None)
    try:
        assert pair.events(pieces(data, places)) == expected
        pair.client.close()
        assert pair.pongs() == library.pongs
    finally:
        pair.close()


@pytest.mark.parametrize("name", STRICTER)
def test_each_strictness_is_met(name: str) -> None:
    """Every named rule refuses a frame that the library alone would take."""
    frame = {
        "masked, which only clients may": encode(0x80 | TEXT, b"x", 7, b"mask"),
        "a control frame in fragments": encode(PONG, b"x", 7),
        "a control frame above 125 bytes": encode(0x80 | PONG, bytes(126), 16),
    }[name]
    events, library = reference(frame)
    assert library.stricter == {name}
    assert events == [Closed(None, "protocol")] == cut([frame])
    alone = WebSocket(skip_utf8_validation=True, enable_multithread=False)
    alone.frame_buffer.recv = io.BytesIO(frame).read
    assert len(alone.frame_buffer.recv_frame().data) in {1, 126}
