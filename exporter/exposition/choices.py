"""What a configuration chooses of how an account is shown, beyond which currencies and symbols."""

from __future__ import annotations

from typing import NamedTuple

from exporter.config.types import Account, Threshold


class Choices(NamedTuple):
    """None of these needs another login: a reload changes them in place."""

    thresholds: tuple[Threshold, ...] = ()
    margin_level: float | None = None
    """Net over required margin that the account should keep."""
    dust: float = 0.0
    """Wallets worth less than so many US dollars share one series; 0 for none."""
    hides_amounts: bool = False

    @classmethod
    def of(cls, account: Account) -> Choices:
        """The choices in an account's part of the configuration."""
        return cls(
            account.thresholds, account.margin_level, account.include.dust, account.privacy.hide_amounts
        )
