"""Tests of what a configuration is."""

from __future__ import annotations

import ast
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from exporter.config.secret import Secret
from exporter.config.types import (
    Account,
    Config,
    Endpoints,
    Include,
    Limits,
    Reconcile,
    StreamSettings,
    Threshold,
    Valuation,
)

PACKAGE = Path(__file__).parents[2] / "exporter"
WITHOUT_FILE = ("commands/demo.py", "follow.py")  # the made-up accounts of the demo, and those of recordings


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (Config(), "stream"),
        (StreamSettings(), "stale_after"),
        (Reconcile(), "interval"),
        (Valuation(), "interval"),
        (Limits(), "series_per_account"),
        (Include(), "symbols"),
        (Threshold("exchange", "BTC", "warning", 1.0), "minimum"),
        (Endpoints("wss://a", "https://a", "https://a"), "rest"),
    ],
)
def test_values_are_frozen(value: object, field: str) -> None:
    """Nobody can change a configuration after it was checked."""
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, None)


def test_only_the_reader_makes_accounts() -> None:
    """Only the reader turns files into accounts; others may make accounts that no file has."""
    calls = {
        path.relative_to(PACKAGE).as_posix(): _called(ast.parse(path.read_text(encoding="utf-8")))
        for path in PACKAGE.rglob("*.py")
    }
    makers = {path for path, names in calls.items() if names & {"Account", "Config"}}
    assert {"config/accounts.py", "config/reader.py"} <= makers
    assert makers <= {"config/accounts.py", "config/reader.py", *WITHOUT_FILE}


@pytest.mark.parametrize(
    ("identity", "secrets"),
    [(Secret("a@example.com"), ("key", "secret", "a@example.com")), (None, ("key", "secret"))],
)
def test_an_account_names_all_its_secrets(identity: Secret | None, secrets: tuple[str, ...]) -> None:
    """A redactor learns all that proves who the account is from one place."""
    nowhere = Endpoints("", "", "")
    account = Account("main", "any", Secret("key"), Secret("secret"), nowhere, (), identity)
    assert account.secrets() == secrets


def _called(tree: ast.Module) -> set[str]:
    """Names that a module calls, plain or as attributes of a module."""
    functions = [call.func for call in ast.walk(tree) if isinstance(call, ast.Call)]
    plain = {function.id for function in functions if isinstance(function, ast.Name)}
    return plain | {function.attr for function in functions if isinstance(function, ast.Attribute)}
