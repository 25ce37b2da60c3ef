"""Every metric there is: name, kind, class, labels, help, source.

The collector, the docs, the dashboards and the tests read this list. Labels `exchange` and `account` come
first where a metric has them. Help says where a number comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.exposition.catalogue import funding, process, streams, trading, wallets
from exporter.exposition.catalogue.metric import PREFIX, Group, Kind, Metric

__all__ = ["BY_NAME", "CAPPED", "METRICS", "PREFIX", "Group", "Kind", "Metric"]

_SHOWN: Final = (*wallets.WALLETS, *wallets.MARGIN, *trading.ORDERS, *funding.FUNDING, *wallets.MOVEMENTS)
METRICS: Final[tuple[Metric, ...]] = (
    *streams.STREAMS,
    *streams.REST,
    *wallets.PRICES,
    *_SHOWN,
    *process.EXPORTER,
)
BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in METRICS}
CAPPED: Final = tuple(metric.name for metric in _SHOWN if metric.group != "health")
"""Families that the series cap of an account may shorten: health never is."""
