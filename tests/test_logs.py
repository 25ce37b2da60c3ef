"""Log lines: their two forms, what is escaped, what is redacted, and what is told only once."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.logs import Handler, JsonFormatter, LogfmtFormatter, Redactor, log, log_uncaught, setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SECRET = "s3cr3t-VALUE"
AT = 1_763_712_000.25  # 2025-11-21T08:00:00.250Z


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of repeat suppression."""
    return Clock()


@pytest.fixture
def out() -> io.StringIO:
    """What was logged."""
    return io.StringIO()


@pytest.fixture
def start(out: io.StringIO, clock: Clock) -> Iterator[Callable[..., logging.Logger]]:
    """Set logging up for one test and put everything back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("exporter")
    before = root.level, ours.level

    def started(level: str = "info", form: str = "logfmt") -> logging.Logger:
        setup(level, form, redact=Redactor([SECRET]), stream=out, clock=clock)
        return logging.getLogger("exporter.test")

    yield started
    root.level, ours.level = before
    for handler in [each for each in root.handlers if isinstance(each, Handler)]:
        root.removeHandler(handler)


def record(fields: Mapping[str, object]) -> logging.LogRecord:
    """An event at a known time."""
    made = logging.LogRecord("exporter.stream", logging.INFO, __file__, 1, "stream is live", None, None)
    made.created = AT
    made.__dict__["fields"] = fields
    return made


def logfmt(fields: Mapping[str, object]) -> str:
    """That event as logfmt."""
    return LogfmtFormatter(Redactor([SECRET])).format(record(fields))


def failed(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """The exception with the traceback that it has once it was raised."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_logfmt_line() -> None:
    """A logfmt line begins with UTC time in milliseconds, level and sentence; fields follow in order."""
    assert logfmt({"account": "main", "attempts": 3, "ratio": 0.5, "up": True, "code": None}) == (
        'ts=2025-11-21T08:00:00.250Z level=info msg="stream is live"'
        ' account=main attempts=3 ratio=0.5 up=true code=""'
    )


def test_json_line() -> None:
    """A JSON line is one object; numbers, booleans and null keep their kind, what JSON cannot say is text."""
    fields = {"n": 3, "f": 0.5, "b": False, "none": None, "nan": float("nan"), "o": ("x", 1), "t": "é\n"}
    line = JsonFormatter(Redactor()).format(record(fields))
    assert line.isascii()
    assert json.loads(line) == {
        "ts": "2025-11-21T08:00:00.250Z",
        "level": "info",
        "msg": "stream is live",
        "n": 3,
        "f": 0.5,
        "b": False,
        "none": None,
        "nan": "nan",
        "o": "('x', 1)",
        "t": "é\n",
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "x"', '"say \\"x\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("a\nlevel=error", '"a\\nlevel=error"'),
        ("a\r\tb", '"a\\r\\tb"'),
        ("\x1b[31m\x00", '"\\u001b[31m\\u0000"'),
        ("\u2028\u202e\x85", '"\\u2028\\u202e\\u0085"'),
        ("\ud800", '"\\ud800"'),
        ("台幣", "台幣"),
    ],
)
def test_logfmt_values_are_escaped(value: str, shown: str) -> None:
    """A value with blanks, quotes, line ends or terminal sequences is quoted and can forge nothing."""
    assert logfmt({"x": value}).endswith(f" x={shown}")


@given(st.text())
def test_any_value_is_one_printable_line(value: str) -> None:
    """Whatever an exchange sends as text, the line stays one line and printable in both forms."""
    for formatter in (LogfmtFormatter(Redactor()), JsonFormatter(Redactor())):
        line = formatter.format(record({"x": value}))
        assert line.isprintable()
        assert len(line.splitlines()) == 1


def test_field_names_cannot_forge_a_field() -> None:
    """A field named like one of our own, or with a blank in it, gets another name."""
    line = logfmt({"level": "debug", "a b=c": 1})
    assert line.endswith('msg="stream is live" level_=debug a_b_c=1')


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_secret_is_redacted_everywhere(
    form: str, start: Callable[..., logging.Logger], out: io.StringIO
) -> None:
    """A secret shows in no line: not from sentence, field, argument, exception text, cause or long value."""
    logger = start("debug", form)
    error = failed(RuntimeError(f"login with {SECRET} refused"), cause=failed(KeyError(SECRET)))
    log(logger, logging.ERROR, f"bad {SECRET}", exc_info=error, key=SECRET, seen=[SECRET])
    logger.info("arguments %s", {"key": SECRET})
    log(logger, logging.INFO, "long", text="x" * 8188 + SECRET)
    assert SECRET not in out.getvalue()
    assert SECRET[:4] not in out.getvalue()
    assert out.getvalue().count("<redacted>") >= 6
    assert len(out.getvalue().splitlines()) == 3


def test_redactor_knows_secrets_within_secrets() -> None:
    """Of two secrets of which one begins with the other, no rest is left; an empty secret is no secret."""
    redact = Redactor(["abc", "abcdef", ""])
    assert redact("abcdef abc") == "<redacted> <redacted>"
    redact.add(["new"])
    assert redact("new") == "<redacted>"
    assert repr(redact) == "Redactor(3 secrets)"


def test_numeric_secret_is_redacted_in_json() -> None:
    """A secret made of digits does not slip through as a number."""
    line = JsonFormatter(Redactor(["12345678"])).format(record({"value": 12345678}))
    assert json.loads(line)["value"] == "<redacted>"


def test_long_value_is_cut() -> None:
    """A value of megabytes is cut, with its length."""
    line = logfmt({"text": "x" * 100_000})
    assert len(line) < 9000
    assert "(100000 characters)" in line


def test_exception_is_one_line(start: Callable[..., logging.Logger], out: io.StringIO) -> None:
    """An exception becomes two fields of the same line."""
    log(start(), logging.ERROR, "it failed", exc_info=failed(ValueError("two\nlines")))
    (line,) = out.getvalue().splitlines()
    assert ' error="ValueError: two\\nlines" traceback="Traceback (most recent call last):\\n' in line


def test_levels(start: Callable[..., logging.Logger], out: io.StringIO) -> None:
    """Lines below the level are not written, and levels have the names that the flag takes."""
    logger = start("warn")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        log(logger, level, f"at {level}")
    assert [line.split()[1] for line in out.getvalue().splitlines()] == [
        "level=warn",
        "level=error",
        "level=error",
    ]


def test_libraries_are_heard_from_warning_up(start: Callable[..., logging.Logger], out: io.StringIO) -> None:
    """Debug lines of libraries, which hold whole frames, are not written even at debug; warnings are."""
    start("debug")
    library = logging.getLogger("somelibrary.client")
    library.debug("> TEXT frame")
    library.warning("trouble with %s", "frame")
    (line,) = out.getvalue().splitlines()
    assert line.endswith('level=warn msg="trouble with frame" logger=somelibrary.client')


def test_repeated_warning_is_told_once(
    start: Callable[..., logging.Logger], out: io.StringIO, clock: Clock
) -> None:
    """A reconnect storm is one warning, and after five minutes one more with the number of repeats."""
    logger = start()
    for _ in range(61):
        log(logger, logging.WARNING, "connection failed", account="main", stream="account")
        clock.now += 5
    first, summary = out.getvalue().splitlines()
    assert "repeats" not in first
    assert summary.endswith("account=main stream=account repeats=59")


def test_repeats_are_kept_at_debug(start: Callable[..., logging.Logger], out: io.StringIO) -> None:
    """At debug level nothing is lost: repeats are debug lines with a running count."""
    logger = start("debug")
    for _ in range(3):
        log(logger, logging.WARNING, "connection failed", account="main")
    levels = [line.split()[1] for line in out.getvalue().splitlines()]
    assert levels == ["level=warn", "level=debug", "level=debug"]
    assert out.getvalue().splitlines()[2].endswith("repeats=2")


def test_repeats_differ_by_account_and_stream(start: Callable[..., logging.Logger], out: io.StringIO) -> None:
    """The same failure of another account or stream is news, and errors are never held back."""
    logger = start()
    for account, stream in (("a", "orders"), ("a", "trades"), ("b", "orders")):
        log(logger, logging.WARNING, "connection failed", account=account, stream=stream)
    for _ in range(2):
        log(logger, logging.ERROR, "login refused", account="a")
    assert len(out.getvalue().splitlines()) == 5


def test_repeats_are_bounded(start: Callable[..., logging.Logger], out: io.StringIO) -> None:
    """Any number of different warnings costs bounded memory; the oldest is then news again."""
    logger = start()
    for number in range(1025):
        log(logger, logging.WARNING, "connection failed", account=f"n{number}")
    log(logger, logging.WARNING, "connection failed", account="n1024")
    log(logger, logging.WARNING, "connection failed", account="n0")
    assert len(out.getvalue().splitlines()) == 1026


def test_bad_log_call_is_reported_without_its_arguments(
    start: Callable[..., logging.Logger], out: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log call that cannot be rendered says where it stands and shows nothing of its arguments."""
    start()
    (handler,) = (each for each in logging.getLogger().handlers if isinstance(each, Handler))
    bad = record({})
    bad.module, bad.lineno, bad.args = "session", 7, (SECRET, SECRET)
    handler.handle(bad)
    assert out.getvalue() == 'level=error msg="log line lost" at=session:7\n'
    assert capsys.readouterr() == ("", "")


def test_closed_stream_is_no_error(start: Callable[..., logging.Logger], out: io.StringIO) -> None:
    """A log whose stream is gone does not trouble the program."""
    logger = start()
    out.close()
    log(logger, logging.INFO, "nobody listens")


def test_second_setup_replaces_the_first(start: Callable[..., logging.Logger], out: io.StringIO) -> None:
    """Setting up twice does not write each line twice."""
    start()
    log(start(), logging.INFO, "once")
    assert len(out.getvalue().splitlines()) == 1


def test_unknown_level_and_form() -> None:
    """An unknown level or format is refused with the known ones."""
    with pytest.raises(ValueError, match=r'^unknown log level "loud" \(known: debug, info, warn, error\)$'):
        setup("loud", "logfmt", redact=Redactor())
    with pytest.raises(ValueError, match=r'^unknown log format "xml" \(known: logfmt, json\)$'):
        setup("info", "xml", redact=Redactor())


def test_uncaught_exceptions_are_logged_redacted(
    start: Callable[..., logging.Logger], out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that nobody caught, in a thread or in main, is a redacted log line; Ctrl-C is not."""
    start()
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    log_uncaught()

    def fail() -> None:
        raise RuntimeError(SECRET)

    worker = threading.Thread(target=fail, name="session:main")
    worker.start()
    worker.join()
    error = RuntimeError(SECRET)
    sys.excepthook(RuntimeError, error, None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    in_thread, in_main = out.getvalue().splitlines()
    assert "thread=session:main" in in_thread
    assert 'error="RuntimeError: <redacted>"' in in_main
    assert SECRET not in out.getvalue()
