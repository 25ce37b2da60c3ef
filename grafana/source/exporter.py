"""The exporter itself: is it well, what does it cost, is anything cut off."""

from __future__ import annotations

from grafana.source.board import Board
from grafana.source.look import BAD, GOOD, WARN, Json, steps, words
from grafana.source.panels import bars, lines, stat, target
from grafana.source.query import WINDOW, age, grown, now, series, total

HERE = '{job=~"$job",instance=~"$instance"}'
"""What selects metrics that Prometheus and the process add: they have no label of ours."""
ONE = "{{instance}}"


def exporter() -> Board:
    """The dashboard, laid out."""
    board = Board(
        "exporter", "The exporter as a program: its version, cost, scrape time, series and threads."
    )
    board.line(3, (6, version()), (3, uptime()), (3, demo()), (4, config()), (4, dropped()), (4, restarts()))
    board.line(8, (8, memory()), (8, cpu()), (8, files()))
    board.line(8, (8, scrape()), (8, samples()), (8, loops()))
    board.line(11, (16, families()), (8, collected()))
    return board


def version() -> Json:
    """What runs."""
    return stat(
        "Version",
        "What runs where?",
        target(
            f"max by (instance, version) ({series('exporter_build_info')})", "{{version}} at {{instance}}"
        ),
        unit="none",
        text="name",
        empty="no exporter answers",
        size=20,
    )


def uptime() -> Json:
    """Since when."""
    return stat(
        "Running for",
        "How long has the youngest exporter been running?",
        target(f"time() - max(process_start_time_seconds{HERE})", "uptime"),
        unit="s",
        decimals=1,
        text="value",
        empty="not running",
    )


def demo() -> Json:
    """Whether any of this is real."""
    return stat(
        "Accounts are",
        "Are these accounts real, or made up by the simulator?",
        target(f"max({series('exporter_demo_mode')})", "demo"),
        unit="none",
        mappings=words((0, "real", GOOD), (1, "made up", WARN)),
        text="value",
        empty="not known",
    )


def config() -> Json:
    """Whether the file was good."""
    return stat(
        "Configuration",
        "Was the configuration last read without a problem?",
        target(f"min({series('exporter_config_last_reload_successful')})", "configuration"),
        unit="none",
        mappings=words((1, "as in the file", GOOD), (0, "file refused", BAD)),
        text="value",
        empty="not known",
    )


def dropped() -> Json:
    """What the cap cut off."""
    return stat(
        "Series left out",
        "Is an account over limits.series_per_account? Left out in the range of this page, over all scrapes.",
        target(total(grown("exporter_series_dropped_total", "$__range")), "left out", instant=True),
        unit="none",
        decimals=0,
        thresholds=steps(GOOD, (1, BAD)),
        text="value",
        empty="not known",
    )


def restarts() -> Json:
    """What the watchdog did."""
    return stat(
        "Sessions restarted",
        "Did the watchdog replace a session that had died, in the range of this page?",
        target(total(grown("exporter_session_restarts_total", "$__range")), "restarts", instant=True),
        unit="none",
        decimals=0,
        thresholds=steps(GOOD, (1, BAD)),
        text="value",
        empty="not known",
    )


def memory() -> Json:
    """What it holds."""
    return lines(
        "Memory",
        "Does it grow? Resident memory of the process.",
        target(f"process_resident_memory_bytes{HERE}", ONE),
        unit="bytes",
        min=0,
    )


def cpu() -> Json:
    """What it uses."""
    return lines(
        "CPU",
        "How much of one core does it use?",
        target(f"rate(process_cpu_seconds_total{HERE}[{WINDOW}])", ONE),
        unit="percentunit",
        min=0,
    )


def files() -> Json:
    """Sockets and files against their limit."""
    return lines(
        "Open files",
        "Does it leak sockets? Open file descriptors.",
        target(f"process_open_fds{HERE}", ONE),
        unit="none",
        decimals=0,
        min=0,
    )


def scrape() -> Json:
    """How long a scrape takes, and what of it is ours."""
    return lines(
        "Scrape",
        "Is it quick to scrape? As Prometheus measures it, and what of it goes into making the series.",
        target(f"scrape_duration_seconds{HERE}", f"scrape of {ONE}"),
        target(
            f"max by (instance) ({series('exporter_collect_duration_seconds')})", f"making series at {ONE}"
        ),
        unit="s",
        min=0,
    )


def samples() -> Json:
    """How much it serves."""
    return lines(
        "Series served",
        "How many series does a scrape bring?",
        target(f"scrape_samples_scraped{HERE}", ONE),
        unit="none",
        decimals=0,
        min=0,
    )


def loops() -> Json:
    """Whether the threads turn."""
    return lines(
        "Slowest thread",
        "Does a thread hang? Time since the session that is slowest last showed that it runs.",
        target(
            f"max by (account) ({age(now('exporter_session_last_loop_timestamp_seconds'))})", "{{account}}"
        ),
        unit="s",
        min=0,
    )


def families() -> Json:
    """Where the series are."""
    ours = '{__name__=~"exchange_.+",job=~"$job",instance=~"$instance"}'
    return bars(
        "Series by metric",
        "Which metric makes the most series? The fifteen largest.",
        target(f"sort_desc(topk(15, count by (__name__) ({ours})))", "{{__name__}}", instant=True),
        unit="none",
        decimals=0,
    )


def collected() -> Json:
    """Whether all accounts could be shown."""
    return stat(
        "Accounts shown",
        "Could the series of each account be made at the last scrape?",
        target(now("exporter_collect_success"), "{{account}}"),
        unit="none",
        mappings=words((1, "shown", GOOD), (0, "failed", BAD)),
        thresholds=steps(BAD, (1, GOOD)),
        text="value_and_name",
        empty="no account",
        orientation="horizontal",
        size=22,
    )
