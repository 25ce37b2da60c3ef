"""Rounds, programs and what they must prove."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import consumer, runner
from benchmarks.frames import Payload
from benchmarks.programs import MissingError

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.stats import Measured


ORDER = random.Random(1)  # noqa: S311 - an order of runs is no secret


def test_each_round_runs_every_case_once() -> None:
    """Cases take turns in an order that a seed decides, and no round begins before the last one is over."""
    said: list[str] = []

    def case(name: str) -> Measured:
        said.append(name)
        return {"rate": float(len(said))}

    outcome = runner.measure({name: lambda name=name: case(name) for name in "abc"}, 4, ORDER)  # type: ignore[misc] # mypy knows no default of a lambda

    rounds = [sorted(said[at : at + 3]) for at in range(0, 12, 3)]
    assert rounds == [["a", "b", "c"]] * 4
    assert [len(runs) for runs in outcome.runs.values()] == [4, 4, 4]


def test_who_is_missing_or_fails_is_asked_no_more() -> None:
    """One peer that is not there or breaks takes no other with it, and is told with its reason."""
    calls: list[str] = []

    def missing() -> Measured:
        calls.append("missing")
        raise MissingError("gcc is not installed")

    def wrong() -> Measured:
        calls.append("wrong")
        raise runner.WrongError("received 3, sent 4")

    outcome = runner.measure({"ours": lambda: {"rate": 1.0}, "missing": missing, "wrong": wrong}, 3, ORDER)

    assert sorted(calls) == ["missing", "wrong"]
    assert outcome.missing == {"missing": "gcc is not installed"}
    assert outcome.failed == {"wrong": "received 3, sent 4"}
    assert len(outcome.runs["ours"]) == 3


def test_the_result_of_a_program_is_its_last_line() -> None:
    """What a library prints before the result is no part of it."""
    told = runner.run([sys.executable, "-c", 'print(\'hello\'); print(\'{"rate": 2, "digest": "x"}\')'])

    assert told == {"rate": 2, "digest": "x"}
    assert runner.numbers(told) == {"rate": 2.0}


@pytest.mark.parametrize("program", ["print('no result')", "raise SystemExit('broken')", "pass"])
def test_a_program_without_a_result_is_wrong(program: str) -> None:
    """Neither an exit code nor words pass for a measurement."""
    with pytest.raises(runner.WrongError):
        runner.run([sys.executable, "-c", program])


def test_a_receiver_must_have_got_exactly_what_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages, bytes and, where it was asked for, the digest must all agree."""
    monkeypatch.setattr(runner, "WORK", tmp_path)
    prepared = runner.Prepared("two", Payload([b"login", b"one", b"two"], prologue=1))
    good: dict[str, float | str] = {"messages": 2, "bytes": 6, "digest": prepared.digest}

    prepared.check(good, digest=True)
    prepared.check({"messages": 6, "bytes": 18}, repeat=3)
    for name, value in (("messages", 1), ("bytes", 5), ("digest", "other")):
        with pytest.raises(runner.WrongError, match=f"received {name} {value}"):
            prepared.check({**good, name: value}, digest=True)
    assert prepared.file.read_bytes() == b"\x81\x05login\x81\x03one\x81\x03two"
    assert prepared.prologue == 7


def test_a_page_is_known_by_its_samples() -> None:
    """Order does not matter, nor whether a whole number is written with a fraction, as Go does not."""
    assert consumer.digest(["a 1.0", "b 2"]) == consumer.digest(["b 2.0", "a 1"])
    assert consumer.digest(["a 1.0"]) != consumer.digest(["a 1.5"])
