"""Tests of the text that must not be seen."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from exporter.config.secret import Secret

VALUE = "hunter2"


def test_reveal_gives_the_text() -> None:
    """The text is there for those who ask for it by name."""
    assert Secret(VALUE).reveal() == VALUE


def test_no_way_of_printing_shows_it() -> None:
    """Every way in which Python turns a value into text gives the same mask."""
    secret = Secret(VALUE)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{secret:>40}", format(secret, "x")]
    shown += [template % secret for template in ("%s", "%r", "%2s")]
    assert set(shown) == {"<secret>"}
    assert repr([secret]) == "[<secret>]"


def test_it_cannot_be_written_out() -> None:
    """Neither pickle nor JSON take it, and their errors do not show it."""
    with pytest.raises(TypeError, match=r"^a secret cannot be pickled \(it would be written out in clear\)$"):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError) as caught:
        json.dumps(Secret(VALUE))
    assert VALUE not in str(caught.value)


def test_copies_are_the_same_object() -> None:
    """Copying, as `dataclasses.asdict` does it, makes no second one."""
    secret = Secret(VALUE)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_equality() -> None:
    """Two secrets are equal when their texts are, also outside ASCII; a secret never equals its text."""
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("hunter3")
    assert Secret("ü") == Secret("ü")
    assert Secret(VALUE) != VALUE


def test_it_has_no_hash() -> None:
    """It cannot be a key of a dictionary."""
    with pytest.raises(TypeError):
        hash(Secret(VALUE))
