"""Sequence numbers: a real loss is found, the known false alarms are not."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.exchanges.bitfinex.audit import SequenceAudit, Trailers, trailers

TS = 1700000015000
SENT = 1700000015.0


@pytest.mark.parametrize(
    ("frame", "heartbeat", "expected"),
    [
        ([0, "wu", []], False, Trailers(None, None, None)),
        ([0, "wu", [], 5, 2], False, Trailers(5, 2, None)),
        ([0, "wu", [], 5, 2, TS], False, Trailers(5, 2, SENT)),
        ([0, "wu", [], TS], False, Trailers(None, None, SENT)),
        ([0, "hb"], True, Trailers(None, None, None)),
        ([0, "hb", 181], True, Trailers(181, None, None)),
        ([0, "hb", 181, TS], True, Trailers(181, None, SENT)),
        ([0, "hb", TS], True, Trailers(None, None, SENT)),
        ([0, "n", [], 7], False, Trailers(7, None, None)),
        ([0, "n", [], 7, TS], False, Trailers(7, None, SENT)),
        ([0, "wu", [], 5, 2, TS, 9, {"later": 1}], False, Trailers(5, 2, SENT)),
        ([0, "wu", [], True, "5", None, 1.5], False, Trailers(None, None, None)),
    ],
)
def test_trailers_of_every_layout(frame: list[Any], heartbeat: bool, expected: Trailers) -> None:  # noqa: FBT001 - a column
    """Numbers and time are found behind the payload whichever flags are in force, and whatever follows."""
    assert trailers(frame, heartbeat=heartbeat) == expected


def audited(*found: tuple[int | None, int | None]) -> list[str | None]:
    """The verdicts on plain frames with these public and account numbers."""
    audit = SequenceAudit()
    return [audit.check(Trailers(public, account, None), notification=False) for public, account in found]


def test_every_frame_counts_one() -> None:
    """The public number goes up by one with each frame, from wherever it begins."""
    assert audited((7, 0), (8, 0), (9, None), (10, 1)) == [None] * 4


@pytest.mark.parametrize("second", [7, 6, 9, 100, 1])
def test_public_number_that_is_not_the_next_is_a_gap(second: int) -> None:
    """A public number that is skipped, repeated or smaller means that frames were lost."""
    assert audited((7, None), (second, None)) == [None, "public"]


def test_gap_is_told_once() -> None:
    """After a gap the count goes on from there."""
    assert audited((1, 0), (3, 0), (4, 0)) == [None, "public", None]


def test_account_number_may_stand_still() -> None:
    """An account number that does not advance is fine: it was a known false alarm."""
    assert audited((1, 4), (2, 4), (3, 5), (4, 5)) == [None] * 4


def test_account_number_starts_after_the_first_sync() -> None:
    """The account number is 0 until the first sync has finished, and may begin anywhere then."""
    assert audited((1, 0), (2, 0), (3, 31), (4, 32)) == [None] * 4


@pytest.mark.parametrize("second", [3, 6, 40, 0])
def test_account_number_that_jumps_or_falls_is_a_gap(second: int) -> None:
    """An account number that jumps or falls means that changes of the account were lost."""
    assert audited((1, 4), (2, second)) == [None, "account"]


def test_both_gaps_are_one() -> None:
    """A frame at which both numbers jump is one gap, told as the public one."""
    assert audited((1, 4), (9, 9)) == [None, "public"]


def test_frames_without_numbers_say_nothing() -> None:
    """Frames without trailers are no gap, and do not disturb the numbers before and after."""
    assert audited((1, 4), (None, None), (2, 5)) == [None] * 3


def test_notification_does_not_move_the_account_number() -> None:
    """A notification carries an account number that is not looked at; its public one is."""
    audit = SequenceAudit()
    assert audit.check(Trailers(1, 4, None), notification=False) is None
    assert audit.check(Trailers(2, 99, None), notification=True) is None
    assert audit.check(Trailers(3, 5, None), notification=False) is None
    assert audit.check(Trailers(5, 5, None), notification=True) == "public"


@pytest.mark.parametrize("step", [1, 2, 3])
def test_skipped_frames_may_or_may_not_have_counted(step: int) -> None:
    """After two frames whose numbers say nothing the next number may be any of three."""
    audit = SequenceAudit()
    audit.check(Trailers(10, None, None), notification=False)
    audit.skip()
    audit.skip()
    assert audit.check(Trailers(10 + step, None, None), notification=False) is None
    assert audit.check(Trailers(12 + step, None, None), notification=False) == "public"


@pytest.mark.parametrize("step", [0, 3])
def test_skipping_hides_no_more_than_was_skipped(step: int) -> None:
    """One frame whose number says nothing explains one number, no more, and none that falls."""
    audit = SequenceAudit()
    audit.check(Trailers(10, None, None), notification=False)
    audit.skip()
    assert audit.check(Trailers(10 + step, None, None), notification=False) == "public"


@pytest.mark.parametrize(
    ("public", "account", "verdict"),
    [(11, 4, True), (11, 5, True), (11, 6, False), (11, 3, False), (12, 5, False), (10, 4, False)],
)
def test_plainly_next(public: int, account: int, verdict: bool) -> None:  # noqa: FBT001 - a column
    """The next frame has a public number of one more, and an account number of no more than one more."""
    audit, other = SequenceAudit(), SequenceAudit()
    for each in (audit, other):
        each.check(Trailers(10, 4, None), notification=False)
    assert audit.follows(public, account) is verdict
    if verdict:
        assert other.check(Trailers(public, account, None), notification=False) is None
    assert vars(audit) == vars(other)


def test_nothing_follows_nothing() -> None:
    """Before the first number no frame is plainly the next."""
    assert not SequenceAudit().follows(1, 0)
