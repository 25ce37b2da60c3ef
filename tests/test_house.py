"""The house around the code: pages that link to each other, files that agree, examples that hold."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import exporter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PORT = 19700
ELSEWHERE = {".venv", ".git", "node_modules", "build", "dist"}


@pytest.fixture(scope="module")
def pages(repository: Path) -> dict[str, str]:
    """Every Markdown page by its path."""
    found = {}
    for folder, inner, names in os.walk(repository):
        inner[:] = [each for each in inner if each not in ELSEWHERE and not each.startswith(".")]
        for name in names:
            if name.endswith(".md"):
                path = os.path.relpath(os.path.join(folder, name), repository)  # noqa: PTH118 - os.walk
                found[path] = (repository / path).read_text()
    return found


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text()))


def test_links_lead_somewhere(pages: dict[str, str], repository: Path) -> None:
    """Each relative link in a page names a file that exists, and each fragment a heading of it."""
    dead = []
    for page, text in pages.items():
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
            target, _, fragment = link.partition("#")
            path = (repository / page).parent / target if target else repository / page
            if not path.exists() or (fragment and fragment not in anchors(path)):
                dead.append(f"{page}: {link}")
    assert not dead, "\n".join(dead)


def anchors(path: Path) -> set[str]:
    """The fragments by which a page's headings can be linked."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def test_every_page_of_docs_is_reachable(pages: dict[str, str]) -> None:
    """Each page below docs/ is linked from its index, itself or through its folder's page."""
    index = pages["docs/README.md"]
    lost = [
        page
        for page in pages
        if page.startswith("docs/") and page != "docs/README.md"
        if f"({page.removeprefix('docs/')})" not in index and f"({page.split('/')[1]}/" not in index
    ]
    assert not lost, "\n".join(lost)


def test_decisions_are_numbered_and_indexed(repository: Path, pages: dict[str, str]) -> None:
    """Decisions have consecutive numbers, one form, and stand in the index with their title."""
    paths = sorted((repository / "docs/adr").glob("*.md"))
    for number, path in enumerate(paths, 1):
        text = path.read_text()
        title = text.splitlines()[0]
        assert path.name.startswith(f"{number:04d}-")
        assert title.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
        line = f"| [{number}](adr/{path.name}) | {title.partition('. ')[2]} |"
        assert line in pages["docs/README.md"].splitlines()


def test_changelog_has_this_version(pages: dict[str, str]) -> None:
    """The version of the package has its section in the changelog, with the metrics heading."""
    sections = re.split(r"^## ", pages["CHANGELOG.md"], flags=re.MULTILINE)
    (section,) = (each for each in sections if each.startswith(f"[{exporter.__version__}]"))
    assert "### Metrics" in section


def test_make_targets_are_told(
    repository: Path, pages: dict[str, str], component: Callable[[str], str]
) -> None:
    """Each target that a person calls is listed by `make help` and in CONTRIBUTING."""
    text = (repository / "Makefile").read_text()
    named = set(re.findall(r"^([a-z-]+):.* ## ", text, flags=re.MULTILINE)) - {"help"}
    assert named == {"demo", "run", "test", "check", "fmt", "docs", "lock", "clean", "bench", "bench-quick"}
    assert set(re.findall(r"^\| `make ([a-z-]+)` ", pages["CONTRIBUTING.md"], re.MULTILINE)) == named
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = [component("make"), "--no-print-directory"]
    helped = subprocess.run(command, cwd=repository, env=environ, capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in helped.stdout.splitlines()} == named | {"help"}


def test_scripts_are_executable_and_sound(repository: Path, component: Callable[[str], str]) -> None:
    """The scripts of CI can be called and stop at the first failure."""
    for name in ("run", "wheel"):
        script = repository / ".ci" / name
        assert os.access(script, os.X_OK)
        assert "\nset -euo pipefail\n" in script.read_text()
        subprocess.run([component("bash"), "-n", str(script)], check=True, timeout=60)


@pytest.mark.component
def test_scrape_example_is_valid(
    repository: Path, promtool: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """The example configuration, with every rule file it names, is one that Prometheus takes."""
    done = promtool("check", "config", repository / "prometheus/prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"127.0.0.1:{PORT}" in (repository / "prometheus/prometheus.yml").read_text()


def test_systemd_unit_is_hardened(repository: Path) -> None:
    """The unit runs without root, capabilities or a writable file, and gets keys as credentials."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(repository / "deploy/systemd/exchange-exporter.service")
    service = dict(parser["Service"])
    assert service["ExecStart"].split("/")[-1] == "config.yaml"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["CapabilityBoundingSet"] == ""
    for key in ("DynamicUser", "NoNewPrivileges", "MemoryDenyWriteExecute", "PrivateTmp", "ProtectHome"):
        assert service[key] == "yes", key
    assert service["ProtectSystem"] == "strict"
    assert service["LoadCredential"].endswith("/bfx_secret")


def test_kubernetes_deployment_is_one_pod_as_nobody(repository: Path) -> None:
    """One pod at a time, as the image's user, on a read-only root, probed where no exchange is asked."""
    (deployment,) = documents(repository / "deploy/kubernetes/deployment.yaml")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    pod = deployment["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsUser"] == 65532
    (container,) = pod["containers"]
    assert container["image"] == f"exchange-exporter:{exporter.__version__}"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    probes = [container[kind]["httpGet"]["path"] for kind in ("livenessProbe", "readinessProbe")]
    assert probes == ["/-/healthy", "/-/ready"]
    assert container["ports"] == [{"name": "metrics", "containerPort": PORT}]


def test_kubernetes_files_fit_together(repository: Path) -> None:
    """Service, monitor and policy select the pod by its label and port; each file is applied by someone."""
    folder = repository / "deploy/kubernetes"
    parts = {path.stem: documents(path)[0] for path in folder.glob("*.yaml")}
    label = {"app.kubernetes.io/name": "exchange-exporter"}
    assert parts["deployment"]["spec"]["template"]["metadata"]["labels"] == label
    assert parts["service"]["spec"]["selector"] == label
    assert parts["service"]["metadata"]["labels"] == label
    assert parts["service"]["spec"]["ports"][0]["name"] == "metrics"
    assert parts["servicemonitor"]["spec"]["selector"]["matchLabels"] == label
    assert parts["servicemonitor"]["spec"]["endpoints"][0]["port"] == "metrics"
    assert parts["networkpolicy"]["spec"]["podSelector"]["matchLabels"] == label
    told = json.dumps(parts["kustomization"]) + (folder / "README.md").read_text()
    assert [path.name for path in folder.iterdir() if path.name not in told and path.suffix == ".yaml"] == [
        "kustomization.yaml"
    ]
