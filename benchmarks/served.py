"""The project's process at the bench's exchange, asked over HTTP like by a scraper."""

from __future__ import annotations

import contextlib
import http.client
import re
import subprocess
from collections.abc import Iterator
from typing import IO, Final

from benchmarks.frames import Payload
from benchmarks.holdings import Holdings
from benchmarks.programs import ROOT, ours
from benchmarks.runner import Prepared, WrongError, environment, exchange, wait_until
from benchmarks.setting import Setting

PATIENCE: Final = 60.0
UP: Final = re.compile(rb"^exchange_stream_up\{[^}]*\} 1(\.0)?$", re.MULTILINE)


class Served:
    """A running process that serves; `asked` keeps one connection open, as a scraper does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.port = said(process.stdout, "port")
        self.url = f"http://127.0.0.1:{self.port}/metrics"
        self._asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def fetch(self) -> bytes:
        """One scrape. Raises WrongError when it is not answered with a page."""
        self._asked.request("GET", "/metrics")
        answer = self._asked.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise WrongError(f"/metrics answered with {answer.status}")
        return body

    def wait_for(self, accounts: int) -> None:
        """Until the streams of so many accounts are up. Raises WrongError."""
        wait_until(lambda: len(UP.findall(self.fetch())) >= accounts, what="all streams are up")


def said(output: IO[str] | None, word: str) -> int:
    """The number that a program says after a word. Raises WrongError."""
    line = output.readline().split() if output else []
    if line[:1] != [word]:
        raise WrongError(f"a program said {line} where {word} was expected")
    return int(line[1])


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[Served]:
    """A program that says its port and serves until its input ends."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Served(process)
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(10.0)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def serving(login: Prepared, accounts: int, *live: str) -> Iterator[Served]:
    """The project's process with accounts that have what a login brings, all of them up."""
    with (
        exchange(login.file, prologue=login.prologue, repeat=0) as sender,
        started(ours("app", sender.url, accounts, *live)) as process,
    ):
        process.wait_for(accounts + len(live[::2]))
        yield process


def login(setting: Setting, series: int) -> Prepared:
    """What an exchange says at the login to an account of so many series."""
    messages = Holdings(1, series).login()
    return setting.payload(f"login-{series}", lambda: Payload(messages, len(messages)))
