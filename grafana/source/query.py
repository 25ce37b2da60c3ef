"""PromQL over the catalogue: a metric that is renamed or loses a label breaks the build, not a dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.exposition.catalogue import BY_NAME, PREFIX

WINDOW: Final = "$__rate_interval"
RANGE: Final = "$__range"
VARIABLES: Final = ("job", "instance", "exchange", "account")

RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "account:exchange_equity_usd": ("exchange", "account"),
    "account:exchange_pnl_usd:delta1d": ("exchange", "account"),
    "account:exchange_equity_drawdown_ratio:7d": ("exchange", "account"),
    "position:exchange_liquidation_distance:ratio": ("exchange", "account", "symbol"),
    "account:exchange_unrealized_pnl_usd:sum": ("exchange", "account"),
    "wallet:exchange_wallet_value_usd": ("exchange", "account", "wallet", "currency"),
    "currency:exchange_net_exposure_usd": ("exchange", "account", "currency"),
    "currency:exchange_funding_utilization:ratio": ("exchange", "account", "currency"),
    "currency:exchange_funding_gross_apr:ratio": ("exchange", "account", "currency"),
    "currency:exchange_funding_realized_apr:ratio1d": ("exchange", "account", "currency"),
    "currency:exchange_funding_realized_apr:ratio7d": ("exchange", "account", "currency"),
    "currency:exchange_funding_realized_apr:ratio30d": ("exchange", "account", "currency"),
}
"""Recorded rules of prometheus/rules that dashboards read: what needs history, or many steps."""


def labels_of(name: str) -> tuple[str, ...]:
    """The labels of a metric of the catalogue, named without its prefix. Raises KeyError."""
    return BY_NAME[PREFIX + name].labels


def series(name: str, suffix: str = "", **equal: str) -> str:
    """A selector by all variables that fit the metric, and by matchers: a value, or `=~` and a pattern.

    Raises KeyError for a metric or label that the catalogue does not have.
    """
    labels = labels_of(name)
    unknown = set(equal) - set(labels)
    if unknown:
        raise KeyError(f"{PREFIX}{name} has no label {', '.join(sorted(unknown))}")
    matchers = ['job=~"$job"', 'instance=~"$instance"']
    if "exchange" in labels:
        matchers.append('exchange=~"$exchange"')
    if "account" in labels:
        # Public REST requests belong to no account: theirs is empty.
        matchers.append('account=~"$account|"' if name.startswith("rest_") else 'account=~"$account"')
    matchers += [_matcher(label, value) for label, value in equal.items()]
    return f"{PREFIX}{name}{suffix}{{{','.join(matchers)}}}"


def _matcher(label: str, value: str) -> str:
    for sign in ("=~", "!~", "!="):
        if value.startswith(sign):
            return f'{label}{sign}"{value.removeprefix(sign)}"'
    return f'{label}="{value}"'


def _by(name: str) -> str:
    return ", ".join(labels_of(name))


def now(name: str, **equal: str) -> str:
    """A gauge, once for each set of its labels, whoever scrapes it: two exporters do not count twice."""
    return f"max by ({_by(name)}) ({series(name, **equal)})"


def grown(name: str, window: str = WINDOW, **equal: str) -> str:
    """How much a counter grew in a window, once for each set of its labels."""
    return f"max by ({_by(name)}) (increase({series(name, **equal)}[{window}]))"


def speed(name: str, **equal: str) -> str:
    """How fast a counter grows a second, once for each set of its labels."""
    return f"max by ({_by(name)}) (rate({series(name, **equal)}[{WINDOW}]))"


def buckets(name: str, quantile: float, *by: str, window: str = WINDOW) -> str:
    """A quantile of a histogram, in its unit, by some of its labels."""
    rate = f"rate({series(name, '_bucket')}[{window}])"
    return f"histogram_quantile({quantile}, sum by ({', '.join((*by, 'le'))}) ({rate}))"


def recorded(name: str, **equal: str) -> str:
    """A recorded rule, by the variables that it has kept."""
    matchers = ['exchange=~"$exchange"', 'account=~"$account"']
    matchers += [_matcher(label, value) for label, value in equal.items() if label in RULES[name]]
    return f"max by ({', '.join(RULES[name])}) ({name}{{{','.join(matchers)}}})"


def total(expr: str, *by: str) -> str:
    """The sum, by some labels."""
    return f"sum by ({', '.join(by)}) ({expr})" if by else f"sum({expr})"


def price() -> str:
    """US dollars for a unit of each currency of each exchange."""
    return now("currency_price_usd")


def usd(expr: str) -> str:
    """Amounts that have labels exchange and currency, in US dollars; without a price there is none."""
    return f"({expr}) * on (exchange, currency) group_left () {price()}"


def quote_of(expr: str) -> str:
    """Amounts in the quote currency of a symbol, with that currency as a label."""
    return f'label_replace({expr}, "currency", "$1", "symbol", ".+/(.+)")'


def age(expr: str) -> str:
    """Seconds since a moment; a moment that never was gives none."""
    return f"time() - ({expr} > 0)"
