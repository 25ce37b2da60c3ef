"""Health of streams and keys as samples: always there, from the first scrape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from exporter.core.account import Report
from exporter.core.events import MALFORMED_KINDS
from exporter.core.stream import PHASES, StreamReport
from exporter.exposition.samples import Samples

RESYNC_TRIGGERS = ("gap", "reconcile", "stale", "request")


class StreamShape(NamedTuple):
    """What can exist for one stream, so that every series is there before it counts."""

    liveness_interval: float
    snapshots: tuple[str, ...]
    messages: tuple[str, ...]
    disconnect_reasons: tuple[str, ...]
    connect_failures: tuple[str, ...]


def health(report: Report, shapes: Mapping[str, StreamShape], samples: Samples) -> None:
    """Every health family and stream counter of an account."""
    samples.add("exchange_account_expected", 1)
    for stream in report.streams:
        shape = shapes[stream.name]
        _state(stream, samples)
        _clocks(stream, shape, samples)
        _counters(stream, shape, samples)
    for (scope, access), granted in (report.permissions or {}).items():
        samples.add("exchange_api_key_permission", granted, scope, access)


def reconcile(report: Report, samples: Samples) -> None:
    """Whether REST says the same as the streams, and since when that is known."""
    found = report.reconcile
    samples.add("exchange_reconcile_last_success_timestamp_seconds", found.last_success)
    samples.add("exchange_reconcile_mismatched_wallets", len(found.differences))
    for (wallet, currency), gap in found.differences.items():
        samples.add("exchange_reconcile_difference", gap, wallet, currency)
    for table, count in found.mismatched_rows.items():
        samples.add("exchange_reconcile_mismatched_rows", count, table)


def _state(stream: StreamReport, samples: Samples) -> None:
    samples.add("exchange_stream_expected", 1, stream.name)
    samples.add("exchange_stream_up", stream.is_up, stream.name)
    for phase in PHASES:
        samples.add("exchange_stream_state", stream.phase == phase, stream.name, phase)
    if stream.refusal:
        samples.add("exchange_stream_refused", 1, stream.name, stream.refusal)


def _clocks(stream: StreamReport, shape: StreamShape, samples: Samples) -> None:
    name = stream.name
    samples.add("exchange_stream_last_liveness_timestamp_seconds", stream.liveness, name)
    samples.add("exchange_stream_last_data_timestamp_seconds", stream.data, name)
    samples.add("exchange_stream_liveness_interval_seconds", shape.liveness_interval, name)
    snapshots: Mapping[str, float] = {str(table): at for table, at in stream.snapshots.items()}
    for table in shape.snapshots:
        samples.add("exchange_stream_last_snapshot_timestamp_seconds", snapshots.get(table, 0.0), name, table)


def _counters(stream: StreamReport, shape: StreamShape, samples: Samples) -> None:
    name = stream.name
    samples.add("exchange_stream_connects_total", stream.connects, name)
    samples.add("exchange_stream_auth_failures_total", stream.auth_failures, name)
    samples.add("exchange_stream_sequence_gaps_total", stream.gaps, name)
    samples.add("exchange_stream_parse_failures_total", sum(stream.malformed.values()), name)
    for family, label_values, counts in (
        ("exchange_stream_connect_failures_total", shape.connect_failures, stream.connect_failures),
        ("exchange_stream_disconnects_total", shape.disconnect_reasons, stream.disconnects),
        ("exchange_stream_messages_total", shape.messages, stream.messages),
        ("exchange_stream_malformed_total", MALFORMED_KINDS, stream.malformed),
        ("exchange_stream_resyncs_total", RESYNC_TRIGGERS, stream.resyncs),
    ):
        for value in label_values:
            samples.add(family, counts.get(value, 0), name, value)
