"""Streams: when was which stream live, what broke it, was anything lost, and does REST agree."""

from __future__ import annotations

from grafana.source.board import Board
from grafana.source.look import (
    BAD,
    ONE_HUE,
    PLAIN,
    QUIET,
    SECOND,
    STATES,
    WARN,
    Json,
    column,
    paint_like,
    steps,
    words,
)
from grafana.source.panels import bars, heatmap, lines, table, target, timeline
from grafana.source.query import age, buckets, grown, now, series, speed, total

STREAM = "{{account}} {{stream}}"
CALM = "nothing happened"


def streams() -> Board:
    """The dashboard, laid out."""
    board = Board(
        "streams", "For who runs it: the life of each stream, its losses, and its comparison with REST."
    )
    board.line(7, (24, states()))
    board.line(8, (8, silence()), (8, quiet()), (8, snapshots()))
    board.line(8, (12, messages()), (12, breaks()))
    board.row("Losses and delay")
    board.line(8, (8, losses()), (8, malformed()), (8, clock()))
    board.line(8, (12, delays()), (12, late()))
    board.row("REST")
    board.line(8, (8, requests()), (8, failures()), (8, durations()))
    board.line(8, (12, mismatches()), (12, differences()))
    return board


def states() -> Json:
    """One band for each stream."""
    numbered = " or ".join(
        f"{series('stream_state', state=state)} * {number}" for number, (state, _) in enumerate(STATES, 1)
    )
    return timeline(
        "States",
        "When was each stream live, synchronising, waiting to reconnect, or in maintenance?",
        target(f"max by (exchange, account, stream) ({numbered})", STREAM),
        unit="none",
        mappings=words(*((number, state, colour) for number, (state, colour) in enumerate(STATES, 1))),
        empty="no exporter answers",
    )


def silence() -> Json:
    """The age of the last sign of life, measured in what is usual."""
    interval = now("stream_liveness_interval_seconds")
    return lines(
        "Silence, in usual intervals",
        "Is a socket dead? Time since the last sign of life, over the interval in which one is due.",
        target(f"({age(now('stream_last_liveness_timestamp_seconds'))}) / {interval}", STREAM),
        unit="suffix:x",
        thresholds=steps("transparent", (1, WARN), (3, BAD)),
        bands="dashed",
        color=ONE_HUE,
        min=0,
    )


def quiet() -> Json:
    """The age of account data."""
    return lines(
        "Since the last account data",
        "Is the account quiet, or the feed mute? A quiet account is no fault while its heartbeats come.",
        target(age(now("stream_last_data_timestamp_seconds")), STREAM),
        unit="s",
        color=ONE_HUE,
        min=0,
    )


def snapshots() -> Json:
    """How old the base is."""
    oldest = f"max by (exchange, snapshot) ({age(now('stream_last_snapshot_timestamp_seconds'))})"
    return bars(
        "Age of the snapshots",
        "How old is the base that each table is built on, at the account where it is oldest?",
        target(f"sort_desc({oldest})", "{{exchange}} {{snapshot}}", instant=True),
        unit="s",
        decimals=0,
        empty="no snapshot yet",
    )


def messages() -> Json:
    """Traffic by kind."""
    return lines(
        "Messages per second",
        "Is the protocol drifting? By kind; `other` is what the exporter does not know, in red.",
        target(f"{total(speed('stream_messages_total'), 'message')} > 0", "{{message}}"),
        unit="none",
        stack=True,
        min=0,
        place="right",
        calcs=["lastNotNull"],
        color=ONE_HUE,
        overrides=[paint_like("^other$", BAD), paint_like("^(hb|heartbeat|ping)$", QUIET)],
    )


def breaks() -> Json:
    """Why connections end, or do not begin."""
    ended = total(grown("stream_disconnects_total"), "account", "reason")
    failed = total(grown("stream_connect_failures_total"), "account", "reason")
    refused = total(grown("stream_auth_failures_total"), "account")
    return lines(
        "Connections lost, failed, refused",
        "What breaks the connection? Counted for each bar; maintenance is purple, a refused login red.",
        target(f"{ended} > 0", "{{account}}: {{reason}}"),
        target(f"{failed} > 0", "{{account}}: no connection, {{reason}}"),
        target(f"{refused} > 0", "{{account}}: login refused"),
        unit="none",
        bars=True,
        stack=True,
        min=0,
        empty=CALM,
        color={"mode": "shades", "fixedColor": WARN},
        overrides=[paint_like(": maintenance$", SECOND), paint_like("login refused$", BAD)],
    )


def losses() -> Json:
    """Gaps and what we did about them."""
    return lines(
        "Gaps and fresh starts",
        "Are we losing messages, and did we recover? Gaps in sequence numbers, and connections we ended for "
        "fresh snapshots, by trigger; executions that were missed and found in the history.",
        target(f"{total(grown('stream_sequence_gaps_total'), 'account')} > 0", "{{account}}: gap"),
        target(
            f"{total(grown('stream_resyncs_total'), 'account', 'trigger')} > 0",
            "{{account}}: after {{trigger}}",
        ),
        target(f"{total(grown('fills_recovered_total'), 'account')} > 0", "{{account}}: execution found"),
        unit="none",
        bars=True,
        stack=True,
        min=0,
        empty=CALM,
        overrides=[
            paint_like(": gap$", BAD),
            paint_like(": after ", WARN),
            paint_like(": execution found$", PLAIN),
        ],
    )


def malformed() -> Json:
    """What could not be read."""
    return lines(
        "Unreadable messages",
        "Does the venue say what we cannot read? Such messages change nothing; by what is wrong with them.",
        target(f"{total(grown('stream_malformed_total'), 'kind')} > 0", "{{kind}}"),
        unit="none",
        bars=True,
        stack=True,
        min=0,
        empty=CALM,
    )


def clock() -> Json:
    """Our clock and the venue's."""
    return lines(
        "Clock difference",
        "Is our clock wrong, or the venue's? Ours less the venue's, at best.",
        target(now("clock_difference_seconds"), "{{exchange}}"),
        unit="s",
        empty="no server time yet",
    )


def delays() -> Json:
    """How late messages are, by bucket."""
    rate = f"rate({series('stream_delivery_delay_seconds', '_bucket')}[$__rate_interval])"
    return heatmap(
        "Delivery delay",
        "Is the venue or the way to it slow? Messages by the time from the venue's clock to ours.",
        f"sum by (le) ({rate})",
        unit="s",
    )


def late() -> Json:
    """The slow one in a hundred."""
    return lines(
        "Delivery delay, 99 of 100",
        "How late are the slowest messages of each stream?",
        target(
            buckets("stream_delivery_delay_seconds", 0.99, "exchange", "stream"), "{{exchange}} {{stream}}"
        ),
        unit="s",
        min=0,
    )


def requests() -> Json:
    """How much we ask."""
    return lines(
        "Requests",
        "Are we near a limit of the venue? Counted for each bar of five minutes or more.",
        target(total(grown("rest_requests_total"), "exchange"), "{{exchange}}"),
        interval="5m",
        unit="none",
        bars=True,
        stack=True,
        min=0,
    )


def failures() -> Json:
    """What we did not get."""
    failed = total(grown("rest_request_failures_total"), "exchange", "endpoint", "reason")
    return lines(
        "Failed requests",
        "What did REST refuse or lose, and why? `rate_limit` is red.",
        target(f"{failed} > 0", "{{exchange}} {{endpoint}}: {{reason}}"),
        interval="5m",
        unit="none",
        bars=True,
        stack=True,
        min=0,
        empty="no failure",
        overrides=[paint_like(": rate_limit$", BAD)],
    )


def durations() -> Json:
    """How slow it is."""
    return lines(
        "Duration of requests, 95 of 100",
        "Is REST slow? Over the last fifteen minutes each.",
        target(buckets("rest_request_duration_seconds", 0.95, "exchange", window="15m"), "{{exchange}}"),
        unit="s",
        min=0,
    )


def mismatches() -> Json:
    """Wallets and rows that differ."""
    return lines(
        "Stream against REST",
        "Does the stream match REST? Wallets and rows that differed at the last comparison: what moved "
        "meanwhile differs once, what lasts makes the stream start afresh.",
        target(now("reconcile_mismatched_wallets"), "{{account}}: wallets"),
        target(
            f"{total(now('reconcile_mismatched_rows'), 'account', 'table')} > 0", "{{account}}: {{table}}"
        ),
        unit="none",
        decimals=0,
        min=0,
        soft_max=3,
        stairs=True,
    )


def differences() -> Json:
    """Which wallets differ, and by how much."""
    return table(
        "Wallets that differ",
        "Which wallet, and by how much? What REST says less what the stream says, in units of the currency.",
        target(now("reconcile_difference")),
        sort="Account",
        down=False,
        names={
            "account": "Account",
            "wallet": "Wallet",
            "currency": "Currency",
            "Value": "Difference",
            "Value #A": "Difference",
        },
        without=("exchange",),
        unit="none",
        empty="all agree",
        overrides=[column("Difference", decimals=8)],
    )
