"""From account reports to the rows of the landing page."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.core.report import Report
from exporter.core.stream import StreamReport
from exporter.web.landing import AccountRow, EventLine, StreamRow


def account_row(report: Report) -> AccountRow:
    """One account of the page."""
    wallets = report.view.tables.get("wallets")
    return AccountRow(
        account=report.account,
        exchange=report.exchange,
        wallets=None if wallets is None else len(wallets),
        streams=tuple(_stream_row(stream) for stream in report.streams),
        key=key_word(report.permissions),
    )


def key_word(permissions: Mapping[tuple[str, str], bool] | None) -> str:
    """What the key may do, in one phrase."""
    if permissions is None:
        return "unknown"
    writes = {scope for (scope, access), granted in permissions.items() if granted and access == "write"}
    if any("withdraw" in scope for scope in writes):
        return "can withdraw"
    return "can trade" if writes else "read only"


def _stream_row(stream: StreamReport) -> StreamRow:
    detail = ""
    if stream.refusal:
        detail = f"refused: {stream.refusal}"
    elif stream.missing:
        detail = f"waiting for {', '.join(stream.missing)}"
    return StreamRow(
        stream=stream.name,
        state=stream.phase,
        up=stream.is_up,
        since=stream.since,
        last_message=stream.liveness or None,
        connects=stream.connects,
        detail=detail,
        events=tuple(EventLine(note.at, note.sentence) for note in reversed(stream.notes)),
    )
