"""An exchange that nobody thought of goes all the way to the page, by one folder and one line."""

from __future__ import annotations

import pytest

from exporter import exchanges
from exporter.commands import replay
from exporter.exchanges.spec import ExchangeSpec
from exporter.follow import offers
from tests.exchanges.acme import SPEC


@pytest.fixture(name="known", autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    known: dict[str, ExchangeSpec] = {**exchanges.KNOWN, SPEC.name: SPEC}
    monkeypatch.setattr("exporter.commands.replay.KNOWN", known)
    monkeypatch.setattr("exporter.follow.KNOWN", known)


def test_its_recording_is_shown(capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> None:
    """Its messages make the same metrics as any other's."""
    path = request.config.rootpath / "tests/fixtures/acme/session.jsonl"
    assert replay.replay(str(path), "acme", "main", "text") == 0
    page = capfd.readouterr().out

    assert 'exchange_stream_up{account="main",exchange="acme",stream="vault"} 1.0' in page
    where = 'account="main",currency="BTC",exchange="acme",wallet="vault"'
    assert f"exchange_wallet_balance{{{where}}} 2.25" in page


def test_it_can_be_configured() -> None:
    """The configuration knows it without another word."""
    assert offers()["acme"].feeds == ("wallets",)
