"""Balances of the past as OpenMetrics with timestamps, for Prometheus to take in as blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.utils import floatToGoString

from exporter.core.past import Course, samples
from exporter.exposition.catalogue import BY_NAME

BALANCE = "exchange_wallet_balance"


def exposition(
    courses: Iterable[Course], labels: Mapping[str, str], start: int, end: int, step: int
) -> Iterator[str]:
    """Lines of a whole exposition: one series after the other, each in order of time.

    `labels` are those that all series share. The names and the help are those of the live metric.
    """
    metric = BY_NAME[BALANCE]
    yield f"# HELP {metric.name} {_escaped(metric.help)}\n"
    yield f"# TYPE {metric.name} {metric.kind}\n"
    for course in courses:
        whole = {**labels, "wallet": course.wallet, "currency": course.currency}
        text = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(whole.items()))
        for at, balance in samples(course, start, end, step):
            yield f"{metric.name}{{{text}}} {_number(balance)} {at}\n"
    yield "# EOF\n"


def _number(value: float) -> str:
    # The library leaves this function without types.
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
