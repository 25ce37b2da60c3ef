"""What the values of flags may be: each function takes the text of one, for argparse."""

from __future__ import annotations

import argparse
import contextlib
from typing import Final

FASTEST: Final = 1000.0
"""So many times as fast the demo's world still keeps up with itself."""


def address(text: str) -> str:
    """An address to listen on, as it was given. Raises ArgumentTypeError for what is none."""
    from exporter.web.address import ListenError, parse_address  # noqa: PLC0415 - only where it is given

    try:
        parse_address(text)
    except ListenError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def path(text: str) -> str:
    """A path to serve metrics at. Raises ArgumentTypeError for what is none."""
    from exporter.web.routes import check_telemetry_path  # noqa: PLC0415 - only where it is given

    if problem := check_telemetry_path(text):
        raise argparse.ArgumentTypeError(problem)
    return text


def speed(text: str) -> float:
    """A number above 0, and not above the fastest. Raises ArgumentTypeError for what is none."""
    with contextlib.suppress(ValueError):
        value = float(text)
        if 0.0 < value <= FASTEST:
            return value
    raise argparse.ArgumentTypeError(f"expected a number above 0, at most {FASTEST:g}, got {text}")


def count(text: str) -> int:
    """A whole number above 0. Raises ArgumentTypeError for what is none."""
    with contextlib.suppress(ValueError):
        value = int(text)
        if value >= 1:
            return value
    raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text}")


def incident(text: str) -> str:
    """The name of an incident. Raises ArgumentTypeError for what is none."""
    from exporter.demo.incidents import INCIDENTS  # noqa: PLC0415 - only where it is given

    if text not in INCIDENTS:
        raise argparse.ArgumentTypeError(f'no incident "{text}" (known: {", ".join(INCIDENTS)})')
    return text
