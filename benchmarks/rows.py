"""The rows of the table: what each figure is, its goal and its floor.

A goal is what the project claims; under a floor a release is held back.
"""

from __future__ import annotations

from typing import Any, Final

from benchmarks.stats import Figure, Row


def _rate(peer: str) -> Figure:
    return Figure("rate", against=peer)


def _cpu(peer: str) -> Figure:
    return Figure("cpu_us", against=peer)


RECEIVE: Final = (
    Row("queued.tuned", "queued frames/s vs tuned websocket-client", "receive", _rate("wsclient tuned"),
        goal=15, floor=10, quick=True),
    Row("queued.c", "queued frames/s vs raw-socket C", "receive", _rate("C"),
        unit="%", goal=0.18, floor=0.12, quick=True),
    Row("queued.picows", "queued frames/s vs picows", "receive", _rate("picows"),
        goal=0.8, floor=0.55, quick=True),
    Row("queued.default", "queued frames/s vs websocket-client", "receive", _rate("wsclient default")),
    Row("queued.websockets", "queued frames/s vs websockets asyncio", "receive", _rate("websockets asyncio")),
    Row("queued.aiohttp", "queued frames/s vs aiohttp", "receive", _rate("aiohttp")),
    Row("queued.gorilla", "queued frames/s vs Go gorilla", "receive", _rate("gorilla")),
    Row("tls.tuned", "queued frames/s over TLS vs tuned websocket-client", "receive-tls",
        _rate("wsclient tuned")),
    Row("tls.picows", "queued frames/s over TLS vs picows", "receive-tls", _rate("picows")),
    Row("snapshots.tuned", "11 kB snapshots/s vs tuned websocket-client", "receive-snapshots",
        _rate("wsclient tuned")),
    Row("snapshots.c", "11 kB snapshots/s vs raw-socket C", "receive-snapshots", _rate("C"), unit="%"),
)  # fmt: skip
LIVE: Final = (
    Row("live.c", "CPU per live frame (4,000/s) vs raw-socket C", "live", _cpu("C"),
        higher_is_better=False, goal=1.15, floor=1.4, quick=True),
    Row("live.gorilla", "CPU per live frame vs Go gorilla", "live", _cpu("gorilla"),
        higher_is_better=False, goal=0.45, floor=0.6),
    Row("live.websockets", "CPU per live frame vs websockets asyncio", "live", _cpu("websockets asyncio"),
        higher_is_better=False, goal=0.45, floor=0.6, quick=True),
    Row("live.tuned", "CPU per live frame vs tuned websocket-client", "live", _cpu("wsclient tuned"),
        higher_is_better=False),
    Row("live-tls.tuned", "CPU per live frame over TLS vs tuned websocket-client", "live-tls",
        _cpu("wsclient tuned"), higher_is_better=False),
)  # fmt: skip
WHOLE: Final = (
    Row("whole.py", "frame to state vs bitfinex-api-py", "whole", _rate("bitfinex-api-py"),
        goal=8, floor=6, quick=True),
    Row("whole.node", "frame to state vs bitfinex-api-node, raw arrays", "whole",
        _rate("bitfinex-api-node raw"), goal=2.8, floor=2, quick=True),
    Row("whole.ccxt", "frame to state vs ccxt.pro, Bitfinex", "whole", _rate("ccxt"), goal=75, floor=50),
    Row("whole.arrays", "frame to state vs our receiver, orjson and a dict of arrays", "whole",
        _rate("arrays")),
    Row("arrays.py", "arrays alone vs bitfinex-api-py", "whole",
        Figure("rate", "arrays", "bitfinex-api-py")),
    Row("arrays.node", "arrays alone vs bitfinex-api-node, raw arrays", "whole",
        Figure("rate", "arrays", "bitfinex-api-node raw")),
    Row("arrays.ccxt", "arrays alone vs ccxt.pro, Bitfinex", "whole",
        Figure("rate", "arrays", "ccxt")),
    Row("whole-bitopro.ccxt", "frame to state vs ccxt.pro, BitoPro", "whole-bitopro", _rate("ccxt"),
        goal=11, floor=8, quick=True),
)  # fmt: skip


def _scrape(key: str, title: str, name: str, against: str, **more: Any) -> Row:
    """A row about a scrape of 10,000 series, in which less time is better."""
    group = more.pop("group", "scrape-10000")
    figure = Figure(name, against=against, against_name=more.pop("against_name", ""))
    return Row(key, title, group, figure, higher_is_better=False, **more)


SCRAPE: Final = (
    _scrape("scrape.copy", "scrape of 10,000 series, 1 % changed, vs one body copy", "text 1 %", "ours",
        against_name="copy", goal=8, floor=25, quick=True),
    _scrape("scrape.go", "scrape of 10,000 series, 1 % changed, vs Go", "text 1 %", "Go", goal=0.01,
        floor=0.03, quick=True),
    _scrape("scrape.all.go", "scrape, everything changed, vs Go", "text all", "Go",
        goal=0.2, floor=0.3, quick=True),
    Row("scrape.children", "scrape vs prometheus_client children, times as fast", "scrape-10000",
        Figure("text 1 %", "children", "ours"), goal=300, floor=100, quick=True),
    Row("scrape.collector", "scrape vs a prometheus_client collector, times as fast", "scrape-10000",
        Figure("text 1 %", "collector", "ours")),
    Row("scrape.openmetrics.children", "scrape as OpenMetrics vs children, times as fast", "scrape-10000",
        Figure("openmetrics 1 %", "children", "ours")),
    _scrape("scrape.openmetrics.go", "scrape as OpenMetrics vs Go", "openmetrics 1 %", "Go"),
    _scrape("scrape.same.copy", "scrape, nothing changed, vs one body copy", "text same", "ours",
        against_name="copy"),
    _scrape("scrape.gzip.go", "gzip scrape with the standard library vs Go", "gzip", "Go", floor=0.4),
    Row("scrape.gzip.isal.go", "gzip scrape with isal vs Go", "scrape-10000",
        Figure("gzip", "ours with isal", "Go"), higher_is_better=False, goal=0.05, floor=0.4, quick=True),
    _scrape("scrape.1000.go", "scrape of 1,000 series, 1 % changed, vs Go", "text 1 %", "Go",
        group="scrape-1000"),
    _scrape("scrape.1000.copy", "scrape of 1,000 series, 1 % changed, vs one body copy", "text 1 %", "ours",
        against_name="copy",
        group="scrape-1000"),
    _scrape("scrape.100000.go", "scrape of 100,000 series, 1 % changed, vs Go", "text 1 %", "Go",
        group="scrape-100000"),
    _scrape("scrape.100000.copy", "scrape of 100,000 series, 1 % changed, vs one body copy", "text 1 %",
        "ours", against_name="copy",
        group="scrape-100000"),
    Row("scrape.100000.children", "scrape of 100,000 series vs children, times as fast", "scrape-100000",
        Figure("text 1 %", "children", "ours")),
)  # fmt: skip
INSTRUCTIONS: Final = (
    Row("instructions.receive", "instructions for a received frame", "instructions-receive",
        Figure("instructions"), unit="", higher_is_better=False, goal=6_000, floor=9_000, quick=True),
    Row("instructions.scrape", "instructions for a series in a scrape, 1 % changed", "instructions-scrape",
        Figure("instructions"), unit="", higher_is_better=False, goal=120, floor=250, quick=True),
)  # fmt: skip
SERVED: Final = (
    Row("http.1", "HTTP requests/s, 1,000 series, 1 connection, vs ready-body C server", "http",
        Figure("rate 1", against="C"), unit="%", goal=0.85, floor=0.6, quick=True),
    Row("http.4", "HTTP requests/s, 4 connections, vs ready-body C server", "http",
        Figure("rate 4", against="C"), unit="%"),
    Row("http.children", "HTTP requests/s vs prometheus_client's server with children", "http",
        Figure("rate 1", against="children")),
)  # fmt: skip
LOAD: Final = (
    Row("late.p99", "lateness p99, 4,000/s live, 100,000 series scraped each second", "late", Figure("p99"),
        unit="ms", higher_is_better=False, goal=2, floor=5, quick=True),
    Row("late.max", "lateness, largest, the same", "late", Figure("max"), unit="ms", higher_is_better=False),
    Row("late.unscraped", "lateness p99 without scrapes", "late", Figure("p99", "unscraped"), unit="ms",
        higher_is_better=False),
    Row("kept", "frames/s while 100,000 series are rendered back to back vs tuned + children", "kept",
        Figure("rate", against="tuned + children"), goal=60, floor=25),
    Row("kept.share", "share of frames/s kept while they are rendered", "kept",
        Figure("rate", against="unscraped"), unit="%"),
)  # fmt: skip
PROCESS: Final = (
    Row("memory.series", "memory for a series of 100,000: account state, lines and page", "memory",
        Figure("kb_per_series"), unit="kB", higher_is_better=False, goal=0.45, floor=0.6, quick=True),
    Row("memory.scrape", "extra peak memory of a 100,000-series scrape", "memory", Figure("extra_mb"),
        unit="MB", higher_is_better=False, goal=3, floor=15, quick=True),
    Row("memory.children", "memory for a series vs prometheus_client children", "memory",
        Figure("kb_per_series", against="children"), higher_is_better=False),
    Row("size.10", "resident size with 10 accounts", "size", Figure("10 accounts"), unit="MB",
        higher_is_better=False, goal=26, floor=32, quick=True),
    Row("size.1", "resident size with 1 account", "size", Figure("1 accounts"), unit="MB",
        higher_is_better=False),
    Row("size.200", "resident size with 200 accounts", "size", Figure("200 accounts"), unit="MB",
        higher_is_better=False),
    Row("size.run", "resident size of `exchange-exporter run` at its first value", "start", Figure("size"),
        unit="MB", higher_is_better=False),
    Row("start.listening", "start to listening socket", "start", Figure("listening"), unit="ms",
        higher_is_better=False, quick=True),
    Row("start.value", "start to the first live value in a scrape", "start", Figure("value"), unit="ms",
        higher_is_better=False),
    Row("start.python", "start to listening vs an empty Python's start and end", "start",
        Figure("listening", against="python"), higher_is_better=False),
    Row("fresh.calm", "exchange's send to value in a scrape, calm", "fresh", Figure("p50", "calm"), unit="ms",
        higher_is_better=False, quick=True),
    Row("fresh.calm.p99", "exchange's send to value in a scrape, calm, p99", "fresh", Figure("p99", "calm"),
        unit="ms", higher_is_better=False),
    Row("fresh.loaded", "send to value with 4,000 frames/s and 10,000 series", "fresh",
        Figure("p50", "loaded"),
        unit="ms", higher_is_better=False, quick=True),
    Row("fresh.loaded.p99", "send to value with 4,000 frames/s and 10,000 series, p99", "fresh",
        Figure("p99", "loaded"), unit="ms",
        higher_is_better=False),
)  # fmt: skip
ROWS: Final = (*RECEIVE, *LIVE, *WHOLE, *SCRAPE, *INSTRUCTIONS, *SERVED, *LOAD, *PROCESS)
