"""The overview: what is it worth, can I believe it, what needs me. Its first lines suit a phone."""

from __future__ import annotations

from grafana.source.board import Board
from grafana.source.look import BAD, GOOD, PLAIN, QUIET, WARN, Json, column, steps, words
from grafana.source.panels import alerts, bars, lines, stat, table, target
from grafana.source.query import age, now, recorded, series, total, usd

EQUITY = recorded("account:exchange_equity_usd")
VALUE = recorded("wallet:exchange_wallet_value_usd")
# A sum without one of its accounts would be a false number: it is shown only when all are known.
COMPLETE = f"(count({EQUITY}) == count({now('account_expected')}))"
UNKNOWN = "not all known"
# The first colour is that of the words for no value.
UP_DOWN = steps(QUIET, (-1e15, BAD), (0, GOOD))


def overview() -> Board:
    """The dashboard, laid out."""
    board = Board("overview", "All accounts: what they are worth, whether it is true now, what is amiss.")
    board.line(3, (8, equity()), (4, profit()), (4, change()), (4, oldest_sign()), (4, oldest_check()))
    board.line(3, (8, accounts()), (4, lines_crossed()), (4, unpriced()), (4, dust()), (4, powerful_keys()))
    board.line(9, (8, alerts("Alerts", "What is firing, or about to?")), (16, equity_over_time()))
    board.line(8, (8, by_exchange()), (16, by_currency()))
    board.line(12, (24, wallets()))
    return board


def equity() -> Json:
    """Everything in one number, or none."""
    return stat(
        "Equity",
        "What is it all worth? Wallets at the venue's prices plus the profit of open positions, only while "
        "every selected account is known. What has no price is left out.",
        target(f"sum({EQUITY}) and {COMPLETE}", "equity"),
        unit="currencyUSD",
        decimals=1,
        empty=UNKNOWN,
        text="value",
    )


def profit() -> Json:
    """The day's profit without transfers."""
    daily = recorded("account:exchange_pnl_usd:delta1d")
    return stat(
        "Profit, 1 day",
        "Did trading and prices change it since yesterday? Deposits and withdrawals are taken out, at "
        "today's prices.",
        target(f"sum({daily}) and (count({daily}) == count({now('account_expected')}))", "profit"),
        unit="currencyUSD",
        decimals=1,
        empty="not yet a day",
        thresholds=UP_DOWN,
        text="value",
    )


def change() -> Json:
    """The change over what the page shows."""
    return stat(
        "Change in this range",
        "How much more or less is it than at the left edge of this page? Deposits and withdrawals are in it.",
        target(f"sum({EQUITY}) and {COMPLETE}", "change"),
        unit="currencyUSD",
        decimals=1,
        calc="diff",
        empty=UNKNOWN,
        thresholds=UP_DOWN,
        text="value",
    )


def oldest_sign() -> Json:
    """The worst silence."""
    return stat(
        "Oldest sign of life",
        "How long has the quietest stream said nothing at all, heartbeats included?",
        target(f"max({age(now('stream_last_liveness_timestamp_seconds'))})", "silence"),
        unit="s",
        decimals=0,
        empty="never heard",
        thresholds=steps(BAD, (0, GOOD), (30, WARN), (60, BAD)),
        text="value",
    )


def oldest_check() -> Json:
    """The worst reconciliation."""
    return stat(
        "Oldest check by REST",
        "When was the account compared with REST whose last comparison is longest ago?",
        target(f"max({age(now('reconcile_last_success_timestamp_seconds'))})", "check"),
        unit="s",
        decimals=0,
        empty="never checked",
        thresholds=steps(BAD, (0, GOOD), (900, WARN), (1800, BAD)),
        text="value",
    )


def accounts() -> Json:
    """Each account's own light."""
    unshown = f"({now('exporter_collect_success')} == 0)"
    return stat(
        "Accounts",
        "Which accounts can I believe? An account is live while all of its streams are.",
        target(f"min by (exchange, account) ({now('stream_up')}) or {unshown}", "{{account}}"),
        unit="none",
        mappings=words((1, "live", GOOD), (0, "not live", BAD)),
        thresholds=steps(BAD, (1, GOOD)),
        empty="no exporter answers",
        text="value_and_name",
        wide=False,
        orientation="vertical",
        size=22,
    )


def lines_crossed() -> Json:
    """How many wallets are outside their configured lines."""
    outside = f"max by (exchange, account, wallet, currency) ({series('wallet_balance_outside')})"
    return stat(
        "Lines crossed",
        "How many wallets are outside a configured minimum or maximum? The table says which are below.",
        target(f"sum({outside})", "crossed"),
        unit="none",
        decimals=0,
        empty="none configured",
        thresholds=steps(QUIET, (0, GOOD), (1, BAD)),
        text="value",
    )


def unpriced() -> Json:
    """What the totals leave out."""
    empty = f"max by (exchange, currency) (abs({series('wallet_balance')})) == 0"
    held = f"{now('currency_unpriced')} == 1 unless on (exchange, currency) ({empty})"
    return stat(
        "Without a price",
        "How many held currencies do the totals leave out, because the venue has no honest price?",
        target(f"count({held}) or 0 * {total(now('currencies_unpriced'))}", "unpriced"),
        unit="none",
        decimals=0,
        empty="no prices",
        thresholds=steps(QUIET, (0, GOOD), (1, WARN)),
        text="value",
    )


def dust() -> Json:
    """What has no line of its own."""
    return stat(
        "In dust",
        "What are the wallets worth that are too small for a line of their own? Below include.dust of the "
        "configuration they share one number, which is not in the totals.",
        target(total(now("wallet_dust_value_usd")), "dust"),
        unit="currencyUSD",
        decimals=2,
        empty="none is folded",
        text="value",
    )


def powerful_keys() -> Json:
    """Keys that could do more than look."""
    may_write = f"max by (exchange, account) ({now('api_key_permission', access='write')})"
    return stat(
        "Keys that can write",
        "Is a monitoring key too powerful? Keys of venues that do not tell their scopes are not counted.",
        target(f"sum({may_write})", "keys"),
        unit="none",
        decimals=0,
        empty="not told",
        thresholds=steps(QUIET, (0, GOOD), (1, WARN)),
        text="value",
    )


def equity_over_time() -> Json:
    """The sum over time, by account."""
    return lines(
        "Equity by account",
        "How did it develop, and when were we blind? A gap is a time when we did not know.",
        target(EQUITY, "{{account}}"),
        unit="currencyUSD",
        stack=True,
        min=0,
    )


def by_currency() -> Json:
    """Concentration."""
    return bars(
        "Value by currency",
        "Where is my concentration? The twelve largest.",
        target(f"sort_desc(topk(12, {total(VALUE, 'currency')}))", "{{currency}}", instant=True),
        unit="currencyUSD",
        decimals=0,
        empty="no prices",
    )


def by_exchange() -> Json:
    """Venue risk."""
    return bars(
        "Value by exchange",
        "How much rests with each venue?",
        target(f"sort_desc({total(VALUE, 'exchange')})", "{{exchange}}", instant=True),
        unit="currencyUSD",
        decimals=0,
        empty="no prices",
    )


def wallets() -> Json:
    """Everything held, the largest first."""
    minimum = f"max by (exchange, account, wallet, currency) ({series('wallet_balance_minimum')})"
    kept = now("wallet_balance")
    return table(
        "Wallets",
        "What do I hold, what of it is free, and what is under its line? Times its minimum: below 1 is red.",
        target(f"{kept} != 0 or {kept} * on (exchange, account, wallet, currency) {minimum}"),
        target(now("wallet_available")),
        target(usd(kept)),
        target(minimum),
        target(f"{kept} / on (exchange, account, wallet, currency) ({minimum} > 0)"),
        sort="Value",
        names={
            "account": "Account",
            "wallet": "Wallet",
            "currency": "Currency",
            "Value #A": "Balance",
            "Value #B": "Available",
            "Value #C": "Value",
            "Value #D": "Minimum",
            "Value #E": "Times minimum",
        },
        without=("exchange",),
        unit="locale",
        color={"mode": "fixed", "fixedColor": QUIET},
        empty="",
        overrides=[
            column("Available", noValue="not told"),
            column("Value", unit="currencyUSD", decimals=0, color={"mode": "fixed", "fixedColor": PLAIN}),
            column(
                "Times minimum",
                unit="suffix:x",
                decimals=2,
                thresholds=steps(BAD, (1, WARN), (1.25, GOOD)),
                custom__cellOptions={"type": "color-text"},
                color={"mode": "thresholds"},
            ),
        ],
    )
