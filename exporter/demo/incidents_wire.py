"""Incidents of lines, keys and exchanges, and of the exporter's own set-up."""

from __future__ import annotations

from typing import Final

from exporter.demo.deeds import Rest
from exporter.demo.records import Event, Fault, Scope, Text, Told
from exporter.demo.script import Incident, Step

MAIN, LENDER = "demo-main", "demo-lender"
CUT: Final = Event.LINK_DROPPED


def _fault(name: str, value: object) -> Told:
    return Told(Event.TAMPERED, None, Fault(name, value))


STREAMS: Final = {
    "exchange-unreachable": Incident(
        "BitoPro hangs up and turns everybody away.",
        (
            *("ExchangeStreamDown", "ExchangeStreamFlapping", "ExchangeBalancesWithheld"),
            # Nothing is held there for all that is known, and so nothing priced.
            "ExchangePricesMissing",
        ),
        (Step(0, _fault("statuses", {"*": 503})), Step(0, CUT)),
        exchange="bitopro",
    ),
    "stream-missing": Incident(
        "From the start BitoPro does not serve one of its streams.",
        ("ExchangeStreamMissing", "ExchangeStreamDown", "ExchangeStreamFlapping"),
        (Step(0, _fault("closed", frozenset({"trades"}))),),
        exchange="bitopro",
        at_start=True,
    ),
    "stream-silent": Incident(
        "Bitfinex says nothing any more, and the exporter was told to be patient for an hour.",
        ("ExchangeStreamSilent",),
        (
            *(Step(0, Rest(account)) for account in (MAIN, LENDER)),
            Step(2, _fault("stalled", True)),
        ),
        settings={"stream.silence_timeout": 3600.0},
    ),
    "link-flapping": Incident(
        "The lines to BitoPro break every twelve seconds.",
        ("ExchangeStreamFlapping",),
        (Step(0, CUT, 12.0),),
        exchange="bitopro",
    ),
    "key-refused": Incident(
        "Bitfinex refuses the key of one account: it was deleted.",
        ("ExchangeAuthRejected", "ExchangeStreamDown", "ExchangeBalancesWithheld"),
        (
            Step(0, _fault("refusals", {"demo-lender-key": (10100, "apikey: invalid")})),
            Step(0, Told(CUT, LENDER)),
        ),
    ),
    "messages-lost": Incident(
        "A message of Bitfinex gets lost on the way.",
        ("ExchangeSequenceGap",),
        (Step(0, Told(Event.FRAME_LOST, MAIN)),),
    ),
    "messages-garbled": Incident(
        "Bitfinex sends what nobody can read.",
        ("ExchangeParseFailures",),
        (Step(0, Told(Event.TAMPERED, MAIN, Text('[0,"wu",["exchange","BTC"'))),),
    ),
    "messages-late": Incident(
        "Bitfinex keeps its messages back for ten seconds, twice a minute.",
        ("ExchangeDeliverySlow",),
        (
            Step(0, _fault("stalled", True), 30.0),
            Step(10, _fault("stalled", False), 30.0),
        ),
    ),
    "clock-off": Incident(
        "The clock of Bitfinex is half a minute ahead of ours.",
        ("ExchangeClockDifference",),
        (Step(0, _fault("clock_ahead", 30.0)),),
    ),
    "maintenance": Incident(
        "Bitfinex announces maintenance and does not come back from it.",
        ("ExchangeMaintenance",),
        (Step(0, Event.MAINTENANCE_BEGINS),),
    ),
    "rest-differs": Incident(
        "By REST, Bitfinex tells of half an ether that no stream has told of.",
        ("ExchangeReconcileMismatch",),
        (Step(0, _fault("drift", {("exchange", "ETH"): 0.5})),),
    ),
    "rest-outage": Incident(
        "Every REST request to Bitfinex fails, the public ones too.",
        (
            *("ExchangeRestFailing", "ExchangeReconcileStale", "ExchangePricesMissing"),
            # BitoPro's holdings are priced by way of the dollar's price at Bitfinex.
            "ExchangeUnpricedHolding",
        ),
        (Step(0, _fault("rest_outage", "unavailable")),),
    ),
}
KEYS: Final = {
    "key-may-withdraw": Incident(
        "A key is found to be allowed to withdraw; the exporter refuses to use it.",
        (
            "ExchangeKeyCanWithdraw",
            "ExchangeAuthRejected",
            "ExchangeStreamDown",
            "ExchangeBalancesWithheld",
        ),
        (Step(0, Told(Event.TAMPERED, LENDER, Scope("withdraw"))), Step(0, Told(CUT, LENDER))),
    ),
    "key-may-trade": Incident(
        "A key is found to be allowed to place orders.",
        ("ExchangeKeyTooPowerful",),
        (Step(0, Told(Event.TAMPERED, LENDER, Scope("orders"))), Step(0, Told(CUT, LENDER))),
    ),
}
EXPORTER: Final = {
    "session-stuck": Incident(
        "Bitfinex hangs up and answers nobody, and the exporter was told to wait 15 minutes.",
        ("ExchangeSessionStuck", "ExchangeStreamDown", "ExchangeBalancesWithheld"),
        (Step(0, _fault("unanswered", 3600.0)), Step(0, CUT)),
        settings={"stream.connect_timeout": 900.0},
    ),
    "config-broken": Incident(
        "The configuration is reloaded and has a mistake.",
        ("ExchangeConfigReloadFailed",),
        breaks="config",
    ),
    "series-limit": Incident(
        "The accounts have more series than they may.",
        ("ExchangeSeriesLimitReached",),
        settings={"limits.series_per_account": 200},
    ),
    "account-unshown": Incident(
        "The exporter has a bug, made up for this, and cannot show one account.",
        ("ExchangeCollectFailed", "ExchangeBalancesWithheld"),
        breaks="account",
    ),
    "session-dies": Incident(
        "A line breaks, and by a bug, made up for this, the thread dies that should open it again.",
        ("ExchangeSessionDied",),
        (Step(0, Told(CUT, LENDER)),),
        breaks="session",
    ),
    "exporter-ends": Incident(
        "The exporter ends, and nothing starts it again.",
        ("ExchangeExporterDown", "ExchangeExporterAbsent"),
        breaks="process",
    ),
}
