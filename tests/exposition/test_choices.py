"""What a configuration chooses of how an account is shown."""

from __future__ import annotations

from exporter.config.secret import Secret
from exporter.config.types import Account, Endpoints, Include, Privacy, Threshold
from exporter.exposition.choices import Choices


def test_every_choice_comes_from_the_account() -> None:
    """Thresholds, margin level, dust and privacy reach the exposition."""
    limit = Threshold("exchange", "BTC", "warning", 1.0)
    account = Account(
        "main",
        "bitfinex",
        Secret("k"),
        Secret("s"),
        Endpoints("", "", ""),
        (),
        include=Include(dust=2.0),
        margin_level=1.5,
        thresholds=(limit,),
        privacy=Privacy(hide_amounts=True),
    )
    assert Choices.of(account) == Choices((limit,), 1.5, 2.0, hides_amounts=True)
