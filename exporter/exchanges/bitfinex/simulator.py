"""The server's half of one connection to a simulated Bitfinex: texts and the time in, texts out; no I/O.

It greets, checks the login, sends the snapshots and the first computed values, then tells what happens in the
demo world, with heartbeats and sequence numbers. It is the demo's far end and the client's opponent in tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from exporter.demo.records import Event, Happening, Notice, Value
from exporter.exchanges.bitfinex import sim_calc
from exporter.exchanges.bitfinex.sim_login import Filter, Refusal, caps, judge
from exporter.exchanges.bitfinex.sim_rows import Row, frames, row
from exporter.exchanges.bitfinex.venue import CloseFrame, Info, Lose, Mail, Say, Venue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.demo.books import Books
    from exporter.exchanges.bitfinex.venue import Key

TIMESTAMPS = 32768
SEQUENCES = 65536
HEARTBEAT_AFTER = 15.0
UNKNOWN_EVENT = 10000
TOO_MANY = 10008
CONF_FAILED = 10050
UNKNOWN_CHANNEL = 10302

Outgoing = str | CloseFrame


class Simulator:
    """One connection. Call `opened` once, `received` for each text, `tick` at least four times a second."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._box = venue.join()
        self._out: list[Outgoing] = []
        self._books: Books | None = None
        self._filter = Filter(None)
        self._limit = sim_calc.Limit()
        self._flags = 0
        self._public = 0
        self._account = 0
        self._synced = False
        self._losing = 0
        self._spoke = 0.0
        self._now = 0.0
        self._closed = False

    @property
    def logged_in(self) -> bool:
        """Whether this connection has logged in."""
        return self._books is not None

    def opened(self, now: float) -> list[Outgoing]:
        """The greeting."""
        self._pump(now)
        status = self._venue.platform_status
        self._event("info", version=2, serverId="demo-server", platform={"status": status})
        return self._flush()

    def received(self, text: str, now: float) -> list[Outgoing]:
        """Take one text from the client; the answer, after what had to be told anyway."""
        self._pump(now)
        if self._closed:
            return self._flush()
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None
        if isinstance(message, dict):
            self._client_event(message)
        elif isinstance(message, list):
            self._client_input(message)
        else:
            self._venue.violation("not a JSON object or array")
            self._error(UNKNOWN_EVENT, "invalid message")
        return self._flush()

    def tick(self, now: float) -> list[Outgoing]:
        """Let time pass: what happened meanwhile, or a heartbeat after 15 s of silence."""
        self._pump(now)
        if self.logged_in and not self._closed and now - self._spoke >= HEARTBEAT_AFTER:
            self._public += 1
            self._send([0, "hb"], [self._public])
        return self._flush()

    def gone(self) -> None:
        """The connection ended: the venue forgets it, and nothing more is said."""
        self._closed = True
        self._venue.leave(self._box)

    # What the venue has to tell

    def _pump(self, now: float) -> None:
        self._now = now
        self._venue.advance(now)
        for mail in self._box.take():
            if self._closed:
                return
            self._tell(mail)

    def _tell(self, mail: Mail) -> None:
        match mail:
            case Happening():
                self._happening(mail.event, mail.value)
            case Info():
                self._event("info", code=mail.code, msg=mail.text)
            case Say():
                self._out.append(mail.text)
            case Lose():
                self._losing += mail.frames
            case CloseFrame():
                self._out.append(mail)
                self.gone()

    def _happening(self, event: Event, value: Value) -> None:
        if self._filter.wants(value):
            for kind, payload in frames(event, value):
                self._frame(kind, payload, value)

    def _frame(self, kind: str, payload: Row, about: Value = None) -> None:
        if isinstance(about, Notice) and payload[1].endswith("-req"):
            # The answer to another session's request: one number instead of two.
            self._public += self._venue.faults.request_notices_numbered
            numbered = self._public if self._venue.faults.request_notices_numbered else self._account
            self._send([0, kind, payload], [numbered])
            return
        self._public += 1
        self._account += self._synced and kind != "n"
        self._send([0, kind, payload], [self._public, self._account])

    def _send(self, frame: Row, numbers: list[int]) -> None:
        self._spoke = self._now
        if self._losing:
            self._losing -= 1
            return
        if self._flags & SEQUENCES:
            frame += numbers
        if self._flags & TIMESTAMPS:
            frame.append(round((self._now + self._venue.faults.clock_ahead) * 1000))
        self._out.append(orjson.dumps(frame).decode())

    def _event(self, event: str, **members: object) -> None:
        self._out.append(orjson.dumps({"event": event, **members}).decode())

    def _error(self, code: int, text: str) -> None:
        self._event("error", msg=text, code=code)

    def _flush(self) -> list[Outgoing]:
        if self._venue.faults.stalled:
            return []
        out, self._out = self._out, []
        return out

    # What the client says

    def _client_event(self, message: Mapping[str, Any]) -> None:
        match message.get("event"):
            case "ping":
                cid = {"cid": message["cid"]} if "cid" in message else {}
                self._event("pong", ts=round(self._now * 1000), **cid)
            case "conf":
                self._conf(message.get("flags"))
            case "auth":
                self._login(message)
            case "subscribe":
                self._venue.violation("subscribe")
                self._error(UNKNOWN_CHANNEL, "unknown channel")
            case _:
                self._venue.violation("unknown event")
                self._error(UNKNOWN_EVENT, "unknown event")

    def _conf(self, flags: object) -> None:
        if not isinstance(flags, int) or self._venue.faults.refuse_conf:
            self._event("conf", status="FAILED", code=CONF_FAILED, msg="conf: invalid flags")
            return
        self._flags = flags
        self._event("conf", status="OK", flags=flags)

    def _login(self, message: Mapping[str, Any]) -> None:
        if "dms" in message:
            self._venue.violation("dms")
        if self.logged_in:
            self._venue.violation("second login on one connection")
        verdict = Refusal(10100, "auth: dup") if self.logged_in else judge(self._venue, message)
        if isinstance(verdict, Refusal):
            self._event("auth", status="FAILED", chanId=0, code=verdict.code, msg=verdict.text)
            return
        self._filter = Filter(message.get("filter"))
        for word in self._filter.unknown():
            self._venue.violation(f"unknown filter word {word}")
        self._accept(verdict)

    def _accept(self, key: Key) -> None:
        self._books = books = self._venue.books[key.account]
        self._box.account = key.account
        scopes = caps(key, self._venue.faults.caps)
        session = self._venue.session_id()
        self._event("auth", status="OK", chanId=0, userId=key.user_id, auth_id=session, **scopes)
        self._snapshot("trading", "ps", books.positions.values())
        self._snapshot("wallet", "ws", books.ledger.values())
        self._snapshot("trading", "os", books.orders.values())
        self._snapshot("funding", "fos", books.offers.values())
        loans = books.loans.values()
        self._snapshot("funding", "fcs", [loan for loan in loans if loan.used_for])
        self._snapshot("funding", "fls", [loan for loan in loans if not loan.used_for])
        if self._venue.faults.first_wave:
            self._answer(sim_calc.first_wave(books, self._venue.world.market))
        self._synced = True

    def _snapshot(self, group: str, kind: str, values: Iterable[Value]) -> None:
        if self._filter.wants_group(group) and kind not in self._venue.faults.withheld:
            self._frame(kind, [row(value) for value in values if self._filter.wants(value)])

    def _answer(self, answers: Iterable[sim_calc.Answer]) -> None:
        for answer in answers:
            if self._filter.wants(answer.about):
                self._frame(answer.type, answer.payload)

    def _client_input(self, message: Row) -> None:
        match message:
            case [0, "calc", None, request]:
                self._calc(sim_calc.names(request))
            case [_, str() as verb, *_]:
                self._venue.violation(f"input {verb}")
                self._error(UNKNOWN_EVENT, "input refused: this venue only calculates")
            case _:
                self._venue.violation("input without a verb")
                self._error(UNKNOWN_EVENT, "unknown input")

    def _calc(self, names: list[str] | None) -> None:
        if self._books is None or names is None:
            self._venue.violation("calc before login" if names else "calc without names")
            self._error(UNKNOWN_EVENT, "calc: invalid")
            return
        if self._venue.forbids_requests(self._now):
            self._venue.violation("calc during maintenance")
            return
        if not self._limit.allows(len(names), self._now):
            self._venue.violation("calc over the limit")
            self._error(TOO_MANY, "calc: too many requests")
            return
        if self._venue.faults.mute_calc:
            return
        for name in names:
            self._answer(sim_calc.answers(name, self._books, self._venue.world.market))
