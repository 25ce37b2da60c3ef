"""The project's account states and its answer to a scrape, as in a process; like ours.py it knows the API.

python -m benchmarks.state VERB ...
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import generate_latest

from benchmarks.consumer import digest, memory, steady
from benchmarks.holdings import Holdings, accounts
from exporter.config.types import StreamSettings
from exporter.exchanges import KNOWN
from exporter.exchanges.base import Login, Wanted
from exporter.exposition.collector import AccountCollector, Watched
from exporter.exposition.scrape import Scrape
from exporter.exposition.telemetry import machine
from exporter.follow import system_clock, watch_replayed

OPENMETRICS: Final = "application/openmetrics-text;version=1.0.0"
CHURNS: Final = 60
ACCEPTS: Final = {"text": "", "openmetrics": OPENMETRICS}


class Desk:
    """One account whose frames go through the real conversation into the real state."""

    def __init__(self, number: int, holdings: Holdings) -> None:
        spec = KNOWN["bitfinex"]
        now = system_clock()
        self.holdings = holdings
        self.watched: Watched = watch_replayed(f"bench-{number:03d}", spec, StreamSettings(), now)
        login = Login(api_key="", sign=lambda _: "", nonce=lambda: 0)
        self._talk = spec.streams["account"].converse(login, Wanted(spec.endpoints, frozenset(spec.feeds)))
        self.watched.state.resumed("account", self._talk.resume(now), now)
        self.take(holdings.login())

    def take(self, messages: Iterable[bytes]) -> None:
        """Receive messages."""
        for message in messages:
            now = system_clock()
            heard, _ = self._talk.received(message, now)
            self.watched.state.apply("account", heard, now)


class House:
    """Accounts with so many series in all, and the page of them; `of_machine` adds CPU, memory and so on."""

    def __init__(self, series: int, *, of_machine: bool = True) -> None:
        self.desks = [Desk(number, each) for number, each in enumerate(accounts(series))]
        watched = [desk.watched for desk in self.desks]
        collector = AccountCollector(
            lambda: watched, clock=system_clock, series_per_account=lambda: 1_000_000
        )
        self._scrape = Scrape(
            collector, machine() if of_machine else None, clock=lambda: system_clock().monotonic
        )

    def scrape(self, accept: str = "") -> Sequence[bytes]:
        """The body of an answer, in pieces as they go to the socket."""
        body = self._scrape(accept)[1]
        return [body] if isinstance(body, bytes) else body

    def change(self, series: float) -> None:
        """Let frames change about so many series."""
        for desk in self.desks:
            desk.take(desk.holdings.change(series / len(self.desks)))

    def change_all(self) -> None:
        """Let frames change nearly every series."""
        for desk in self.desks:
            desk.take(desk.holdings.change_all())


def lines(body: Iterable[bytes]) -> set[bytes]:
    """The samples of a page."""
    return {line for line in b"".join(body).splitlines() if not line.startswith(b"#")}


def nothing() -> None:
    """Between two scrapes, when nothing changes."""


def scrape(series: int, fast: float) -> dict[str, float]:
    """Seconds of a scrape: unchanged, 1 % and all changed, in both formats; and of a copy of the body."""
    house = House(series)
    before = lines(house.scrape())
    told = {"series": float(len(before))}
    for name, accept in ACCEPTS.items():
        answer = partial(house.scrape, accept)
        told[f"{name} same"] = steady(nothing, answer)
        told[f"{name} 1 %"] = steady(lambda: house.change(series * 0.01), answer)
        told[f"{name} all"] = steady(house.change_all, answer, 3)
    before = lines(house.scrape())
    house.change(series * 0.01)
    middle = lines(house.scrape())
    house.change_all()
    told["changed of 1 %"] = len(middle - before) / len(middle)
    told["changed of all"] = len(lines(house.scrape()) - middle) / len(middle)
    body = b"".join(house.scrape())
    room = memoryview(bytearray(len(body)))
    told["machine"] = steady(nothing, lambda: generate_latest(machine()))
    told["copy"] = steady(nothing, lambda: room.__setitem__(slice(None), body))
    told["bytes"] = len(body)
    told.update(_packed(house, series, fast=bool(fast)))
    return told


def _packed(house: House, series: int, *, fast: bool) -> dict[str, float]:
    if not fast:
        # As where the extra `fast` is not installed; the compressor is chosen at import.
        sys.modules["isal"] = None  # type: ignore[assignment] # Python's own way to say that it is not there
    from exporter.web import compression  # noqa: PLC0415 - see above

    gzipped = compression.gzipped
    return {
        "gzip": steady(lambda: house.change(series * 0.01), lambda: gzipped(house.scrape())),
        "isal": float(sys.modules.get("isal") is not None),
        "packed": len(gzipped(house.scrape())),
    }


def page(series: int, file: str) -> dict[str, object]:
    """Write a page for the peers to show, a family a line, no histograms; tells how to know it again."""
    text = b"".join(House(series).scrape()).decode()
    families = [family for family in _families(text) if family["samples"]]
    Path(file).write_text("".join(json.dumps(family) + "\n" for family in families))
    names = {str(family["name"]) for family in families}
    samples = [line for line in text.splitlines() if re.split("[{ ]", line, maxsplit=1)[0] in names]
    return {"messages": len(samples), "digest": digest(samples)}


def _families(text: str) -> Iterator[dict[str, object]]:
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - only here

    for family in text_string_to_metric_families(text):
        if family.type == "histogram":
            continue
        names = sorted({name for sample in family.samples for name in sample.labels})
        samples = [[[each.labels.get(name, "") for name in names], each.value] for each in family.samples]
        kind = "counter" if family.type == "counter" else "gauge"
        name = f"{family.name}_total" if kind == "counter" else family.name
        yield {"name": name, "help": family.documentation, "type": kind, "labels": names, "samples": samples}


def churn(series: int, scrapes: float) -> dict[str, float]:
    """For counting instructions: always the same changes, with a scrape after so many of them."""
    # These are read once a second, which would be at each scrape where all is slowed down so much.
    house = House(series, of_machine=False)
    count = len(lines(house.scrape()))
    for number in range(CHURNS):
        house.change(series * 0.01)
        if number < scrapes:
            house.scrape()
    return {"series": count, "scrapes": scrapes}


@contextmanager
def peak() -> Iterator[dict[str, float]]:
    """Fills in by how many kB the memory of the process grew at most while this lasted."""
    told: dict[str, float] = {}
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    yield told
    told["extra_kb"] = memory("VmHWM") - before


def size(series: int, _: float) -> dict[str, float]:
    """What the accounts and their page take, and what one more scrape takes for a while; kB."""
    House(50).scrape()
    before = memory("VmRSS")
    house = House(series)
    count = len(lines(house.scrape()))
    house.change(series * 0.01)
    held = memory("VmRSS") - before
    with peak() as told:
        body = house.scrape()
    extra = told["extra_kb"] / 1024
    return {"extra_mb": extra, "bytes": sum(map(len, body)), "kb_per_series": held / count, "series": count}


VERBS: Final = {"scrape": scrape, "size": size, "churn": churn}


def main() -> None:
    """VERB SERIES ARGUMENT; prints one JSON object."""
    verb, series, argument = sys.argv[1:]
    if verb == "page":
        print(json.dumps(page(int(series), argument)))
    else:
        print(json.dumps(VERBS[verb](int(series), float(argument))))


if __name__ == "__main__":
    main()
