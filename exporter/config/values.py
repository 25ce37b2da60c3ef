"""From one node of the document to one value: each function gives it or raises Refusal with a sentence."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from exporter.config.problems import listed, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from exporter.config.document import Node

_UNITS: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION: Final = re.compile(
    r"(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,6})s)?(?:(?P<ms>\d{1,6})ms)?",
    re.ASCII,
)
_SIZES: Final = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE: Final = re.compile(r"([0-9]{1,9})(B|KiB|MiB|GiB)")
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")
_NAME: Final = re.compile(r"[a-z0-9_-]{1,40}")
_CURRENCY: Final = re.compile(r"[A-Z0-9]{1,20}")
_SYMBOL: Final = re.compile(r"[A-Za-z0-9]{2,20}([/:_][A-Za-z0-9]{2,20})?")
_SECURE: Final = {"wss": "ws", "https": "http"}


class Refusal(Exception):  # noqa: N818 - it is an answer to the file's author, not an error of the program
    """Why a value is not taken: a sentence that may be printed."""


def word(node: Node) -> str:
    """Text as it is written; numbers too, for names may be digits."""
    if node.text is None or node.value is None or isinstance(node.value, bool):
        raise Refusal(f"expected text, got {node.kind}")
    if not node.text.strip():
        raise Refusal("expected text, got an empty one")
    return node.text


def _shown(node: Node) -> str:
    """What stands there instead of a number or a word: its kind, and a scalar itself."""
    return f"{node.kind} {quoted(node.text)}" if node.text and node.value is not None else node.kind


def boolean(node: Node) -> bool:
    """`true` or `false`, and no other spelling."""
    if not isinstance(node.value, bool):
        raise Refusal(f"expected true or false, got {_shown(node)}")
    return node.value


def number(node: Node) -> float:
    """Any finite number."""
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise Refusal(f"expected a number, got {_shown(node)}")
    return float(node.value)


def amount(node: Node) -> float:
    """Any finite number that is not below 0."""
    value = number(node)
    if value < 0:
        raise Refusal(f"{value:g} is out of range (expected 0 or more)")
    return value


def integer(low: int, high: int) -> Callable[[Node], int]:
    """A whole number between two bounds, both included."""

    def convert(node: Node) -> int:
        if isinstance(node.value, bool) or not isinstance(node.value, int):
            raise Refusal(f"expected a whole number, got {_shown(node)}")
        if not low <= node.value <= high:
            raise Refusal(f"{node.value} is out of range (expected {low} to {high})")
        return node.value

    return convert


def duration(low: str, high: str, *, off: bool = False) -> Callable[[Node], float]:
    """Seconds, from text such as `10s`, between two bounds, both included; with `off`, 0 is taken too."""
    expected = f"expected {low} to {high}" + (", or 0 for off" if off else "")

    def convert(node: Node) -> float:
        if node.text is None or node.value is None or isinstance(node.value, bool):
            raise Refusal(f"expected a duration such as 10s, 5m, 1h or 250ms, got {node.kind}")
        seconds = _seconds(node.text)
        if not (off and seconds == 0) and not _seconds(low) <= seconds <= _seconds(high):
            raise Refusal(f"{quoted(node.text)} is out of range ({expected})")
        return seconds

    return convert


def _seconds(text: str) -> float:
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise Refusal(
            f"{quoted(text)} is no duration (expected such as 10s, 5m, 1h, 1h30m or 250ms; 0 needs no unit)"
        )
    return sum(int(count) * _UNITS[unit] for unit, count in match.groupdict().items() if count is not None)


def size(low: str, high: str) -> Callable[[Node], int]:
    """Bytes, from text such as `8MiB`, between two bounds, both included."""

    def convert(node: Node) -> int:
        if node.text is None or node.value is None or isinstance(node.value, bool):
            raise Refusal(f"expected a size such as 512KiB or 8MiB, got {node.kind}")
        count = _bytes(node.text)
        if not _bytes(low) <= count <= _bytes(high):
            raise Refusal(f"{quoted(node.text)} is out of range (expected {low} to {high})")
        return count

    return convert


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise Refusal(f"{quoted(text)} is no size (expected such as 512KiB or 8MiB; units: B, KiB, MiB, GiB)")
    return int(match[1]) * _SIZES[match[2]]


def one_of(what: str, known: Collection[str]) -> Callable[[Node], str]:
    """One of the known words; `what` says what the words are, for `unknown <what> "x"`."""

    def convert(node: Node) -> str:
        text = word(node)
        if text not in known:
            raise Refusal(f"unknown {what} {quoted(text)} ({nearest(text, known)}{listed(known)})")
        return text

    return convert


def name(node: Node) -> str:
    """The name of an account: it becomes a label and part of thread names and file names."""
    text = word(node)
    if not _NAME.fullmatch(text):
        raise Refusal(f"bad name {quoted(text)} (expected 1 to 40 of a-z, 0-9, _ and -)")
    return text


def currency(node: Node) -> str:
    """A currency as series carry it: in capitals, whatever the exchange sends. Others would never match."""
    return currency_name(word(node))


def currency_name(text: str) -> str:
    """The same where the currency is a key."""
    if not _CURRENCY.fullmatch(text):
        raise Refusal(f"bad currency {quoted(text)} (expected capitals and digits, such as BTC or USTF0)")
    return text


def symbol(node: Node) -> str:
    """A symbol as series carry it, or in the spelling of its exchange: the adapters know both."""
    text = word(node)
    if not _SYMBOL.fullmatch(text):
        raise Refusal(
            f"bad symbol {quoted(text)} (expected such as BTC/USD, tBTCUSD, tBTCF0:USTF0 or btc_twd)"
        )
    return text


def url(secure: str) -> Callable[[Node], str]:
    """An address of scheme `secure` (wss or https), or of its clear sister when the host is this machine.

    The sentences never repeat the address: it may hold a password.
    """
    clear = _SECURE[secure]
    expected = f"expected {secure}://host/path"

    def convert(node: Node) -> str:
        text = word(node)
        if not text.isascii() or not text.isprintable() or set(text) & set(' \\"<>^`{|}'):
            raise Refusal(f"not a URL: it has a character that none has ({expected})")
        scheme, separator, rest = text.partition("://")
        if not separator or scheme not in (secure, clear):
            raise Refusal(f"no {secure}:// URL ({expected}; {clear}:// on loopback only)")
        if "@" in rest.partition("/")[0]:
            raise Refusal(f"a user or password in a URL ({expected}; credentials have keys of their own)")
        if "?" in rest or "#" in rest:
            raise Refusal(f"a query or fragment in a URL ({expected})")
        if scheme == clear and not _is_loopback(_host(text, expected)):
            raise Refusal(f"{clear}:// is not encrypted ({expected}; {clear}:// on loopback only)")
        _host(text, expected)
        return text if secure == "wss" else text.rstrip("/")

    return convert


def _host(text: str, expected: str) -> str:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not _HOST.fullmatch(host) or port == 0:
        raise Refusal(f"a URL without a valid host and port ({expected})")
    return host


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
