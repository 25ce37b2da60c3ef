"""Tests of findings and of how they quote the file."""

from __future__ import annotations

import pytest

from exporter.config.problems import Problem, listed, nearest, quoted, quoted_key


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem(12, "accounts[0].exchange", "bad"), "c.yaml:12: accounts[0].exchange: bad"),
        (Problem(12, "", "bad"), "c.yaml:12: bad"),
        (Problem(0, "", "bad"), "c.yaml: bad"),
    ],
)
def test_at(problem: Problem, line: str) -> None:
    """A finding prints as file, line, path and sentence, without the parts it lacks."""
    assert problem.at("c.yaml") == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x", '"x"'),
        ("", '""'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\nb\x1b[31m\u202e", '"a\\nb\\x1b[31m\\u202e"'),
        ("台北", '"台北"'),
        ("m" * 32, f'"{"m" * 32}"'),
        ("m" * 33, '"mmmmmmmm..."'),
    ],
)
def test_quoted(text: str, shown: str) -> None:
    """A quoted value is one printable line; a long one may be a credential, so its beginning must do."""
    assert quoted(text) == shown


@pytest.mark.parametrize("key", ["api_key:hunter2", "m" * 33, "two words", "", "1st", "a/b"])
def test_strange_keys_are_not_quoted(key: str) -> None:
    """A key that does not look like a name is not repeated."""
    assert quoted_key(key) == ""


def test_hints() -> None:
    """A slip of the pen gets a hint; the known words are sorted."""
    assert nearest("Bitfinx", ["bitopro", "bitfinex"]) == 'did you mean "bitfinex"? '
    assert nearest("x", ["bitopro", "bitfinex"]) == ""
    assert listed({"b", "a"}) == "known: a, b"
