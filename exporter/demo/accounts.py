"""The accounts of the demo: what they begin with, and made-up keys with which the exporter logs in."""

from __future__ import annotations

from typing import NamedTuple

from exporter.demo.books import Profile
from exporter.demo.records import Pair

READ, NONE = (1, 0), (0, 0)


class DemoAccount(NamedTuple):
    """One login of the demo; `scopes` maps a scope's name to its (read, write) flags."""

    name: str
    exchange: str
    api_key: str
    api_secret: str
    scopes: tuple[tuple[str, tuple[int, int]], ...]
    profile: Profile
    identity: str = ""
    """The e-mail address that an exchange may ask for besides the key."""

    def __repr__(self) -> str:
        """Without the secret: made up, but a habit is a habit."""
        return f"DemoAccount({self.name!r}, {self.exchange!r})"


_READ_ONLY = (
    ("orders", READ),
    ("account", READ),
    ("funding", READ),
    ("history", READ),
    ("wallets", READ),
    ("withdraw", NONE),
    ("positions", READ),
    ("ui_withdraw", NONE),
)

ETH_USD = Pair("ETH", "USD")
MAIN = Profile(
    name="demo-main",
    wallets=(
        ("exchange", "USD", "25000"),
        ("exchange", "BTC", "1.2"),
        ("exchange", "ETH", "12.5"),
        ("exchange", "DUSK", "15000"),
        ("exchange", "LTC", "0"),
        ("margin", "USD", "4000"),
        ("margin", "UST", "500"),
        ("margin", "USTF0", "4000"),
        ("funding", "USD", "12000"),
        ("funding", "UST", "6000"),
    ),
    spot=(Pair("BTC", "USD"), ETH_USD, Pair("DUSK", "USD")),
    margin=ETH_USD,
    derivative=Pair("BTCF0", "USTF0"),
    lends=("USD", "UST"),
    trading=0.35,
    lending=0.15,
)
LENDER = Profile(
    name="demo-lender",
    wallets=(
        ("exchange", "USD", "6000"),
        ("exchange", "ETH", "4"),
        ("exchange", "BTC", "0"),
        ("exchange", "DUSK", "2.5"),
        ("funding", "USD", "80000"),
        ("funding", "UST", "40000"),
    ),
    spot=(ETH_USD,),
    margin=None,
    derivative=None,
    lends=("USD", "UST"),
    trading=0.06,
    lending=0.35,
)

BITOPRO = Profile(
    name="demo-bitopro",
    wallets=(
        ("exchange", "TWD", "450000"),
        ("exchange", "USDT", "9000"),
        ("exchange", "BTC", "0.45"),
        ("exchange", "ETH", "6.5"),
    ),
    spot=(
        *(Pair("BTC", "TWD"), Pair("ETH", "TWD"), Pair("USDT", "TWD")),
        *(Pair("BTC", "USDT"), Pair("ETH", "USDT")),
    ),
    margin=None,
    derivative=None,
    lends=(),
    trading=0.3,
    lending=0.0,
)

ACCOUNTS = (
    DemoAccount("demo-main", "bitfinex", "demo-main-key", "demo-main-made-up-secret", _READ_ONLY, MAIN),
    DemoAccount(
        "demo-lender",
        "bitfinex",
        "demo-lender-key",
        "demo-lender-made-up-secret",
        _READ_ONLY,
        LENDER,
    ),
    DemoAccount(
        "demo-bitopro",
        "bitopro",
        "demo-bitopro-key",
        "demo-bitopro-made-up-secret",
        (),
        BITOPRO,
        "trader@example.com",
    ),
)
