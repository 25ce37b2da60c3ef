"""The page at `/`: what is watched, and how it fares, for a person with a browser and no dashboard.

One document without scripts, pictures or other requests. Every string that comes from outside is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

REFRESH_SECONDS = 10
EVENTS_SHOWN = 5
MINUTE, HOUR, DAY = 60, 3600, 86400

# A sheet of its own, put into the page: one request shows everything, and the policy can name its digest.
# By its path: importlib.resources would load zipfile and tempfile, for archives that nobody runs this from.
_STYLE = Path(__file__).with_name("landing.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# State to the colour of its chip. Colour never stands alone: the chip carries the word too.
_TONES = {
    "live": "good",
    "connecting": "busy",
    "authenticating": "busy",
    "syncing": "busy",
    "stale": "warn",
    "backoff": "warn",
    "maintenance": "calm",
    "refused": "bad",
    "stopped": "calm",
}
_KEY_TONES = {"read only": "good", "can trade": "warn", "can withdraw": "bad"}


@dataclass(frozen=True, slots=True)
class EventLine:
    """Something that happened to a stream, at a Unix time."""

    at: float
    sentence: str


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One stream of an account. Times are Unix seconds; `detail` is a refusal code or a short reason."""

    stream: str
    state: str
    up: bool
    since: float
    last_message: float | None
    connects: int
    detail: str
    events: tuple[EventLine, ...]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account. `wallets` is None while unknown; `key` says what its API key may do."""

    account: str
    exchange: str
    wallets: int | None
    streams: tuple[StreamRow, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the page shows, as of `now` (Unix seconds)."""

    version: str
    demo: bool
    now: float
    started: float
    telemetry_path: str
    accounts: tuple[AccountRow, ...]


def render(overview: Overview) -> bytes:
    """The page as HTML."""
    metrics = escape(overview.telemetry_path)
    banner = (
        '<p class="banner"><strong>Demo.</strong> These accounts and exchanges are simulated on this '
        "machine; no key is used and nothing leaves it.</p>"
        if overview.demo
        else ""
    )
    accounts = "".join(_account(each, overview.now) for each in overview.accounts)
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="{REFRESH_SECONDS}">
<title>{escape(_title(overview))}</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>Exchange Exporter <small>{escape(overview.version)}</small></h1>
<nav><a href="{metrics}">Metrics</a> <a href="/-/healthy">Health</a> <a href="/-/ready">Readiness</a></nav>
</header>
{banner}
<main>
{_summary(overview)}
{accounts or _NOTHING}
</main>
<footer>
<p>Read-only: this exporter watches account streams and never acts on them. What is not known to be true
now is withheld from <a href="{metrics}">{metrics}</a> rather than shown.</p>
<p>As of {_time(overview.now, None)}, renewed every {REFRESH_SECONDS} seconds. Running for
{_duration(overview.now - overview.started)}.</p>
</footer>
</body>
</html>
"""
    return page.encode()


_NOTHING = '<p class="empty">No accounts: nothing is watched. Add one to the configuration file.</p>'


def _title(overview: Overview) -> str:
    streams = [stream for account in overview.accounts for stream in account.streams]
    down = sum(not stream.up for stream in streams)
    prefix = f"({down} down) " if down else ""
    return f"{prefix}Exchange Exporter"


def _summary(overview: Overview) -> str:
    streams = [stream for account in overview.accounts for stream in account.streams]
    if not streams:
        return ""
    up = sum(stream.up for stream in streams)
    tone = "good" if up == len(streams) else "warn" if up else "bad"
    count = len(overview.accounts)
    accounts = "1 account" if count == 1 else f"{count} accounts"
    return (
        f'<p class="summary"><strong class="{tone}">{up} of {len(streams)}</strong> '
        f"{'stream is' if len(streams) == 1 else 'streams are'} up, {accounts} watched.</p>"
    )


def _account(account: AccountRow, now: float) -> str:
    wallets = "wallets not known" if account.wallets is None else _count(account.wallets, "wallet")
    rows = "".join(_stream(each, now) for each in account.streams)
    key = account.key if account.key in _KEY_TONES else f"key: {account.key}"
    return f"""<section>
<h2>{escape(account.account)} <span class="exchange">{escape(account.exchange)}</span>
{_chip(key, _KEY_TONES.get(account.key, "calm"))} <span class="note">{wallets}</span></h2>
<table>
<thead><tr><th scope="col">Stream</th><th scope="col">State</th><th scope="col">Up</th>
<th scope="col">In state for</th><th scope="col">Last message</th><th scope="col">Reconnects</th></tr></thead>
{rows}</table>
</section>
"""


def _stream(row: StreamRow, now: float) -> str:
    last = "none yet" if row.last_message is None else f"{_duration(now - row.last_message)} ago"
    detail = f'<p class="detail">{escape(row.detail)}</p>' if row.detail else ""
    newest = sorted(row.events, key=lambda event: event.at, reverse=True)[:EVENTS_SHOWN]
    events = "".join(f"<li>{_time(event.at, now)} {escape(event.sentence)}</li>" for event in newest)
    log = f"<ol>{events}</ol>" if events else ""
    more = f'<tr class="more"><td colspan="6">{detail}{log}</td></tr>' if detail or log else ""
    return f"""<tbody>
<tr><th scope="row">{escape(row.stream)}</th>
<td data-name="State">{_chip(row.state, _TONES.get(row.state, "calm"))}</td>
<td data-name="Up">{"yes" if row.up else '<strong class="bad">no</strong>'}</td>
<td data-name="In state for">{_duration(now - row.since)}</td>
<td data-name="Last message">{last}</td>
<td data-name="Reconnects">{max(0, row.connects - 1)}</td></tr>
{more}</tbody>
"""


def _chip(text: str, tone: str) -> str:
    return f'<span class="chip {tone}">{escape(text)}</span>'


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _time(at: float, now: float | None) -> str:
    """A moment in UTC; beside `now` without what both share, the date."""
    try:
        moment = datetime.fromtimestamp(at, UTC)
        today = now is not None and datetime.fromtimestamp(now, UTC).date() == moment.date()
    except (OverflowError, ValueError, OSError):
        return "<span>at an unknown time</span>"
    full = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    shown = f"{moment:%H:%M:%S}" if today else full
    return f'<time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}" title="{full}">{shown}</time>'


def _duration(seconds: float) -> str:
    """A length of time in its two largest units; clocks that disagree a little show as 0 s."""
    if not 0 <= seconds < float("inf"):
        return "0 s"
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"
