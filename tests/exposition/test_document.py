"""The page about metrics is made from the catalogue, and is the committed one."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.exposition.catalogue import METRICS
from exporter.exposition.document import main, page


def test_every_metric_has_its_row() -> None:
    """Name, kind and labels of each family stand in one row of the page."""
    rows = page().splitlines()
    for metric in METRICS:
        (row,) = [row for row in rows if row.startswith(f"| `{metric.name}` |")]
        assert f"| {metric.kind} |" in row
        assert metric.help in row


def test_a_page_that_is_out_of_date_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` fails for a missing or an old page, and is content with a fresh one."""
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    assert main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/metrics.md is out of date: run make docs\n"
    assert main([]) == 0
    assert main(["--check"]) == 0
    Path("docs/metrics.md").write_text(page() + "x")
    assert main(["--check"]) == 1
