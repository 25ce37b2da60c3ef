"""Logging in: what is sent, what the key may do, why it was turned down."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exchanges.base import Endpoints, Login, Nonces, Retry, Wanted
from exporter.exchanges.bitfinex import SPEC, auth

KEY: Final = "made-up-key-8c1f"
SECRET: Final = "TEST_SECRET"
ALL: Final = frozenset(SPEC.feeds)
NOWHERE: Final = Endpoints("", "", "")


def sign(payload: bytes) -> str:
    """As the composition root does it."""
    return hmac.new(SECRET.encode(), payload, hashlib.sha384).hexdigest()


def login(clock: Callable[[], float] = lambda: 1_700_000_000.0) -> Login:
    """A login with a nonce from a clock."""
    return Login(KEY, sign, Nonces(clock, SPEC.nonce_scale).next)


def sent(feeds: frozenset[str] = ALL) -> dict[str, Any]:
    """The login message as an object."""
    message: dict[str, Any] = json.loads(auth.login_message(login(), feeds))
    return message


def test_login_message_of_the_vector() -> None:
    """Key, microsecond nonce, payload and signature are those of the published vector."""
    assert sent() == {
        "event": "auth",
        "apiKey": KEY,
        "authNonce": 1_700_000_000_000_000,
        "authPayload": "AUTH1700000000000000",
        "authSig": "20219daa777d23ddff56d568719adef0c21fa9fc30a95dcb29d2958e86ff5e5e"
        "da03dcf3f57db49a58963958ed87b749",
    }


@given(st.frozensets(st.sampled_from(SPEC.feeds), min_size=1))
def test_login_message_never_holds_more(feeds: frozenset[str]) -> None:
    """No secret, no dead-man switch, no `calc`, no token: whatever is asked for."""
    message = sent(feeds)
    assert set(message) <= {"event", "apiKey", "authNonce", "authPayload", "authSig", "filter"}
    assert SECRET not in json.dumps(message)


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ({"wallets"}, ["wallet"]),
        ({"orders"}, ["trading"]),
        ({"orders", "positions", "trades"}, ["trading"]),
        ({"funding", "balance", "margin"}, ["balance", "funding"]),
        ({"notifications"}, ["notify"]),
    ],
)
def test_filter_asks_for_what_is_wanted(feeds: set[str], words: list[str]) -> None:
    """A part of the feeds is asked for by the documented words, each once."""
    assert sent(frozenset(feeds))["filter"] == words


def test_nonces_rise_when_the_clock_does_not() -> None:
    """Nonces strictly increase though the clock stands or steps back, and stay below 2 to the 53rd."""
    times = iter([100.0, 100.0, 50.0, 200.0, 4_000_000_000.0])
    nonces = Nonces(lambda: next(times), SPEC.nonce_scale)
    numbers = [nonces.next() for _ in range(5)]
    assert numbers[:3] == [100_000_000, 100_000_001, 100_000_002]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < 2**53


def test_login_shows_nothing_of_itself() -> None:
    """The representation of a login holds neither key nor identity."""
    shown = repr(Login(KEY, sign, lambda: 1, "somebody@example.org"))
    assert KEY not in shown
    assert "somebody" not in shown


def scopes(**writes: int) -> dict[str, dict[str, int]]:
    """Caps of a key that reads orders and wallets, with these write flags."""
    caps = {"orders": {"read": 1, "write": 0}, "wallets": {"read": 1, "write": 0}}
    return caps | {scope: {"read": 0, "write": flag} for scope, flag in writes.items()}


GRANTED: Final = {
    ("orders", "read"): True,
    ("orders", "write"): False,
    ("wallets", "read"): True,
    ("wallets", "write"): False,
}
QUOTED: Final = '{"orders": {"read": "1", "write": "0"}, "wallets": {"read": "1", "write": "0"}}'


@pytest.mark.parametrize("caps", [scopes(), json.dumps(scopes()), QUOTED])
def test_caps_are_read_in_every_readable_form(caps: object) -> None:
    """An object, a JSON text and a text with quoted digits say the same."""
    assert auth.permissions(caps) == GRANTED


@pytest.mark.parametrize(
    "caps",
    [
        None,
        {},
        [],
        5,
        "",
        "[]",
        '{"orders":{"read":1,"write":0},ui_withdraw: { read: 0, write: 0 }}',
        {"orders": 1},
        {"orders": {"read": 1}},
        {"orders": {"read": 1, "write": "many"}},
        {"orders": {"read": None, "write": 0}},
    ],
)
def test_unreadable_caps_are_unknown(caps: object) -> None:
    """Caps in no readable form leave the permissions unknown: not refused, and not allowed either."""
    assert auth.permissions(caps) is None


def test_scope_of_the_future_is_told_without_its_name() -> None:
    """Scopes that are not known are told together as `other`, so that labels stay a closed set."""
    granted = auth.permissions(scopes(settings=0, bfxpay=1, eaas_agreement=0))
    assert granted == {**GRANTED, ("other", "read"): False, ("other", "write"): True}


def wanted(**options: bool) -> Wanted:
    """What the configuration asks for."""
    return Wanted(NOWHERE, ALL, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", ["withdraw", "ui_withdraw"])
def test_key_that_may_withdraw_is_refused(scope: str) -> None:
    """A key that may withdraw is refused by default, with a sentence that says what to do."""
    refused = auth.too_powerful(auth.permissions(scopes(**{scope: 1})), wanted())
    assert refused is not None
    assert refused.code == "withdraw_scope"
    assert refused.sentence == (
        "key refused: it may withdraw, which a monitoring key must not; "
        "make a read-only key, or set allow_withdraw_scope: true"
    )


def test_key_that_may_withdraw_can_be_allowed() -> None:
    """The switch allows such a key, unless read-only is required at the same time."""
    granted = auth.permissions(scopes(withdraw=1))
    assert auth.too_powerful(granted, wanted(allow_withdraw_scope=True)) is None
    refused = auth.too_powerful(granted, wanted(allow_withdraw_scope=True, require_read_only=True))
    assert refused is not None
    assert refused.code == "write_scope"


def test_key_that_may_write_is_tolerated_unless_read_only_is_required() -> None:
    """A key that may write orders is taken by default, and refused where read-only is required."""
    granted = auth.permissions(scopes(orders=1, funding=1))
    assert auth.too_powerful(granted, wanted()) is None
    refused = auth.too_powerful(granted, wanted(require_read_only=True))
    assert refused is not None
    assert refused.code == "write_scope"
    assert refused.sentence == ("key refused: read-only is required and it may write to funding, orders")


def test_write_scope_of_the_future_is_no_read_only_key() -> None:
    """Where read-only is required, a scope that nobody knows may not write either."""
    refused = auth.too_powerful(auth.permissions(scopes(settings=1)), wanted(require_read_only=True))
    assert refused is not None
    assert refused.sentence.endswith("it may write to other")


def test_unknown_scopes_are_no_read_only_key() -> None:
    """Where read-only is required, a key of unknown scopes is refused; otherwise it is taken."""
    assert auth.too_powerful(None, wanted()) is None
    refused = auth.too_powerful(None, wanted(require_read_only=True))
    assert refused is not None
    assert refused.code == "unknown_scopes"
    assert refused.sentence == ("key refused: the venue did not say its scopes and read-only is required")


def test_read_only_key_is_welcome() -> None:
    """A key that may only read is never refused."""
    assert auth.too_powerful(auth.permissions(scopes()), wanted(require_read_only=True)) is None


@pytest.mark.parametrize("code", [10100, 10111, 10112, 10113, 10001, 10020])
def test_refused_key_waits_for_a_person(code: int) -> None:
    """A code about the key is a refusal with the slow schedule."""
    (refused,), drop = auth.failure(code)
    assert refused.code == str(code)
    assert refused.code in auth.REFUSAL_CODES
    assert f"(code {code})" in refused.sentence
    assert (drop.reason, drop.retry) == ("refused", Retry.CREDENTIALS)


@pytest.mark.parametrize(("code", "sentence"), [(None, "no code given"), (99999, "refused (code 99999)")])
def test_unknown_failure_is_a_refused_key(code: int | None, sentence: str) -> None:
    """A failure without a code, or with one nobody knows, is treated as a refused key."""
    (refused,), drop = auth.failure(code)
    assert refused.code == "other"
    assert refused.sentence == f"login failed: {sentence}"
    assert drop.retry is Retry.CREDENTIALS


def test_small_nonce_is_tried_again_soon() -> None:
    """A small nonce is a refusal that a new one after a second may heal."""
    (refused,), drop = auth.failure(10114)
    assert refused.sentence == "login failed: nonce too small (code 10114)"
    assert (drop.reason, drop.retry, drop.after) == ("refused", Retry.LATER, 1.0)


@pytest.mark.parametrize(
    ("code", "reason", "retry", "after"),
    [
        (10000, "other", Retry.SOON, 0.0),
        (10008, "rate_limit", Retry.SOON, 0.0),
        (10200, "other", Retry.SOON, 0.0),
        (11000, "other", Retry.LATER, 5.0),
        (11010, "rate_limit", Retry.LATER, 60.0),
        (20060, "maintenance", Retry.LATER, 60.0),
    ],
)
def test_trouble_of_the_venue_does_not_blame_the_key(
    code: int, reason: str, retry: Retry, after: float
) -> None:
    """Not ready, too many requests and maintenance are no refusal of the key."""
    refusals, drop = auth.failure(code)
    assert refusals == ()
    assert (drop.reason, drop.retry, drop.after) == (reason, retry, after)
    assert str(code) not in auth.REFUSAL_CODES


def test_redaction_takes_out_what_proves_or_names_the_user() -> None:
    """A recorded login and its answer keep their shape and lose key, signature, nonce and user."""
    asked = json.loads(auth.redact(auth.login_message(login(), ALL)))
    assert set(asked.values()) == {"auth", "<redacted>"}
    answer = {"event": "auth", "status": "OK", "userId": 4711, "auth_id": "c0ffee", "caps": scopes()}
    redacted = json.loads(auth.redact(json.dumps(answer)))
    assert redacted == {**answer, "userId": "<redacted>", "auth_id": "<redacted>"}


@pytest.mark.parametrize("text", ["no json", '[0,"hb"]', '{"event":"info","userId":1}', "", "\ud800"])
def test_redaction_leaves_the_rest_alone(text: str) -> None:
    """Messages that are no login pass as they are."""
    assert auth.redact(text) == text
