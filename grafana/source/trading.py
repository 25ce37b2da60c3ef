"""Trading and risk: what could hurt first, what rests in the books, what was done."""

from __future__ import annotations

from grafana.source.board import Board
from grafana.source.look import BAD, GOOD, PLAIN, QUIET, WARN, Json, column, steps
from grafana.source.orders import discipline, events, fees, fills, oldest, resting, resting_over_time, volume
from grafana.source.panels import bars, lines, stat, table, target
from grafana.source.query import age, now, recorded, total

LEVEL = now("margin_level_ratio")
DISTANCE = recorded("position:exchange_liquidation_distance:ratio")
DRAWDOWN = recorded("account:exchange_equity_drawdown_ratio:7d")
PROFIT = recorded("account:exchange_unrealized_pnl_usd:sum")
MARGIN = steps(QUIET, (0, BAD), (1.25, WARN), (2, GOOD))
NEAR = steps(QUIET, (0, BAD), (0.1, WARN), (0.2, GOOD))
UP_DOWN = steps(QUIET, (-1e15, BAD), (0, GOOD))
LATER = ("Liquidation", "Distance", "Profit", "Return", "Leverage", "Open for")
"""Columns that a venue tells some time after the position itself, or never."""
NO_POSITION = "no position"


def trading() -> Board:
    """The dashboard, laid out."""
    board = Board(
        "trading", "Inventory, margin, positions, orders and fills: which of them needs a hand first."
    )
    board.line(3, *((4, each()) for each in (margin_level, needed, nearest, profit, drawdown, open_orders)))
    board.line(8, (8, exposure()), (8, margin_over_time()), (8, distance_over_time()))
    board.line(6, (24, positions()))
    board.row("Orders")
    board.line(8, (12, resting_over_time()), (6, resting()), (6, oldest()))
    board.row("Fills")
    board.line(8, (8, fills()), (8, volume()), (8, fees()))
    board.line(7, (12, events()), (12, discipline()))
    return board


def margin_level() -> Json:
    """The worst account."""
    return stat(
        "Margin level, lowest",
        "How far from a margin call? Net margin over the minimum: at 1 positions are liquidated.",
        target(f"min({LEVEL})", "level"),
        unit="suffix:x",
        decimals=1,
        empty="no margin in use",
        thresholds=MARGIN,
        text="value",
    )


def needed() -> Json:
    """What to do about it."""
    return stat(
        "Margin to add",
        "How much must be added to be as far from a margin call as the configuration wants (margin_level)? "
        "In US dollars, for all accounts together.",
        target(total(now("margin_needed_usd")), "needed"),
        unit="currencyUSD",
        decimals=0,
        empty="no margin_level set",
        thresholds=steps(QUIET, (0, GOOD), (0.5, WARN)),
        text="value",
    )


def nearest() -> Json:
    """The worst position."""
    return stat(
        "Nearest liquidation",
        "How far may the price of the worst position still move? Distance of mark and liquidation price.",
        target(f"min({DISTANCE})", "distance"),
        unit="percentunit",
        decimals=1,
        empty=NO_POSITION,
        thresholds=NEAR,
        text="value",
    )


def profit() -> Json:
    """Open profit."""
    return stat(
        "Unrealised profit",
        "What would closing everything bring? In US dollars.",
        target(f"sum({PROFIT})", "profit"),
        unit="currencyUSD",
        decimals=2,
        empty=NO_POSITION,
        thresholds=UP_DOWN,
        text="value",
    )


def drawdown() -> Json:
    """The worst account against its own week."""
    return stat(
        "Drawdown, 7 days",
        "How bad is it? The account furthest below its own highest equity of seven days.",
        target(f"max({DRAWDOWN})", "drawdown"),
        unit="percentunit",
        decimals=2,
        empty="no equity",
        thresholds=steps(QUIET, (0, GOOD), (0.05, WARN), (0.1, BAD)),
        text="value",
    )


def open_orders() -> Json:
    """How many rest."""
    return stat(
        "Open orders",
        "How many orders rest in the books?",
        target(total(now("open_orders")), "orders"),
        unit="none",
        decimals=0,
        empty="not known",
        text="value",
    )


def exposure() -> Json:
    """Inventory across wallets, positions and venues."""
    net = total(recorded("currency:exchange_net_exposure_usd"), "currency")
    return bars(
        "Net exposure by currency",
        "What is my inventory across wallets, positions and venues? Positions count by their base currency.",
        target(f"sort_desc({net} != 0)", "{{currency}}", instant=True),
        unit="currencyUSD",
        decimals=0,
        empty="no prices",
        thresholds=steps(WARN, (0, PLAIN)),
        signed=True,
    )


def margin_over_time() -> Json:
    """The level with its bands."""
    return lines(
        "Margin level",
        "Is it getting closer to a margin call? Drawn up to 10 times the minimum, with lines at 2 and 1.25.",
        target(f"clamp_max({LEVEL}, 10)", "{{account}}"),
        unit="suffix:x",
        thresholds=steps("transparent", (1.25, BAD), (2, WARN)),
        bands="dashed",
        min=0,
        empty="no margin in use",
    )


def distance_over_time() -> Json:
    """The distance with its bands."""
    return lines(
        "Distance to liquidation",
        "Is it getting closer? As a part of the mark price, up to all of it; lines at 20 and 10 percent.",
        target(f"clamp_max({DISTANCE}, 1)", "{{account}} {{symbol}}"),
        unit="percentunit",
        thresholds=steps("transparent", (0.1, BAD), (0.2, WARN)),
        bands="dashed",
        min=0,
        empty=NO_POSITION,
    )


def positions() -> Json:
    """All positions, the nearest to liquidation first."""
    signed = {"type": "color-text"}
    return table(
        "Positions",
        "Which position hurts first? The one nearest to its liquidation stands at the top.",
        target(f"{now('position_amount')} != 0"),
        target(now("position_entry_price")),
        target(now("position_mark_price")),
        target(now("position_liquidation_price")),
        target(DISTANCE),
        target(now("position_unrealized_pnl")),
        target(now("position_unrealized_pnl_ratio")),
        target(now("position_leverage_ratio")),
        target(age(now("position_opened_timestamp_seconds"))),
        sort="Distance",
        down=False,
        names={
            "account": "Account",
            "symbol": "Symbol",
            "Value #A": "Amount",
            "Value #B": "Entry",
            "Value #C": "Mark",
            "Value #D": "Liquidation",
            "Value #E": "Distance",
            "Value #F": "Profit",
            "Value #G": "Return",
            "Value #H": "Leverage",
            "Value #I": "Open for",
        },
        without=("exchange",),
        unit="locale",
        empty="",
        overrides=[
            *(column(name, noValue="not told") for name in LATER),
            column("Distance", unit="percentunit", decimals=1, thresholds=NEAR, custom__cellOptions=signed),
            column("Profit", decimals=2, thresholds=UP_DOWN, custom__cellOptions=signed),
            column("Return", unit="percentunit", decimals=2, thresholds=UP_DOWN, custom__cellOptions=signed),
            column("Leverage", unit="suffix:x", decimals=1),
            column("Open for", unit="dtdurations", decimals=0),
        ],
    )
