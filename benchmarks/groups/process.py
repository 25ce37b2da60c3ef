"""The process as a whole: its memory, its size, how fast it starts."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks.programs import ROOT, WORK, ours
from benchmarks.runner import Case, WrongError, environment, exchange, numbers, run, wait_until
from benchmarks.served import login, serving
from benchmarks.setting import Setting
from benchmarks.stats import Measured, Outcome

SERIES: Final = 100_000
ACCOUNTS: Final = (1, 10, 200)
ACCOUNTS_QUICK: Final = (10,)
SETTLE: Final = 1.0
CONFIG: Final = """\
accounts:
  - name: bench
    exchange: bitfinex
    api_key: ${{BENCH_KEY}}
    api_secret: ${{BENCH_KEY}}
    endpoints: {{stream: "{url}", rest: "http://127.0.0.1:9", public: "http://127.0.0.1:9"}}
"""


def memory(setting: Setting) -> Outcome:
    """Account states and their page, against children of prometheus_client with the same page."""
    page = str(WORK / f"page-{SERIES}")
    run(ours("state", "page", SERIES, page))
    cases: dict[str, Case] = {
        "ours": lambda: numbers(run(ours("state", "size", SERIES, 0))),
        "children": lambda: numbers(run(ours("peers.promclient", "size", page))),
    }
    return setting.measure(cases, rounds=3)


def size(setting: Setting) -> Outcome:
    """The whole process with small accounts, all streams up and scraped a few times."""
    # About the least that an account shows: its health, and a wallet with two positions.
    prepared = login(setting, 1)

    def once() -> Measured:
        told: dict[str, float] = {}
        for accounts in ACCOUNTS_QUICK if setting.quick else ACCOUNTS:
            with serving(prepared, accounts) as process:
                time.sleep(SETTLE)
                page = process.fetch()
                told[f"{accounts} accounts"] = resident(process.process.pid)
                told[f"{accounts} series"] = sum(not line.startswith(b"#") for line in page.splitlines())
        return told

    return setting.measure({"ours": once}, rounds=1 if setting.quick else 3)


def start(setting: Setting) -> Outcome:
    """`exchange-exporter run` from its command line on: to the listening socket, to the first value."""
    prepared = login(setting, 1)

    def once() -> Measured:
        with exchange(prepared.file, prologue=prepared.prologue, repeat=0) as sender:
            config = WORK / "config.yaml"
            config.write_text(CONFIG.format(url=sender.url))
            return _started([f"--config.file={config}"])

    def python() -> Measured:
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", ""], check=True, env=environment())
        return {"python": (time.monotonic() - began) * 1e3, "listening": (time.monotonic() - began) * 1e3}

    return setting.measure({"ours": once, "python": python})


def _started(flags: list[str]) -> Measured:
    port = _free_port()
    command = [sys.executable, "-m", "exporter", "run", *flags, f"--web.listen-address=127.0.0.1:{port}"]
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env={**environment(), "BENCH_KEY": "k" * 40}, stderr=subprocess.DEVNULL
    ) as process:
        try:
            told: dict[str, float] = {}

            def page() -> bytes:
                if process.poll() is not None:
                    raise WrongError(f"the process ended with {process.returncode}")
                return _page(port)

            wait_until(lambda: _listens(port), what="it listens", every=0.001)
            told["listening"] = (time.monotonic() - began) * 1e3
            wait_until(lambda: b"exchange_wallet_balance{" in page(), what="it shows a value", every=0.001)
            told["value"] = (time.monotonic() - began) * 1e3
            told["size"] = resident(process.pid)
            return told
        finally:
            process.terminate()


def resident(pid: int) -> float:
    """The resident size of a process, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _page(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10.0) as link:
        link.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        pieces = []
        while piece := link.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
