"""The exporter itself: metrics of the catalogue."""

from __future__ import annotations

from typing import Final

from exporter.exposition.catalogue.metric import ACCOUNT, STREAM, C, H, Metric, section

# One metric in two or three lines reads as a table; the formatter would make eight of them.
# fmt: off
EXPORTER: Final[tuple[Metric, ...]] = section("Exporter",
    H("exporter_build_info", "info", ("version", "revision", "python_version"),
      "1, with what this program is."),
    H("exporter_demo_mode", "gauge", (),
      "1 while all accounts are made up by the built-in simulator."),
    H("exporter_config_last_reload_successful", "gauge", (),
      "Whether the configuration was last read without a problem."),
    H("exporter_config_last_reload_success_timestamp_seconds", "gauge", (),
      "When the configuration was last read without a problem."),
    H("exporter_collect_success", "gauge", ACCOUNT,
      "1 when the account's series could be made at this scrape."),
    H("exporter_collect_duration_seconds", "gauge", (),
      "How long this scrape took to make the series of all accounts."),
    C("exporter_series_dropped_total", "counter", ("family",),
      "Series left out over all scrapes because an account had more than "
      "limits.series_per_account."),
    C("exporter_session_restarts_total", "counter", STREAM,
      "Times that the watchdog replaced a session that had died."),
    H("exporter_session_last_loop_timestamp_seconds", "gauge", STREAM,
      "When the session's thread last showed that it is running."),
)
# fmt: on
