"""How a receiving program of the bench is called, counts and tells what it got; standard library only."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Final, NamedTuple

SETTLING: Final = 0.1
"""Seconds of warming up, and of measuring, for what is done again and again."""


class Ask(NamedTuple):
    """What a receiver is to do: so many messages from there; `digest` also proves what they were."""

    url: str
    total: int
    digest: bool
    certificate: str

    @classmethod
    def read(cls, arguments: list[str]) -> Ask:
        """From the command line: URL TOTAL DIGEST [CERTIFICATE]."""
        url, total, digest, *rest = arguments
        return cls(url, int(total), digest == "1", rest[0] if rest else "")


class Meter:
    """Clocks of one run; begins when made."""

    def __init__(self) -> None:
        self._sha = hashlib.sha1(usedforsecurity=False)
        self._cpu = time.process_time()
        self._began = time.perf_counter()

    def add(self, message: bytes | str) -> None:
        """Take a message into the digest."""
        self._sha.update(message.encode() if isinstance(message, str) else message)
        self._sha.update(b"\n")

    def tell(self, messages: int, size: int, **more: float) -> None:
        """Print the result of the run."""
        seconds, cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
        told = {
            "seconds": seconds,
            "cpu": cpu,
            "messages": messages,
            "bytes": size,
            "digest": self._sha.hexdigest(),
            "peak_kb": memory("VmHWM"),
            **more,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


class Tally:
    """Counts what a client hands to its callbacks; the clocks run from the first to the last."""

    def __init__(self, ask: Ask) -> None:
        self._total = ask.total
        self._count = 0
        self._balances: dict[str, float] = {}
        self._meter: Meter

    def balance(self, coin: str, balance: float | str) -> None:
        """Keep the last balance, the proof that the state is the one that the messages make."""
        self._balances[coin] = float(balance)

    def one(self) -> bool:
        """Count a message; after the last one tells the result and is True."""
        if not self._count:
            self._meter = Meter()
        self._count += 1
        if self._count != self._total:
            return False
        proof = self._balances.get("BTC", self._balances.get("A00", 0.0))
        self._meter.tell(self._count, 0, balance=proof)
        return True


def digest(samples: Iterable[str]) -> str:
    """What a page's samples are known by, whatever their order, and whether 1 is written 1 or 1.0."""
    plain = sorted(line.removesuffix(".0") for line in samples)
    return hashlib.sha1("\n".join(plain).encode(), usedforsecurity=False).hexdigest()


def steady(between: Callable[[], object], work: Callable[[], object], least: int = 9) -> float:
    """Seconds that `work` takes in a program that runs for long, the middle of `least` times or more.

    Before each, `between`; what the first moments take counts for nothing.
    """
    until = time.perf_counter() + SETTLING
    found: list[float] = []
    while (began := time.perf_counter()) < until + SETTLING or len(found) < least:
        between()
        timed = time.perf_counter()
        work()
        if began >= until:
            found.append(time.perf_counter() - timed)
    return median(found)


def memory(field: str) -> int:
    """`VmRSS` or `VmHWM` (its peak) of this process, kB; unlike `getrusage` it forgets who started us."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - no Path in a measured process
        return next(int(line.split()[1]) for line in status if line.startswith(f"{field}:"))


def consume(receive: Callable[[], bytes | str], ask: Ask) -> None:
    """Receive all that is asked for, and tell."""
    meter = Meter()
    size = 0
    if ask.digest:
        for _ in range(ask.total):
            message = receive()
            size += len(message)
            meter.add(message)
    else:
        for _ in range(ask.total):
            size += len(receive())
    meter.tell(ask.total, size)
