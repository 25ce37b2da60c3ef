"""From a configured account to its state and sessions."""

from __future__ import annotations

import hashlib
import hmac
import time

import pytest

from exporter.config.secret import Secret
from exporter.config.types import (
    Account,
    Endpoints,
    Include,
    Lending,
    Privacy,
    StreamSettings,
    Threshold,
)
from exporter.exchanges import KNOWN
from exporter.exposition.choices import Choices
from exporter.follow import Workshop, hmac_sha384, offers, rechosen, system_clock, wanted

SECRET = "a-very-secret-value"
BITFINEX = KNOWN["bitfinex"]


def account(**changes: object) -> Account:
    """A Bitfinex account with some settings."""
    settings: dict[str, object] = {
        "name": "main",
        "exchange": "bitfinex",
        "api_key": Secret("a-very-secret-key"),
        "api_secret": Secret(SECRET),
        "endpoints": Endpoints("ws://127.0.0.1:1/x", "http://127.0.0.1:1", "http://127.0.0.1:1"),
        "feeds": BITFINEX.feeds,
        "margin_symbols": ("tETHUSD", "BTC/USD"),
        "include": Include(symbols=frozenset({"tETHUSD"})),
    }
    return Account(**{**settings, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_exchange_offers_what_a_file_may_ask_for(name: str) -> None:
    """Endpoints are encrypted, and there is at least one feed."""
    offer = offers()[name]
    assert offer.endpoints.stream.startswith("wss://")
    assert offer.endpoints.rest.startswith("https://")
    assert offer.feeds


def test_an_account_gets_a_session_for_each_of_its_streams() -> None:
    """Sessions are named by exchange, account and stream, and nothing has happened yet."""
    followed = Workshop.equip(StreamSettings()).follow(account())
    assert [session.key for session in followed.sessions] == [("bitfinex", "main", "account")]
    report = followed.watched.state.report(0.0)
    assert (report.account, report.streams[0].connects, report.streams[0].is_up) == ("main", 0, False)


def test_symbols_are_understood_in_both_spellings() -> None:
    """What a user writes in the venue's spelling or ours becomes ours."""
    want = wanted(account(), BITFINEX, StreamSettings(connect_timeout=7.0))
    assert want.margin_symbols == ("ETH/USD", "BTC/USD")
    assert want.login_timeout == 7
    select = Workshop.equip(StreamSettings()).follow(account()).watched.select
    assert select.symbol("ETH/USD")
    assert not select.symbol("BTC/USD")


def test_no_secret_is_in_any_repr() -> None:
    """Everything that an account becomes can be printed without harm."""
    followed = Workshop.equip(StreamSettings()).follow(account())
    told = repr(followed) + repr(account()) + repr(vars(followed.sessions[0])) + repr(followed.login)
    assert SECRET not in told
    assert "a-very-secret-key" not in told


def test_signatures_are_hmac_sha384_in_lower_case_hex() -> None:
    """The signature is that of the standard library over the same bytes."""
    expected = hmac.new(SECRET.encode(), b"AUTH1", hashlib.sha384).hexdigest()
    assert hmac_sha384(Secret(SECRET), b"AUTH1") == expected


def test_nonces_of_one_account_always_rise() -> None:
    """Whatever the clock does, no nonce comes twice."""
    nonce = Workshop.equip(StreamSettings()).follow(account()).login.nonce
    nonces = [nonce() for _ in range(1000)]
    assert nonces == sorted(set(nonces))


def test_a_refitted_workshop_keeps_its_budget() -> None:
    """Other settings do not make the venue forget how often we have connected."""
    workshop = Workshop.equip(StreamSettings())
    other = workshop.refit(StreamSettings(connect_timeout=25.0, silence_timeout=40.0))
    assert other.budget is workshop.budget
    assert other.stuck_after == workshop.stuck_after + 15


def test_what_is_shown_follows_a_reload_without_a_new_login() -> None:
    """Thresholds, selection, idle money and privacy change in place; state and sessions stay the same."""
    followed = Workshop.equip(StreamSettings()).follow(account())
    limit = Threshold("exchange", "BTC", "warning", 1.0)
    other = account(
        include=Include(symbols=frozenset({"BTC/USD"}), dust=1.0),
        thresholds=(limit,),
        margin_level=2.0,
        lending=Lending({"USD": 150.0}),
        privacy=Privacy(hide_amounts=True),
    )
    again = rechosen(followed, [account(name="another"), other])
    assert again.account == other
    assert again.sessions is followed.sessions
    assert again.watched.state is followed.watched.state
    assert again.watched.choices == Choices((limit,), 2.0, 1.0, hides_amounts=True)
    assert again.watched.select.symbol("BTC/USD")
    assert again.watched.state.idle.minimums == {"USD": 150.0}


@pytest.mark.parametrize(
    "change", [{"margin_symbols": ()}, {"require_read_only": True}, {"api_key": Secret("other")}]
)
def test_what_a_login_depends_on_is_not_changed_in_place(change: dict[str, object]) -> None:
    """Another key, scope rule or question needs a new login: the account at work stays as it is."""
    followed = Workshop.equip(StreamSettings()).follow(account())
    assert rechosen(followed, [account(**change)]) is followed
    assert rechosen(followed, [account()]) is followed


def test_the_steady_clock_counts_sleep_where_the_machine_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a night asleep, what was true in the evening is old."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        assert system_clock().monotonic <= time.monotonic()
        return
    real = time.clock_gettime

    def asleep(clock: int) -> float:
        return real(clock) + (28_800.0 if clock == time.CLOCK_BOOTTIME else 0.0)

    evening = system_clock().monotonic
    monkeypatch.setattr(time, "clock_gettime", asleep)
    assert system_clock().monotonic - evening >= 28_800.0
