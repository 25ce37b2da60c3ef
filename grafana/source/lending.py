"""Lending: is the money at work, at what rate, when does it come back, and did the interest arrive."""

from __future__ import annotations

from grafana.source.board import Board
from grafana.source.look import (
    BAD,
    DASHED,
    GOOD,
    PLAIN,
    QUIET,
    SECOND,
    WARN,
    Json,
    column,
    paint,
    paint_like,
    steps,
)
from grafana.source.panels import bars, lines, stat, table, target
from grafana.source.query import age, grown, now, recorded, speed, total, usd

CHOSEN = "=~$currency"
USE = steps(QUIET, (0, BAD), (0.7, WARN), (0.9, GOOD))
EACH = ("exchange", "account", "currency")
LENT = "funding_provided"
APR = recorded("currency:exchange_funding_gross_apr:ratio", currency=CHOSEN)
MARKET = f"365 * {now('funding_flash_return_rate_daily_ratio', currency=CHOSEN)}"
SERIES = "{{account}} {{currency}}"
BUSY = "nothing is idle"
HORIZONS = ("0-1d", "1-3d", "3-7d", "7-30d", "30d+")


def lending() -> Board:
    """The dashboard, laid out."""
    board = Board(
        "lending",
        "Money lent: used, waiting or idle, its rate against the market, its ladder and its interest.",
        span="now-7d",
        currency="funding_provided",
    )
    board.line(4, (8, utilisation()), (8, idle()), (8, idle_for()))
    board.line(6, (24, rates()))
    board.line(9, (14, cycle()), (10, ladder()))
    board.line(8, (12, rates_over_time()), (12, interest()))
    board.line(7, (12, ended()), (12, fragments()))
    return board


def utilisation() -> Json:
    """How much of it works."""
    return stat(
        "Lent",
        "Which part of each funding wallet is lent?",
        target(recorded("currency:exchange_funding_utilization:ratio", currency=CHOSEN), SERIES),
        unit="percentunit",
        decimals=0,
        empty="no funding wallet",
        thresholds=USE,
        text="value_and_name",
        size=22,
    )


def idle() -> Json:
    """How much does not."""
    return stat(
        "Idle",
        "How much money is neither lent nor offered? In units of its currency.",
        target(now("wallet_available", wallet="funding", currency=CHOSEN), SERIES),
        unit="short",
        decimals=1,
        empty="not told",
        text="value_and_name",
        size=22,
    )


def idle_for() -> Json:
    """And since when."""
    return stat(
        "Idle for",
        "Since when is more money idle than the configuration allows?",
        target(age(now("funding_idle_since_timestamp_seconds", currency=CHOSEN)), SERIES),
        unit="s",
        decimals=0,
        empty=BUSY,
        thresholds=steps(GOOD, (1800, WARN), (7200, BAD)),
        text="value_and_name",
        size=22,
    )


def rates() -> Json:
    """Rates and what comes next, one line for each currency."""
    match = "on (exchange, currency) group_left ()"
    next_end = f"max by ({', '.join(EACH)}) ({now('funding_next_expiry_timestamp_seconds', currency=CHOSEN)})"
    return table(
        "Rates and what comes next",
        "Am I lending well against the market, what did I truly earn after the venue's share, what happens "
        "next? Rates are for a year; the market is the venue's flash return rate.",
        target(total(now(LENT, currency=CHOSEN), *EACH)),
        target(APR),
        target(f"{APR} - {match} ({MARKET})"),
        *(
            target(recorded(f"currency:exchange_funding_realized_apr:ratio{window}", currency=CHOSEN))
            for window in ("1d", "7d", "30d")
        ),
        target(total(now("funding_contracts", currency=CHOSEN), *EACH)),
        target(f"{next_end} - time()"),
        target(age(now("funding_offer_oldest_timestamp_seconds", currency=CHOSEN))),
        sort="Lent",
        names={
            "account": "Account",
            "currency": "Currency",
            "Value #A": "Lent",
            "Value #B": "Rate",
            "Value #C": "Above market",
            "Value #D": "Earned, 1 day",
            "Value #E": "Earned, 7 days",
            "Value #F": "Earned, 30 days",
            "Value #G": "Contracts",
            "Value #H": "Next end in",
            "Value #I": "Oldest offer",
        },
        without=("exchange",),
        unit="percentunit",
        decimals=2,
        empty="",
        overrides=[
            column("Lent", unit="short", decimals=1),
            column(
                "Above market",
                thresholds=steps(WARN, (0, GOOD)),
                custom__cellOptions={"type": "color-text"},
            ),
            column("Contracts", unit="none", decimals=0),
            column("Next end in", unit="s", decimals=1),
            column("Oldest offer", unit="s", decimals=0),
        ],
    )


def cycle() -> Json:
    """Where the capital is in its cycle."""
    used, unused = (total(usd(now(LENT, state=state, currency=CHOSEN))) for state in ("used", "unused"))
    lent = total(usd(now(LENT, currency=CHOSEN)))
    offered = total(usd(now("funding_offered", currency=CHOSEN)))
    held = total(usd(now("wallet_balance", wallet="funding", currency=CHOSEN)))
    return lines(
        "Where the money is",
        "Where is my capital in its cycle? In US dollars; together it is what the funding wallets hold.",
        target(used, "lent, used"),
        target(unused, "lent, not used yet"),
        target(offered, "offered"),
        target(f"clamp_min({held} - {lent} - {offered}, 0)", "idle"),
        unit="currencyUSD",
        stack=True,
        min=0,
        overrides=[
            paint("lent, used", GOOD),
            paint("lent, not used yet", PLAIN),
            paint("offered", SECOND),
            paint("idle", WARN),
        ],
    )


def ladder() -> Json:
    """What comes back when."""
    return bars(
        "Coming back",
        "How much comes back when? In US dollars, by the time that is left.",
        *(
            target(
                total(usd(now("funding_expiring", horizon=horizon, currency=CHOSEN))),
                horizon.replace("d", " days").replace("30 days+", "later"),
                instant=True,
            )
            for horizon in HORIZONS
        ),
        unit="currencyUSD",
        decimals=0,
        min=0,
        empty="nothing is lent",
    )


def rates_over_time() -> Json:
    """My rate against the market's."""
    return lines(
        "Yearly rate, and the market's",
        "Am I above the market? Before the venue's share; the market is the flash return rate, dashed.",
        target(APR, SERIES),
        target(MARKET, "market {{currency}}"),
        unit="percentunit",
        overrides=[paint_like("^market", QUIET, **DASHED)],
    )


def interest() -> Json:
    """What arrived in a day, and what should have."""
    received = total(usd(grown("funding_interest_received_total", "1d", currency=CHOSEN)), "account")
    expected = total(usd(total(now("funding_expected_daily_interest", currency=CHOSEN), *EACH)), "account")
    return lines(
        "Interest of a day",
        "Did the daily payment arrive? Received in the last 24 hours; dashed what is to be expected before "
        "the venue's share. In US dollars.",
        target(received, "{{account}}"),
        target(expected, "expected {{account}}"),
        unit="currencyUSD",
        min=0,
        overrides=[paint_like("^expected", QUIET, **DASHED)],
    )


def ended() -> Json:
    """Returns by kind."""
    return lines(
        "Contracts ended per hour",
        "Are borrowers returning early? `unused` were never in a position.",
        target(f"3600 * {total(speed('funding_closed_total', currency=CHOSEN), 'state')}", "{{state}}"),
        unit="none",
        min=0,
        overrides=[paint("used", GOOD), paint("unused", PLAIN)],
    )


def fragments() -> Json:
    """How many contracts."""
    return lines(
        "Contracts and offers",
        "How fragmented is the money?",
        target(total(now("funding_contracts", currency=CHOSEN), "account"), "contracts {{account}}"),
        target(total(now("funding_offers", currency=CHOSEN), "account"), "offers {{account}}"),
        unit="none",
        decimals=0,
        min=0,
        stairs=True,
    )
