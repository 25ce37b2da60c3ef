"""What a connection remembers of its client, and what it must not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from exporter.web.connection import IOV_MAX, Connection, Limits
from exporter.web.conversation import Conversation
from exporter.web.http import Request, parse_head

ALICE = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6YQ==\r\n\r\n"
BOB = ALICE.replace(b"YWxpY2U6YQ==", b"Ym9iOmJvYg==")


@dataclass
class Talk:
    """A client, the requests that the server reads of it, and how many heads were parsed."""

    client: socket.socket
    requests: Iterator[object]
    parsed: list[bytes]

    def say(self, said: bytes) -> Request:
        """Say it and give the request that the server reads next."""
        self.client.sendall(said)
        return self.next()

    def next(self) -> Request:
        """What the server reads next."""
        request = next(self.requests)
        assert isinstance(request, Request)
        return request


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    """A conversation over a pair of sockets."""
    parsed: list[bytes] = []

    def counting(head: bytes) -> tuple[Request, int]:
        parsed.append(head)
        return parse_head(head)

    monkeypatch.setattr("exporter.web.conversation.parse_head", counting)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        conversation = Conversation(Connection(ours, lambda: 0.0, 0.0), Limits())
        yield Talk(theirs, conversation.requests(), parsed)


def test_a_repeated_head_is_parsed_once(talk: Talk) -> None:
    """A scraper that says the same again gets the same request without another parse."""
    first = talk.say(ALICE)
    assert [talk.say(ALICE) for _ in range(5)] == [first] * 5
    assert talk.parsed == [ALICE]


def test_another_head_is_another_request(talk: Talk) -> None:
    """One byte of difference, such as another user, is read anew; so is what was said before that."""
    users = [talk.say(head).headers["authorization"] for head in (ALICE, BOB, ALICE, ALICE)]
    assert users == ["Basic YWxpY2U6YQ==", "Basic Ym9iOmJvYg==", "Basic YWxpY2U6YQ==", "Basic YWxpY2U6YQ=="]
    assert talk.parsed == [ALICE, BOB, ALICE]


def test_the_beginning_of_a_known_head_is_not_yet_a_request(talk: Talk) -> None:
    """A known head in two packets, or two in one, is as good as any other."""
    talk.say(ALICE)
    talk.client.sendall(ALICE[:20])
    assert talk.say(ALICE[20:] + ALICE).headers == talk.next().headers
    assert talk.parsed == [ALICE] * 3


def test_a_head_with_a_body_is_never_taken_from_memory(talk: Talk) -> None:
    """After a request with a body the same head waits for its own body."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    assert talk.say(head + b"abc").body == b"abc"
    talk.client.sendall(head)
    assert talk.say(b"def").body == b"def"


def test_what_the_kernel_leaves_is_sent_after_it() -> None:
    """When the kernel takes only a part of the pieces, the rest follows in order."""

    class Stingy(socket.socket):
        def sendmsg(self, buffers: object, *_: object) -> int:
            assert isinstance(buffers, tuple)
            return self.send(b"".join(buffers)[:100])

    ours, theirs = socket.socketpair()
    pieces = tuple(b"%d," % number for number in range(2 * IOV_MAX + 7))
    expected = b"".join(pieces)
    with theirs, Stingy(fileno=ours.detach()) as stingy:
        Connection(stingy, lambda: 0.0, 0.0).send(pieces, len(expected))
        stingy.shutdown(socket.SHUT_WR)
        heard = b""
        while data := theirs.recv(65536):
            heard += data
    assert heard == expected
