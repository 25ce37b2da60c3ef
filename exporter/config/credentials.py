"""Where a secret comes from: a file, else the environment, else the configuration itself.

Files come first because only they can be kept from other users and changed without a restart: Docker and
Kubernetes mount them, and systemd puts them into `$CREDENTIALS_DIRECTORY`. The environment is inherited by
children and shown by `docker inspect`. A secret in the configuration itself is taken, with a warning when
other users can read the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.config.files import FileRefusedError, read_small
from exporter.config.problems import quoted
from exporter.config.secret import Secret
from exporter.config.values import Refusal, word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.config.document import Node
    from exporter.config.section import Section

MAX_BYTES: Final = 4096

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_USUAL_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,31}")
_CREDENTIALS: Final = "${CREDENTIALS_DIRECTORY}"
_LONGEST_PATH: Final = 200


@dataclass(frozen=True, slots=True)
class Sources:
    """What the secrets of one file may be taken from. `folder` is where relative paths start."""

    folder: Path
    environ: Mapping[str, str]
    readable_by_others: bool = False

    def __repr__(self) -> str:
        return f"<Sources at {self.folder}>"  # the environment is full of secrets, ours and others'


def read_secret(section: Section, key: str, sources: Sources) -> Secret | None:
    """The secret under `key` or `key_file`; None when it is missing or refused, with the problem reported."""
    file_key = f"{key}_file"
    if key in section and file_key in section:
        section.refuse(file_key, f"{quoted(key)} is given too (expected one of the two)")
        return None
    if file_key in section:
        return section.take(file_key, lambda node: _from_file(node, sources), None)
    if key not in section:
        expected = f"expected {quoted(file_key)} with the name of a file, or {quoted(key)} with a reference"
        section.refuse("", f"missing {quoted(key)} ({expected} such as ${{{key.upper()}}})")
        return None
    secret = section.take(key, lambda node: _from_value(node, sources), None)
    node = section.child(key)
    inline = secret is not None and node is not None and "${" not in (node.text or "")
    if inline and sources.readable_by_others:
        advice = f"chmod 600, or better {quoted(file_key)}"
        section.warn(key, f"a secret in a file that every user of this machine can read ({advice})")
    return secret


def _from_value(node: Node, sources: Sources) -> Secret:
    if isinstance(node.value, list | dict) or node.value is None or not node.text:
        raise Refusal(f"expected a secret, got {'nothing' if node.text == '' else node.kind}")
    if "${" not in node.text:
        return _checked(node.text)
    match = _REFERENCE.fullmatch(node.text)
    if match is None:
        raise Refusal("a broken reference (expected all of the value to be one, such as ${BFX_API_KEY})")
    variable = match[1]
    shown = variable if _USUAL_VARIABLE.fullmatch(variable) else "named here"  # it may be a pasted key
    value = sources.environ.get(variable)
    if value is None:
        raise Refusal(f"the environment variable {shown} is not set")
    if not value:
        raise Refusal(f"the environment variable {shown} is empty")
    return _checked(value)


def _from_file(node: Node, sources: Sources) -> Secret:
    written = word(node)
    path = sources.folder / _expanded(written, sources.environ)
    # A bare word may be the key itself, put under the wrong name: such a one is not repeated.
    is_path = written.startswith(("/", "./", "../", _CREDENTIALS))
    shown = quoted(written, _LONGEST_PATH) if is_path else "the file named here"
    try:
        data = read_small(path, MAX_BYTES).data
    except FileRefusedError as refusal:
        sentence = f"cannot read {shown}: {refusal}"
    else:
        return _decoded(data, shown)
    where = (
        ""
        if path.is_absolute() and is_path
        else " (a relative name starts at the folder of the configuration)"
    )
    raise Refusal(sentence + where)


def _expanded(written: str, environ: Mapping[str, str]) -> str:
    if "${" not in written:
        return written
    rest = written.removeprefix(_CREDENTIALS)
    if rest == written or "${" in rest or not rest.startswith("/"):
        raise Refusal(f"a reference in a file name (expected none, or {_CREDENTIALS}/ at its beginning)")
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise Refusal(f"{_CREDENTIALS} is not set (systemd sets it for units with LoadCredential=)")
    return folder + rest


def _decoded(data: bytes, shown: str) -> Secret:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
        sentence = f"{shown} is not UTF-8 text"
    else:
        sentence = f"{shown} is empty"
    text = text.removesuffix("\n").removesuffix("\r")  # editors and `echo` end a file with a new line
    if not text:
        raise Refusal(sentence)
    return _checked(text)


def _checked(text: str) -> Secret:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Refusal(
            "a secret with white space or a character outside ASCII (expected one word on one line)"
        )
    return Secret(text)
