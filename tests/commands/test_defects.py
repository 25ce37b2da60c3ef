"""Defects of the exporter that a demo can be asked to have."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import pytest

from exporter.commands.defects import DIES, UNSHOWN, Defects
from exporter.config.types import StreamSettings
from exporter.demo.accounts import ACCOUNTS
from exporter.follow import Workshop
from exporter.stream.means import Link
from exporter.stream.messages import Received
from exporter.stream.transport import Abort

if TYPE_CHECKING:
    from tests.commands.conftest import Process

SHOWN: Final = "exchange_exporter_collect_success"


class Silence:
    """A link on which nothing is said."""

    def receive(self, timeout: float) -> Received:
        """Nothing came."""

    def send(self, text: str) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing to close."""


def test_a_thread_dies_at_its_second_connection_and_only_there() -> None:
    """Of what a session would survive nothing is raised."""

    def connect(url: str, headers: Mapping[str, str], *, abort: Abort) -> Link:
        return Silence()

    dying = Defects(("session",)).dying(connect)
    dying("ws://x", {}, abort=Abort())
    with pytest.raises(SystemExit):
        dying("ws://x", {}, abort=Abort())
    assert isinstance(dying("ws://x", {}, abort=Abort()), Silence)
    assert Defects(("account",)).dying(connect) is connect


def test_nothing_is_wrong_before_it_begins() -> None:
    """And then only what was asked for."""
    defects = Defects(("account",))
    assert not defects.has_begun("account")
    defects.begin()
    assert defects.has_begun("account")
    assert not defects.has_begun("process")


def test_the_accounts_that_defects_are_about_are_there() -> None:
    """By their names, lest an incident does nothing."""
    assert {UNSHOWN, DIES} <= {account.name for account in ACCOUNTS}


def test_without_defects_the_workshop_is_that_of_a_real_process() -> None:
    """The usual demo is the program itself, with nothing wrapped around any part."""
    assert type(Defects(()).equip(StreamSettings())) is Workshop


def test_an_account_that_cannot_be_shown_takes_no_other_along(launch: Callable[..., Process]) -> None:
    """It is told, with its trace in the log, and the landing page stays."""
    exporter = launch("demo", "--incident=account-unshown", "--demo.speed=20")
    exporter.await_lines(f'{SHOWN}{{account="{UNSHOWN}",exchange="bitopro"}} 1.0')
    page = exporter.await_lines(f'{SHOWN}{{account="{UNSHOWN}",exchange="bitopro"}} 0.0')
    assert f'{SHOWN}{{account="{DIES}",exchange="bitfinex"}} 1.0' in page
    assert f'exchange_stream_up{{account="{UNSHOWN}"' not in page
    assert UNSHOWN in exporter.get("/")
    assert exporter.end(signal.SIGTERM) == 0
    assert "made up by the incident" in exporter.log


def test_an_exporter_that_ends_does_so_cleanly(launch: Callable[..., Process]) -> None:
    """As after SIGTERM."""
    exporter = launch("demo", "--incident=exporter-ends", "--demo.speed=20")
    assert exporter.popen.wait(timeout=30.0) == 0
    assert "Traceback" not in exporter.log
