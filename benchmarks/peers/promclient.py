"""prometheus_client's two ways to show the very same page: children, and a collector over a dict."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import websocket
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest

from benchmarks.consumer import Ask, digest, memory, steady

Family = dict[str, Any]


class Children:
    """A gauge or counter for each family and a child for each series."""

    def __init__(self, families: list[Family], registry: CollectorRegistry) -> None:
        self._gauges: list[Gauge] = []
        self._counters: list[Counter] = []
        for each in families:
            kind = Counter if each["type"] == "counter" else Gauge
            metric = kind(each["name"], each["help"], each["labels"], registry=registry)
            for labels, value in each["samples"]:
                child = metric.labels(*labels) if labels else metric
                if isinstance(child, Gauge):
                    child.set(value)
                    self._gauges.append(child)
                else:
                    child.inc(value)
                    self._counters.append(child)

    def change(self, share: float, rng: random.Random) -> None:
        """Change a share of the series."""
        for gauge in rng.sample(self._gauges, int(len(self._gauges) * share)):
            gauge.set(rng.uniform(1, 90_000))
        for counter in rng.sample(self._counters, int(len(self._counters) * share)):
            counter.inc(rng.uniform(1, 9))


class Custom:
    """A dict of values, and a collector that makes families of it at each scrape."""

    def __init__(self, families: list[Family], registry: CollectorRegistry) -> None:
        self._families = [
            (each, {tuple(labels): value for labels, value in each["samples"]}) for each in families
        ]
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The families, as the library's documentation makes them."""
        for each, values in self._families:
            kind = CounterMetricFamily if each["type"] == "counter" else GaugeMetricFamily
            family = kind(each["name"], each["help"], labels=each["labels"])
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family

    def change(self, share: float, rng: random.Random) -> None:
        """Change a share of the series."""
        for _, values in self._families:
            for labels in rng.sample(list(values), int(len(values) * share)):
                values[labels] += rng.uniform(1, 9)


def shown(registry: CollectorRegistry, file: str, way: str) -> Children | Custom:
    """The page of a file on a registry."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves it without types
    families = [json.loads(line) for line in Path(file).read_text().splitlines()]
    return Children(families, registry) if way == "children" else Custom(families, registry)


def scrape(way: str, file: str) -> dict[str, Any]:
    """Seconds of a scrape after 1 % changed, in both formats, and what the page was."""
    registry = CollectorRegistry()
    page = shown(registry, file, way)
    text = generate_latest(registry).decode()
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    told: dict[str, Any] = {"messages": len(samples), "digest": digest(samples)}
    rng = random.Random(1)
    ways: dict[str, Callable[..., bytes]] = {"text": generate_latest, "openmetrics": openmetrics_latest}
    for name, latest in ways.items():
        told[f"{name} 1 %"] = steady(partial(page.change, 0.01, rng), partial(latest, registry))
    return told


def size(file: str) -> dict[str, Any]:
    """What the children take with their labels, kB for each series."""
    registry = CollectorRegistry()
    generate_latest(registry)
    before = memory("VmRSS")
    # One family at a time, so that its text is gone when the next one comes.
    with Path(file).open() as lines:
        pages = [Children([json.loads(line)], registry) for line in lines]
    held = memory("VmRSS") - before
    series = sum(not line.startswith(b"#") for line in generate_latest(registry).splitlines())
    return {"kb_per_series": held / series, "series": series, "families": len(pages)}


def loaded(file: str, ask: Ask) -> dict[str, Any]:
    """Frames a second that tuned websocket-client hands on while children are scraped back to back."""
    registry = CollectorRegistry()
    shown(registry, file, "children")
    # With a time-out, as whoever must notice silence has one; without, it keeps the interpreter more often.
    link = websocket.create_connection(
        ask.url, skip_utf8_validation=True, enable_multithread=False, timeout=30
    )
    state: dict[tuple[str, str], list[Any]] = {}
    stop = threading.Event()
    handled = scrapes = 0

    def render() -> None:
        nonlocal scrapes
        while not stop.is_set():
            generate_latest(registry)
            scrapes += 1

    thread = threading.Thread(target=render)
    thread.start()
    began = time.perf_counter()
    while (seconds := time.perf_counter() - began) < ask.total:
        frame = orjson.loads(link.recv())
        if isinstance(frame, list):
            state[frame[1], str(frame[2][:2])] = frame[2]
            handled += 1
    stop.set()
    thread.join()
    return {"rate": handled / seconds, "scrapes": scrapes, "peak_kb": memory("VmHWM")}


def serve(file: str) -> None:
    """The library's own server with children, until the input ends."""
    registry = CollectorRegistry()
    shown(registry, file, "children")
    server, _ = start_http_server(0, "127.0.0.1", registry)
    print(f"port {server.server_port}", flush=True)
    sys.stdin.read()


def main() -> None:
    """children|collector FILE, serve FILE, or loaded FILE URL SECONDS."""
    verb, file, *rest = sys.argv[1:]
    if verb == "serve":
        serve(file)
        return
    if verb == "size":
        print(json.dumps(size(file)))
        return
    told = (
        loaded(file, Ask(rest[0], int(rest[1]), digest=False, certificate="")) if rest else scrape(verb, file)
    )
    print(json.dumps(told))


if __name__ == "__main__":
    main()
