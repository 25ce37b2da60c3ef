"""How streams, keys and REST fare: metrics of the catalogue."""

from __future__ import annotations

from typing import Final

from exporter.exposition.catalogue.metric import ACCOUNT, NO_SUM, STREAM, WALLET, C, H, Metric, section

# One metric in two or three lines reads as a table; the formatter would make eight of them.
# fmt: off
STREAMS: Final[tuple[Metric, ...]] = section("Streams",
    H("account_expected", "gauge", ACCOUNT,
      "1 for each configured account (configuration)."),
    H("stream_expected", "gauge", STREAM,
      "1 for each stream of a configured account (configuration)."),
    H("stream_up", "gauge", STREAM,
      "1 while the stream is connected, its key accepted, every expected snapshot there, and "
      "it is not silent."),
    H("stream_state", "gauge", (*STREAM, "state"),
      "1 for the state the stream is in, 0 for the others."),
    H("stream_refused", "gauge", (*STREAM, "code"),
      "1 while the key is refused, for the venue's error code or our own reason."),
    H("stream_last_liveness_timestamp_seconds", "gauge", STREAM,
      "When anything last arrived, heartbeats and pings included; 0 for never."),
    H("stream_last_data_timestamp_seconds", "gauge", STREAM,
      "When account data last arrived; 0 for never. A quiet account is no fault."),
    H("stream_last_snapshot_timestamp_seconds", "gauge", (*STREAM, "snapshot"),
      "When a whole table last arrived (Bitfinex ws, ps, os, fos, fcs, fls); 0 for never."),
    H("stream_liveness_interval_seconds", "gauge", STREAM,
      "Within how many seconds a healthy stream gives a sign of life (Bitfinex heartbeats: "
      "15)."),
    C("stream_connects_total", "counter", STREAM,
      "Connection attempts."),
    C("stream_connect_failures_total", "counter", (*STREAM, "reason"),
      "Connection attempts that did not come to stand, by reason."),
    C("stream_auth_failures_total", "counter", STREAM,
      "Logins that were refused, by the venue or by our own rule on key scopes."),
    C("stream_disconnects_total", "counter", (*STREAM, "reason"),
      "Connections that ended, by reason."),
    C("stream_messages_total", "counter", (*STREAM, "message"),
      "Messages received, by kind; unknown kinds count as other."),
    C("stream_parse_failures_total", "counter", STREAM,
      "Messages that could not be read; they changed nothing."),
    C("stream_malformed_total", "counter", (*STREAM, "kind"),
      "What was wrong with the messages that could not be read; sums to the parse failures."),
    C("stream_sequence_gaps_total", "counter", STREAM,
      "Times that messages were lost, found by sequence number (Bitfinex conf flag 65536)."),
    C("stream_resyncs_total", "counter", (*STREAM, "trigger"),
      "Connections ended by us to fetch fresh snapshots, by trigger."),
    C("stream_delivery_delay_seconds", "histogram", ("exchange", "stream"),
      "Server time of a message until it arrived here, over all accounts (Bitfinex conf flag "
      "32768). Holds the difference of both clocks; below 0 counts as 0."),
    H("clock_difference_seconds", "gauge", ("exchange",),
      "Seconds by which our clock is ahead of the venue's, at most: the least of arrival less server time "
      "over five minutes. The true difference is lower by the delay of the fastest message; below 0, by "
      "more than the millisecond to which the venue rounds, our clock is behind for sure. Absent until a "
      "message told its time."),
    H("platform_operative", "gauge", ("exchange",),
      "1 while the venue works, 0 in maintenance; absent until it said so (Bitfinex info "
      "platform.status, codes 20060 and 20061)."),
    H("api_key_permission", "gauge", (*ACCOUNT, "scope", "access"),
      "Whether the key may do this; absent while the venue has not said so (Bitfinex auth "
      "caps)."),
)
REST: Final[tuple[Metric, ...]] = section("REST and reconciliation",
    C("rest_requests_total", "counter", (*ACCOUNT, "endpoint"),
      "REST requests; account is empty for public ones."),
    C("rest_request_failures_total", "counter", (*ACCOUNT, "endpoint", "reason"),
      "REST requests that brought no usable reply, by reason."),
    C("rest_request_duration_seconds", "histogram", ("exchange", "endpoint"),
      "How long REST requests took, failed ones included."),
    H("reconcile_last_success_timestamp_seconds", "gauge", ACCOUNT,
      "When REST and the streams were last compared, whole; 0 for never."),
    H("reconcile_mismatched_wallets", "gauge", ACCOUNT,
      "Wallets whose balance differed at the last comparison."),
    H("reconcile_difference", "gauge", WALLET,
      "What REST says less what the stream says; only wallets that differ." + NO_SUM),
    H("reconcile_mismatched_rows", "gauge", (*ACCOUNT, "table"),
      "Rows of a table that only REST or only the stream knew at the last comparison."),
)
# fmt: on
