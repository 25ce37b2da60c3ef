"""Tests of the strict YAML reader; sentences about broken files are pinned in test_reader.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.config.document import MAX_CHARACTERS, MAX_DEPTH, DocumentError, Node, compose, load


def plain(node: Node) -> Any:
    """The data of a tree, without places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-2.5e-3", -0.0025),
        (".5", 0.5),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("True", "True"),
        ("0123", "0123"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2026-01-02", "2026-01-02"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("1234567890123456789", "1234567890123456789"),
        ("10s", "10s"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalar_types(written: str, value: object) -> None:
    """A scalar without quotes is a boolean, null or decimal number only when it can be nothing else."""
    node = load(f"key: {written}\n", source="x.yaml")
    assert isinstance(node.value, dict)
    assert node.value["key"].value == value
    assert type(node.value["key"].value) is type(value)


@pytest.mark.parametrize("written", ["0123456789", "1e3", "0.10", "true", "12345678901234567890123"])
def test_text_is_kept(written: str) -> None:
    """The text of a scalar is kept as written, so that a secret made of digits stays what it is."""
    node = load(f"key: {written}", source="x.yaml")
    assert isinstance(node.value, dict)
    assert node.value["key"].text == written


def test_places() -> None:
    """Every node knows its line and column, and the line of its key."""
    root = load("a: 1\nb:\n  - x\n  -\n    y: 2\n", source="x.yaml")
    assert isinstance(root.value, dict)
    below = root.value["b"]
    assert (below.line, below.column, below.key_line) == (3, 3, 2)
    assert isinstance(below.value, list)
    assert [(item.line, item.column) for item in below.value] == [(3, 5), (5, 5)]


@pytest.mark.parametrize("text", ["", "# nothing but words\n", "---\n", "\ufeff"])
def test_empty_document(text: str) -> None:
    """A text without content is a node that holds nothing."""
    node = load(text, source="x.yaml")
    assert node.value is None
    assert node.line >= 1


def test_keys_are_text() -> None:
    """Keys are taken as written, also when they look like numbers or booleans."""
    assert plain(load("1: a\ntrue: b\n'on': c\n", source="x.yaml")) == {"1": "a", "true": "b", "on": "c"}


def test_all_findings_are_reported() -> None:
    """Duplicate keys, tags and aliases are reported together, each with source and line."""
    with pytest.raises(DocumentError) as caught:
        load("a: !!int 1\na: 2\nb: {c: 1, c: 2}\n", source="some.yaml")
    advice = "remove it, or put the value in quotes when it begins with !"
    assert caught.value.problems == [
        f"some.yaml:1: a: tags are not supported ({advice})",
        'some.yaml:2: duplicate key "a" (first on line 1)',
        'some.yaml:3: b: duplicate key "c" (first on line 3)',
    ]
    assert str(caught.value) == "\n".join(caught.value.problems)


def test_first_of_duplicates_is_kept() -> None:
    """After a duplicate key the first value stays, for callers that look for more problems."""
    outcome = compose("a: 1\na: 2\n")
    assert outcome.root is not None
    assert plain(outcome.root) == {"a": 1}
    assert len(outcome.problems) == 1


def test_aliases_do_not_multiply() -> None:
    """Ten lines of aliases of aliases cost ten lines."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    outcome = compose("\n".join(lines))
    assert len(outcome.problems) == 60 + 2 * 59


def test_size_is_limited() -> None:
    """A text at the limit is read, one beyond it is refused before that."""
    load("#" * MAX_CHARACTERS, source="x.yaml")
    with pytest.raises(DocumentError) as caught:
        load("#" * (MAX_CHARACTERS + 1), source="x.yaml")
    assert caught.value.problems == ["x.yaml: too large (at most 262144 characters)"]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}")])
def test_depth_is_limited(opening: str, closing: str) -> None:
    """The deepest level allowed is read, one more is refused, and a hundred thousand do no harm."""
    load(opening * MAX_DEPTH + closing * MAX_DEPTH, source="x.yaml")
    for depth in (MAX_DEPTH + 1, 50_000):
        with pytest.raises(DocumentError) as caught:
            load(opening * depth, source="x.yaml")
        assert caught.value.problems == ["x.yaml:1: nested too deep (at most 32 levels)"]


def test_repr_shows_no_content() -> None:
    """A node prints its place and kind, never its content."""
    node = load("api_key: hunter2", source="x.yaml")
    assert repr(node) == "<Node a mapping at line 1, column 1>"
    assert repr(node.value) == "{'api_key': <Node text at line 1, column 10>}"


@pytest.mark.parametrize(
    "text", ["key: *hunter2", "key: !hunter2 x", 'key: "hunter2', "key: [hunter2", "\thunter2"]
)
def test_errors_hold_no_content(text: str) -> None:
    """No finding repeats a value, and no exception of the YAML library hides behind ours."""
    with pytest.raises(DocumentError) as caught:
        load(text, source="x.yaml")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
)
_KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=10)


@settings(deadline=None)
@given(
    st.recursive(
        _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4)
    )
)
def test_json_is_read_as_json(data: object) -> None:
    """JSON is YAML: what a JSON encoder writes is read as the same data."""
    text = json.dumps(data, ensure_ascii=False)
    read = plain(load(text, source="x.json"))
    assert read == data
    assert type(read) is type(data)


@settings(deadline=None, max_examples=300)
@given(
    st.text(st.sampled_from(list("ab:-[]{}\"'\\#&*!|>%@`,? \n\t01.~\x00\x85\u2028\ufeff")), max_size=60)
    | st.text(max_size=60)
)
@example('"\\UFFFFFFFF"')
@example("%YAML " + "9" * 5000 + ".1\n---\n")
def test_any_text_is_a_tree_or_an_error(text: str) -> None:
    """Whatever the text, the answer is a tree or a DocumentError with printable sentences."""
    try:
        node, problems = load(text, source="x.yaml"), ["none"]
    except DocumentError as error:
        node, problems = None, error.problems
    assert problems
    assert all(problem.isprintable() for problem in problems)
    assert node is None or node.line >= 1
