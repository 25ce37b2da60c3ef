"""The exchanges that the conformance suite runs against: all that are known, and a made-up one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.exchanges import KNOWN as REAL
from exporter.exchanges.spec import ExchangeSpec
from tests.exchanges import acme

KNOWN: Final[Mapping[str, ExchangeSpec]] = {**REAL, "acme": acme.SPEC}
