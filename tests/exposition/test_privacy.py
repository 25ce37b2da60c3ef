"""What `hide_amounts` hides: every family has been decided on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.types import Threshold
from exporter.demo.script import SCRIPT
from exporter.exposition.catalogue import METRICS
from exporter.exposition.choices import Choices
from exporter.exposition.collector import account_samples
from exporter.exposition.privacy import AMOUNTS, HARMLESS
from tests.simulated import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN = {
    f"exchange_{name}"
    for name in (
        *("wallet_balance", "wallet_available", "wallet_staked", "wallet_unsettled_interest"),
        *("wallet_balance_minimum", "wallet_balance_maximum", "wallet_dust_value_usd"),
        *("wallet_credits_total", "wallet_debits_total"),
        *("account_assets_usd", "account_net_assets_usd", "reconcile_difference"),
        *("margin_balance_usd", "margin_net_usd", "margin_minimum_usd", "margin_needed_usd"),
        *("margin_unrealized_pnl_usd", "margin_funding_cost_usd"),
        *("margin_tradable_balance", "margin_gross_balance", "margin_buying_power", "margin_selling_power"),
        *("position_amount", "position_unrealized_pnl", "position_funding_cost"),
        *("position_collateral", "position_collateral_minimum"),
        *("open_orders_remaining", "open_orders_notional"),
        *("fill_base_volume_total", "fill_quote_volume_total", "fees_paid_total", "fee_rebates_total"),
        *("funding_provided", "funding_taken", "funding_expected_daily_interest", "funding_expiring"),
        *("funding_offered", "funding_trade_volume_total", "funding_interest_received_total"),
    )
}


def test_every_family_is_decided_on() -> None:
    """A new family is hidden until somebody lists it here or among the harmless ones; no name is stale."""
    assert AMOUNTS == HIDDEN
    assert {metric.name for metric in METRICS} >= HARMLESS


def test_what_is_hidden_has_the_shape_of_an_amount() -> None:
    """No state, count, ratio or time is hidden by mistake."""
    for name in HIDDEN:
        assert not name.endswith(("_ratio", "_timestamp_seconds", "_info"))


def shown(stage: Stage, *, hidden: bool) -> Mapping[str, Mapping[tuple[str, ...], float]]:
    """The families of the account with a sample."""
    choices = stage.watched.choices._replace(hides_amounts=hidden)
    watched = stage.watched._replace(choices=choices)
    families = account_samples(watched, stage.report(), stage.clock()).families
    return {name: samples for name, samples in families.items() if samples}


def test_nothing_but_amounts_is_left_out() -> None:
    """Of a busy account exactly the amounts vanish; all that is left has the same samples."""
    stage = Stage(script=SCRIPT)
    stage.freeze(150)
    whole, private = shown(stage, hidden=False), shown(stage, hidden=True)
    assert whole.keys() - private.keys() == whole.keys() & HIDDEN
    assert len(whole.keys() & HIDDEN) > 20
    assert all(whole[name] == private[name] for name in private)


def test_no_balance_is_readable_from_what_is_left() -> None:
    """No sample of a private account equals a balance, a size or a limit of it."""
    stage = Stage()
    stage.freeze(100)
    amounts = {
        abs(value)
        for name, samples in shown(stage, hidden=False).items()
        if name in HIDDEN
        for value in samples.values()
    }
    telling = {amount for amount in amounts if amount > 100 and not amount.is_integer()}
    assert telling
    left = {abs(value) for samples in shown(stage, hidden=True).values() for value in samples.values()}
    assert not telling & left


def test_alerts_on_balances_go_on_working() -> None:
    """Whether a limit is kept is a state, and is shown though the limit and the balance are not."""
    stage = Stage()
    limits = (Threshold("exchange", "USD", "warning", 1e9),)
    stage.watched = stage.watched._replace(choices=Choices(limits))
    stage.freeze(30)
    assert list(shown(stage, hidden=True)["exchange_wallet_balance_outside"].values()) == [1.0]
