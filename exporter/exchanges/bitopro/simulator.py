"""The server's half of one connection to a simulated BitoPro: a request judged, then pushes; no I/O.

The client has nothing to say: what it sends all the same is a violation. Pings are the transport's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from exporter.demo.records import Event, Fill, Happening, Order, Wallet
from exporter.exchanges.bitopro.sim_login import Refusal, judge, refusal
from exporter.exchanges.bitopro.sim_rows import (
    CANCELLED,
    DONE,
    STATUSES,
    Object,
    balance,
    currencies,
    envelope,
    order,
    pair_name,
    trade,
)
from exporter.exchanges.bitopro.venue import CloseFrame, Lose, Mail, Say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.exchanges.bitopro.venue import Key, Venue

PATHS = {
    "pub/auth/account-balance": "balance",
    "pub/auth/orders": "orders",
    "pub/auth/user-trades": "trades",
}
NOT_FOUND, UNAVAILABLE = 404, 503
POLICY = 1008
ENDED = (DONE, CANCELLED)

Outgoing = str | CloseFrame


class Admission:
    """An upgrade that was granted: what kind of stream, and whose."""

    def __init__(self, stream: str, key: Key) -> None:
        self.stream = stream
        self.key = key


def admit(venue: Venue, path: str, headers: Mapping[str, str], now: float) -> Admission | Refusal:
    """Judge the request for an upgrade; `path` begins behind the base address."""
    venue.advance(now)
    stream = PATHS.get(path.strip("/"))
    if stream is None:
        return refusal(NOT_FOUND)
    if stream in venue.faults.closed:
        return refusal(UNAVAILABLE)
    verdict = judge(venue, headers, now)
    if isinstance(verdict, Refusal):
        return verdict
    venue.logins += 1
    return Admission(stream, verdict)


class Simulator:
    """One connection. Call `opened` once, `tick` at least four times a second."""

    def __init__(self, venue: Venue, admission: Admission) -> None:
        self._venue = venue
        self._stream = admission.stream
        self._books = venue.books[admission.key.account]
        self._box = venue.join(admission.key.account)
        self._out: list[Outgoing] = []
        self._changed: dict[str, None] = {}
        self._losing = 0
        self._closed = False
        self._now = 0.0

    def opened(self, now: float) -> list[Outgoing]:
        """The first push, which is the whole; or how a key is turned down after the upgrade."""
        self._venue.advance(now)
        # What happened so far is in the whole.
        self._box.take()
        self._now = now
        faults = self._venue.faults
        if faults.error_text is not None:
            self._out.append(orjson.dumps({"error": faults.error_text}).decode())
        if faults.closes_at_once or faults.error_text is not None:
            self._end(CloseFrame(POLICY))
        else:
            self._whole()
        return self._flush()

    def received(self, text: str, now: float) -> list[Outgoing]:  # noqa: ARG002 - nothing is ever asked
        """Take a text from the client, which should have sent none."""
        self._venue.violation(f"a message on the {self._stream} stream")
        return self.tick(now)

    def tick(self, now: float) -> list[Outgoing]:
        """Let time pass: what happened meanwhile."""
        self._now = now
        self._venue.advance(now)
        for mail in self._box.take():
            if not self._closed:
                self._tell(mail)
        self._tell_balance()
        return self._flush()

    def gone(self) -> None:
        """The connection ended: the venue forgets it, and nothing more is said."""
        self._closed = True
        self._venue.leave(self._box)

    def _tell(self, mail: Mail) -> None:
        match mail:
            case Happening(value=Wallet(kind="exchange", currency=currency)) if self._stream == "balance":
                self._changed[currency] = None
            case Happening(value=Order() as value) if self._stream == "orders" and _is_order(mail):
                self._tell_order(value)
            case Happening(event=Event.TRADE, value=Fill() as fill) if self._stream == "trades":
                self._push("USER_TRADE", trade(fill, number_ids=self._venue.faults.number_ids))
            case Say():
                self._out.append(mail.text)
            case Lose():
                self._losing += mail.pushes
            case CloseFrame():
                self._end(mail)
            case _:
                pass

    def _whole(self) -> None:
        if self._stream == "balance":
            self._balance(currencies(self._books))
        elif self._stream == "orders":
            pairs: dict[str, list[Object]] = {pair_name(pair): [] for pair in self._books.profile.spot}
            for each in self._books.orders.values():
                pairs[pair_name(each.pair)].append(self._order(each))
            self._push("ACTIVE_ORDERS", pairs)

    def _tell_balance(self) -> None:
        """Once for all that changed since the last look, as it is by now."""
        changed, self._changed = self._changed, {}
        if changed and not self._closed:
            self._balance(currencies(self._books) if self._venue.faults.old_shapes else list(changed))

    def _balance(self, told: list[str]) -> None:
        self._push("ACCOUNT_BALANCE", {currency: balance(self._books, currency) for currency in told})

    def _tell_order(self, value: Order) -> None:
        """The order that changed; or, by the other reading of the manual, its pair's open orders."""
        name = pair_name(value.pair)
        told = [value]
        if self._venue.faults.whole_pairs:
            told = [each for each in self._books.orders.values() if each.pair == value.pair]
        elif STATUSES[value.state] in ENDED and not any(
            each.pair == value.pair for each in self._books.orders.values()
        ):
            # Told twice: that it ended, and that the pair has none left.
            self._push("ACTIVE_ORDERS", {name: [self._order(value)]})
            told = []
        self._push("ACTIVE_ORDERS", {name: [self._order(each) for each in told]})

    def _order(self, value: Order) -> Object:
        return order(value, old=self._venue.faults.old_shapes)

    def _push(self, event: str, data: object) -> None:
        if self._stream in self._venue.faults.withheld:
            return
        if self._losing:
            self._losing -= 1
            return
        number = None if self._venue.faults.old_shapes else self._venue.push_number()
        self._out.append(orjson.dumps(envelope(event, data, self._now, number)).decode())

    def _end(self, how: CloseFrame) -> None:
        self._out.append(how)
        self.gone()

    def _flush(self) -> list[Outgoing]:
        if self._venue.faults.stalled:
            return []
        out, self._out = self._out, []
        return out


def _is_order(happening: Happening) -> bool:
    return happening.event in {Event.ORDER_NEW, Event.ORDER_CHANGED, Event.ORDER_GONE}
