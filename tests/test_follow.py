"""From a configured account to its state and sessions."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from exporter.config.secret import Secret
from exporter.config.types import Account, Endpoints, Include, StreamSettings
from exporter.exchanges import KNOWN
from exporter.follow import Workshop, hmac_sha384, offers, wanted

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
