"""Runs cases side by side: each in its own process, all once a round, in random order."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from benchmarks.frames import Payload, framed
from benchmarks.programs import ROOT, WORK, MissingError, c, certificate
from benchmarks.stats import Measured, Outcome

RUN_SECONDS: Final = 120.0
"""Longest time for one run of one case."""
SHOWN: Final = 300
Case = Callable[[], Measured]


class WrongError(Exception):
    """A run ended badly, or what it received is not what was sent."""


def measure(cases: Mapping[str, Case], rounds: int, order: random.Random) -> Outcome:
    """Run every case once a round. A case that fails is out: a half-measured peer says nothing."""
    outcome = Outcome(runs={name: [] for name in cases})
    for number in range(rounds):
        left = [name for name in cases if name not in outcome.missing and name not in outcome.failed]
        order.shuffle(left)
        for name in left:
            _tell(f"  round {number + 1}/{rounds} {name}")
            try:
                outcome.runs[name].append(cases[name]())
            except MissingError as error:
                outcome.missing[name] = str(error)
            except (WrongError, subprocess.SubprocessError, OSError) as error:
                outcome.failed[name] = str(error)[:SHOWN]
    return outcome


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def run(command: Sequence[str], *, timeout: float = RUN_SECONDS) -> dict[str, float | str]:
    """Run a program to its end; gives the JSON object on its last line. Raises WrongError."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WrongError(f"not done after {timeout:g} s") from error
    if done.returncode:
        raise WrongError(f"exit code {done.returncode}: {' '.join(done.stderr.split())[-SHOWN:]}")
    return answer(done.stdout)


def answer(output: str) -> dict[str, float | str]:
    """The JSON object on the last line of a program's output. Raises WrongError."""
    try:
        found = json.loads(output.splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise WrongError(f"no result in {output[-SHOWN:]!r}") from error
    if not isinstance(found, dict):
        raise WrongError(f"no result in {output[-SHOWN:]!r}")
    return found


def environment() -> dict[str, str]:
    """What every program runs with: the same hashes each time, nothing of a proxy, compiled modules."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    # Users run an installed package, which has them: with this set, a fresh clone never would.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def numbers(found: Mapping[str, float | str]) -> dict[str, float]:
    """The figures among what a program told."""
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


class Exchange:
    """A running sender of prepared frames."""

    def __init__(self, process: subprocess.Popen[str], scheme: str) -> None:
        self._process = process
        self._told: IO[str] = process.stdout or sys.stdin
        self.port = int(self.told("port"))
        self.url = f"{scheme}://127.0.0.1:{self.port}/"

    def told(self, word: str) -> str:
        """What the program says next, which must begin with `word`. Raises WrongError."""
        line = self._told.readline().split()
        if line[:1] != [word]:
            raise WrongError(f"the sender said {line} where {word} was expected")
        return line[1]


@contextlib.contextmanager
def exchange(
    file: Path, *, prologue: int = 0, repeat: int = 1, rate: float = 0.0, tls: bool = False
) -> Iterator[Exchange]:
    """An exchange that sends the frames of a file; `prologue` is in bytes. Raises MissingError."""
    command = [c("sender", tls=tls), str(file), str(prologue), str(repeat), f"{rate:g}"]
    if tls:
        command += certificate()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Exchange(process, "wss" if tls else "ws")
        finally:
            process.terminate()


class Prepared:
    """A payload as a file of frames, and what a receiver of it must report."""

    def __init__(self, name: str, payload: Payload) -> None:
        WORK.mkdir(exist_ok=True)
        self.count = len(payload.said)
        self.size = payload.size
        self.digest = payload.digest
        login = framed(payload.messages[: payload.prologue])
        self.prologue = len(login)
        self.file = WORK / f"{name}.frames"
        with tempfile.NamedTemporaryFile(dir=WORK, delete=False) as made:
            made.write(login + framed(payload.said))
        Path(made.name).replace(self.file)

    def check(self, found: Mapping[str, float | str], *, repeat: int = 1, digest: bool = False) -> None:
        """Raises WrongError where a receiver did not get exactly what was sent."""
        wanted: dict[str, float | str] = {"messages": self.count * repeat, "bytes": self.size * repeat}
        if digest:
            wanted["digest"] = self.digest
        for name, value in wanted.items():
            if found.get(name) != value:
                raise WrongError(f"received {name} {found.get(name)}, sent {value}")


def wait_until(holds: Callable[[], bool], *, what: str, seconds: float = 60.0, every: float = 0.02) -> None:
    """Look again and again until something holds. Raises WrongError."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise WrongError(f"not within {seconds:g} s: {what}")
        time.sleep(every)
