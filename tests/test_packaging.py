"""What is shipped: the wheel and nothing but the package, the lock files, the container image's recipe."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING, Any, Final

import pytest

import exporter

if TYPE_CHECKING:
    from pathlib import Path

LOCKS: Final = ("runtime", "build", "dev")


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    """The [project] table."""
    table: dict[str, Any] = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    return table


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the working tree without network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed, and nothing of the working tree."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--disable-pip-version-check", f"--target={folder}", str(wheel)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


def run(installed: Path, *command: str) -> str:
    """The output of a command that finds the installed package only."""
    environ = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=installed.parent, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_holds_the_package_and_nothing_else(wheel: Path, repository: Path) -> None:
    """Every module is in the wheel, with the type marker and licence; tests and dashboards are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        name for name in names if not name.startswith(f"exchange_exporter-{exporter.__version__}.dist-info/")
    }
    package = repository / "exporter"
    assert ours == {
        path.relative_to(repository).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "exporter/py.typed" in ours
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)


def test_wheel_metadata(wheel: Path, project: dict[str, Any]) -> None:
    """Version, licence and dependencies of the wheel are those of the project."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == exporter.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    declared = {re.split(r"[<>=]", each)[0].lower() for each in project["dependencies"]}
    needed = [each for each in metadata.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert {re.split(r"[<>=]", each)[0].lower() for each in needed} == declared
    assert metadata.get_all("Provides-Extra") == list(project["optional-dependencies"])


def test_installed_program_says_its_version(installed: Path) -> None:
    """The console script and `python -m exporter` run from any folder and agree on the version."""
    for command in ([str(installed / "bin" / "exchange-exporter")], ["-m", "exporter"]):
        assert exporter.__version__ in run(installed, sys.executable, *command, "--version")


def test_installed_package_is_what_runs(installed: Path) -> None:
    """The tests above really ran the installed copy."""
    where = run(installed, sys.executable, "-c", "import exporter; print(exporter.__file__)")
    assert where.startswith(str(installed))


def test_dependencies_are_explained(project: dict[str, Any], repository: Path) -> None:
    """Each runtime dependency has its line in the decision about them, and no other library has."""
    text = (repository / "docs/adr/0002-runtime-dependencies.md").read_text()
    explained = re.findall(r"^- `([\w-]+)`: ", text, flags=re.MULTILINE)
    assert explained == [re.split(r"[<>=]", each)[0] for each in project["dependencies"]]


def pins(repository: Path, name: str) -> dict[str, str]:
    """Name and version of what a lock file installs."""
    text = (repository / f"requirements/{name}.txt").read_text()
    return dict(re.findall(r"^([\w-]+)==([\w.!]+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_pin_with_hashes_and_name_no_index(name: str, repository: Path) -> None:
    """Each requirement is pinned and hashed, and no address of a package index is in the file."""
    text = (repository / f"requirements/{name}.txt").read_text()
    blocks = re.split(r"^(?=[\w-]+==)", text, flags=re.MULTILINE)[1:]
    assert blocks
    for block in blocks:
        assert " --hash=sha256:" in block, block
    assert "://" not in text
    assert "--index-url" not in text.replace("--no-emit-index-url", "")


def test_lock_files_agree(repository: Path, project: dict[str, Any]) -> None:
    """The same library has the same version in each lock file, and every dependency is locked."""
    runtime, build, dev = (pins(repository, name) for name in LOCKS)
    assert runtime.items() <= dev.items()
    assert build.items() <= dev.items()
    assert {re.split(r"[<>=]", each)[0].lower() for each in project["dependencies"]} <= runtime.keys()


def test_build_context_is_an_allow_list(repository: Path) -> None:
    """The image is built from named files only, and from every one that the Dockerfile copies."""
    rules = [
        line for line in (repository / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    assert rules[0] == "*"
    listed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = set()
    for sources in re.findall(
        r"^COPY (?!--from)(.+) \S+$", (repository / "Dockerfile").read_text(), re.MULTILINE
    ):
        copied |= set(sources.split())
    assert copied == listed
    assert [path for path in sorted(listed) if not (repository / path).exists()] == []


def test_image_runs_the_program_as_nobody(repository: Path) -> None:
    """The image runs our program as process 1 and not as root, with its own health check and no secret."""
    text = (repository / "Dockerfile").read_text()
    last = dict(re.findall(r"^(USER|EXPOSE|STOPSIGNAL|ENTRYPOINT|CMD) (.+)$", text, re.MULTILINE))
    assert json.loads(last["ENTRYPOINT"]) == ["exchange-exporter"]
    assert json.loads(last["CMD"]) == [
        "run",
        "--config.file=/etc/exchange-exporter/config.yaml",
        "--web.listen-address=0.0.0.0:19700",
    ]
    assert (last["USER"], last["EXPOSE"], last["STOPSIGNAL"]) == ("65532:65532", "19700", "SIGTERM")
    assert 'CMD ["python", "-m", "exporter.commands.healthcheck"]' in text
    assert set(re.findall(r"^ARG (\w+)", text, re.MULTILINE)) == {
        "PYTHON_IMAGE",
        "VERSION",
        "REVISION",
        "CREATED",
    }
