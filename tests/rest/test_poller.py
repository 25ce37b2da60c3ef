"""Reading by REST beside the streams: comparing, filling, pricing, and what happens when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import pytest

from exporter.core.account import AccountState
from exporter.core.clock import Instant
from exporter.core.events import Fill, Heard, LoggedIn, Permitted, Platform, Snapshot
from exporter.core.market import MarketState
from exporter.core.model import Order, Rows, Table, Wallet
from exporter.core.stream import Trust
from exporter.exchanges.base import Nonces
from exporter.exchanges.reads import Ask, Fault, FillRead, QuoteRead, Quotes, Read, Reads, Reply
from exporter.rest.client import Answer, RequestFailed
from exporter.rest.fills import Recovery
from exporter.rest.poller import Plan, Poller, Reader
from exporter.stream.turn import KeyTurn


class World:
    """A clock, a venue that answers what a test put there, and notes of what was asked."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.epoch = 1_700_000_000.0
        """Unix second at which the steady clock was at 0, as the machine has it."""
        self.replies: dict[str, Reply | Fault | Quotes] = {}
        self.lost: set[str] = set()
        self.asked: list[str] = []
        self.asked_at: list[float] = []
        self.counted: list[tuple[tuple[str, str, str], str | None]] = []
        self.while_waiting: Callable[[], None] = lambda: None
        self.meanwhile: Callable[[str], None] = lambda _endpoint: None

    def clock(self) -> Instant:
        """Both clocks, which the test moves."""
        return Instant(self.now, self.epoch + self.now)

    def send(self, ask: Ask) -> Answer:
        """The venue's side of a request; its URL is the endpoint's name."""
        self.asked.append(ask.url)
        self.asked_at.append(self.now)
        self.meanwhile(ask.url)
        if ask.url in self.lost:
            raise RequestFailed("timeout")
        return Answer(200, ask.url.encode())

    def pause(self, _event: threading.Event, seconds: float) -> None:
        """Wait by letting the clock run."""
        self.now += seconds
        self.while_waiting()

    def asked_of(self, labels: tuple[str, str, str], seconds: float, failure: str | None) -> None:
        """Count a request."""
        assert seconds >= 0.0
        self.counted.append((labels, failure))

    def read(self, endpoint: str) -> Read:
        """A read that gives what `replies` holds for it."""
        return Read(endpoint, lambda: Ask("GET", endpoint, {}), self._understand)

    def quote(self, endpoint: str, every: float = 30.0) -> QuoteRead:
        """A quote read that gives what `replies` holds for it."""
        return QuoteRead(endpoint, lambda: Ask("GET", endpoint, {}), self._understand_quotes, every)

    def _understand(self, _status: int, body: bytes) -> Reply | Fault:
        reply = self.replies.get(body.decode(), ())
        assert not isinstance(reply, Quotes)
        return reply

    def _understand_quotes(self, _status: int, body: bytes) -> Quotes | Fault:
        reply = self.replies.get(body.decode(), Quotes({}))
        assert isinstance(reply, Quotes | Fault)
        return reply


class Meter:
    """Hands counts to the world."""

    def __init__(self, world: World) -> None:
        self.asked = world.asked_of


def value(quotes: Quotes, currencies: frozenset[str]) -> dict[str, float]:
    """Prices under the currency's own name."""
    return {each: quotes.last[each] for each in currencies if each in quotes.last}


def wallets(**balances: float) -> Rows:
    """Exchange wallets by currency, nothing available known."""
    return {("exchange", each): Wallet("exchange", each, amount) for each, amount in balances.items()}


class Bench:
    """A poller with one account, driven by hand."""

    def __init__(
        self,
        tables: Sequence[str] = ("wallets",),
        *,
        replaces: frozenset[Table] = frozenset(),
        reconcile_interval: float = 300.0,
    ) -> None:
        self.world = World()
        self.resynced: list[Table] = []
        now = self.world.clock()
        self.state = AccountState(
            account="main",
            exchange="venue",
            streams=["account"],
            trust=Trust(1e9, 60.0),
            lock=nullcontext(),
            started=now,
        )
        self.market = MarketState("venue", interval=60.0, lock=nullcontext())
        self.turn = KeyTurn(Nonces(lambda: 1.0, 1.0))
        reads = Reads(
            endpoints=("wallets", "orders", "permissions", "platform", "tickers", "conf"),
            public=frozenset(("platform", "tickers", "conf")),
            tables=lambda *_: (),
            quotes=lambda _: (),
            value=value,
            replaces=replaces,
            anchors={"USDT/USD": ("other", "UST")},
            always=frozenset({"UST"}),
            per_minute=6000,
        )
        self.reader = Reader(
            self.state,
            self.turn,
            [self.world.read(table) for table in tables],
            self.world.read("permissions"),
            self.resynced.append,
        )
        self.poller = Poller(
            Plan(
                exchange="venue",
                reads=reads,
                quotes=[self.world.quote("tickers"), self.world.quote("conf", 3600.0)],
                platform=self.world.read("platform"),
                market=self.market,
                client=self.world,
                clock=self.world.clock,
                meter=Meter(self.world),
                anchor=lambda name, _now: 0.999 if name == "USDT/USD" else None,
                reconcile_interval=reconcile_interval,
                valuation_interval=60.0,
                pause=self.world.pause,
            ),
            [self.reader],
        )

    def live(self, **snapshots: Rows) -> None:
        """Let the stream go live with these tables, and time pass until it has settled."""
        now = self.world.clock()
        expected = frozenset(table for table in ("wallets", "orders") if table in snapshots)
        self.state.change("account", lambda stream: stream.connected(now))
        self.hear(LoggedIn({}, expected), *(Snapshot(name, rows) for name, rows in snapshots.items()))  # type: ignore[arg-type]
        self.world.now += 6.0

    def hear(self, *events: object) -> None:
        """Let the stream tell something."""
        self.state.apply("account", Heard("x", is_data=True, events=events), self.world.clock())  # type: ignore[arg-type]

    def step(self, seconds: float = 0.0) -> None:
        """Let time pass, then do what is due."""
        self.world.now += seconds
        self.poller.step()


@pytest.fixture(name="bench")
def _bench() -> Bench:
    return Bench()


def test_agreement_is_told_with_its_time(bench: Bench) -> None:
    """When REST says what the stream says, no wallet differs and the time of the check is kept."""
    bench.live(wallets=wallets(BTC=1.5))
    bench.world.replies["wallets"] = [Snapshot("wallets", wallets(BTC=1.5))]
    bench.step()

    found = bench.state.report(bench.world.now).reconcile
    assert found.differences == {}
    assert found.last_success == bench.world.clock().wall


def test_a_scripted_drift_is_found_exported_and_healed(bench: Bench) -> None:
    """A lasting difference is shown, asks for one resync, and is gone once the stream tells the truth."""
    bench.live(wallets=wallets(BTC=1.5))
    bench.world.replies["wallets"] = [Snapshot("wallets", wallets(BTC=1.75))]
    bench.step()
    assert bench.state.report(bench.world.now).reconcile.differences == {("exchange", "BTC"): 0.25}
    assert bench.resynced == []

    bench.step(300.0)
    assert bench.resynced == ["wallets"]

    bench.hear(Snapshot("wallets", wallets(BTC=1.75)))
    bench.step(300.0)
    assert bench.state.report(bench.world.now).reconcile.differences == {}
    assert bench.resynced == ["wallets"]


def test_a_change_during_the_read_is_no_difference(bench: Bench) -> None:
    """What the stream tells while REST is being asked counts too."""
    bench.live(wallets=wallets(BTC=1.5))
    bench.world.replies["wallets"] = [Snapshot("wallets", wallets(BTC=2.0))]
    bench.world.meanwhile = lambda _: bench.hear(Snapshot("wallets", wallets(BTC=2.0)))
    bench.step()

    assert bench.state.report(bench.world.now).reconcile.differences == {}


def test_what_rest_knew_first_is_no_difference(bench: Bench) -> None:
    """REST may be ahead: what the stream tells within a moment after the read explains the difference."""
    bench.live(wallets=wallets(BTC=1.5), orders={})
    bench.world.replies["wallets"] = [Snapshot("wallets", wallets(BTC=2.0))]
    bench.world.while_waiting = lambda: bench.hear(Snapshot("wallets", wallets(BTC=2.0)))
    bench.step()

    assert bench.state.report(bench.world.now).reconcile.differences == {}


def test_nothing_is_compared_while_the_stream_is_down(bench: Bench) -> None:
    """A stream that is not up is not judged, and no signed request is made."""
    bench.step(30.0)

    assert bench.world.asked == ["tickers", "conf", "platform"]
    assert bench.state.report(bench.world.now).reconcile.last_success == 0.0


def test_the_interval_is_kept(bench: Bench) -> None:
    """A finished comparison is not repeated before the interval is over."""
    bench.live(wallets=wallets())
    bench.step()
    bench.step(299.0)
    assert bench.world.asked.count("wallets") == 1

    bench.step(1.0)
    assert bench.world.asked.count("wallets") == 2


def test_available_balances_are_filled_where_the_stream_left_them_out(bench: Bench) -> None:
    """REST's available balance is taken where the balances agree, and only there."""
    bench.live(wallets=wallets(BTC=1.5, ETH=3.0))
    told: Rows = {
        ("exchange", "BTC"): Wallet("exchange", "BTC", 1.5, 1.25),
        ("exchange", "ETH"): Wallet("exchange", "ETH", 4.0, 4.0),
    }
    bench.world.replies["wallets"] = [Snapshot("wallets", told)]
    asked = bench.world.clock().wall
    bench.step()

    view = bench.state.report(bench.world.now).view
    rows = view.tables["wallets"]
    assert isinstance(rows["exchange", "BTC"], Wallet)
    assert rows["exchange", "BTC"].available == 1.25
    assert isinstance(rows["exchange", "ETH"], Wallet)
    assert rows["exchange", "ETH"].available is None
    assert view.available_at["exchange", "BTC"] == asked


def test_permissions_are_asked_only_while_unknown(bench: Bench) -> None:
    """A key whose scopes the login did not tell is asked about once."""
    bench.live(wallets=wallets())
    bench.state.permissions = None
    bench.world.replies["permissions"] = [Permitted({("orders", "write"): True})]
    bench.step()
    assert bench.state.permissions == {("orders", "write"): True}

    bench.step(300.0)
    assert bench.world.asked.count("permissions") == 1


@pytest.mark.parametrize("interval", [300.0, 0.0])
def test_permissions_are_judged_before_anything_else_is_read(interval: float) -> None:
    """What REST tells of the key goes to the judge, ahead of every table and also without comparisons."""
    bench = Bench(reconcile_interval=interval)
    judged: list[Permitted] = []
    bench.reader.judge = judged.append
    bench.live(wallets=wallets())
    bench.state.permissions = None
    told = Permitted({("withdraw", "write"): True})
    bench.world.replies["permissions"] = [told]
    bench.step()
    assert judged == [told]
    signed = [name for name in bench.world.asked if name in ("permissions", "wallets")]
    assert signed == ["permissions", "wallets"][: 2 if interval else 1]


def test_a_venue_that_does_not_tell_the_scopes_is_not_pestered(bench: Bench) -> None:
    """Without an answer the question is asked again after a while, and only of a live account."""
    bench.step()
    assert "permissions" not in bench.world.asked
    bench.live(wallets=wallets())
    bench.state.permissions = None
    bench.world.lost.add("permissions")
    for _ in range(31):
        bench.step(1.0)
    assert bench.world.asked.count("permissions") == 3


def test_rest_has_the_last_word_where_a_stream_cannot_tell() -> None:
    """A table that the venue's stream cannot clear is replaced by REST, and asks for no resync."""
    bench = Bench(("wallets", "orders"), replaces=frozenset({"orders"}))
    order = Order("BTC/TWD", "buy", 1.0, 100.0, None)
    bench.live(wallets=wallets(), orders={1: order, 2: order})
    bench.world.replies["orders"] = [Snapshot("orders", {2: order})]
    bench.step()
    bench.step(300.0)

    assert set(bench.state.report(bench.world.now).view.tables["orders"]) == {2}
    assert bench.resynced == []


def test_a_venue_that_does_not_answer_leaves_the_last_success_alone(bench: Bench) -> None:
    """A lost request is counted by reason; the time of the last success does not move."""
    bench.live(wallets=wallets(BTC=1.0))
    bench.world.lost.add("wallets")
    bench.step()

    assert (("venue", "main", "wallets"), "timeout") in bench.world.counted
    assert bench.state.report(bench.world.now).reconcile.last_success == 0.0
    assert bench.state.report(bench.world.now).streams[0].is_up


def test_a_rate_limit_silences_the_host_for_a_minute(bench: Bench) -> None:
    """After a rate limit nothing at all is asked of the venue for 60 seconds."""
    bench.live(wallets=wallets())
    bench.world.replies["wallets"] = Fault("rate_limit", "too many requests")
    bench.step()
    limited = bench.world.now
    asked = len(bench.world.asked)
    for _ in range(8):
        bench.step(19.0)

    assert min(bench.world.asked_at[asked:]) >= limited + 60.0


def test_the_platform_is_asked_while_a_stream_is_down(bench: Bench) -> None:
    """The venue's own word on maintenance is asked for when a stream is not up, and spread to all."""
    bench.world.replies["platform"] = [Platform(operative=False)]
    bench.step()

    assert bench.state.operative is False


def test_prices_come_with_what_has_none(bench: Bench) -> None:
    """Held currencies are priced, those without a price are named, anchors come from elsewhere."""
    bench.live(wallets=wallets(BTC=1.0, DUST=5.0))
    bench.world.replies["tickers"] = Quotes({"BTC": 60000.0, "UST": 1.001}, {}, {"USD": 0.0003})
    bench.step()

    report = bench.market.report(bench.world.now)
    assert report.prices == {"BTC": 60000.0, "UST": 1.001}
    assert report.unpriced == {"DUST"}
    assert report.funding_rates == {"USD": 0.0003}


def test_slow_quotes_are_asked_seldom(bench: Bench) -> None:
    """Each quote has its own pace."""
    for _ in range(5):
        bench.step(60.0)

    assert (bench.world.asked.count("tickers"), bench.world.asked.count("conf")) == (5, 1)


def test_without_fresh_tickers_no_price_is_renewed(bench: Bench) -> None:
    """When tickers fail, old prices stand until their lifetime is over and then vanish."""
    bench.live(wallets=wallets(BTC=1.0))
    bench.world.replies["tickers"] = Quotes({"BTC": 60000.0})
    bench.step()
    bench.world.lost.add("tickers")
    for _ in range(4):
        bench.step(60.0)
    assert bench.market.price("BTC", bench.world.now) == 60000.0

    bench.step(120.0)
    assert bench.market.price("BTC", bench.world.now) is None


def test_a_login_under_way_is_never_overtaken(bench: Bench) -> None:
    """While the key is logging in, no signed request is made at all."""
    bench.live(wallets=wallets())
    bench.turn.begin_login(bench, seconds=0.0, stopping=lambda: False)
    thread = threading.Thread(target=bench.step)
    thread.start()
    bench.poller.stop()
    thread.join(10.0)

    assert not thread.is_alive()
    assert "wallets" not in bench.world.asked


def test_the_thread_outlives_an_error_of_ours(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in a reader is logged, and the thread goes on until it is stopped."""
    broken = threading.Event()

    def explode(_endpoint: str) -> None:
        broken.set()
        raise RuntimeError

    bench.world.meanwhile = explode
    thread = threading.Thread(target=bench.poller.run)
    thread.start()
    assert broken.wait(10.0)
    bench.poller.stop()
    thread.join(10.0)

    assert not thread.is_alive()
    assert "reading by REST failed" in caplog.text


def test_missed_executions_are_read_after_the_login_and_within_the_rules() -> None:
    """With a history to read, it is asked once with the key's turn, under its own name, and counted."""
    bench = Bench()
    missed = Fill(
        7, "BTC/USD", "buy", "maker", 1.0, 100.0, 0.1, "USD", bench.world.clock().wall + 1, final=True
    )
    asked: list[float] = []

    def history(since: float) -> FillRead:
        asked.append(since)
        page = (missed,) if len(asked) == 1 else ()
        return FillRead("fills", lambda: Ask("POST", "fills", {}), lambda *_: page)

    bench.reader.fills = history
    bench.reader.recovery = Recovery(bench.state, bench.world.clock().wall)
    bench.live(wallets=wallets())
    for _ in range(3):
        bench.step(1.0)
    assert len(asked) == 2
    assert (("venue", "main", "fills"), None) in bench.world.counted
    assert sum(bench.state.report(bench.world.now).tally.fills.values()) == 1


def test_without_reconciliation_no_history_is_read() -> None:
    """An interval of 0 stops every read about accounts, this one too."""
    bench = Bench(reconcile_interval=0.0)
    bench.reader.fills = lambda _: pytest.fail("asked")
    bench.reader.recovery = Recovery(bench.state, 0.0)
    bench.live(wallets=wallets())
    bench.step(10.0)
    assert "fills" not in bench.world.asked


def test_a_clock_that_is_set_back_does_not_end_the_comparisons(bench: Bench) -> None:
    """After a step of a day to the past, the stream is compared as soon as ever."""
    bench.live(wallets=wallets(BTC=1.5))
    bench.world.replies["wallets"] = [Snapshot("wallets", wallets(BTC=1.5))]
    bench.world.epoch -= 86_400.0
    bench.step()
    assert bench.state.report(bench.world.now).reconcile.last_success == bench.world.clock().wall


def test_a_table_that_the_key_may_not_read_is_not_asked_for() -> None:
    """What a complete stream does not bring is no part of the comparison, which is whole without it."""
    bench = Bench(("wallets", "orders"))
    bench.live(wallets=wallets(BTC=1.5))
    bench.world.replies["wallets"] = [Snapshot("wallets", wallets(BTC=1.5))]
    bench.world.replies["orders"] = Fault("auth", "reading orders failed: no permission")
    bench.step()
    assert "orders" not in bench.world.asked
    assert bench.state.report(bench.world.now).reconcile.last_success == bench.world.clock().wall
