"""Compression, with ISA-L and without it."""

from __future__ import annotations

import gzip
import importlib.util
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from exporter.web import compression

if TYPE_CHECKING:
    from types import ModuleType

BLOCKS = [b"", b"# TYPE a gauge\n", *(b'a{b="%d"} 1\n' % number for number in range(5000)), b""]


@pytest.fixture(params=[True, False], ids=["isal", "zlib"])
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as it is where ISA-L is installed, and as it is where not."""
    if request.param:
        return compression
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.delitem(sys.modules, "isal.isal_zlib", raising=False)
    spec = importlib.util.find_spec("exporter.web.compression")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_fastest_at_hand_is_taken(module: ModuleType) -> None:
    """ISA-L is used where it is installed, and zlib where it is not."""
    assert module.ACCELERATED is (module is compression)
    assert (module.open_stream is zlib.compressobj) is not module.ACCELERATED


def test_blocks_become_one_file(module: ModuleType) -> None:
    """Blocks, empty ones among them, come out whole, and a good deal smaller."""
    packed = module.gzipped(BLOCKS)
    assert gzip.decompress(packed) == b"".join(BLOCKS)
    assert len(packed) < sum(map(len, BLOCKS)) / 4


def test_the_same_page_is_the_same_file(module: ModuleType) -> None:
    """No time and no name is in the file: equal pages are equal bytes."""
    first, second = module.gzipped(BLOCKS), module.gzipped(list(BLOCKS))
    assert first == second
    assert first[4:8] == bytes(4)
