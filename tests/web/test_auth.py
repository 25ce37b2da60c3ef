"""Basic auth and the rate limit."""

from __future__ import annotations

import base64
import threading

import bcrypt
import pytest

from exporter.web.auth import MAX_VERDICTS, MAX_WAITING, CrowdedError, Doorkeeper, TokenBucket
from exporter.web.webconfig import RateLimit

# Cost 4, the least: the tests are about the verdicts.
ALICE = bcrypt.hashpw(b"wonderland", bcrypt.gensalt(4))
USERS = {"alice": ALICE, "bobby": bcrypt.hashpw("pässwort".encode(), bcrypt.gensalt(4))}


def basic(user: str, password: str | bytes) -> str:
    """An Authorization header."""
    secret = password if isinstance(password, bytes) else password.encode()
    return "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()


class Spy:
    """A check that counts."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        """The real check, after noting the hash."""
        self.hashes.append(hashed)
        return bcrypt.checkpw(password, hashed)


@pytest.mark.parametrize(
    ("header", "admitted"),
    [
        (basic("alice", "wonderland"), True),
        (basic("alice", "wonderland").replace("Basic", "bAsIc  "), True),
        (basic("bobby", "pässwort"), True),
        (basic("alice", "wrong"), False),
        (basic("alice", ""), False),
        (basic("nobody", "wonderland"), False),
        (basic("", ""), False),
        (basic("alice", "wonderland\0and more"), False),
        (basic("alice", "w" * 73), False),
        (basic("alice", "w" * 5000), False),
        ("", False),
        ("Basic", False),
        ("Basic !!!", False),
        ("Basic YWxpY2U=", False),
        ("Basic " + base64.b64encode(b"\xff\xfe:x").decode(), False),
        ("Basic é", False),
        ("Bearer " + basic("alice", "wonderland")[6:], False),
    ],
)
def test_who_is_admitted(header: str, admitted: bool) -> None:  # noqa: FBT001 -- an expected value
    """Only a known user with the right password may in, and no header however odd is an error."""
    keeper = Doorkeeper(b"pepper")
    assert keeper.admits(USERS, header) is admitted
    assert keeper.admits(USERS, header) is admitted, "the remembered verdict is the same"


def test_without_users_nobody_is_admitted() -> None:
    """An empty list of users admits nobody here: whether auth is on is decided elsewhere."""
    assert not Doorkeeper(b"pepper").admits({}, basic("alice", "wonderland"))


def test_old_php_hashes_are_read() -> None:
    """The $2y$ that htpasswd writes is the same as $2b$."""
    users = {"alice": ALICE.replace(b"$2b$", b"$2y$")}
    assert Doorkeeper(b"pepper").admits(users, basic("alice", "wonderland"))


def test_verdicts_are_remembered_without_the_password() -> None:
    """A pair is checked once, and nothing that is kept holds the password or its plain digest."""
    spy = Spy()
    keeper = Doorkeeper(b"pepper", spy)
    for _ in range(3):
        assert keeper.admits(USERS, basic("alice", "wonderland"))
        assert not keeper.admits(USERS, basic("alice", "wrong"))
    assert len(spy.hashes) == 2
    kept = [*keeper._good, *keeper._bad]
    assert {len(each) for each in kept} == {32}
    other = Doorkeeper(b"another pepper")
    other.admits(USERS, basic("alice", "wonderland"))
    assert not set(other._good) & set(kept)


def test_a_changed_hash_forgets_the_verdict() -> None:
    """A user whose password was changed must show the new one at once."""
    keeper = Doorkeeper(b"pepper")
    assert keeper.admits(USERS, basic("alice", "wonderland"))
    changed = {"alice": bcrypt.hashpw(b"other", bcrypt.gensalt(4))}
    assert not keeper.admits(changed, basic("alice", "wonderland"))
    assert not keeper.admits({"bobby": USERS["bobby"]}, basic("alice", "wonderland"))


def test_strangers_cost_as_much_as_users() -> None:
    """For an unknown user a hash is checked too, so that time does not tell who exists."""
    spy = Spy()
    assert not Doorkeeper(b"pepper", spy).admits(USERS, basic("nobody", "x"))
    assert spy.hashes == [ALICE]


def test_guessing_does_not_push_out_the_scraper() -> None:
    """However many wrong passwords come, memory is bounded and the right one stays remembered."""
    keeper = Doorkeeper(b"pepper", lambda password, _: password == b"right")
    assert keeper.admits(USERS, basic("alice", "right"))
    for number in range(3 * MAX_VERDICTS):
        assert not keeper.admits(USERS, basic("alice", f"wrong {number}"))
    assert len(keeper._bad) == MAX_VERDICTS
    assert len(keeper._good) == 1


def test_one_check_at_a_time_and_a_short_queue() -> None:
    """One password is checked at a time, few wait, the rest are turned away; the known one passes."""
    inside, leave = threading.Semaphore(0), threading.Event()
    running: list[int] = []
    most = [0]

    def check(password: bytes, hashed: bytes) -> bool:
        if password == b"right":
            return True
        running.append(1)
        most[0] = max(most[0], len(running))
        inside.release()
        leave.wait(20)
        running.pop()
        return False

    keeper = Doorkeeper(b"pepper", check)
    assert keeper.admits(USERS, basic("alice", "right"))
    crowded = threading.Semaphore(0)

    def guess(number: int) -> None:
        try:
            keeper.admits(USERS, basic("alice", f"wrong {number}"))
        except CrowdedError:
            crowded.release()

    guesses = [threading.Thread(target=guess, args=(number,)) for number in range(MAX_WAITING + 3)]
    for each in guesses:
        each.start()
    assert inside.acquire(timeout=20)
    for _ in range(3):
        assert crowded.acquire(timeout=20)
    assert keeper.admits(USERS, basic("alice", "right"))
    leave.set()
    for each in guesses:
        each.join()
    assert most == [1]


def test_token_bucket() -> None:
    """A burst passes at once, then one request per interval; idle time earns no more than the burst."""
    bucket = TokenBucket(RateLimit(interval=2.0, burst=3), now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(1.9), bucket.take(2.0), bucket.take(2.1)] == [False, True, False]
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(900.0) is False
