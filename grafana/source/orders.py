"""Panels of trading: what rests in the books, what was filled, and at what cost."""

from __future__ import annotations

from grafana.source.look import BAD, GOOD, PLAIN, QUIET, SECOND, WARN, Json, paint, paint_like, steps
from grafana.source.panels import bars, lines, target
from grafana.source.query import age, grown, now, quote_of, speed, total, usd

EVENTS = (
    ("new", PLAIN),
    ("update", "light-blue"),
    ("partial", "light-green"),
    ("fill", GOOD),
    ("cancel", QUIET),
    ("reject", BAD),
    ("other", SECOND),
)


def resting_over_time() -> Json:
    """Buying above the line, selling below."""
    notional = usd(quote_of(now("open_orders_notional")))
    return lines(
        "Resting orders, buying above and selling below",
        "Is my quoting balanced? Remaining amount times price, in US dollars.",
        target(total(usd(quote_of(now("open_orders_notional", side="buy")))), "buy"),
        target(f"-{total(usd(quote_of(now('open_orders_notional', side='sell'))))}", "sell"),
        target(f"sum({notional} * 0)", "even"),
        unit="currencyUSD",
        area=25,
        stairs=True,
        overrides=[
            paint("buy", GOOD),
            paint("sell", BAD),
            paint("even", "text", fillOpacity=0, hideFrom={"legend": True, "tooltip": True, "viz": False}),
        ],
    )


def resting() -> Json:
    """By symbol and side."""
    by_symbol = total(usd(quote_of(now("open_orders_notional"))), "symbol", "side")
    return bars(
        "Resting by symbol",
        "In which symbols do my orders rest, and on which side? In US dollars.",
        target(f"sort_desc({by_symbol} > 0)", "{{symbol}} {{side}}", instant=True),
        unit="currencyUSD",
        decimals=0,
        empty="no open orders",
        overrides=[paint_like(" buy$", GOOD), paint_like(" sell$", BAD)],
        color={"mode": "fixed", "fixedColor": PLAIN},
    )


def oldest() -> Json:
    """Forgotten orders."""
    longest = f"max by (symbol) ({age(now('open_order_oldest_timestamp_seconds'))})"
    return bars(
        "Oldest order",
        "What did I forget? Orange after a day, red after a week.",
        target(f"sort_desc(topk(10, {longest}))", "{{symbol}}", instant=True),
        unit="s",
        decimals=0,
        empty="no open orders",
        thresholds=steps(PLAIN, (86400, WARN), (7 * 86400, BAD)),
    )


def fills() -> Json:
    """Makers and takers."""
    return lines(
        "Fills per hour",
        "Am I trading, and on which side of the spread?",
        target(f"3600 * {total(speed('fills_total'), 'liquidity')}", "{{liquidity}}"),
        unit="none",
        stack=True,
        min=0,
        overrides=[paint("maker", PLAIN), paint("taker", WARN)],
    )


def volume() -> Json:
    """Turnover."""
    return lines(
        "Volume per hour",
        "How much do I turn over, buying and selling? In US dollars.",
        target(f"3600 * {total(usd(quote_of(speed('fill_quote_volume_total'))), 'side')}", "{{side}}"),
        unit="currencyUSD",
        stack=True,
        min=0,
        overrides=[paint("buy", GOOD), paint("sell", BAD)],
    )


def fees() -> Json:
    """Costs and rebates."""
    return lines(
        "Fees per hour",
        "What does it cost? In US dollars; rebates count below the line.",
        target(f"3600 * {total(usd(speed('fees_paid_total')), 'account')}", "{{account}}"),
        target(f"-3600 * {total(usd(speed('fee_rebates_total')), 'account')} < 0", "{{account}} rebates"),
        unit="currencyUSD",
    )


def events() -> Json:
    """What happens to orders."""
    return lines(
        "Order events per hour",
        "Is the strategy misbehaving? Rejects are red.",
        target(f"3600 * {total(speed('order_events_total'), 'event')}", "{{event}}"),
        unit="none",
        min=0,
        overrides=[paint(event, colour) for event, colour in EVENTS],
    )


def discipline() -> Json:
    """Cancels for each fill, and rejects of all."""
    filled = total(grown("order_events_total", event="=~fill|partial"), "account")
    return lines(
        "Cancels for each fill",
        "How many orders are cancelled for one that trades?",
        target(
            f"{total(grown('order_events_total', event='cancel'), 'account')} / ({filled} > 0)", "{{account}}"
        ),
        unit="none",
        min=0,
        empty="no fills",
    )
