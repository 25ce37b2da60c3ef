"""The balance push, read a second way: straight from bytes to events.

It holds every currency of the venue and comes again with each change. `messages` and `rows` say what it
means, in whatever form it comes, and alone judge what is malformed. The reader here knows the form that the
venue sends day by day, and refuses every other one: then they decide. The tests hold both ways against each
other.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from exporter.core.events import Balances, Event
from exporter.exchanges.bitopro.fields import MILLIS, currency
from exporter.exchanges.bitopro.rows import WALLET

UNUSUAL: Final = (ValueError, RecursionError)
"""Raised for a push of any other form."""
MILLIS_DIGITS: Final = 13

# The bounds keep out what texts can say and numbers cannot: no number, and infinity.
Amount = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]


class Balance(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One currency."""

    amount: Amount
    available: Amount
    stake: Amount
    currency: str = ""
    tradable: bool | None = None


class Push(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """All currencies, or those that changed."""

    event: Literal["ACCOUNT_BALANCE"]
    data: dict[str, Balance]
    timestamp: msgspec.Raw
    eventID: str = ""  # noqa: N815 - the venue's name of it
    datetime: str = ""


decode = msgspec.json.Decoder(Push, strict=False).decode
"""The venue writes decimals as texts: what is not strict takes them for decimals."""


class Keys(dict[str, tuple[str, str]]):
    """Keys of wallets by the venue's name of a currency, for as many as it may list."""

    KEPT: Final = 4096
    LONGEST: Final = 40

    def __missing__(self, name: str) -> tuple[str, str]:
        if name != currency(name):
            # Two names could mean one currency.
            raise ValueError
        key = WALLET, name
        if len(self) < self.KEPT and len(name) <= self.LONGEST:
            self[name] = key
        return key


KEYS: Final = Keys()


def balance(data: bytes) -> tuple[list[Event], float]:
    """Events of a balance push after the first, and when it was sent. Raises one of `UNUSUAL` otherwise."""
    push = decode(data)
    sent = bytes(push.timestamp)
    if len(sent) != MILLIS_DIGITS or not sent.isdigit() or sent.startswith(b"0"):
        raise ValueError
    told = push.data.values()
    balances = Balances(
        list(map(KEYS.__getitem__, push.data)),
        [each.amount for each in told],
        [each.available for each in told],
        [each.stake for each in told],
    )
    return [balances], int(sent) / MILLIS
