"""What the catalogue says of one metric, and the words to say it in."""

from __future__ import annotations

from functools import partial
from typing import Final, Literal, NamedTuple

Kind = Literal["gauge", "counter", "histogram", "info"]
Group = Literal["health", "value", "counter"]
PREFIX: Final = "exchange_"
ACCOUNT: Final = ("exchange", "account")
STREAM: Final = (*ACCOUNT, "stream")
WALLET: Final = (*ACCOUNT, "wallet", "currency")
SYMBOL: Final = (*ACCOUNT, "symbol")
SYMBOL_SIDE: Final = (*SYMBOL, "side")
CURRENCY: Final = (*ACCOUNT, "currency")
CURRENCY_STATE: Final = (*CURRENCY, "state")
NO_SUM: Final = " In units of the currency: never sum over currency."


class Metric(NamedTuple):
    """One family. `health` is always exported, `value` only while believed, `counter` is never withheld."""

    group: Group
    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    section: str = ""


def section(title: str, *metrics: Metric) -> tuple[Metric, ...]:
    """Metrics under one heading, with the prefix that all of them have."""
    return tuple(m._replace(name=PREFIX + m.name, section=title) for m in metrics)


H: Final = partial(Metric, "health")
V: Final = partial(Metric, "value")
C: Final = partial(Metric, "counter")
