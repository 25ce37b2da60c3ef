"""`exchange-exporter backfill`: past balances as OpenMetrics, for a Prometheus that lacks them."""

from __future__ import annotations

import contextlib
import math
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from exporter.commands.private import private_file
from exporter.commands.run import load
from exporter.config.types import Account, Config
from exporter.core.backoff import RequestBudget
from exporter.core.events import Snapshot
from exporter.core.model import Wallet
from exporter.core.past import Courses, Entry, trace
from exporter.exchanges import KNOWN
from exporter.exchanges.reads import Reads
from exporter.exposition.past import exposition
from exporter.follow import Workshop
from exporter.logs import Redactor
from exporter.rest.client import RestClient
from exporter.rest.patient import PatientAsker, Unanswered, read_back

FAILURE: Final = 1
USAGE: Final = 2
YEAR: Final = timedelta(days=365)
OWN_LABELS: Final = ("exchange", "account", "wallet", "currency")
_STEP: Final = re.compile(r"([1-9]\d{0,5})(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LABEL: Final = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks for, as the command line has it."""

    account: str
    start: str
    end: str | None
    step: str
    output: str
    labels: tuple[str, ...]


class UsageError(Exception):
    """Something cannot be done as it was asked for; the text says what and names what is known to work."""


def backfill(config_file: str, request: Request, redact: Redactor) -> int:
    """Write an account's past balances. Raises ConfigError, OSError."""
    config = load(config_file)
    now = datetime.now(UTC)
    try:
        account = _account(config, request.account)
        reads = _reads(account)
        start, end = _span(request, now, reads, account.exchange)
        step = _step(request.step)
        labels = {**_labels(request.labels), "exchange": account.exchange, "account": account.name}
    except UsageError as error:
        _say(str(error))
        return USAGE
    redact.add(account.secrets())
    try:
        found = _read(config, account, reads, start, now.timestamp())
    except Unanswered as error:
        hint = " (the key must be allowed to read wallets and history)" if error.reason == "auth" else ""
        _say(redact(f"{account.name}: {error}{hint}"))
        return FAILURE
    _warn(found)
    lines = exposition(found.courses, labels, math.floor(start), math.floor(end), step)
    written = 0
    with _opened(request.output) as out:
        for line in lines:
            out.write(line.encode())
            written += not line.startswith("#")
        out.flush()
    _say(f"wrote {written} samples of {len(found.courses)} wallets, {_day(start)} to {_day(end)}")
    return 0


# What was asked for


def _account(config: Config, name: str) -> Account:
    for account in config.accounts:
        if account.name == name:
            if account.privacy.hide_amounts:
                raise UsageError(f"--account: {name} has privacy.hide_amounts: its balances are not written")
            return account
    known = ", ".join(each.name for each in config.accounts) or "none"
    raise UsageError(f'--account: unknown account "{name}" (known: {known})')


def _reads(account: Account) -> Reads:
    reads = KNOWN[account.exchange].reads
    if reads is not None and reads.ledger is not None:
        return reads
    able = ", ".join(
        sorted(name for name, spec in KNOWN.items() if spec.reads is not None and spec.reads.ledger)
    )
    raise UsageError(
        f"--account: {account.name} is at {account.exchange}, whose past cannot be read"
        f" (known to work: {able})"
    )


def _span(request: Request, now: datetime, reads: Reads, exchange: str) -> tuple[float, float]:
    start = _moment("--from", request.start)
    end = now if request.end is None else _moment("--to", request.end)
    oldest = now - reads.ledger_years * YEAR
    if start < oldest:
        raise UsageError(
            f"--from: {request.start} is too early: {exchange} keeps its ledger for {reads.ledger_years}"
            f" years (expected {oldest.date()} or later)"
        )
    if not start < end <= now:
        raise UsageError("--from, --to: expected a beginning before an end, and an end that has come already")
    return start.timestamp(), end.timestamp()


def _moment(flag: str, text: str) -> datetime:
    with contextlib.suppress(ValueError):
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    raise UsageError(f'{flag}: "{text}" is no date (expected such as 2026-01-31 or 2026-01-31T18:00, in UTC)')


def _step(text: str) -> int:
    match = _STEP.fullmatch(text)
    if match is None:
        raise UsageError(f'--step: "{text}" is no step (expected such as 30s, 5m, 1h or 1d)')
    return int(match[1]) * _SECONDS[match[2]]


def _labels(texts: Sequence[str]) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    for text in texts:
        match = _LABEL.fullmatch(text)
        if match is None or match[1].startswith("__"):
            raise UsageError(f'--label: "{text}" is no label (expected such as job=exchange-exporter)')
        if match[1] in OWN_LABELS:
            raise UsageError(f"--label: {match[1]} is a label of the balances themselves (expected another)")
        labels[match[1]] = match[2]
    return labels


# Reading and writing


def _read(config: Config, account: Account, reads: Reads, start: float, now: float) -> Courses:
    """What the venue says of the time from `start` until now. Raises Unanswered."""
    ledger = reads.ledger
    assert ledger is not None  # noqa: S101 - `_reads` has seen to it
    followed = Workshop.equip(config.stream).follow(account)
    login, endpoints = followed.login, followed.want.endpoints
    client = RestClient()
    asker = PatientAsker(client, RequestBudget(reads.per_minute), clock=time.monotonic, pause=time.sleep)

    def page(until: float) -> Sequence[Entry]:
        read = ledger(login, endpoints, start, until)
        return asker.ask(read.ask, read.understand)

    try:
        # First what is now: what changes meanwhile has its line in the ledger.
        present: dict[tuple[str, str], float] = {}
        for table in reads.tables(login, endpoints, frozenset(("wallets",))):
            for event in asker.ask(table.ask, table.understand):
                rows = event.rows.values() if isinstance(event, Snapshot) else ()
                for row in rows:
                    if isinstance(row, Wallet) and row.balance is not None:
                        present[row.wallet, row.currency] = row.balance
        lines = read_back(page, start, now, _progress)
    finally:
        client.close()
    found = trace(lines, present)
    chosen = account.include.currencies
    shown = [course for course in found.courses if not chosen or course.currency in chosen]
    return found._replace(courses=shown)


def _progress(count: int, oldest: float) -> None:
    _say(f"read {count} lines of the ledger, back to {_day(oldest)}")


def _warn(found: Courses) -> None:
    if found.without_wallet:
        _say(f"warning: {found.without_wallet} lines name no wallet and are left out")
    for (wallet, currency), count in found.broken.items():
        _say(
            f"warning: {wallet} {currency}: {count} balances do not follow from the one before;"
            " they are written as the exchange tells them"
        )


def _day(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M")


def _say(sentence: str) -> None:
    """To a person: standard output is for the samples."""
    print(sentence, file=sys.stderr)  # noqa: T201


def _opened(output: str) -> contextlib.AbstractContextManager[IO[bytes]]:
    if output == "-":
        return contextlib.nullcontext(sys.stdout.buffer)
    return private_file(Path(output))
