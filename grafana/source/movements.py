"""Movements: why did balances change, did anything leave, what moved while nobody watched."""

from __future__ import annotations

from grafana.source.board import Board
from grafana.source.look import BAD, DASHED, GOOD, PLAIN, QUIET, WARN, Json, column, paint_like, steps
from grafana.source.panels import lines, stat, table, target
from grafana.source.query import RANGE, grown, now, recorded, total, usd

CHOSEN = "=~$currency"
VALUE = recorded("wallet:exchange_wallet_value_usd")
REASONS = (
    ("trade", "blue"),
    ("transfer", "light-blue"),
    ("deposit", GOOD),
    ("withdrawal", BAD),
    ("fee", "light-orange"),
    ("interest", "light-green"),
    ("funding", "purple"),
    ("settlement", "light-purple"),
    ("other", QUIET),
    ("unobserved", WARN),
)


def movements() -> Board:
    """The dashboard, laid out."""
    board = Board(
        "movements",
        "The audit: credits and debits by reason, what left, and what changed while no stream was there.",
        span="now-24h",
        currency="wallet_balance",
    )
    board.line(
        3,
        (6, moved("Deposited", "credits", "deposit", PLAIN)),
        (6, moved("Withdrawn", "debits", "withdrawal", BAD)),
        (6, unseen()),
        (6, disagreement()),
    )
    board.line(10, (24, by_reason()))
    board.line(9, (12, ledger()), (12, unobserved()))
    board.line(9, (14, wallets()), (10, two_totals()))
    return board


def unnamed(twins: str) -> Json:
    """An override that leaves debits out of the legend where the credits' name and colour stand for both."""
    hidden = {"legend": True, "tooltip": False, "viz": False}
    return {
        "matcher": {"id": "byRegexp", "options": f"/^{twins}, out$/"},
        "properties": [{"id": "custom.hideFrom", "value": hidden}],
    }


def moved(title: str, direction: str, reason: str, colour: str) -> Json:
    """All that came or went for one reason, in the range of the page."""
    kind = {"credits": "come in", "debits": "leave"}[direction]
    grew = grown(f"wallet_{direction}_total", RANGE, reason=reason, currency=CHOSEN)
    return stat(
        title,
        f"Did anything {kind} in the range of this page? In US dollars at today's prices.",
        target(total(usd(grew)), title.lower(), instant=True),
        unit="currencyUSD",
        decimals=0,
        thresholds=steps(QUIET, (0.01, colour)),
        text="value",
    )


def unseen() -> Json:
    """Changes without a witness."""
    parts = (
        grown(f"wallet_{side}_total", RANGE, reason="unobserved", currency=CHOSEN)
        for side in ("credits", "debits")
    )
    return stat(
        "Moved unobserved",
        "How much changed, either way, while the stream was away? In US dollars at today's prices.",
        target(" + ".join(f"({total(usd(part))})" for part in parts), "unobserved", instant=True),
        unit="currencyUSD",
        decimals=0,
        thresholds=steps(GOOD, (0.01, WARN)),
        text="value",
    )


def disagreement() -> Json:
    """Our sum against the venue's own."""
    ours = total(VALUE, "exchange", "account")
    told = f"({now('account_assets_usd')} > 0)"
    return stat(
        "Our sum against the venue's",
        "Do two independent totals agree? The worst account's difference, over the venue's own total.",
        target(f"max(abs({ours} - {told}) / {told})", "difference"),
        unit="percentunit",
        decimals=2,
        empty="no venue tells",
        thresholds=steps(GOOD, (0.01, WARN), (0.05, BAD)),
        text="value",
    )


def by_reason() -> Json:
    """Credits above the line, debits below."""
    credited = total(usd(grown("wallet_credits_total", currency=CHOSEN)), "reason")
    debited = total(usd(grown("wallet_debits_total", currency=CHOSEN)), "reason")
    return lines(
        "Credits above, debits below",
        "Why did balances change? By reason, in US dollars for each bar; trades stand on both sides.",
        target(f"{credited} > 0", "{{reason}}"),
        target(f"-({debited} > 0)", "{{reason}}, out"),
        unit="currencyUSD",
        decimals=0,
        bars=True,
        stack=True,
        overrides=[
            *(paint_like(f"^{reason}(, out)?$", colour) for reason, colour in REASONS),
            unnamed("(trade|transfer|interest|settlement|other|unobserved)"),
        ],
    )


def ledger() -> Json:
    """What came and went, by reason."""
    by = ("account", "currency", "reason")
    came, went = (
        total(grown(f"wallet_{side}_total", RANGE, currency=CHOSEN), *by) for side in ("credits", "debits")
    )
    return table(
        "In this range, by reason",
        "What came and went of each currency, and why? In units of the currency; withdrawals are red.",
        target(f"{came} > 0 or {went} > 0 and {came} * 0 == 0"),
        target(f"{went} > 0"),
        sort="Account",
        down=False,
        names={
            "account": "Account",
            "currency": "Currency",
            "reason": "Reason",
            "Value #A": "Credits",
            "Value #B": "Debits",
        },
        unit="locale",
        empty="",
        overrides=[
            column(
                "Reason",
                color={"mode": "fixed", "fixedColor": "text"},
                mappings=[
                    {
                        "type": "value",
                        "options": {
                            reason: {"color": colour, "index": at}
                            for at, (reason, colour) in enumerate((("withdrawal", BAD), ("unobserved", WARN)))
                        },
                    }
                ],
                custom__cellOptions={"type": "color-text"},
            )
        ],
    )


def unobserved() -> Json:
    """What moved while we did not watch."""
    came, went = (
        total(usd(grown(f"wallet_{side}_total", reason="unobserved", currency=CHOSEN)), "account")
        for side in ("credits", "debits")
    )
    return lines(
        "Unobserved changes",
        "What moved while we were not watching? Found by comparing snapshots; in US dollars, debits below.",
        target(came, "{{account}}"),
        target(f"-({went})", "{{account}}, out"),
        unit="currencyUSD",
        bars=True,
        overrides=[paint_like(", out$", WARN), unnamed(".+")],
    )


def wallets() -> Json:
    """Steps of each wallet, with its configured lines."""
    chosen = recorded("wallet:exchange_wallet_value_usd", currency=CHOSEN)
    line = "{{account}} {{wallet}} {{currency}}"
    return lines(
        "Wallets, with their lines",
        "Which event belongs to this step? In US dollars on a scale of tens; minima are dashed red, "
        "maxima dashed orange. Wallets below 10 dollars are left out.",
        target(f"{chosen} > 10", line),
        target(usd(now("wallet_balance_minimum", currency=CHOSEN)), f"minimum {line}"),
        target(usd(now("wallet_balance_maximum", currency=CHOSEN)), f"maximum {line}"),
        unit="currencyUSD",
        stairs=True,
        logarithmic=True,
        place="right",
        calcs=["lastNotNull"],
        overrides=[paint_like("^minimum ", BAD, **DASHED), paint_like("^maximum ", WARN, **DASHED)],
    )


def two_totals() -> Json:
    """Ours and theirs over time."""
    return lines(
        "Two totals",
        "Do our sum and the venue's own total move together? The venue's is dashed.",
        target(total(VALUE, "account"), "{{account}}"),
        target(now("account_assets_usd"), "venue {{account}}"),
        unit="currencyUSD",
        overrides=[paint_like("^venue ", QUIET, **DASHED)],
    )
