"""Listen addresses: spellings, and sentences for what does not work."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import Any

import pytest

from exporter.web.address import Address, ListenError, listen, parse_address
from exporter.web.http import sentence
from exporter.web.server import Server


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":19700", Address("", 19700)),
        ("127.0.0.1:19700", Address("127.0.0.1", 19700)),
        ("[::1]:19700", Address("::1", 19700)),
        ("localhost:0", Address("localhost", 0)),
        ("[::]:1", Address("::", 1)),
    ],
)
def test_spellings(text: str, expected: Address) -> None:
    """Every spelling of the Go exporters is understood, and shown again as it was."""
    assert parse_address(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    ["", "19700", "::1:19700", "[::1]", "a:b", "a:70000", "a:-1", "a b:1", "http://a:1", "[a]:1", "a:\u0661"],
)
def test_nonsense(text: str) -> None:
    """What is no address is refused with the spellings that work."""
    with pytest.raises(ListenError) as caught:
        parse_address(text)
    assert str(caught.value) == (
        f'cannot listen on "{text}": expected host:port, such as 127.0.0.1:19700, [::1]:19700 or :19700'
    )


@pytest.mark.parametrize("text", ["127.0.0.1:0", "localhost:0", ":0"])
def test_reachable_over_ipv4(text: str) -> None:
    """Loopback, its name and the wildcard can all be reached at 127.0.0.1."""
    with contextlib.closing(listen(parse_address(text))) as listener:
        port = listener.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), timeout=20).close()


def test_taken_port_is_one_sentence() -> None:
    """Two servers on one port: the second says so, and gives back what it had taken before."""
    first = Server(["127.0.0.1:0"], lambda _: sentence(200, "one"))
    first.start()
    try:
        port = first.ports[0]
        second = Server(["127.0.0.1:0", f"127.0.0.1:{port}"], lambda _: sentence(200, "two"))
        with pytest.raises(ListenError) as caught:
            second.start()
        assert str(caught.value) == f"cannot listen on 127.0.0.1:{port}: address already in use"
        assert second.ports == []
    finally:
        first.stop()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("203.0.113.7:0", "cannot assign requested address"),
        ("no-such-host.invalid:0", "the host name is not known"),
        (f"{'a' * 64}.invalid:0", "the host name is not valid"),
    ],
)
def test_impossible_addresses(text: str, reason: str) -> None:
    """An address of another machine and an unknown name are each refused in a sentence."""
    with pytest.raises(ListenError) as caught:
        listen(parse_address(text))
    assert str(caught.value) == f"cannot listen on {text}: {reason}"


@pytest.mark.parametrize("compiled", [False, True])
def test_wildcard_without_ipv6(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:  # noqa: FBT001 -- drawn
    """On a host without IPv6, or with it switched off, every interface means every IPv4 interface."""
    create = socket.create_server

    def switched_off(*args: Any, **options: Any) -> socket.socket:
        if options.get("family") == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "address family not supported")
        return create(*args, **options)

    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: compiled)
    monkeypatch.setattr(socket, "create_server", switched_off)
    with contextlib.closing(listen(parse_address(":0"))) as listener:
        assert listener.family == socket.AF_INET
