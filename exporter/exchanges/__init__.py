"""The exchanges that are known. Adding one is one folder here and its name below.

An exchange is loaded when somebody first asks for it: one that no account uses costs neither memory nor time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Final, TypeVar

from exporter.exchanges.spec import ExchangeSpec

T = TypeVar("T")


class Lazy(Mapping[str, T]):
    """Values by name, each made when it is first asked for; the names are known without making any."""

    def __init__(self, names: Iterable[str], make: Callable[[str], T]) -> None:
        self._names = tuple(names)
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _spec(name: str) -> ExchangeSpec:
    spec: ExchangeSpec = import_module(f"exporter.exchanges.{name}").SPEC
    return spec


KNOWN: Final[Mapping[str, ExchangeSpec]] = Lazy(("bitfinex", "bitopro"), _spec)
