"""Who may import whom, which rooms are pure, and how large a module or function may become.

The rules are the tables below; docs/adr and CONTRIBUTING.md say why. Each failure names file and line.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Room:
    """What the modules of a room (a path pattern below exporter/) may import of the package itself."""

    files: str
    may: tuple[str, ...]
    pure: bool = False


SIMULATORS: Final = ("simulator", "sim_*", "venue")
"""Modules of an exchange that play the other side: they and the adapter never meet."""

EXCHANGE: Final = (
    *("exporter.core.*", "exporter.exchanges.base", "exporter.exchanges.reads", "exporter.exchanges.spec"),
    *("exporter.exchanges.numbers", "exporter.exchanges.{name}.*"),
)

# The first room that fits a file decides.
ROOMS: Final = (
    Room("__main__.py", ("exporter.cli",)),
    Room("__init__.py", ()),
    Room("logs.py", ()),
    Room("trust.py", ()),
    Room("cli.py", ("*",)),
    Room("commands/*", ("*", "!exporter.cli")),
    Room("app.py", ("*", "!exporter.cli", "!exporter.commands.*")),
    Room("overview.py", ("exporter.core.*", "exporter.web.landing")),
    Room("follow.py", ("*", "!exporter.cli", "!exporter.commands.*", "!exporter.app", "!exporter.web.*")),
    Room(
        "desk.py",
        ("*", *(f"!exporter.{each}" for each in ("cli", "commands.*", "app", "web.*", "demo.*"))),
    ),
    Room("config/*", ("exporter.config.*",)),
    Room("core/*", ("exporter.core.*",), pure=True),
    Room("exchanges/__init__.py", ("exporter.exchanges.*",)),
    Room("exchanges/base.py", ("exporter.core.*",), pure=True),
    Room(
        "exchanges/spec.py",
        ("exporter.core.*", "exporter.exchanges.base", "exporter.exchanges.reads"),
        pure=True,
    ),
    Room("exchanges/reads.py", ("exporter.core.*", "exporter.exchanges.base"), pure=True),
    Room("exchanges/numbers.py", (), pure=True),
    *(
        Room(
            f"exchanges/*/{side}.py",
            (
                *("exporter.core.*", "exporter.exchanges.base", "exporter.demo.*", "!exporter.demo.server"),
                *(f"exporter.exchanges.{{name}}.{other}" for other in SIMULATORS),
            ),
            pure=True,
        )
        for side in SIMULATORS
    ),
    Room(
        "exchanges/*/*",
        (*EXCHANGE, *(f"!exporter.exchanges.{{name}}.{side}" for side in SIMULATORS)),
        pure=True,
    ),
    Room(
        "demo/server.py",
        # It finds the simulators by the names of the exchanges, so that a new one costs no line here.
        ("exporter.demo.*", "exporter.logs", "exporter.exchanges"),
    ),
    # The demo's REST side is served by our own server: one more maintained than two.
    Room("demo/http.py", ("exporter.demo.*", "exporter.web.server", "exporter.web.http")),
    Room("demo/*", ("exporter.demo.*", "!exporter.demo.server"), pure=True),
    Room(
        "stream/*",
        (
            "exporter.stream.*",
            "exporter.core.*",
            "exporter.exchanges.base",
            "exporter.config.types",
            "exporter.logs",
            "exporter.trust",
        ),
    ),
    Room(
        "rest/*",
        (
            *("exporter.rest.*", "exporter.core.*", "exporter.exchanges.base", "exporter.exchanges.reads"),
            *("exporter.stream.turn", "exporter.logs", "exporter.trust"),
        ),
    ),
    Room(
        "exposition/*", ("exporter.exposition.*", "exporter.core.*", "exporter.config.types", "exporter.logs")
    ),
    # The tools that read YAML and collect problems are shared; the contents of config.yaml are not.
    Room(
        "web/webconfig.py",
        (
            *("exporter.web.*", "exporter.config.document", "exporter.config.problems"),
            *("exporter.config.section", "exporter.config.values"),
        ),
    ),
    Room("web/*", ("exporter.web.*", "exporter.logs")),
)

LIBRARIES: Final = {
    "bcrypt": ("web/auth.py",),
    "isal": ("web/compression.py",),
    "msgspec": ("exchanges/*/hot.py",),
    "orjson": ("exchanges/*", "stream/*", "commands/*", "demo/*", "exposition/page.py"),
    "prometheus_client": ("exposition/*",),
    "urllib3": ("rest/pool.py",),
    "websocket": ("stream/transport.py",),
    "websockets": ("demo/server.py",),
    "yaml": ("config/document.py",),
}
"""Where each library that is not the standard one may be imported."""

IMPURE: Final = frozenset(
    (
        *("asyncio", "concurrent", "ctypes", "getpass", "glob", "http", "io"),
        *("logging", "multiprocessing", "os", "pathlib", "platform", "queue", "random"),
        *("sched", "secrets", "select", "selectors", "shutil", "signal", "socket"),
        *("socketserver", "ssl", "subprocess", "sys", "tempfile", "threading", "time"),
        *("urllib", "uuid", "warnings"),
    )
)
"""Clock, network, threads, randomness, environment, files, log: arguments in a pure room, never imports."""

IMPURE_CALLS: Final = frozenset({"open", "print", "input", "breakpoint", "exec", "eval"})
CLOCK_CALLS: Final = frozenset({"now", "utcnow", "today"})

MODULE_LINES: Final = 300
FUNCTION_LINES: Final = 40
LARGER: Final[dict[str, str]] = {}
"""Modules (``core/x.py``) and functions (``core/x.py:name``) that are larger, each with its reason."""


@dataclass(frozen=True)
class Module:
    """A module of the package and its parsed text."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    def imports(self, *, runtime: bool = False) -> Iterator[tuple[int, str]]:
        """Line and full name of each import; `runtime` leaves out what only the type checker sees."""
        skipped = _type_checking(self.tree) if runtime else set()
        for node in ast.walk(self.tree):
            if node in skipped:
                continue
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                # A relative import becomes a name that no room allows.
                base = "." * node.level + (node.module or "")
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _type_checking(tree: ast.Module) -> set[ast.AST]:
    guards = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    return {inner for guard in guards for statement in guard.body for inner in ast.walk(statement)}


@pytest.fixture(scope="module")
def modules(repository: Path) -> list[Module]:
    """Every module of the package."""
    package = repository / "exporter"
    found = []
    for path in sorted(package.rglob("*.py")):
        text = path.read_text()
        name = path.relative_to(package).as_posix()
        found.append(Module(name, path, ast.parse(text), len(text.splitlines())))
    return found


def report(wrong: list[str]) -> None:
    """Fail with one line for each breach."""
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def room_of(name: str) -> Room:
    """The rules for a file."""
    room = next((room for room in ROOMS if fnmatchcase(name, room.files)), None)
    if room is None:
        pytest.fail(f"exporter/{name}: belongs to no room of tests/test_imports.py", pytrace=False)
    return room


def allowed(imported: str, name: str, room: Room) -> bool:
    """Whether a room lets in `imported`, a module or a name in one; ``!`` patterns win."""
    exchange = name.split("/")[1] if name.startswith("exchanges/") else ""
    verdict = imported == "exporter.__version__"
    for pattern in room.may:
        wanted = pattern.removeprefix("!").replace("{name}", exchange)
        if any(fnmatchcase(imported, form) for form in (wanted, f"{wanted}.*", wanted.removesuffix(".*"))):
            if pattern.startswith("!"):
                return False
            verdict = True
    return verdict


def test_rooms_import_only_their_neighbours(modules: list[Module]) -> None:
    """Each room imports only the rooms it may know: left to right, and never another exchange."""
    wrong = [
        f"exporter/{module.name}:{line}: may not import {imported}"
        for module in modules
        for line, imported in module.imports()
        if imported.partition(".")[0] in ("exporter", "")
        if not allowed(imported, module.name, room_of(module.name))
    ]
    report(wrong)


def test_libraries_stay_in_their_room(modules: list[Module]) -> None:
    """Each library is imported in one place only, so that it can be replaced there."""
    wrong = []
    for module in modules:
        for line, imported in module.imports():
            top = imported.partition(".")[0]
            if top in ("exporter", "") or top in sys.stdlib_module_names:
                continue
            if not any(fnmatchcase(module.name, pattern) for pattern in LIBRARIES.get(top, ())):
                wrong.append(f"exporter/{module.name}:{line}: may not import {imported}")
    report(wrong)


def test_pure_rooms_are_pure(modules: list[Module]) -> None:
    """The core and the exchanges get clock, randomness and the network as arguments."""
    wrong = []
    for module in modules:
        if not room_of(module.name).pure:
            continue
        where = f"exporter/{module.name}"
        for line, imported in module.imports(runtime=True):
            if imported.partition(".")[0] in IMPURE and not imported.startswith("urllib.parse"):
                wrong.append(f"{where}:{line}: may not import {imported}: it must be an argument")
        wrong.extend(f"{where}:{line}: may not call {call}()" for line, call in _impure_calls(module.tree))
    report(wrong)


def _impure_calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        owner, _, last = called.rpartition(".")
        if called in IMPURE_CALLS or (
            last in CLOCK_CALLS and owner.rpartition(".")[2] in ("datetime", "date")
        ):
            yield node.lineno, called


def test_modules_and_functions_stay_small(modules: list[Module]) -> None:
    """A module holds one idea and a function fits on a screen; what is larger is listed with its reason."""
    larger = {}
    for module in modules:
        if module.lines > MODULE_LINES:
            larger[module.name] = f"exporter/{module.name}:1: {module.lines} lines, at most {MODULE_LINES}"
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            lines = _length(node)
            if lines > FUNCTION_LINES:
                sentence = f"{node.name} has {lines} lines, at most {FUNCTION_LINES}"
                larger[f"{module.name}:{node.name}"] = f"exporter/{module.name}:{node.lineno}: {sentence}"
    wrong = [sentence for key, sentence in larger.items() if key not in LARGER]
    report(wrong)
    assert LARGER.keys() <= larger.keys(), "LARGER lists what is small by now"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without decorators and docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


@pytest.mark.parametrize(
    ("name", "imported", "verdict"),
    [
        ("core/account.py", "exporter.core.model.Wallet", True),
        ("core/account.py", "exporter.stream.session", False),
        ("core/account.py", "exporter", False),
        ("core/account.py", ".model.Wallet", False),
        ("exchanges/bitfinex/protocol.py", "exporter.exchanges.bitfinex.messages.read", True),
        ("exchanges/bitfinex/protocol.py", "exporter.exchanges.bitopro.messages", False),
        ("exchanges/bitfinex/protocol.py", "exporter.exchanges.bitfinex.venue.Venue", False),
        ("exchanges/bitfinex/simulator.py", "exporter.exchanges.bitfinex.sim_rows.row", True),
        ("exchanges/bitfinex/simulator.py", "exporter.exchanges.bitfinex.protocol", False),
        ("exchanges/bitfinex/simulator.py", "exporter.demo.world.World", True),
        ("exchanges/bitfinex/simulator.py", "exporter.demo.server.Server", False),
        ("stream/session.py", "exporter.exchanges.base.Send", True),
        ("stream/session.py", "exporter.exchanges.bitfinex.SPEC", False),
        ("stream/session.py", "exporter.exposition.telemetry", False),
        ("web/landing.py", "exporter.__version__", True),
        ("web/webconfig.py", "exporter.config.document.load", True),
        ("web/webconfig.py", "exporter.config.types.Config", False),
        ("web/routes.py", "exporter.config.document.load", False),
        ("web/routes.py", "exporter.core.account", False),
        ("commands/run.py", "exporter.app.App", True),
        ("app.py", "exporter.commands.run", False),
    ],
)
def test_rules_mean_what_they_say(name: str, imported: str, *, verdict: bool) -> None:
    """The table lets in what the architecture wants and nothing else."""
    assert allowed(imported, name, room_of(name)) is verdict
