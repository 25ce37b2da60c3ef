"""Proving who we are to BitoPro, and what its refusals mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from itertools import count

import pytest

from exporter.exchanges.base import Login, Retry, Tell
from exporter.exchanges.bitopro import auth

SECRET = "TEST_SECRET"
VECTORS = (
    (
        "eyJpZGVudGl0eSI6InRyYWRlckBleGFtcGxlLmNvbSIsIm5vbmNlIjoxNzAwMDAwMDAwMDAwfQ==",
        "902c60c3900aacd2d24187f23c61794b249c178c7a0d21dcf0b1016d00fc9f6df37ac7fe297c0a6ea82712005ff82481",
    ),
    (
        "eyJpZGVudGl0eSI6ICJ0cmFkZXJAZXhhbXBsZS5jb20iLCAibm9uY2UiOiAxNzAwMDAwMDAwMDAwfQ==",
        "e80e45c287a9282409885eae730de032e97a34e5cd35774af73e7299374a3dd9784228ab9cbe49e204b9f40ee3519202",
    ),
)


def sign(payload: bytes) -> str:
    """Signs as the composition root does."""
    return hmac.new(SECRET.encode(), payload, hashlib.sha384).hexdigest()


def login() -> Login:
    """A login whose nonces begin at that of the vectors."""
    return Login("key-1", sign, count(1_700_000_000_000).__next__, "trader@example.com")


def test_headers_equal_the_vector_of_compact_json() -> None:
    """Payload and signature of the first attempt are those of vector A."""
    payload, signature = VECTORS[0]
    assert dict(auth.headers(login())) == {
        "X-BITOPRO-APIKEY": "key-1",
        "X-BITOPRO-PAYLOAD": payload,
        "X-BITOPRO-SIGNATURE": signature,
    }


@pytest.mark.parametrize(("payload", "signature"), VECTORS)
def test_what_is_signed_is_the_text(payload: str, signature: str) -> None:
    """Both vectors, which differ by spaces only, have the signature of their own base64 text."""
    assert sign(payload.encode()) == signature
    assert json.loads(base64.b64decode(payload))["identity"] == "trader@example.com"


def test_every_attempt_has_a_nonce_of_its_own() -> None:
    """Two sets of headers made in the same millisecond differ in payload and signature."""
    who = login()
    first, second = auth.headers(who), auth.headers(who)
    assert first["X-BITOPRO-PAYLOAD"] != second["X-BITOPRO-PAYLOAD"]
    assert first["X-BITOPRO-SIGNATURE"] != second["X-BITOPRO-SIGNATURE"]


def test_the_payload_is_standard_base64_with_padding() -> None:
    """An address that gives a plus or a slash is written in the standard alphabet, and padded."""
    who = Login("k", sign, lambda: 1, "~~~???>>>@example.com")
    payload = auth.headers(who)["X-BITOPRO-PAYLOAD"]
    assert set(payload) & set("+/")
    assert base64.b64decode(payload, validate=True)
    assert len(payload) % 4 == 0


def test_headers_show_nothing_when_printed() -> None:
    """Printing the headers shows their names only."""
    shown = repr(auth.headers(login()))
    assert shown == "Credentials(X-BITOPRO-APIKEY, X-BITOPRO-PAYLOAD, X-BITOPRO-SIGNATURE)"


@pytest.mark.parametrize(
    ("status", "reason", "retry", "after", "sentence"),
    [
        (401, "refused", Retry.CREDENTIALS, 0.0, "login failed: key or signature not accepted (HTTP 401)"),
        (403, "refused", Retry.CREDENTIALS, 0.0, "login failed: the key may not read this (HTTP 403)"),
        (
            *(404, "refused", Retry.CREDENTIALS, 0.0),
            "login failed: no such path (HTTP 404); the known address is stream.bitopro.com, port 443",
        ),
        (
            *(409, "refused", Retry.LATER, 5.0),
            (
                "login failed: clock or repeated nonce (HTTP 409); "
                "compare this machine's clock with the true time"
            ),
        ),
        (
            *(429, "rate_limit", Retry.LATER, 60.0),
            "the venue answered the connection with HTTP 429: too many connections",
        ),
        (500, "remote_close", Retry.SOON, 0.0, "the venue answered the connection with HTTP 500"),
        (503, "remote_close", Retry.SOON, 0.0, "the venue answered the connection with HTTP 503"),
        (422, "remote_close", Retry.LATER, 60.0, "the venue answered the connection with HTTP 422"),
    ],
)
def test_each_status_has_its_own_schedule_and_sentence(
    status: int, reason: str, retry: Retry, after: float, sentence: str
) -> None:
    """A bad key, a wrong clock, a rate limit and a broken server are told apart."""
    assert auth.rejection(status) == (reason, retry, sentence, after)


def test_a_close_without_a_word_may_be_a_refusal() -> None:
    """It counts as a refusal that a new try may heal, until there was a row of them."""
    told, drop = auth.ended_early()
    assert isinstance(told, Tell)
    assert told.event[0] == "closed"
    assert drop[:2] == ("refused", Retry.LATER)


@pytest.mark.parametrize(
    ("text", "retry", "sentence"),
    [
        (
            "Invalid Signature",
            Retry.CREDENTIALS,
            "login failed: the venue sent an error: signature not accepted",
        ),
        ("time mismatch", Retry.LATER, "login failed: the venue sent an error: clock not accepted"),
        ("old nonce", Retry.LATER, "login failed: the venue sent an error: nonce not accepted"),
        ("Too Many Requests", Retry.LATER, "the venue sent an error: too many requests"),
        ("key-1 of x@y.z", Retry.CREDENTIALS, "login failed: the venue sent an error: of an unknown kind"),
        ({"code": 1}, Retry.CREDENTIALS, "login failed: the venue sent an error: of an unknown kind"),
    ],
)
def test_error_texts_are_told_in_our_words(text: object, retry: Retry, sentence: str) -> None:
    """The venue's own words go nowhere, since they may repeat what must not be printed."""
    drop = auth.error_drop(text, accepted=False)
    assert (drop.retry, drop.sentence) == (retry, sentence)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            '{"event":"X","data":{"identity":"a@b.c","n":1}}',
            '{"event":"X","data":{"identity":"<redacted>","n":1}}',
        ),
        ('{"email":"a@b.c"}', '{"email":"<redacted>"}'),
        ('{"event": "X"}', '{"event": "X"}'),
        ("[1]", "[1]"),
        ("{", "{"),
    ],
)
def test_recordings_name_nobody(text: str, redacted: str) -> None:
    """Fields that name the user are blanked; everything else stays byte for byte."""
    assert auth.redact(text) == redacted
