"""A text that must not be seen."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, final

_MASK: Final = "<secret>"


@final
class Secret:
    """Holds a credential between the file it was read from and the signature it goes into.

    It prints as `<secret>` in every way Python prints things, cannot be pickled, and compares in constant
    time. It has no hash: dictionaries and sets of secrets have no use here, and a hash of a short one can be
    guessed back.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The text itself: for signing and for nothing else."""
        return self.__value

    def __repr__(self) -> str:
        return _MASK

    def __str__(self) -> str:
        return _MASK

    def __format__(self, format_spec: str) -> str:
        return _MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    __hash__ = None  # type: ignore[assignment]  # how Python spells "not hashable"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled (it would be written out in clear)")
