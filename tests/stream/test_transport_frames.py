"""Frames in any shape and in any pieces: what comes out does not depend on how the network cut them."""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.stream.connection import Connection
from exporter.stream.transport import Abort, Closed, Limits, Ping, Pong, _Frames

if TYPE_CHECKING:
    import socket

LIMIT = 70_000
LIMITS = Limits(connect_timeout=1.0, max_message_bytes=LIMIT)
Event = bytes | Ping | Pong | Closed
Wire = tuple[bytes, list[Event]]


class Pieces:
    """A socket that gives the pieces it was made of, one a read, with time-outs between; then the end."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.sent = b""
        self.rest = b""

    def settimeout(self, timeout: float) -> None:
        """Time is not an issue here."""

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes of the current piece; between two pieces a time-out."""
        if not self.rest:
            if not self.pieces:
                return b""
            self.rest = self.pieces.pop(0)
            raise TimeoutError("timed out")
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def send(self, data: bytes) -> int:
        """Takes everything."""
        self.sent += bytes(data)
        return len(data)


def events(data: bytes, cuts: list[int]) -> tuple[list[Event], Pieces]:
    """What a connection reports for `data` cut at the given places, up to its end; and what it sent."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    wire = Pieces([data[a:b] for a, b in itertools.pairwise(edges)])
    connection = Connection(_Frames(LIMITS, cast("socket.socket", wire)), Abort())
    out: list[Event] = []
    while not out or not isinstance(out[-1], Closed):
        received = connection.receive(60.0)
        assert received != []
        if isinstance(received, list):
            out += received
        elif received is not None:
            out.append(received)
    if out[-1] == Closed(None, "eof"):
        assert connection.bytes_received == len(data)
    assert connection.messages_received == sum(isinstance(event, bytes) for event in out)
    return out, wire


def header(opcode: int, length: int, fin: int) -> bytes:
    """The header of a server's frame."""
    first = bytes([fin << 7 | opcode])
    if length < 126:
        return first + bytes([length])
    return first + (struct.pack("!BH", 126, length) if length < 1 << 16 else struct.pack("!BQ", 127, length))


control = st.tuples(st.sampled_from([9, 10]), st.binary(max_size=125))


@st.composite
def message(draw: st.DrawFn) -> Wire:
    """One message in fragments with control frames between them, and the events it must give."""
    parts = draw(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
    if draw(st.integers(0, 9)) == 0:
        parts[0] = bytes(draw(st.sampled_from([125, 126, 65_535, 65_536])))
    data = b""
    expected: list[Event] = []
    for index, part in enumerate(parts):
        if draw(st.booleans()):
            opcode, payload = draw(control)
            data += header(opcode, len(payload), 1) + payload
            expected.append(Ping(payload) if opcode == 9 else Pong(payload))
        last = index == len(parts) - 1
        opcode = 0 if index else draw(st.sampled_from([1, 2]))
        data += header(opcode, len(part), int(last)) + part
    return data, [*expected, b"".join(parts)]


@settings(deadline=None, max_examples=200)
@given(st.lists(message(), max_size=5), st.lists(st.integers(0, 1 << 20), max_size=40))
def test_the_events_do_not_depend_on_how_the_bytes_were_cut(messages: list[Wire], cuts: list[int]) -> None:
    """Any cuts, with a tick at each, give the same messages and control frames in the same order."""
    expected = [event for _, one in messages for event in one]
    got, wire = events(b"".join(data for data, _ in messages), cuts)
    assert got == [*expected, Closed(None, "eof")]
    assert [type(event) for event in got[:-1]] == [type(event) for event in expected]
    assert wire.sent.count(b"\x8a") >= sum(isinstance(event, Ping) for event in expected)


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=10))
def test_any_bytes_at_all_end_in_a_named_way(data: bytes, cuts: list[int]) -> None:
    """Rubbish never raises, and is judged the same however it is cut."""
    got, _ = events(data, cuts)
    end = got[-1]
    assert isinstance(end, Closed)
    assert end.reason in {"eof", "protocol", "oversize", "remote_close"}
    assert got == events(data, [])[0]
