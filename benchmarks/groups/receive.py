"""Receiving and nothing else: frames that are queued, and frames that come one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from benchmarks.frames import Payload, Script, bitopro
from benchmarks.programs import c, certificate, go, ours, peer
from benchmarks.runner import Case, Prepared, WrongError, exchange, numbers, run
from benchmarks.setting import Setting
from benchmarks.stats import Measured, Outcome

QUEUED: Final = 50_000
SNAPSHOTS: Final = 500
RATE: Final = 4_000.0
Command = Callable[[str, int, int, str], list[str]]
"""A receiver's command line, from address, count, digest and certificate (empty without TLS)."""


def _limit(url: str, count: int, digest: int, cert: str) -> list[str]:
    if cert:
        raise WrongError("the C receiver knows no TLS")
    return [c("receiver"), url.rpartition(":")[2].strip("/"), str(count), str(digest)]


def _ours(*words: str) -> Command:
    return lambda url, count, digest, cert: ours(*words, url, count, digest, *filter(None, [cert]))


def _peer(module: str, library: str) -> Command:
    return lambda url, count, digest, cert: peer(module, library, url, count, digest, *filter(None, [cert]))


def _gorilla(url: str, count: int, digest: int, cert: str) -> list[str]:
    return [go("receiver"), url, str(count), str(digest), *filter(None, [cert])]


RECEIVERS: Final[Mapping[str, Command]] = {
    "ours": _ours("ours", "receive"),
    "wsclient tuned": _ours("peers.wsclient", "tuned"),
    "wsclient default": _ours("peers.wsclient", "default"),
    "websockets asyncio": _ours("peers.websockets_asyncio"),
    "websockets sync": _ours("peers.websockets_sync"),
    "aiohttp": _peer("aiohttp_receive", "aiohttp"),
    "picows": _peer("picows_receive", "picows"),
    "gorilla": _gorilla,
    "C": _limit,
}


def frames(count: int) -> Payload:
    """Frames without a login: to a receiver they are bytes."""
    return Payload(list(Script().frames(count)))


def plain(setting: Setting) -> Outcome:
    """Bitfinex-like frames, queued."""
    return _queued(setting, setting.payload("frames", partial(frames, QUEUED)), tuple(RECEIVERS))


def tls(setting: Setting) -> Outcome:
    """The same over TLS."""
    names = [name for name in RECEIVERS if name != "C"]
    return _queued(setting, setting.payload("frames", partial(frames, QUEUED)), tuple(names), secure=True)


def snapshots(setting: Setting) -> Outcome:
    """BitoPro-like snapshots of 11 kB, queued."""
    return _queued(setting, setting.payload("snapshots", partial(bitopro, SNAPSHOTS)), tuple(RECEIVERS))


def _queued(setting: Setting, prepared: Prepared, names: tuple[str, ...], *, secure: bool = False) -> Outcome:
    cases = {name: _Queued(setting, prepared, RECEIVERS[name], secure=secure) for name in names}
    return setting.measure(cases)


class _Queued:
    """One receiver: its first run proves every byte and tells how much it can take."""

    def __init__(self, setting: Setting, prepared: Prepared, command: Command, *, secure: bool) -> None:
        self._seconds = setting.seconds
        self._prepared = prepared
        self._command = command
        self._secure = secure
        self._repeat = 0

    def __call__(self) -> Measured:
        if not self._repeat:
            seconds = self._run(1, digest=True)["seconds"]
            self._repeat = max(1, math.ceil(self._seconds / seconds))
        return self._run(self._repeat, digest=False)

    def _run(self, repeat: int, *, digest: bool) -> dict[str, float]:
        prepared = self._prepared
        cert = certificate()[0] if self._secure else ""
        with exchange(prepared.file, repeat=repeat, tls=self._secure) as sender:
            found = run(self._command(sender.url, prepared.count * repeat, int(digest), cert))
        prepared.check(found, repeat=repeat, digest=digest)
        told = numbers(found)
        told["rate"] = told["messages"] / told["seconds"]
        told["cpu_us"] = told["cpu"] / told["messages"] * 1e6
        return told


def live(setting: Setting) -> Outcome:
    """Frames that come one by one, 4,000 a second, as a busy private stream's do."""
    return _live(setting, "live", secure=False)


def live_tls(setting: Setting) -> Outcome:
    """The same over TLS."""
    return _live(setting, "live-tls", secure=True)


def _live(setting: Setting, name: str, *, secure: bool) -> Outcome:
    count = int(RATE * max(setting.seconds, 1.5))
    prepared = setting.payload(name, partial(frames, count))
    cert = certificate()[0] if secure else ""

    def once(command: Command) -> Measured:
        with exchange(prepared.file, rate=RATE, tls=secure) as sender:
            found = run(command(sender.url, prepared.count, 0, cert))
        prepared.check(found)
        return {"cpu_us": float(found["cpu"]) / prepared.count * 1e6}

    cases: dict[str, Case] = {
        each: partial(once, command) for each, command in RECEIVERS.items() if not (secure and each == "C")
    }
    return setting.measure(cases)
