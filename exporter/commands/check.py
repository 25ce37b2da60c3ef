"""`exchange-exporter check`: is the configuration valid, and, with `--login`, do the keys work?"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from exporter.commands.run import load
from exporter.config.types import Account
from exporter.core.report import Report
from exporter.exposition.collector import account_samples
from exporter.follow import Followed, Workshop, system_clock
from exporter.logs import Redactor
from exporter.overview import key_word

FAILURE: Final = 1
LOGIN_LIMIT: Final = 40.0
"""Seconds for one account to connect, log in and send its snapshots."""
LOOK: Final = 0.1
ENDINGS: Final = ("refused", "backoff", "maintenance", "stopped")


def check(config_file: str, redact: Redactor, *, login: bool) -> int:
    """Print what is configured; with `login`, what each key may do and would show. Raises ConfigError."""
    config = load(config_file)
    for warning in config.warnings:
        print(f"warning: {warning}")  # noqa: T201
    names = ", ".join(account.name for account in config.accounts) or "none"
    print(f"{config_file}: valid; accounts: {names}")  # noqa: T201
    if not login:
        return 0
    # One workshop for all: the venue counts the connections of this machine, not of an account.
    workshop = Workshop.equip(config.stream)
    # Every account is tried, also after one has failed.
    failed = [account.name for account in config.accounts if not _log_in(workshop, account, redact)]
    return FAILURE if failed else 0


def _log_in(workshop: Workshop, account: Account, redact: Redactor) -> bool:
    """Follow one account until it is live or turned away, and say which."""
    redact.add(account.secrets())
    followed = workshop.follow(account)
    threads = [threading.Thread(target=session.run, daemon=True) for session in followed.sessions]
    for thread in threads:
        thread.start()
    report = _await(followed)
    for session in followed.sessions:
        session.stop()
    for thread in threads:
        thread.join(1.0)
    for line in _lines(followed, report):
        print(redact(line))  # noqa: T201
    return all(stream.is_up for stream in report.streams)


def _await(followed: Followed) -> Report:
    deadline = time.monotonic() + LOGIN_LIMIT
    while True:
        report = followed.watched.state.report(system_clock().monotonic)
        settled = all(stream.is_up or stream.phase in ENDINGS for stream in report.streams)
        if settled or time.monotonic() > deadline:
            return report
        time.sleep(LOOK)


def _lines(followed: Followed, report: Report) -> Sequence[str]:
    lines = [f"{report.account} ({report.exchange}):"]
    for stream in report.streams:
        why = f": {stream.notes[-1].sentence}" if stream.notes and not stream.is_up else ""
        lines.append(f"  stream {stream.name}: {stream.phase}{why}")
    lines.append(f"  key: {key_word(report.permissions)}")
    granted = sorted(report.permissions or {})
    for scope in dict.fromkeys(scope for scope, _ in granted):
        may = [access for access in ("read", "write") if (report.permissions or {}).get((scope, access))]
        lines.append(f"    {scope}: {', '.join(may) or 'nothing'}")
    samples = account_samples(followed.watched, report, system_clock())
    lines.append(f"  series: {sum(map(len, samples.families.values()))}")
    return lines
