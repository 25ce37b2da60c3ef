"""Health of streams and keys as samples: always there, from the first scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import repeat
from typing import NamedTuple

from exporter.core.account import Report
from exporter.core.events import MALFORMED_KINDS
from exporter.core.model import Table
from exporter.core.reconcile import ReconcileReport
from exporter.core.stream import PHASES, StreamReport
from exporter.exposition.samples import AnySection, RowSection, Samples, Section, Series, Value

RESYNC_TRIGGERS = ("gap", "reconcile", "stale", "request")


class StreamShape(NamedTuple):
    """What can exist for one stream, so that every series is there before it counts."""

    liveness_interval: float
    snapshots: tuple[Table, ...]
    messages: tuple[str, ...]
    disconnect_reasons: tuple[str, ...]
    connect_failures: tuple[str, ...]


def health(report: Report, shapes: Mapping[str, StreamShape]) -> Iterator[AnySection]:
    """Every health family and stream counter of an account."""
    streams = {stream.name: stream for stream in report.streams}
    yield Section("expected", (), lambda samples: samples.add("exchange_account_expected", 1))
    yield RowSection(
        "streams",
        tuple(report.streams),
        lambda: streams,
        lambda name, _: _stream_series(name, shapes[name]),
        lambda name, stream: _stream(stream, shapes[name]),
    )
    yield RowSection(
        "messages",
        tuple(stream.messages for stream in report.streams),
        lambda: {name: stream.messages for name, stream in streams.items()},
        lambda name, _: [("exchange_stream_messages_total", (name, kind)) for kind in shapes[name].messages],
        lambda name, counts: tuple(map(counts.get, shapes[name].messages, repeat(0))),
    )
    yield Section(
        "refusals", tuple(stream.refusal for stream in report.streams), partial(_refusals, report.streams)
    )
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
    """What `_stream` has values for, in its order."""
    alone = (
        *("expected", "up", "last_liveness_timestamp_seconds", "last_data_timestamp_seconds"),
        *("liveness_interval_seconds", "connects_total", "auth_failures_total", "sequence_gaps_total"),
        "parse_failures_total",
    )
    by = (
        ("last_snapshot_timestamp_seconds", shape.snapshots),
        ("connect_failures_total", shape.connect_failures),
        ("disconnects_total", shape.disconnect_reasons),
        ("malformed_total", MALFORMED_KINDS),
        ("resyncs_total", RESYNC_TRIGGERS),
        ("state", PHASES),
    )
    return [
        *((f"exchange_stream_{family}", (name,)) for family in alone),
        *((f"exchange_stream_{family}", (name, label)) for family, labels in by for label in labels),
    ]


def _stream(stream: StreamReport, shape: StreamShape) -> tuple[Value, ...]:
    """The clocks and counters of a stream, but for its messages."""
    none = repeat(0)
    return (
        1,
        stream.is_up,
        stream.liveness,
        stream.data,
        shape.liveness_interval,
        stream.connects,
        stream.auth_failures,
        stream.gaps,
        sum(stream.malformed.values()),
        *map(stream.snapshots.get, shape.snapshots, none),
        *map(stream.connect_failures.get, shape.connect_failures, none),
        *map(stream.disconnects.get, shape.disconnect_reasons, none),
        *map(stream.malformed.get, MALFORMED_KINDS, none),
        *map(stream.resyncs.get, RESYNC_TRIGGERS, none),
        *(phase == stream.phase for phase in PHASES),
    )


def _refusals(streams: Iterable[StreamReport], samples: Samples) -> None:
    for stream in streams:
        if stream.refusal:
            samples.add("exchange_stream_refused", 1, stream.name, stream.refusal)


def _permissions(permissions: Mapping[tuple[str, str], bool] | None, samples: Samples) -> None:
    for (scope, access), granted in (permissions or {}).items():
        samples.add("exchange_api_key_permission", granted, scope, access)
