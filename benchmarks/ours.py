"""The project as the bench runs it: with `state.py`, all that knows its API.

python -m benchmarks.ours VERB ...
"""

from __future__ import annotations

import dataclasses
import ssl
import sys
import threading
import time
from typing import Any, Final

import orjson

from benchmarks.consumer import Ask, Meter, memory
from exporter.config.secret import Secret
from exporter.config.types import Account, Endpoints, StreamSettings
from exporter.core.backoff import ConnectionBudget
from exporter.core.model import Wallet
from exporter.exchanges import KNOWN
from exporter.follow import Followed, Workshop
from exporter.stream.budget import SharedBudget
from exporter.stream.connection import Connection
from exporter.stream.transport import Connector, Limits

LIMITS: Final = Limits(connect_timeout=10.0, max_message_bytes=8 * 2**20)
PATIENCE: Final = 10.0
LOOK: Final = 0.002
"""Seconds between two looks at how far a session is."""
GIVE_UP: Final = 90.0


def connected(ask: Ask) -> Connection:
    """A connection as a session opens it."""
    tls = ssl.create_default_context(cafile=ask.certificate) if ask.certificate else None
    return Connector(limits=LIMITS, tls=tls).connect(ask.url)


def receive(ask: Ask) -> None:
    """Receive messages, and nothing else."""
    link = connected(ask)
    left, size = ask.total, 0
    meter = Meter()
    while left:
        for data in messages(link.receive(PATIENCE)):
            size += len(data)
            left -= 1
            if ask.digest:
                meter.add(data)
    meter.tell(ask.total, size)


def messages(event: object) -> list[bytes]:
    """The messages of what a receive gave: one, or a batch of all that were whole."""
    if event is None:
        return []
    if isinstance(event, list):
        return event
    data = getattr(event, "data", None)
    if not isinstance(data, bytes):
        raise SystemExit(f"expected a message, not {event}")
    return [data]


def account(exchange: str, url: str, name: str = "bench", feeds: tuple[str, ...] = ()) -> Account:
    """An account at an exchange that speaks at a URL."""
    return Account(
        name=name,
        exchange=exchange,
        api_key=Secret("key"),
        api_secret=Secret("secret"),
        endpoints=Endpoints(url.rstrip("/"), "", ""),
        feeds=feeds or KNOWN[exchange].feeds,
        identity=Secret("bench@example.org") if KNOWN[exchange].needs_identity else None,
    )


def workshop() -> Workshop:
    """What a process has for its accounts, with leave to connect as often as it likes."""
    equipped = Workshop.equip(StreamSettings())
    return dataclasses.replace(equipped, budget=SharedBudget(ConnectionBudget(limit=10_000)))


def told(followed: Followed) -> int:
    """Messages that have become state, the login's included."""
    return sum(sum(stream.messages.values()) for stream in followed.watched.state.streams.values())


def whole(ask: Ask, exchange: str, login: int) -> None:
    """The real session, in its thread: socket to conversation to state; `login` messages more."""
    feeds = ("wallets",) if exchange == "bitopro" else ()
    followed = workshop().follow(account(exchange, ask.url, feeds=feeds))
    (session,) = followed.sessions
    thread = threading.Thread(target=session.run, daemon=True)
    thread.start()
    until = time.monotonic() + GIVE_UP
    while (before := told(followed)) <= login and time.monotonic() < until:
        time.sleep(LOOK)
    meter = Meter()
    while told(followed) < ask.total + login and time.monotonic() < until:
        time.sleep(LOOK)
    count = told(followed)
    report = followed.watched.state.report(workshop().clock().monotonic)
    (stream,) = report.streams
    wallets = report.view.tables["wallets"].values()
    coin = "A00" if exchange == "bitopro" else "BTC"
    (balance,) = [row.balance for row in wallets if isinstance(row, Wallet) and row.currency == coin]
    meter.tell(
        count - login, 0, measured=count - before, balance=balance or 0.0, live=stream.phase == "live",
        lost=stream.gaps, malformed=sum(stream.malformed.values()),
    )  # fmt: skip
    session.stop()
    thread.join()


def arrays(ask: Ask, login: int) -> None:
    """The least that a client could do: our receiver, a decoder, and a dict of the last arrays.

    No field is checked, no sequence audited, nothing counted, and nobody else can look.
    """
    link = connected(ask)
    state: dict[tuple[str, str], list[Any]] = {}
    total = ask.total + login
    count = before = 0
    meter = Meter()
    while count < total:
        for data in messages(link.receive(PATIENCE)):
            frame = orjson.loads(data)
            if type(frame) is list and frame[2]:
                state[frame[1], str(frame[2][1])] = frame[2]
            count += 1
        if not before and count > login:
            before, meter = count, Meter()
    meter.tell(ask.total, 0, measured=count - before, balance=state["wu", "BTC"][2])


def main() -> None:
    """A verb, then what it takes."""
    verb, *rest = sys.argv[1:]
    if verb == "receive":
        receive(Ask.read(rest))
    elif verb == "whole":
        whole(Ask.read(rest[2:]), rest[0], int(rest[1]))
    elif verb == "arrays":
        arrays(Ask.read(rest[1:]), int(rest[0]))
    else:
        raise SystemExit(f"no verb {verb}; peak {memory('VmHWM')} kB")


if __name__ == "__main__":
    main()
