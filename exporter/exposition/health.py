"""Health of streams and keys as samples: always there, from the first scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import repeat
from typing import Final, NamedTuple

from exporter.core.events import MALFORMED_KINDS
from exporter.core.model import Table
from exporter.core.reconcile import ReconcileReport
from exporter.core.report import Report
from exporter.core.stream import PHASES, StreamReport
from exporter.exposition.samples import AnySection, RowSection, Samples, Section, Series, Value

RESYNC_TRIGGERS: Final = ("gap", "reconcile", "stale", "request")
STREAM: Final = (
    "exchange_stream_expected",
    "exchange_stream_up",
    "exchange_stream_last_liveness_timestamp_seconds",
    "exchange_stream_last_data_timestamp_seconds",
    "exchange_stream_liveness_interval_seconds",
    "exchange_stream_connects_total",
    "exchange_stream_auth_failures_total",
    "exchange_stream_sequence_gaps_total",
)


class StreamShape(NamedTuple):
    """What can exist for one stream, so that every series is there before it counts."""

    liveness_interval: float
    snapshots: tuple[Table, ...]
    messages: tuple[str, ...]
    disconnect_reasons: tuple[str, ...]
    connect_failures: tuple[str, ...]


def health(report: Report, shapes: Mapping[str, StreamShape]) -> RowSection[str, StreamReport]:
    """What of the streams moves with every message."""
    streams = {stream.name: stream for stream in report.streams}
    return RowSection(
        "streams",
        report.streams,
        lambda: streams,
        lambda name, _: _stream_series(name, shapes[name]),
        lambda name, stream: _stream(stream, shapes[name]),
    )


def condition_inputs(report: Report) -> tuple[object, ...]:
    """What `condition` is made from."""
    return (
        report.permissions,
        *[part for stream in report.streams for part in (stream.phase, stream.refusal, *_mappings(stream))],
    )


def condition(report: Report, shapes: Mapping[str, StreamShape]) -> Iterator[AnySection]:
    """What of the streams and the key seldom changes."""
    streams = {stream.name: stream for stream in report.streams}
    yield RowSection(
        "phases",
        report.streams,
        lambda: {name: stream.phase for name, stream in streams.items()},
        lambda name, _: [("exchange_stream_state", (name, phase)) for phase in PHASES],
        lambda _, now: tuple(phase == now for phase in PHASES),
    )
    yield RowSection(
        "stream counters",
        report.streams,
        lambda: streams,
        lambda name, _: _counter_series(name, shapes[name]),
        lambda name, stream: _counters(stream, shapes[name]),
    )
    yield Section("refusals", (report,), partial(_refusals, report.streams))
    yield Section("permissions", (report.permissions,), partial(_permissions, report.permissions))


def reconcile(found: ReconcileReport) -> Section:
    """Whether REST says the same as the streams, and since when that is known."""

    def write(samples: Samples) -> None:
        samples.add("exchange_reconcile_last_success_timestamp_seconds", found.last_success)
        samples.add("exchange_reconcile_mismatched_wallets", len(found.differences))
        for (wallet, currency), gap in found.differences.items():
            samples.add("exchange_reconcile_difference", gap, wallet, currency)
        for table, count in found.mismatched_rows.items():
            samples.add("exchange_reconcile_mismatched_rows", count, table)

    return Section("reconcile", (found,), write)


def _stream_series(name: str, shape: StreamShape) -> list[Series]:
    return [
        *((family, (name,)) for family in STREAM),
        *(("exchange_stream_messages_total", (name, kind)) for kind in shape.messages),
    ]


def _stream(stream: StreamReport, shape: StreamShape) -> tuple[Value, ...]:
    """Values of `_stream_series`, in its order."""
    return (
        1,
        stream.is_up,
        stream.liveness,
        stream.data,
        shape.liveness_interval,
        stream.connects,
        stream.auth_failures,
        stream.gaps,
        *map(stream.messages.get, shape.messages, repeat(0)),
    )


def _mappings(stream: StreamReport) -> tuple[object, ...]:
    """What `_counters` reads: each is the same object while nothing in it changed."""
    return (
        stream.snapshots,
        stream.connect_failures,
        stream.disconnects,
        stream.malformed,
        stream.resyncs,
    )


def _counter_series(name: str, shape: StreamShape) -> list[Series]:
    """What `_counters` has values for, in its order."""
    by = (
        ("exchange_stream_last_snapshot_timestamp_seconds", shape.snapshots),
        ("exchange_stream_connect_failures_total", shape.connect_failures),
        ("exchange_stream_disconnects_total", shape.disconnect_reasons),
        ("exchange_stream_malformed_total", MALFORMED_KINDS),
        ("exchange_stream_resyncs_total", RESYNC_TRIGGERS),
    )
    return [
        ("exchange_stream_parse_failures_total", (name,)),
        *((family, (name, label)) for family, labels in by for label in labels),
    ]


def _counters(stream: StreamReport, shape: StreamShape) -> tuple[Value, ...]:
    """What a stream counts that seldom changes."""
    none = repeat(0)
    return (
        sum(stream.malformed.values()),
        *map(stream.snapshots.get, shape.snapshots, none),
        *map(stream.connect_failures.get, shape.connect_failures, none),
        *map(stream.disconnects.get, shape.disconnect_reasons, none),
        *map(stream.malformed.get, MALFORMED_KINDS, none),
        *map(stream.resyncs.get, RESYNC_TRIGGERS, none),
    )


def _refusals(streams: Iterable[StreamReport], samples: Samples) -> None:
    for stream in streams:
        if stream.refusal:
            samples.add("exchange_stream_refused", 1, stream.name, stream.refusal)


def _permissions(permissions: Mapping[tuple[str, str], bool] | None, samples: Samples) -> None:
    for (scope, access), granted in (permissions or {}).items():
        samples.add("exchange_api_key_permission", granted, scope, access)
