"""The programs that the bench runs: where they are, how they are built, and what is missing for them."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
WORK: Final = ROOT / ".bench"
"""Built programs and payloads; safe to remove."""
PEERS_PYTHON: Final = ROOT / ".venv-bench/bin/python"
GO_SOURCES: Final = "/usr/share/gocode"
"""Where Debian's golang-*-dev packages put their sources."""
BUILD_SECONDS: Final = 300


class MissingError(Exception):
    """A peer or a tool is not here; the text says what to install."""


def need(tool: str, package: str = "") -> str:
    """The path of a tool. Raises MissingError."""
    path = shutil.which(tool)
    if path is None:
        raise MissingError(f"{tool} is not installed (Debian: {package or tool})")
    return path


def ours(module: str, *arguments: object) -> list[str]:
    """A module of the bench under the project's own Python, with what the project itself depends on."""
    return [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]


def peer(module: str, library: str, *arguments: object) -> list[str]:
    """A peer under the Python of the peers. Raises MissingError when `library` is not there."""
    _import(library)
    return [str(PEERS_PYTHON), "-m", f"benchmarks.peers.{module}", *map(str, arguments)]


@functools.cache
def _import(library: str) -> None:
    if not PEERS_PYTHON.exists():
        raise MissingError("no .venv-bench: make bench-peers")
    done = subprocess.run([PEERS_PYTHON, "-c", f"import {library}"], capture_output=True, check=False)
    if done.returncode:
        raise MissingError(f"{library} cannot be imported in .venv-bench: make bench-peers")


def node(script: str, *arguments: object) -> list[str]:
    """A script under Node.js with its libraries. Raises MissingError."""
    if not (HERE / "node/node_modules").exists():
        raise MissingError("no benchmarks/node/node_modules: make bench-peers")
    return [need("node", "nodejs"), str(HERE / "node" / script), *map(str, arguments)]


@functools.cache
def c(name: str, *, tls: bool = False) -> str:
    """A C program of the bench, built when its sources changed. Raises MissingError."""
    sources = [HERE / "c/common.h", HERE / f"c/{name}.c"]
    flags = ["-O2", "-pthread", *(["-DWITH_TLS"] if tls else [])]
    libraries = ["-lssl", "-lcrypto"] if tls else []
    command = [need("gcc"), *flags, str(sources[-1]), *libraries]
    return _built(f"{name}-tls" if tls else name, sources, command, "libssl-dev" if tls else "gcc")


@functools.cache
def go(name: str) -> str:
    """A Go program of the bench, built against Debian's packages. Raises MissingError."""
    source = HERE / f"go/{name}.go"
    command = [need("go", "golang-go"), "build"]
    packages = "golang-github-prometheus-client-golang-dev and golang-github-gorilla-websocket-dev"
    return _built(f"go-{name}", [source], command, packages)


def _built(name: str, sources: list[Path], command: list[str], package: str) -> str:
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    target = WORK / f"{name}-{digest}"
    if target.exists():
        return str(target)
    WORK.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": GO_SOURCES,
        "GOFLAGS": "",
        "GOCACHE": str(WORK / "go-cache"),
    }
    last = [str(sources[-1])] if command[1] == "build" else []
    done = subprocess.run(
        [*command[:2], "-o", str(target), *command[2:], *last],
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        raise MissingError(f"{name} cannot be built (Debian: {package}): {_last_line(done.stderr)}")
    return str(target)


@functools.cache
def certificate() -> tuple[str, str]:
    """A certificate for loopback and its key, as files. Raises MissingError."""
    cert, key = WORK / "cert.pem", WORK / "key.pem"
    if not cert.exists():
        WORK.mkdir(exist_ok=True)
        made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = ["-days", "3650", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = [need("openssl"), *made, *names, "-keyout", str(key), "-out", str(cert)]
        subprocess.run(command, check=True, capture_output=True)
    return str(cert), str(key)


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no message")
