"""The command line: arguments to settings to exit code, and no logic of its own."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import platform
import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from exporter import __version__
from exporter.commands import arguments
from exporter.logs import FORMATS, LEVELS, Redactor, log_uncaught, setup

PROGRAM: Final = "exchange-exporter"
COMMANDS: Final = ("run", "demo", "check", "replay", "record", "backfill")
FAILURE, USAGE = 1, 2
DEFAULT_ADDRESS: Final = "127.0.0.1:19700"


class WholeNames(argparse.HelpFormatter):
    """Help whose names with hyphens stay in one piece."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; gives its exit code: 0 normal, 1 runtime failure, 2 usage or configuration."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "run")
    settings = _parser(words[0]).parse_args(words)
    redact = Redactor()
    setup(settings.log_level, settings.log_format, redact=redact)
    log_uncaught()
    if hasattr(signal, "SIGUSR1"):
        # A standard error that is closed or no file takes no tracebacks; everything else works without.
        with contextlib.suppress(OSError, RuntimeError):
            faulthandler.register(signal.SIGUSR1)
    try:
        return _dispatch(settings, redact)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        sys.stderr.close()
        return FAILURE


def _dispatch(settings: argparse.Namespace, redact: Redactor) -> int:
    # Imported late, so that each command loads only what it needs.
    from exporter.config.reader import ConfigError  # noqa: PLC0415
    from exporter.web.address import ListenError  # noqa: PLC0415
    from exporter.web.webconfig import WebConfigError  # noqa: PLC0415

    try:
        return _command(settings, redact)
    except (ConfigError, WebConfigError) as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)  # noqa: T201 - the answer to a person, not an event
        return USAGE
    except ListenError as error:
        print(f"{PROGRAM}: {error} (--web.listen-address chooses another)", file=sys.stderr)  # noqa: T201
        return FAILURE
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        where = f"cannot use {error.filename}: " if error.filename else ""
        print(f"{PROGRAM}: {where}{reason}", file=sys.stderr)  # noqa: T201 - as above
        return FAILURE


def _command(settings: argparse.Namespace, redact: Redactor) -> int:
    if settings.command == "check":
        from exporter.commands.check import check  # noqa: PLC0415

        return check(settings.config_file, redact, login=settings.login)
    if settings.command == "replay":
        from exporter.commands.replay import replay  # noqa: PLC0415

        return replay(settings.file, settings.exchange, settings.account, settings.format)
    if settings.command == "record":
        from exporter.commands.record import record  # noqa: PLC0415

        return record(settings.config_file, settings.account, settings.file, redact)
    if settings.command == "backfill":
        return _backfill(settings, redact)
    from exporter.app import WebSettings  # noqa: PLC0415

    web = WebSettings(
        listen_addresses=tuple(settings.listen_address or (DEFAULT_ADDRESS,)),
        telemetry_path=settings.telemetry_path,
        config_file=settings.web_config_file,
        max_requests=settings.max_requests,
        lifecycle=settings.enable_lifecycle,
    )
    if settings.command == "demo":
        from exporter.commands.demo import demo  # noqa: PLC0415

        return demo(settings.seed, settings.speed, web, redact, tuple(dict.fromkeys(settings.incidents)))
    from exporter.commands.run import run  # noqa: PLC0415

    return run(settings.config_file, web, redact)


def _backfill(settings: argparse.Namespace, redact: Redactor) -> int:
    from exporter.commands.backfill import Request, backfill  # noqa: PLC0415 - as in _dispatch

    request = Request(
        account=settings.account,
        start=settings.start,
        end=settings.end,
        step=settings.step,
        output=settings.output,
        labels=tuple(settings.label),
    )
    return backfill(settings.config_file, request, redact)


def _parser(chosen: str = "demo") -> argparse.ArgumentParser:
    """All commands; the names of incidents are loaded only where the demo is chosen."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Prometheus exporter for the private account streams of crypto exchanges. "
        "It only watches. Without a command it runs.",
    )
    version = f"{PROGRAM} {__version__} (Python {platform.python_version()})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser("run", help="follow the configured accounts and serve their metrics")
    demo = commands.add_parser(
        "demo",
        help="serve simulated accounts: no keys, no configuration, no network",
        formatter_class=WholeNames,
    )
    check = commands.add_parser("check", help="validate the configuration; with --login also the keys")
    replay = commands.add_parser("replay", help="print the metrics that recorded messages make")
    record = commands.add_parser("record", help="write down a live stream, without credentials")
    backfill = commands.add_parser("backfill", help="write past balances as OpenMetrics for promtool")
    for command in (run, demo):
        _add_web(command)
    for command in (run, check, record, backfill):
        command.add_argument(
            "--config.file",
            dest="config_file",
            default="config.yaml",
            metavar="FILE",
            help="accounts and settings (default config.yaml)",
        )
    for command in (run, demo, check, replay, record, backfill):
        _add_logs(command, version)
    _add_demo(demo, _incidents() if chosen == "demo" else ())
    check.add_argument("--login", action="store_true", help="log in to each account once")
    _add_replay(replay)
    _add_account(record)
    record.add_argument("file", metavar="FILE", help="where to write; - for standard output")
    _add_past(backfill)
    return parser


def _add_account(command: argparse.ArgumentParser) -> None:
    command.add_argument("--account", required=True, metavar="NAME", help="one account of the configuration")


def _add_demo(command: argparse.ArgumentParser, incidents: Sequence[str]) -> None:
    command.add_argument(
        "--demo.seed",
        dest="seed",
        type=int,
        default=1,
        metavar="N",
        help="another number, another history (default 1)",
    )
    command.add_argument(
        "--demo.speed",
        dest="speed",
        type=arguments.speed,
        default=1.0,
        metavar="X",
        help="how many times as much happens, at most 1000 (default 1)",
    )
    command.add_argument(
        "--incident",
        dest="incidents",
        action="append",
        default=[],
        type=arguments.incident,
        metavar="NAME",
        help="what goes wrong, may be given several times; nothing else happens then. One of: "
        + ", ".join(incidents),
    )


def _incidents() -> tuple[str, ...]:
    from exporter.demo.incidents import INCIDENTS  # noqa: PLC0415 - as in _dispatch

    return tuple(INCIDENTS)


def _add_replay(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--exchange", required=True, metavar="NAME", help="the exchange that sent the messages"
    )
    command.add_argument(
        "--account", default="replay", metavar="NAME", help="value of the label account (default replay)"
    )
    command.add_argument(
        "--format",
        choices=("text", "openmetrics"),
        default="text",
        help="how metrics are written (default text)",
    )
    command.add_argument("file", metavar="FILE", help="one JSON value a line; - for standard input")


def _add_past(command: argparse.ArgumentParser) -> None:
    _add_account(command)
    command.add_argument(
        "--from", dest="start", required=True, metavar="DATE", help="such as 2026-01-31, in UTC"
    )
    command.add_argument("--to", dest="end", metavar="DATE", help="default: now")
    command.add_argument("--step", default="5m", metavar="DURATION", help="time between two samples (5m)")
    command.add_argument("--output", default="-", metavar="FILE", help="default: standard output")
    command.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a label that Prometheus adds to live series, such as job or instance; may be repeated",
    )


def _add_web(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--web.listen-address",
        dest="listen_address",
        action="append",
        type=arguments.address,
        metavar="ADDRESS",
        help=f"host:port to serve on, may be given several times (default {DEFAULT_ADDRESS})",
    )
    command.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        type=arguments.path,
        default="/metrics",
        metavar="PATH",
        help="where metrics are (default /metrics)",
    )
    command.add_argument(
        "--web.config.file",
        dest="web_config_file",
        type=Path,
        metavar="FILE",
        help="TLS, users and headers, in the format that Prometheus exporters share",
    )
    command.add_argument(
        "--web.max-requests",
        dest="max_requests",
        type=arguments.count,
        default=5,
        metavar="N",
        help="how many requests are answered at the same time (default 5)",
    )
    command.add_argument(
        "--web.enable-lifecycle",
        dest="enable_lifecycle",
        action="store_true",
        help="reload the configuration on POST /-/reload",
    )


def _add_logs(command: argparse.ArgumentParser, version: str) -> None:
    command.add_argument(
        "--log.level",
        dest="log_level",
        choices=tuple(LEVELS),
        default="info",
        help="the least severe events that are logged (default info)",
    )
    command.add_argument(
        "--log.format",
        dest="log_format",
        choices=FORMATS,
        default="logfmt",
        help="how log lines are written (default logfmt)",
    )
    command.add_argument("--version", action="version", version=version)
