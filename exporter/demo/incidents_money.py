"""Incidents of what accounts hold, owe, order and lend."""

from __future__ import annotations

from typing import Final

from exporter.demo.deeds import (
    Booking,
    Ending,
    OldOffer,
    Overreach,
    Quote,
    Recall,
    Refusals,
    Rest,
    Squeeze,
    Transfer,
    Withdrawal,
)
from exporter.demo.records import Event, Pair, Told
from exporter.demo.script import Incident, Step

MAIN, LENDER = "demo-main", "demo-lender"
ETH: Final = Pair("ETH", "USD")
CUT: Final = Event.LINK_DROPPED
BY_HAND: Final = ("trading", "treasury")

MOVEMENTS: Final = {
    "withdrawal": Incident(
        "Bitcoin is withdrawn.",
        ("ExchangeWithdrawalSeen",),
        (Step(0, Withdrawal(MAIN, "BTC")),),
    ),
    "money-missing": Incident(
        "While the line is down, bitcoin for more than 1000 dollars leaves the account.",
        ("ExchangeUnexplainedDebit",),
        (
            Step(0, Told(CUT, MAIN)),
            Step(0, Booking(MAIN, "exchange", "BTC", "-0.03", "Withdrawal (BTC) #1 on wallet exchange")),
        ),
    ),
}
BALANCES: Final = {
    "balance-low": Incident(
        "All bitcoin but a little is moved to another wallet.",
        ("ExchangeBalanceBelowMinimum",),
        (Step(0, Rest(MAIN, BY_HAND)), Step(0, Transfer(MAIN, "BTC", "exchange", "funding", keep="0.15"))),
    ),
    "balance-low-hidden": Incident(
        "The same, while amounts are hidden.",
        # That one holds nothing of a currency without a price is hidden, too.
        ("ExchangeBalanceOutsideLimits", "ExchangeUnpricedHolding"),
        (Step(0, Rest(MAIN, BY_HAND)), Step(0, Transfer(MAIN, "BTC", "exchange", "funding", keep="0.15"))),
        settings={"privacy.hide_amounts": True},
    ),
    "balance-high": Incident(
        "60,000 dollars arrive.",
        ("ExchangeBalanceAboveMaximum",),
        (Step(0, Booking(MAIN, "exchange", "USD", "60000", "Deposit (USD) #1 on wallet exchange")),),
    ),
    "wallet-emptied": Incident(
        "A wallet is emptied into another one.",
        ("ExchangeBalanceDrained",),
        (
            Step(0, Rest(MAIN, ("interest",))),
            Step(0, Transfer(MAIN, "UST", "margin", "exchange", keep="0")),
        ),
    ),
    "holding-unpriced": Incident(
        "A currency arrives for which there is no market.",
        ("ExchangeUnpricedHolding",),
        (Step(0, Booking(MAIN, "exchange", "SPAM", "100000", "Deposit (SPAM) #1 on wallet exchange")),),
    ),
    "bad-trade": Incident(
        "Twelve ether are sold at a tenth of their price.",
        ("ExchangeEquityDrawdown",),
        (
            Step(0, Rest(MAIN, BY_HAND)),
            Step(0, Booking(MAIN, "exchange", "ETH", "-12", "Exchange 12 ETH for USD @ 310")),
            Step(0, Booking(MAIN, "exchange", "USD", "3720", "Exchange 12 ETH for USD @ 310")),
        ),
    ),
}
RISK: Final = {
    "margin-call": Incident(
        "A margin position is opened that is far too large.",
        ("ExchangeMarginLevelLow", "ExchangeMarginLevelCritical", "ExchangeLiquidationNear"),
        (Step(0, Rest(MAIN, BY_HAND)), Step(0, Overreach(MAIN, "1.02"))),
    ),
    "liquidation-near": Incident(
        "Nearly all collateral is taken from behind a derivatives position.",
        ("ExchangeLiquidationNear",),
        (Step(0, Rest(MAIN, BY_HAND)), Step(0, Squeeze(MAIN, "0.05"))),
    ),
    "order-forgotten": Incident(
        "An order turns up that has rested for nine days.",
        ("ExchangeOrderForgotten",),
        (Step(0, Rest(MAIN, ("trading",))), Step(0, Quote(MAIN, ETH, "0.1", days=9))),
    ),
    "quotes-untaken": Incident(
        "Orders rest and nobody takes them: six hours pass before that is news.",
        ("ExchangeQuotingWithoutFills",),
        (Step(0, Rest(MAIN, ("trading",))), Step(0, Quote(MAIN, ETH, "0.1", days=0))),
    ),
    "orders-rejected": Incident(
        "Twenty orders are refused in a row.",
        ("ExchangeOrdersRejected",),
        (Step(0, Refusals(MAIN, ETH, 20)),),
    ),
}
LENDING: Final = {
    "money-idle": Incident(
        "Everything lent is paid back and not offered again: two hours pass before that is news.",
        ("ExchangeFundingIdle",),
        (Step(0, Rest(LENDER, ("lending",))), Step(0, Recall(LENDER, "UST"))),
    ),
    "loans-end": Incident(
        "All dollars that are lent come back within six hours.",
        ("ExchangeFundingExpiryCliff",),
        (Step(0, Rest(MAIN, ("lending",))), Step(0, Ending(MAIN, "USD", hours=6))),
    ),
    "interest-missing": Incident(
        "Money is lent and pays nothing: thirty hours pass before that is news.",
        ("ExchangeFundingNoInterest",),
        (Step(0, Rest(MAIN, ("lending", "interest"))),),
        at_start=True,
    ),
    "offer-forgotten": Incident(
        "An offer to lend turns up that has waited for five days.",
        ("ExchangeFundingOfferForgotten",),
        (Step(0, Rest(LENDER, ("lending",))), Step(0, OldOffer(LENDER, "USD", "500", days=5))),
    ),
}
