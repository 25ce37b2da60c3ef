"""The configuration file: from its name to a valid Config, or to every problem it has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exporter.config import values
from exporter.config.accounts import read_accounts, read_privacy
from exporter.config.credentials import Sources
from exporter.config.document import MAX_CHARACTERS, compose
from exporter.config.files import FileRefusedError, read_small
from exporter.config.problems import Problem
from exporter.config.section import Findings, Section
from exporter.config.types import Config, Limits, Privacy, Reconcile, StreamSettings, Valuation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config.types import Offer

CONFIG_KEYS: Final = ("accounts", "stream", "reconcile", "valuation", "limits", "privacy")
STREAM_KEYS: Final = ("connect_timeout", "silence_timeout", "stale_after", "max_message_bytes", "backoff_max")

_HEARTBEAT: Final = 20.0  # seconds: the slower of the exchanges' own signs of life (Bitfinex 15, BitoPro 20)


class ConfigError(Exception):
    """The file cannot be used. `problems` holds one printable sentence each, with file, line and path."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


def read(path: str | Path, environ: Mapping[str, str], known: Mapping[str, Offer]) -> Config:
    """The configuration in a file. Raises ConfigError with every problem of it, not only the first.

    `environ` is where `${NAME}` is looked up, `known` what each exchange offers. Relative names of secret
    files start at the folder of the file.
    """
    path = Path(path)
    refusal = Problem(0, "", "")
    text, others = "", False
    try:
        content = read_small(path, MAX_CHARACTERS)
        text, others = content.data.decode("utf-8-sig"), content.readable_by_others
    except FileRefusedError as error:
        sentence = f"cannot read the configuration: {error} (expected a YAML file, named by --config.file)"
        refusal = Problem(0, "", sentence)
    except UnicodeDecodeError as error:
        refusal = Problem(error.object.count(b"\n", 0, error.start) + 1, "", "not UTF-8 text")
    if refusal.sentence:  # raised here, for what went wrong above holds the content of the file
        raise ConfigError([refusal.at(str(path))])
    return parse(text, str(path), Sources(path.parent, environ, others), known)


def parse(text: str, source: str, sources: Sources, known: Mapping[str, Offer]) -> Config:
    """The configuration in a text: what `read` does once the file is read. `source` names it in messages."""
    outcome = compose(text)
    findings = Findings(list(outcome.problems))
    config = Config()
    if outcome.root is not None:
        root = Section(outcome.root, "", findings, CONFIG_KEYS)
        privacy = read_privacy(root, Privacy())
        config = Config(
            accounts=read_accounts(root.items("accounts"), findings, sources, known, privacy),
            stream=_stream(root),
            reconcile=_reconcile(root),
            valuation=_valuation(root),
            limits=_limits(root),
            privacy=privacy,
        )
        if not root.items("accounts"):
            node = root.child("accounts")
            nothing = Problem(node.key_line if node else 0, "", "no accounts: nothing to watch")
            findings.warnings.append(nothing)
    if findings.problems:
        raise ConfigError([problem.at(source) for problem in sorted(set(findings.problems))])
    return replace(config, warnings=tuple(warning.at(source) for warning in sorted(findings.warnings)))


def _stream(root: Section) -> StreamSettings:
    section = Section(root.child("stream"), "stream", root.findings, STREAM_KEYS)
    default = StreamSettings()
    settings = StreamSettings(
        connect_timeout=section.take(
            "connect_timeout", values.duration("100ms", "1m"), default.connect_timeout
        ),
        silence_timeout=section.take(
            "silence_timeout", values.duration("1s", "10m"), default.silence_timeout
        ),
        stale_after=section.take("stale_after", values.duration("0", "1h"), default.stale_after),
        max_message_bytes=section.take(
            "max_message_bytes", values.size("64KiB", "64MiB"), default.max_message_bytes
        ),
        backoff_max=section.take("backoff_max", values.duration("1s", "1h"), default.backoff_max),
    )
    if settings.silence_timeout < settings.connect_timeout:
        key = "silence_timeout" if "silence_timeout" in section else "connect_timeout"
        seconds = f"{settings.silence_timeout:g}s", f"{settings.connect_timeout:g}s"
        sentence = "silence_timeout {} is shorter than connect_timeout {} (expected at least as long)"
        section.refuse(key, sentence.format(*seconds))
    elif settings.silence_timeout <= _HEARTBEAT:
        sentence = f"not longer than the {_HEARTBEAT:g}s between two signs of life of a quiet, healthy stream"
        section.warn("silence_timeout", sentence)
    return settings


def _reconcile(root: Section) -> Reconcile:
    section = Section(root.child("reconcile"), "reconcile", root.findings, ("interval",))
    every = values.duration("30s", "1d", off=True)
    return Reconcile(interval=section.take("interval", every, Reconcile().interval))


def _valuation(root: Section) -> Valuation:
    section = Section(root.child("valuation"), "valuation", root.findings, ("interval",))
    every = values.duration("10s", "1d", off=True)
    return Valuation(interval=section.take("interval", every, Valuation().interval))


def _limits(root: Section) -> Limits:
    section = Section(root.child("limits"), "limits", root.findings, ("series_per_account",))
    count = values.integer(100, 1_000_000)
    return Limits(series_per_account=section.take("series_per_account", count, Limits().series_per_account))
