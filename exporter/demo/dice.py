"""Chance, spelled so that the actors read like prose."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


def happens(rng: random.Random, probability: float) -> bool:
    """Whether something that happens with this probability happens now. Draws once."""
    return rng.random() < probability
