"""Numbers of any venue: read exactly, or refused."""

from __future__ import annotations

import pytest

from exporter.exchanges.numbers import decimal


@pytest.mark.parametrize(
    ("value", "read"), [(None, None), (3, 3.0), (-0.5, -0.5), ("1e-8", 1e-8), ("0", 0.0)]
)
def test_a_number_is_read_however_it_is_written(value: object, read: float | None) -> None:
    """JSON numbers and texts mean the same, and null means that nothing is known."""
    assert decimal(value) == read


@pytest.mark.parametrize("value", [True, "", "1_000", "NaN", "inf", float("inf"), 10**400, "9" * 400, [], {}])
def test_what_is_no_number_is_refused(value: object) -> None:
    """Nothing that Python alone would take for a number gets through."""
    with pytest.raises(ValueError, match="not a number"):
        decimal(value)
