"""Cuts the peer's bytes into messages, many at a time: no socket, no clock, no library.

Nearly every frame of an account stream is one whole text message that has come in one piece. Those are cut
by `_plain`, a loop of one unpack and one slice a frame. Everything else, from a ping to a broken header, goes
through `_other`: frame by frame, by all the rules of RFC 6455. Both look at the same buffer, so it does not
matter which of them meets a frame first, nor how the network cut the bytes.
"""

from __future__ import annotations

import struct
from typing import Final

from exporter.stream.messages import Closed, CloseReason, Ping, Pong

MAX_CONTROL: Final = 125
"""Bytes that RFC 6455 allows a control frame to carry."""

Cut = list[bytes] | Ping | Pong | Closed | None
"""Whole messages in their order, one at least; or what is no message; or None: more bytes are needed."""

_FIN, _RESERVED, _OPCODE, _MASKED = 0x80, 0x70, 0x0F, 0x80
_CONT, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_OPCODES: Final = frozenset((_CONT, _TEXT, _BINARY, _CLOSE, _PING, _PONG))
_PLAIN: Final = _FIN | _TEXT
_SHORT: Final = 126
"""Smaller lengths stand in the second byte; this one says that two bytes with it follow, and 127 eight."""
# The head of a plain frame in one look; with a short length the last two bytes are the payload's already.
_head: Final = struct.Struct("!BBH").unpack_from
_HEAD: Final = 4
_long: Final = struct.Struct("!Q").unpack_from
_LONG: Final = 10
_COPIED: Final = 1 << 16
"""A frame up to this size waits for its rest in the buffer, which is copied with each read; no larger one."""
_CLOSE_CODES: Final = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))
"""What may be on the wire; the others are reserved, or there for an ending without a code."""


class FrameCutter:
    """One connection's bytes in, its messages and control frames out. Nothing may follow a `Closed`.

    `max_message_bytes` limits a message, its fragments together. A length above it is refused as soon as it
    is announced, so that nothing of such a payload is waited for or kept.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self.pending = False
        """Whether `cut()` may have more without new bytes: to be asked for before the peer is waited for."""
        self._limit = max_message_bytes
        self._buffer = b""
        self._at = 0
        self._large = bytearray()
        self._awaited = 0
        self._started = False
        self._parts = bytearray()

    def cut(self, data: bytes = b"") -> Cut:
        """The next messages or control frame, after taking in what has come."""
        if self._awaited:
            if not self._gather(data):
                return None
        elif data:
            self._buffer = self._buffer[self._at :] + data if self._buffer else data
            self._at = 0
        if self._started:
            return self._other()
        return self._plain() or (self._other() if self.pending else None)

    def _plain(self) -> list[bytes]:
        """All whole text messages before the first frame that needs a closer look, or that is not whole."""
        buffer, at, limit = self._buffer, self._at, self._limit
        messages = []
        end = len(buffer)
        last = end - _HEAD
        whole = True
        while at <= last:
            first, size, long_size = _head(buffer, at)
            if first != _PLAIN:
                break
            start = at + 2
            if size >= _SHORT:
                if size != _SHORT:
                    break
                size = long_size
                start = at + 4
            stop = start + size
            if size > limit:
                break
            if stop > end:
                whole = False
                break
            messages.append(buffer[start:stop])
            at = stop
        if at < end:
            self._at = at
            self.pending = whole
        else:
            self._buffer, self._at, self.pending = b"", 0, False
        return messages

    def _other(self) -> Cut:
        """Any frame, judged by all the rules; None when more bytes are needed."""
        buffer = self._buffer
        while (header := _header(buffer, self._at)) is not None:
            first, second, size, start = header
            if (reason := self._fault(first, second, size)) is not None:
                return Closed(None, reason)
            stop = start + size
            if stop > len(buffer):
                self._await(stop - self._at)
                break
            self._at = stop
            if (event := self._take(first, buffer[start:stop])) is not None:
                self.pending = stop < len(buffer)
                return event
        self.pending = False
        return None

    def _fault(self, first: int, second: int, size: int) -> CloseReason | None:
        """What is wrong with a frame by its header, and therefore before its payload is there."""
        opcode = first & _OPCODE
        if first & _RESERVED or opcode not in _OPCODES or second & _MASKED:
            return "protocol"
        if opcode >= _CLOSE:
            alone = opcode == _CLOSE and size == 1  # half a close code
            return None if first & _FIN and size <= MAX_CONTROL and not alone else "protocol"
        if self._started is not (opcode == _CONT):
            return "protocol"
        return "oversize" if len(self._parts) + size > self._limit else None

    def _take(self, first: int, data: bytes) -> Cut:
        """What a faultless frame brings: nothing yet where it is a fragment and not the last one."""
        opcode = first & _OPCODE
        if opcode == _PING:
            return Ping(data)
        if opcode == _PONG:
            return Pong(data)
        if opcode == _CLOSE:
            code = int.from_bytes(data[:2], "big") if data else None
            faultless = code is None or code in _CLOSE_CODES
            return Closed(code, "remote_close") if faultless else Closed(None, "protocol")
        if first & _FIN and not self._started:
            return [data]
        self._parts += data
        self._started = not first & _FIN
        if self._started:
            return None
        message, self._parts = bytes(self._parts), bytearray()
        return [message]

    def _await(self, size: int) -> None:
        """Let a large frame of so many bytes, header included, gather aside: growing is cheap there."""
        if size > _COPIED:
            self._large += self._buffer[self._at :]
            self._buffer, self._at = b"", 0
            self._awaited = size

    def _gather(self, data: bytes) -> bool:
        """Take in more of a large frame; True when it is whole and lies in the buffer."""
        self._large += data
        if len(self._large) < self._awaited:
            return False
        self._buffer, self._large, self._awaited = bytes(self._large), bytearray(), 0
        return True


def _header(buffer: bytes, at: int) -> tuple[int, int, int, int] | None:
    """The first two bytes of the frame at a place, its payload's length and place; None while not whole."""
    have = len(buffer) - at
    if have < 2:  # noqa: PLR2004 - the two bytes that every header has
        return None
    first, second = buffer[at], buffer[at + 1]
    size = second & ~_MASKED
    if size < _SHORT:
        return first, second, size, at + 2
    if size == _SHORT:
        return (first, second, _head(buffer, at)[2], at + _HEAD) if have >= _HEAD else None
    return (first, second, _long(buffer, at + 2)[0], at + _LONG) if have >= _LONG else None
