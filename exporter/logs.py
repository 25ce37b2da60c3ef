"""One event, one line: logfmt or JSON on stderr, without secrets and without floods.

Messages are constant sentences; what varies goes into fields, so that lines can be searched and counted::

    log(logger, logging.WARNING, "connection failed", account="main", stream="account", reason="refused")
"""

from __future__ import annotations

import copy
import json
import logging
import math
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
"""What ``--log.level`` may say."""

FORMATS: Final = ("logfmt", "json")
"""What ``--log.format`` may say."""

SUMMARY_SECONDS: Final = 300.0
"""How long a repeated warning stays silent before it is told again with its count."""

_REDACTED: Final = "<redacted>"
_LONGEST_VALUE: Final = 8192
_MOST_KEYS: Final = 1024
_RESERVED: Final = frozenset({"ts", "level", "msg", "logger", "error", "traceback"})


def log(
    logger: logging.Logger,
    level: int,
    msg: str,
    /,
    *,
    exc_info: BaseException | None = None,
    **fields: object,
) -> None:
    """Log a constant sentence with its fields; an exception adds ``error`` and ``traceback``."""
    logger.log(level, msg, exc_info=exc_info, extra={"fields": fields}, stacklevel=2)


class Redactor:
    """Replaces the values of known secrets in any text, however they got there."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Learn more values, for example after a reload; safe while other threads log."""
        known = {*self._secrets, *(secret for secret in secrets if secret)}
        # Longest first: one secret may begin with another.
        self._secrets = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))

    def __call__(self, text: str) -> str:
        """The text with each secret replaced."""
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"


class Repeats:
    """Keeps a warning that comes again and again from flooding the log.

    The first of its kind (logger, sentence, account, stream) is told as it is. Repeats within
    `SUMMARY_SECONDS` become DEBUG lines with a count; the first one after that is a WARNING again and says
    how many were not told.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[tuple[object, ...], tuple[float, int]] = {}

    def judge(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record as it should be told: itself, or a copy with its count and perhaps a lower level."""
        if record.levelno != logging.WARNING:
            return record
        fields = _fields(record)
        key = (record.name, str(record.msg), str(fields.get("account")), str(fields.get("stream")))
        now = self._clock()
        with self._lock:
            since, count = self._told.pop(key, (-math.inf, 0))
            due = now - since >= SUMMARY_SECONDS
            # Insertion order is order of last use, so the bound drops what was quiet for longest.
            self._told[key] = (now, 0) if due else (since, count + 1)
            if len(self._told) > _MOST_KEYS:
                del self._told[next(iter(self._told))]
        if due and not count:
            return record
        told = copy.copy(record)
        told.__dict__["fields"] = {**fields, "repeats": count if due else count + 1}
        if not due:
            told.levelno, told.levelname = logging.DEBUG, "DEBUG"
        return told


class Handler(logging.StreamHandler[TextIO]):
    """Writes events to a stream and never troubles the program: what cannot be written is given up."""

    def __init__(self, stream: TextIO, formatter: logging.Formatter, repeats: Repeats, lowest: int) -> None:
        super().__init__(stream)
        self.setFormatter(formatter)
        self._repeats = repeats
        self._lowest = lowest

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, unless it is a repeat that nobody wants to see."""
        told = self._repeats.judge(record)
        if told.levelno >= self._lowest:
            super().emit(told)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Say where the bad call stands; the library's own report would print its arguments, unredacted."""
        try:
            self.stream.write(
                f'level=error msg="log line lost" at={record.module}:{record.lineno}{self.terminator}'
            )
            self.flush()
        except (OSError, ValueError):
            return  # the stream itself is gone


class LogfmtFormatter(logging.Formatter):
    """``ts=… level=… msg=… key=value``; values with blanks or control characters are quoted and escaped."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One line without its end."""
        return " ".join(f"{key}={_quoted(_text(value, self._redact))}" for key, value in _items(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line; numbers and booleans stay what they are, everything else is text."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One line without its end."""
        return json.dumps({key: self._plain(value) for key, value in _items(record)}, separators=(",", ":"))

    def _plain(self, value: object) -> object:
        text = _text(value, self._redact)
        if value is None or (isinstance(value, bool | int | float) and text == _text(value, str)):
            return value if not isinstance(value, float) or math.isfinite(value) else text
        return text


def setup(
    level: str,
    form: str,
    *,
    redact: Redactor,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Handler:
    """Send all logging to `stream` (stderr) as `form`, from `level` up; a second call replaces the first.

    Libraries are heard from WARNING up, whatever the level: their debug lines hold whole frames.

    Raises:
        ValueError: for a level or form that is not in `LEVELS` or `FORMATS`.
    """
    if level not in LEVELS:
        raise ValueError(f'unknown log level "{level}" (known: {", ".join(LEVELS)})')
    if form not in FORMATS:
        raise ValueError(f'unknown log format "{form}" (known: {", ".join(FORMATS)})')
    formatter = JsonFormatter(redact) if form == "json" else LogfmtFormatter(redact)
    handler = Handler(stream or sys.stderr, formatter, Repeats(clock), LEVELS[level])
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(LEVELS[level], logging.WARNING))
    logging.getLogger("exporter").setLevel(LEVELS[level])
    return handler


def log_uncaught() -> None:
    """Log what nobody caught, in any thread: the interpreter's own report is not redacted."""
    logger = logging.getLogger("exporter")

    def main(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log(logger, logging.ERROR, "uncaught exception", exc_info=error.with_traceback(trace))

    def thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
            name = told.thread.name if told.thread else ""
            log(logger, logging.ERROR, "uncaught exception", exc_info=told.exc_value, thread=name)

    sys.excepthook = main
    threading.excepthook = thread


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields = record.__dict__.get("fields")
    return fields if isinstance(fields, dict) else {}


def _items(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    at = datetime.fromtimestamp(record.created, UTC)
    yield "ts", at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    yield "level", {"WARNING": "warn", "CRITICAL": "error"}.get(record.levelname, record.levelname.lower())
    yield "msg", record.getMessage()
    if record.levelno <= logging.DEBUG or record.name.partition(".")[0] != "exporter":
        yield "logger", record.name
    for name, value in _fields(record).items():
        key = "".join(char if char.isalnum() or char in "_.-" else "_" for char in name) or "_"
        yield f"{key}_" if key in _RESERVED else key, value
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        yield "error", f"{type(error).__name__}: {error}"
        yield "traceback", "".join(traceback.format_exception(error)).rstrip()


def _text(value: object, redact: Callable[[str], str]) -> str:
    """The value as text without secrets; cut only after that, so that no half of a secret is left."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    text = redact(str(value))
    if len(text) > _LONGEST_VALUE:
        return f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"
    return text


def _quoted(text: str) -> str:
    if text and all(char.isprintable() and char not in ' ="\\' for char in text):
        return text
    return f'"{"".join(_escaped(char) for char in text)}"'


def _escaped(char: str) -> str:
    """Nothing unprintable reaches a terminal: no line ends, no escape sequences, no change of direction."""
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or json.dumps(char)[1:-1]
