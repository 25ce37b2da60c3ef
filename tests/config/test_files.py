"""Tests of reading small files that people name."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from exporter.config.files import FileRefusedError, read_small


def refusal(path: Path) -> str:
    """Why the file is not taken."""
    with pytest.raises(FileRefusedError) as caught:
        read_small(path, 10)
    assert caught.value.__context__ is None
    return str(caught.value)


def test_content_and_mode(tmp_path: Path) -> None:
    """A file up to the limit is read, and whether others may read it is told; its repr shows no content."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    path.chmod(0o640)
    content = read_small(path, 10)
    assert (content.data, content.readable_by_others) == (b"0123456789", False)
    assert "0123" not in repr(content)
    path.chmod(0o604)
    assert read_small(path, 10).readable_by_others


def test_links_are_followed(tmp_path: Path) -> None:
    """Kubernetes mounts secrets as links to links."""
    (tmp_path / "data").write_bytes(b"x")
    (tmp_path / "link").symlink_to("data")
    assert read_small(tmp_path / "link", 10).data == b"x"


def test_refusals(tmp_path: Path) -> None:
    """What is no small file is refused with a reason; a pipe without a writer holds nothing up."""
    (tmp_path / "large").write_bytes(b"01234567890")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    assert refusal(tmp_path / "large") == "too large (at most 10 bytes)"
    assert refusal(tmp_path / "pipe") == "not a regular file"
    assert refusal(tmp_path) == "not a regular file"
    assert refusal(Path("/dev/zero")) == "not a regular file"
    assert refusal(tmp_path / "missing") == "no such file"
    assert refusal(tmp_path / "large" / "below") == "not a directory"
    assert refusal(tmp_path / "loop") == "too many levels of symbolic links"
    assert refusal(tmp_path / "zero\x00") == "no file name (it has a zero character)"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "this user may not read it"),
        (OSError(errno.EIO, "Input/output error"), "input/output error"),
        (OSError(), "cannot be read"),
    ],
)
def test_errors_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, sentence: str
) -> None:
    """What the system refuses becomes a sentence without the name of the file."""

    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(os, "open", fail)
    assert refusal(tmp_path / "file") == sentence
