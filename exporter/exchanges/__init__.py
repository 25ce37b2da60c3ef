"""The exchanges that are known. Adding one is one folder here and one line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.exchanges import bitfinex, bitopro
from exporter.exchanges.spec import ExchangeSpec

KNOWN: Final[Mapping[str, ExchangeSpec]] = {spec.name: spec for spec in (bitfinex.SPEC, bitopro.SPEC)}
