"""The comparison of both models: each takes in every frame of every stream."""

from __future__ import annotations

import pytest

from benchmarks.streams import MODELS, run


@pytest.mark.parametrize("model", MODELS)
def test_each_model_takes_in_every_frame_of_all_streams(model: str) -> None:
    """A run is only counted when as many frames were decoded as were sent, whichever stream they took."""
    result = run(model, streams=5, rate=1000.0, seconds=0.2)
    assert result.frames == 200
    assert result.cpu > 0
