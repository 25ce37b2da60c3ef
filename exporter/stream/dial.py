"""From a host name to a connected socket, TLS included, under one deadline and abortable from any thread.

Kept apart from `transport` because nothing here knows about WebSocket; `transport` re-exports what callers
need.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.stream.messages import ConnectFailed, FailReason

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
Resolve = Callable[[str, int], Sequence[AddressInfo]]

# How often, in seconds, a wait that no socket can interrupt (name lookup, TCP connect) looks for an abort.
_LOOK = 0.1
# A dead peer is found by the kernel in about a minute, should all else fail: (option, seconds or count).
# macOS has another name for the first one.
_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPALIVE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
_UNREACHABLE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
    | {errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT, errno.EINVAL}
)
# Of several addresses that failed, the operator is told about the one that got furthest.
_TELLING: tuple[FailReason, ...] = ("system", "unreachable", "timeout", "reset", "refused")


class Abort:
    """Ends one connection attempt, and the connection that comes of it, from any thread.

    Make one per attempt, keep it where the stopping thread finds it, and hand it to `Connector.connect`.
    `abort()` is idempotent, never blocks, and may be called before, during and after the attempt, also from a
    signal handler (hence the re-entrant lock). The other methods are for the thread that owns the connection.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sock: socket.socket | None = None
        self.aborted = False
        """Whether `abort()` has been called; only to be read, and read for each message."""

    def abort(self) -> None:
        """Make every wait of the owner end at once, for good."""
        with self._lock:
            self.aborted = True
            self._shut()

    def attach(self, sock: socket.socket) -> None:
        """Take charge of the owner's socket; it is shut right away when the abort came first."""
        with self._lock:
            self._sock = sock
            if self.aborted:
                self._shut()

    def release(self) -> None:
        """Close the socket; under the lock, or abort() might hit a descriptor that was given out anew."""
        with self._lock:
            sock, self._sock = self._sock, None
            if sock is not None:
                sock.close()

    def _shut(self) -> None:
        if self._sock is not None:
            # The base method on purpose: SSLSocket.shutdown would first take the TLS layer away, and a reader
            # in another thread could then be handed ciphertext as if it were data.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect. `tls` is None for a plain connection; `timeout` (seconds) is only for messages."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    timeout: float

    @property
    def where(self) -> str:
        """The place as messages name it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def failed(self, reason: FailReason, detail: str) -> ConnectFailed:
        """The exception for a failed attempt to get there."""
        return ConnectFailed(reason, self.where, detail)

    def out_of_time(self, doing: str) -> ConnectFailed:
        """The exception for a deadline that passed while `doing` something."""
        return self.failed("timeout", f"not done within {self.timeout:g} s, stopped while {doing}")


def left(deadline: float) -> float:
    """Seconds until `deadline` (monotonic clock), never below a millisecond: 0 would mean "do not wait"."""
    return max(deadline - time.monotonic(), 0.001)


def system_resolve(host: str, port: int) -> Sequence[AddressInfo]:
    """All stream addresses of `host`, in the order of the system's preference."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def explain(error: OSError) -> str:
    """The system's or OpenSSL's own words for an error, never with anything that was sent or received."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or 'connection closed').lower().replace('_', ' ')}"
    return (error.strerror or "no details").lower()


def fail_reason(error: OSError) -> FailReason:
    """Which of the closed set of reasons an operating system or TLS error belongs to."""
    kinds: tuple[tuple[type[OSError], FailReason], ...] = (
        (ssl.SSLEOFError, "eof"),
        (ssl.SSLError, "tls"),
        (TimeoutError, "timeout"),
        (ConnectionRefusedError, "refused"),
        (ConnectionError, "reset"),
    )
    for kind, reason in kinds:
        if isinstance(error, kind):
            return reason
    if error.errno == errno.ENOTCONN:
        return "reset"  # the peer left before TLS could begin
    return "unreachable" if error.errno in _UNREACHABLE else "system"


def dial(target: Target, deadline: float, abort: Abort, resolve: Resolve) -> socket.socket:
    """Connect to the first address that answers and negotiate TLS; the socket is attached to `abort`.

    Every address gets an equal share of the time that is left, so that one that swallows packets does not use
    up the attempt. Raises ConnectFailed, with any reason that does not come of an HTTP answer.
    """
    _check_name(target)
    addresses = _lookup(target, deadline, abort, resolve)
    failures: list[OSError] = []
    for index, address in enumerate(addresses):
        now = time.monotonic()
        until = now + (deadline - now) / (len(addresses) - index)
        try:
            sock = _connect(target, address, until, abort)
        except OSError as error:
            failures.append(error)
        else:
            return _secure(target, sock, deadline, abort)
    if not failures:
        raise target.failed("dns", "the name has no address")
    told = max(failures, key=lambda error: _rank(fail_reason(error)))
    if isinstance(told, TimeoutError):
        raise target.out_of_time("connecting")
    raise target.failed(fail_reason(told), f"{explain(told)} (addresses tried: {len(failures)})")


def _rank(reason: FailReason) -> int:
    return _TELLING.index(reason) if reason in _TELLING else -1


def _lookup(target: Target, deadline: float, abort: Abort, resolve: Resolve) -> Sequence[AddressInfo]:
    """The name's addresses. The system's resolver cannot be interrupted, so it gets a thread of its own."""
    answers: list[Sequence[AddressInfo]] = []
    errors: list[Exception] = []
    done = threading.Event()

    def run() -> None:
        try:
            answers.append(resolve(target.host, target.port))
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that no DNS name can have
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name="resolve", daemon=True).start()
    while not done.wait(min(left(deadline), _LOOK)):
        if abort.aborted:
            break
        if time.monotonic() >= deadline:
            raise target.out_of_time("looking up the name")
    _check(target, abort)
    if answers:
        return answers[0]
    told = explain(errors[0]) if errors and isinstance(errors[0], OSError) else "not a valid host name"
    raise target.failed("dns", f"the name could not be looked up: {told}")


def _check(target: Target, abort: Abort) -> None:
    if abort.aborted:
        raise target.failed("aborted", "this program stopped the attempt")


def _connect(target: Target, address: AddressInfo, until: float, abort: Abort) -> socket.socket:
    """One TCP connection attempt; OSError when it fails, TimeoutError when `until` passes first."""
    family, kind, protocol, _, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        _tune(sock)
        sock.setblocking(False)
        _raise_for(sock.connect_ex(place), but_not=errno.EINPROGRESS)
        _await_writable(target, sock, until, abort)
        _raise_for(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    except BaseException:
        sock.close()
        raise
    return sock


def _raise_for(code: int, but_not: int = 0) -> None:
    if code not in {0, but_not}:
        raise OSError(code, os.strerror(code))


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if option := getattr(socket, name, None):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _await_writable(target: Target, sock: socket.socket, until: float, abort: Abort) -> None:
    """Wait for the TCP handshake in short looks: not every system wakes a connecting socket that is shut."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while not selector.select(min(left(until), _LOOK)):
            _check(target, abort)
            if time.monotonic() >= until:
                _raise_for(errno.ETIMEDOUT)


def _secure(target: Target, sock: socket.socket, deadline: float, abort: Abort) -> socket.socket:
    """Put TLS over a connected socket when the target wants it, and hand the result to `abort`."""
    try:
        sock.settimeout(left(deadline))
        sock = _wrap(target, sock)
        abort.attach(sock)
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()  # the socket's timeout covers all of it, not each read
        _check(target, abort)
    except OSError as error:
        abort.release()
        _check(target, abort)
        if isinstance(error, TimeoutError):
            raise target.out_of_time("negotiating TLS") from error
        raise target.failed(fail_reason(error), explain(error)) from error
    except BaseException:
        abort.release()
        raise
    return sock


def _wrap(target: Target, sock: socket.socket) -> socket.socket:
    if target.tls is None:
        return sock
    try:
        # Fails when the peer has left. So would wrap_socket, but that leaves the descriptor to the collector.
        sock.getpeername()
        return target.tls.wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
    except BaseException:
        sock.close()
        raise


def _check_name(target: Target) -> None:
    """Refuse a host name that TLS cannot check, before there is a socket (see `_wrap` for why before)."""
    if target.tls is None:
        return
    try:
        target.tls.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=target.host)
    except ValueError as error:
        raise target.failed("tls", "not a host name that a certificate can be checked for") from error
