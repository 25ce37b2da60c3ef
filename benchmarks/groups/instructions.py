"""Instructions of the two hot loops, by callgrind: user space only, and blind to the neighbours here.

Each figure is a difference of two runs, in which start-up and everything else cancels out.
"""

from __future__ import annotations

import re
import subprocess
from functools import partial
from typing import Final

from benchmarks.groups.receive import frames
from benchmarks.programs import ROOT, need, ours
from benchmarks.runner import SHOWN, WrongError, answer, environment, exchange
from benchmarks.setting import Setting
from benchmarks.stats import Measured, Outcome

FRAMES: Final = 10_000
SHORT: Final = 2_000
SERIES: Final = 2_000
FEW, MANY = 20, 60
"""Scrapes of the two runs: also the few see the interpreter at its usual speed."""
LONG: Final = 300.0


def received(setting: Setting) -> Outcome:
    """Instructions for one queued frame."""

    def once() -> Measured:
        counts = []
        for count in (SHORT, FRAMES):
            prepared = setting.payload(f"counted-{count}", partial(frames, count))
            with exchange(prepared.file) as sender:
                found, instructions = counted(ours("ours", "receive", sender.url, count, 0))
            prepared.check(found)
            counts.append(instructions)
        return {"instructions": (counts[1] - counts[0]) / (FRAMES - SHORT)}

    return setting.measure({"ours": once}, rounds=1)


def scraped(setting: Setting) -> Outcome:
    """Instructions for one series of a scrape after 1 % of them changed, without the changes."""

    def once() -> Measured:
        _, few = counted(ours("state", "churn", SERIES, FEW))
        found, many = counted(ours("state", "churn", SERIES, MANY))
        return {"instructions": (many - few) / (MANY - FEW) / float(found["series"])}

    return setting.measure({"ours": once}, rounds=1)


def counted(command: list[str]) -> tuple[dict[str, float | str], int]:
    """What a program told, and the instructions that it took. Raises MissingError, WrongError."""
    valgrind = [need("valgrind"), "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(
        [*valgrind, *command],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    total = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or total is None:
        raise WrongError(f"exit code {done.returncode}: {done.stderr[-SHOWN:]}")
    return answer(done.stdout), int(total[1])
