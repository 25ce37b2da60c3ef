"""Receiving, sending and ending a connection, against a peer that controls every byte."""

from __future__ import annotations

import os
import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.stream.transport import Closed, ConnectionLost, Ping, Pong, Received

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.stream.transport import Connection
    from tests.stream.conftest import Link, Pair

PATIENCE = 20.0
SHORT = 0.02
TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
BOTH = pytest.mark.parametrize("layer", ["plain", "tls"])


def in_thread(action: Callable[[], Received]) -> Callable[[], Received]:
    """Start `action` in a thread; the result waits for it."""
    results: list[Received] = []
    started = threading.Event()

    def run() -> None:
        started.set()
        results.append(action())

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(PATIENCE)

    def join() -> Received:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "still waiting"
        return results[0]

    return join


@BOTH
def test_a_text_message_arrives_as_the_bytes_that_were_sent(pair: Pair, layer: str) -> None:
    """A whole text frame is delivered undecoded, and counted."""
    link = pair.link(layer)
    link.peer.frame(TEXT, b'[0,"hb"]')
    assert link.next() == b'[0,"hb"]'
    assert link.client.messages_received == 1
    assert link.client.bytes_received == 10


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 300_000])
def test_every_length_encoding_is_read(pair: Pair, size: int) -> None:
    """The three ways to write a frame's length all work, at their edges too."""
    link = pair.link()
    data = os.urandom(size)
    sender = threading.Thread(target=link.peer.frame, args=(BINARY, data))
    sender.start()
    assert link.next() == data
    sender.join(PATIENCE)


def test_invalid_utf8_is_delivered_for_the_decoder_to_judge(pair: Pair) -> None:
    """Text is not checked here: the JSON decoder does it anyway, at a hundredth of the cost."""
    link = pair.link()
    link.peer.frame(TEXT, b"\xff\xfe")
    assert link.next() == b"\xff\xfe"


def test_fragments_are_joined_around_control_frames(pair: Pair) -> None:
    """A ping between fragments is answered and reported, and the message comes out whole."""
    link = pair.link()
    parts = [(TEXT, b"ab", 0), (PING, b"p", 1), (CONT, b"", 0), (CONT, b"cd", 1), (TEXT, b"next", 1)]
    link.peer.send(b"".join(pair.frame(op, data, fin=fin) for op, data, fin in parts))
    got = [link.next() for _ in range(3)]
    assert got == [Ping(b"p"), b"abcd", b"next"]
    assert isinstance(got[0], Ping)
    assert link.peer.read_frame() == (PONG, b"p")
    assert link.client.messages_received == 2


def test_quiet_time_gives_none(pair: Pair) -> None:
    """A tick with nothing on the wire is None, and the connection stays."""
    link = pair.link()
    assert link.client.receive(SHORT) is None
    link.peer.frame(TEXT, b"x")
    assert link.next() == b"x"


@BOTH
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 6, 100])
def test_half_a_frame_and_silence_gives_none_and_keeps_the_half(pair: Pair, layer: str, cut: int) -> None:
    """Whatever part of a frame has arrived survives any number of ticks (rows 4 and 6)."""
    link = pair.link(layer)
    data = bytes(200)
    whole = pair.frame(TEXT, data)
    link.peer.send(whole[:cut])
    assert [link.client.receive(SHORT) for _ in range(4)] == [None] * 4
    link.peer.send(whole[cut:])
    assert link.next() == data


@BOTH
def test_a_peer_that_sends_byte_by_byte_does_not_keep_receive(pair: Pair, layer: str) -> None:
    """The time of one receive is for the whole call, not for each read, so the owner's clock is looked at."""
    link = pair.link(layer)
    link.peer.send(pair.frame(BINARY, announced=900_000))
    # Under TLS it is a record that never gets whole: 16 KiB are announced in its head.
    wire = socket.socket(fileno=os.dup(link.peer.sock.fileno()))
    if layer == "tls":
        wire.sendall(b"\x17\x03\x03\x40\x00")
    stop = threading.Event()

    def drip() -> None:
        with wire:
            while not stop.wait(0.002):
                wire.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    # The frame would take half an hour, the record half a minute: that this returns at all is the point.
    assert [link.client.receive(0.05) for _ in range(3)] == [None] * 3
    stop.set()
    thread.join(PATIENCE)


def test_a_flood_of_empty_fragments_does_not_keep_receive(pair: Pair) -> None:
    """Endless fragments that never make a message still let a tick end."""
    link = pair.link()
    link.peer.frame(TEXT, b"", fin=0)
    block = pair.frame(CONT, b"", fin=0) * 1000
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            try:
                link.peer.send(block)
            except OSError:
                return

    thread = threading.Thread(target=flood)
    thread.start()
    assert link.client.receive(0.2) is None
    stop.set()
    link.client.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@BOTH
def test_one_read_gives_all_messages_up_to_a_control_frame(pair: Pair, layer: str) -> None:
    """What came together is handed over together, in its order, and a ping is answered in its place."""
    link = pair.link(layer)
    texts = [b"[%d]" % number for number in range(100)]
    frames = [pair.frame(TEXT, text) for text in texts]
    link.peer.send(b"".join([*frames[:60], pair.frame(PING, b"p"), *frames[60:]]) + b"\x81")
    got = [link.client.receive(PATIENCE) for _ in range(3)]
    assert got == [texts[:60], Ping(b"p"), texts[60:]]
    assert link.client.messages_received == 100
    assert link.peer.read_frame() == (PONG, b"p")


@BOTH
def test_a_record_of_tls_never_lies_decrypted_and_unread(pair: Pair, layer: str) -> None:
    """Messages larger than a read, records as large as one too, need no further byte of the peer."""
    link = pair.link(layer)
    whole = pair.frame(TEXT, bytes(5000)) * 9
    sender = threading.Thread(target=link.peer.send, args=(whole,))
    sender.start()
    assert [link.next() for _ in range(9)] == [bytes(5000)] * 9
    sender.join(PATIENCE)


@BOTH
def test_a_send_does_not_change_how_long_a_receive_waits(pair: Pair, layer: str) -> None:
    """Reads and sends have their own time-outs on the one socket, in any order."""
    link = pair.link(layer)
    for number in range(3):
        assert link.client.receive(SHORT) is None
        link.client.ping(b"%d" % number)
        assert link.client.receive(0.0) is None
        assert link.peer.read_frame() == (PING, b"%d" % number)
    link.peer.frame(TEXT, b"x")
    assert link.next() == b"x"


@BOTH
@pytest.mark.parametrize("code", [1000, 1001, 1012, 3000, 4999])
def test_the_close_code_is_reported_and_answered(pair: Pair, layer: str, code: int) -> None:
    """A close frame gives its code, not an empty message (row 1), and gets a close frame back."""
    link = pair.link(layer)
    link.peer.frame(CLOSE, struct.pack("!H", code) + b"restarting")
    assert link.next() == Closed(code, "remote_close")
    assert link.peer.read_frame() == (CLOSE, struct.pack("!H", code))
    assert link.next() == Closed(code, "remote_close")


def test_a_close_frame_without_code_has_none(pair: Pair) -> None:
    """A bare close frame is a close by the peer, with no code made up for it."""
    link = pair.link()
    link.peer.frame(CLOSE)
    assert link.next() == Closed(None, "remote_close")


def test_the_close_code_survives_a_peer_that_is_already_gone(pair: Pair) -> None:
    """The close frame counts even when nobody is left to take our answer."""
    link = pair.link()
    link.peer.frame(CLOSE, struct.pack("!H", 1012))
    link.peer.hang_up()
    assert link.next() == Closed(1012, "remote_close")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2000, 2999, 5000, 20051])
def test_an_invalid_close_code_is_a_protocol_error(pair: Pair, code: int) -> None:
    """Codes that may not be on the wire end the connection as `protocol` (row 17)."""
    link = pair.link()
    link.peer.frame(CLOSE, struct.pack("!H", code))
    assert link.next() == Closed(None, "protocol")


BROKEN = {
    "compressed": (TEXT, b"x", 1, 4),
    "compressed and empty": (TEXT, b"", 1, 4),
    "reserved bit 2": (TEXT, b"x", 1, 2),
    "reserved bit 3": (TEXT, b"x", 1, 1),
    "unknown data opcode": (3, b"x", 1, 0),
    "unknown control opcode": (11, b"", 1, 0),
    "continuation of nothing": (CONT, b"x", 1, 0),
    "ping in fragments": (PING, b"x", 0, 0),
    "pong in fragments": (PONG, b"", 0, 0),
    "ping too long": (PING, bytes(126), 1, 0),
    "pong too long": (PONG, bytes(126), 1, 0),
    "close too long": (CLOSE, b"\x03\xe8" + bytes(124), 1, 0),
    "close of one byte": (CLOSE, b"x", 1, 0),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_frame_that_breaks_the_rules_ends_the_connection(
    pair: Pair, broken: tuple[int, bytes, int, int]
) -> None:
    """Compression (row 20), unknown opcodes and malformed control frames end it as `protocol`, code 1002."""
    link = pair.link()
    opcode, data, fin, rsv = broken
    link.peer.frame(opcode, data, fin=fin, rsv=rsv)
    assert link.next() == Closed(None, "protocol")
    assert link.peer.read_frame() == (CLOSE, struct.pack("!H", 1002))


@pytest.mark.parametrize("size", [0, 5])
def test_a_masked_frame_from_a_server_is_refused(pair: Pair, size: int) -> None:
    """Only clients mask; a server that does is broken or not a server."""
    link = pair.link()
    link.peer.send(bytes([0x81, 0x80 | size]) + bytes(4 + size))
    assert link.next() == Closed(None, "protocol")


def test_a_message_begun_inside_another_is_refused(pair: Pair) -> None:
    """A new text frame before the last fragment is a protocol error."""
    link = pair.link()
    link.peer.send(pair.frame(TEXT, b"a", fin=0) + pair.frame(TEXT, b"b"))
    assert link.next() == Closed(None, "protocol")


@pytest.mark.parametrize("announced", [1001, 70_000, 8 << 30, (1 << 64) - 1])
def test_an_oversized_frame_is_refused_when_announced(pair: Pair, announced: int) -> None:
    """The announced length is enough: nothing of the payload has to arrive (row 14); the code is 1009."""
    link = pair.link(size=1000)
    link.peer.frame(BINARY, announced=announced)
    # The refusal comes with the first look for payload, for which a byte must not be needed.
    assert link.next() == Closed(None, "oversize")
    assert link.peer.read_frame() == (CLOSE, struct.pack("!H", 1009))


def test_a_control_frame_that_announces_gigabytes_is_refused(pair: Pair) -> None:
    """The limit of control frames is the protocol's own."""
    link = pair.link(size=1000)
    link.peer.frame(PING, announced=8 << 30)
    assert link.next() == Closed(None, "protocol")


def test_fragments_are_refused_when_their_sum_is_oversized(pair: Pair) -> None:
    """Exactly the limit passes, one byte more in fragments does not."""
    link = pair.link(size=1000)
    link.peer.send(pair.frame(TEXT, bytes(600), fin=0) + pair.frame(CONT, bytes(400)))
    assert link.next() == bytes(1000)
    link.peer.send(pair.frame(TEXT, bytes(600), fin=0) + pair.frame(CONT, announced=401))
    assert link.next() == Closed(None, "oversize")


@BOTH
def test_a_hang_up_without_a_close_frame_is_eof(pair: Pair, layer: str) -> None:
    """A peer that just goes gives `eof`, in mid-frame too."""
    link = pair.link(layer)
    link.peer.frame(TEXT, announced=100)
    link.peer.hang_up()
    assert link.next() == Closed(None, "eof")


def test_a_reset_is_told_from_a_hang_up(pair: Pair) -> None:
    """A connection torn down gives `reset`."""
    link = pair.link()
    link.peer.reset()
    assert link.next() == Closed(None, "reset")


def test_rubbish_in_the_tls_stream_ends_the_connection(pair: Pair) -> None:
    """Bytes that are no TLS record end it as `tls` and are never taken for frames."""
    link = pair.link("tls")
    with socket.socket(fileno=os.dup(link.peer.sock.fileno())) as raw:
        raw.sendall(pair.frame(TEXT, b"forged"))
    assert link.next() == Closed(None, "tls")


def test_a_peer_found_dead_by_the_kernel_is_no_tick(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """ETIMEDOUT of the keep-alive looks like a read time-out in Python; it ends the connection."""
    link = pair.link()

    class Dead:
        def settimeout(self, timeout: float) -> None: ...

        def recv(self, size: int) -> bytes:
            raise TimeoutError(110, "Connection timed out")

        def send(self, data: bytes) -> int:
            raise TimeoutError(110, "Connection timed out")

    monkeypatch.setattr(link.client._frames, "_sock", Dead())
    assert link.next() == Closed(None, "timeout")


@BOTH
def test_sent_text_and_pings_arrive_and_are_answered(pair: Pair, layer: str) -> None:
    """Text goes out masked as UTF-8; the pong to our ping comes back as an event."""
    link = pair.link(layer)
    link.client.send('{"event":"auth","é":1}')
    link.client.ping(b"7")
    assert link.peer.read_frame() == (TEXT, '{"event":"auth","é":1}'.encode())
    assert link.peer.read_frame() == (PING, b"7")
    link.peer.frame(PONG, b"7")
    event = link.next()
    assert event == Pong(b"7")
    assert isinstance(event, Pong)


def test_a_ping_too_long_is_refused_before_it_is_sent(pair: Pair) -> None:
    """The protocol's limit is told by name, and the connection stays."""
    link = pair.link()
    with pytest.raises(ValueError, match=r"^ping of 126 bytes: at most 125 are allowed$"):
        link.client.ping(bytes(126))
    link.client.ping(bytes(125))
    assert link.peer.read_frame() == (PING, bytes(125))


BIG = "x" * (64 << 20)


@BOTH
def test_a_send_that_times_out_ends_the_connection(pair: Pair, layer: str) -> None:
    """Half a frame may be on the wire, so nothing may follow it (row 5)."""
    link = pair.link(layer, send=0.1)
    with pytest.raises(
        ConnectionLost, match=r"^the connection is lost \(timeout\): the message was not sent"
    ):
        link.client.send(BIG)
    assert link.next() == Closed(None, "timeout")
    with pytest.raises(ConnectionLost) as again:
        link.client.send("more")
    assert again.value.reason == "timeout"


def send_on(client: Connection) -> None:
    """Send until it fails: the kernel may take some before it notices that the peer left."""
    for _ in range(1000):
        client.send("x" * 1000)


def test_a_send_to_a_peer_that_left_ends_the_connection(pair: Pair) -> None:
    """The loss is told with its kind, and no later call pretends otherwise."""
    link = pair.link()
    link.peer.reset()
    with pytest.raises(ConnectionLost) as lost:
        send_on(link.client)
    assert lost.value.reason == "reset"
    assert link.client.receive(SHORT) == Closed(None, "reset")


def test_an_unread_pong_ends_the_connection(pair: Pair) -> None:
    """A peer that pings and never reads cannot hold the owner beyond the send timeout."""
    link = pair.link(send=0.1)
    link.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    stop = threading.Event()

    def flood() -> None:
        block = pair.frame(PING, bytes(125)) * 500
        while not stop.is_set():
            try:
                link.peer.send(block)
            except OSError:
                return

    thread = threading.Thread(target=flood)
    thread.start()
    while not isinstance(event := link.next(), Closed):
        pass
    stop.set()
    thread.join(PATIENCE)
    assert event == Closed(None, "timeout")


@BOTH
def test_abort_wakes_a_waiting_reader(pair: Pair, layer: str) -> None:
    """Another thread ends a receive at once, and the reason is not blamed on the peer (row 2)."""
    link = pair.link(layer)
    join = in_thread(lambda: link.client.receive(10 * PATIENCE))
    link.client.abort()
    link.client.abort()
    assert join() == Closed(None, "aborted")


@BOTH
def test_abort_wakes_a_blocked_sender(pair: Pair, layer: str) -> None:
    """Another thread ends a send that the peer does not read."""
    link = pair.link(layer, send=10 * PATIENCE)

    def send() -> Received:
        with pytest.raises(ConnectionLost) as lost:
            link.client.send(BIG)
        return Closed(None, lost.value.reason)

    join = in_thread(send)
    assert link.peer.sock.recv(1)  # the send is under way
    link.abort.abort()
    assert join() == Closed(None, "aborted")


def test_abort_in_half_a_frame_never_delivers_ciphertext(pair: Pair) -> None:
    """Taking the socket from under TLS must not hand raw bytes to the frame parser."""
    for _ in range(20):
        link = pair.link("tls")
        link.peer.send(pair.frame(BINARY, bytes(1000)) * 20)
        messages: list[bytes] = []

        def read(client: Connection = link.client, messages: list[bytes] = messages) -> Received:
            while not isinstance(received := client.receive(PATIENCE), Closed):
                assert isinstance(received, list)
                messages += received
            return received

        join = in_thread(read)
        link.client.abort()
        assert join() == Closed(None, "aborted")
        assert set(messages) <= {bytes(1000)}


def test_abort_after_the_end_changes_nothing(pair: Pair) -> None:
    """The first reason stays."""
    link = pair.link()
    link.peer.hang_up()
    assert link.next() == Closed(None, "eof")
    link.client.abort()
    link.client.close()
    assert link.next() == Closed(None, "eof")


@BOTH
def test_close_says_goodbye_and_waits_for_nobody(pair: Pair, layer: str) -> None:
    """The peer gets a close frame and then the end; a second close does nothing."""
    link = pair.link(layer)
    link.client.close()
    link.client.close()
    assert link.peer.read_frame() == (CLOSE, struct.pack("!H", 1000))
    assert link.peer.read_frame() == (-1, b"")
    assert link.next() == Closed(None, "closed")
    with pytest.raises(ConnectionLost):
        link.client.send("x")


def test_close_does_not_block_when_the_peer_reads_nothing(link_full: Link) -> None:
    """A full send buffer costs the close frame, not the owner's time."""
    link_full.client.close()
    assert link_full.client.receive(PATIENCE) == Closed(None, "closed")


@pytest.fixture
def link_full(pair: Pair) -> Link:
    """A connection whose way to the peer is filled to the last byte."""
    link = pair.link(send=10 * PATIENCE)
    link.sock.setblocking(False)
    try:
        while True:
            link.sock.send(bytes(1 << 16))
    except BlockingIOError:
        return link
