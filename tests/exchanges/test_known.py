"""The table of exchanges: all names are known, and only what is asked for is loaded."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from exporter.exchanges import KNOWN, Lazy

if TYPE_CHECKING:
    from pathlib import Path


def test_a_value_is_made_once_and_when_it_is_asked_for() -> None:
    """Names, their number and whether one is known need no value; a value is kept."""
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    lazy = Lazy(("a", "b"), make)
    assert (list(lazy), len(lazy), "a" in lazy, "c" in lazy) == (["a", "b"], 2, True, False)
    assert lazy.get("c") is None
    with pytest.raises(KeyError):
        lazy["c"]
    assert made == []
    assert (lazy["b"], lazy["b"]) == ("B", "B")
    assert made == ["b"]


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_name_is_the_one_of_the_folder(name: str) -> None:
    """Each exchange calls itself as its folder is called."""
    assert KNOWN[name].name == name


def test_looking_one_up_loads_no_other(repository: Path) -> None:
    """Who asks for one exchange does not load another."""
    lines = "import sys; from exporter.exchanges import KNOWN; KNOWN['bitopro']; print(*sys.modules)"
    command = [sys.executable, "-c", lines]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "exporter.exchanges.bitopro" in loaded
    assert not {each for each in loaded if each.startswith("exporter.exchanges.bitfinex")}
