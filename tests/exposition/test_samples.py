"""The one way to add a sample, and what is selected."""

from __future__ import annotations

import pytest

from exporter.exposition.samples import Samples, Selection


def test_a_sample_has_the_labels_of_the_catalogue() -> None:
    """The prefix stands first, and values become floats."""
    samples = Samples("bitfinex", "main")
    samples.add("exchange_stream_up", True, "account")
    assert samples.families == {"exchange_stream_up": {("bitfinex", "main", "account"): 1.0}}


def test_unknown_leaves_no_trace() -> None:
    """None adds no sample and not even the family."""
    samples = Samples("bitfinex", "main")
    samples.add("exchange_wallet_available", None, "exchange", "USD")
    assert samples.families == {}


def test_a_wrong_number_of_labels_is_an_error() -> None:
    """A forgotten label fails in the test that first adds it, with the labels that were expected."""
    sentence = r"exchange_stream_up takes labels \('exchange', 'account', 'stream'\), got 2"
    with pytest.raises(ValueError, match=sentence):
        Samples("bitfinex", "main").add("exchange_stream_up", 1)


def test_a_name_that_is_not_in_the_catalogue_is_an_error() -> None:
    """Nothing is emitted that the catalogue does not know."""
    with pytest.raises(KeyError):
        Samples("bitfinex", "main").add("exchange_surprise", 1)


def test_nothing_named_means_all() -> None:
    """An empty selection shows everything; one with names shows these."""
    assert Selection().currency("USD")
    assert Selection().symbol("ETH/USD")
    chosen = Selection(("USD",), ("ETH/USD",))
    assert (chosen.currency("USD"), chosen.currency("BTC")) == (True, False)
    assert (chosen.symbol("ETH/USD"), chosen.symbol("BTC/USD")) == (True, False)
