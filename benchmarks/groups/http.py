"""Requests a second for a page of 1,000 series, keep-alive, without changes between them."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from typing import Final

from benchmarks.programs import WORK, c, need, ours
from benchmarks.runner import Case, WrongError, run
from benchmarks.served import Served, login, serving, started
from benchmarks.setting import Setting
from benchmarks.stats import Measured, Outcome

SERIES: Final = 1_000
CONNECTIONS: Final = (1, 4)
CONNECTIONS_QUICK: Final = (1,)
SECONDS, SECONDS_QUICK = 2, 1


def requests(setting: Setting) -> Outcome:
    """The whole process, a C server with the finished answer, and prometheus_client's server."""
    prepared = login(setting, SERIES)
    asked = partial(_asked, setting)
    body = WORK / "body-1000"
    page = str(WORK / "page-http")
    run(ours("state", "page", SERIES, page))

    def ours_served() -> Measured:
        with serving(prepared, 1) as process:
            return asked(process)

    def limit() -> Measured:
        if not body.exists():
            with serving(prepared, 1) as process:
                body.write_bytes(process.fetch())
        with started([c("http"), str(body)]) as process:
            if process.fetch() != body.read_bytes():
                raise WrongError("the C server sends another body")
            return asked(process)

    def library() -> Measured:
        with started(ours("peers.promclient", "serve", page)) as process:
            return asked(process)

    cases: dict[str, Case] = {"ours": ours_served, "C": limit, "children": library}
    return setting.measure(cases)


def _asked(setting: Setting, process: Served) -> Measured:
    told: dict[str, float] = {"bytes": len(process.fetch())}
    for connections in CONNECTIONS_QUICK if setting.quick else CONNECTIONS:
        seconds = SECONDS_QUICK if setting.quick else SECONDS
        threads = ["-t1", f"-c{connections}", f"-d{seconds}s"]
        done = subprocess.run(
            [need("wrk"), *threads, process.url], capture_output=True, text=True, timeout=60, check=True
        )
        # One socket that is closed at the end counts as no error; an answer that is no page does.
        if "Non-2xx" in done.stdout or "Requests/sec" not in done.stdout:
            raise WrongError(f"wrk: {' '.join(done.stdout.split())}")
        told[f"rate {connections}"] = float(re.findall(r"Requests/sec:\s+([\d.]+)", done.stdout)[0])
    return told
