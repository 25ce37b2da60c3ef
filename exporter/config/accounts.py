"""The key `accounts`: each item against what its exchange offers."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Final, Literal

from exporter.config import values
from exporter.config.credentials import Sources, read_secret
from exporter.config.problems import Problem, quoted
from exporter.config.section import Findings, Section
from exporter.config.types import Account, Endpoints, Include, Lending, Offer, Privacy, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.document import Node
    from exporter.config.secret import Secret

ACCOUNT_KEYS: Final = (
    "name",
    "exchange",
    "api_key",
    "api_key_file",
    "api_secret",
    "api_secret_file",
    "identity",
    "identity_file",
    "endpoints",
    "require_read_only",
    "allow_withdraw_scope",
    "streams",
    "include",
    "margin_symbols",
    "margin_level",
    "thresholds",
    "lending",
    "privacy",
)
ENDPOINT_KEYS: Final = ("stream", "rest", "public")
INCLUDE_KEYS: Final = ("currencies", "symbols", "dust")
LENDING_KEYS: Final = ("idle_minimum",)
PRIVACY_KEYS: Final = ("hide_amounts",)
THRESHOLD_KEYS: Final = ("wallet", "currency", "level", "minimum", "maximum")
_DEFAULT: Final = {field.name: field.default for field in fields(Account)}
LIQUIDATION: Final = 1.0
"""Net over required margin at which positions are liquidated."""
LEVELS: Final[tuple[Literal["warning", "critical"], ...]] = ("warning", "critical")


def read_accounts(
    nodes: list[Node], findings: Findings, sources: Sources, known: Mapping[str, Offer], privacy: Privacy
) -> tuple[Account, ...]:
    """The accounts that are valid; for all others, and for those that clash, problems are reported.

    `privacy` is that of accounts which say nothing else.
    """
    accounts: dict[int, Account] = {}
    names: dict[str, tuple[int, int]] = {}
    for number, node in enumerate(nodes):
        section = Section(node, f"accounts[{number}]", findings, ACCOUNT_KEYS)
        if not section.is_mapping:
            continue
        name = section.need("name", values.name, "1 to 40 of a-z, 0-9, _ and -")
        if name in names:
            first, line = names[name]
            section.refuse("name", f"{quoted(name)} is the name of accounts[{first}] on line {line} too")
        elif name is not None:
            names[name] = number, node.line
        account = _account(section, name, sources, known)
        private = read_privacy(section, privacy)
        if account is not None:
            accounts[number] = replace(account, privacy=private)
    _warn_of_shared_keys(accounts, nodes, findings)
    return tuple(accounts.values())


def _warn_of_shared_keys(accounts: Mapping[int, Account], nodes: list[Node], findings: Findings) -> None:
    seen: list[tuple[int, Secret]] = []
    for number, account in accounts.items():
        first = next((index for index, key in seen if key == account.api_key), None)
        seen.append((number, account.api_key))
        if first is not None:
            sentence = (
                f"the key of accounts[{first}] again: logins with one key refuse each other (make one each)"
            )
            findings.warnings.append(Problem(nodes[number].line, f"accounts[{number}]", sentence))


def _account(
    section: Section, name: str | None, sources: Sources, known: Mapping[str, Offer]
) -> Account | None:
    """One account, or None when it lacks what it cannot be without."""
    exchange = section.need(
        "exchange", values.one_of("exchange", known), f"one of {', '.join(sorted(known))}"
    )
    offer = known.get(exchange or "")
    key = read_secret(section, "api_key", sources)
    secret = read_secret(section, "api_secret", sources)
    identity = _identity(section, sources, exchange, offer)
    endpoints = _endpoints(section, offer)
    feeds = _feeds(section, offer)
    read_only, withdraw = _scopes(section)
    include = _include(section)
    margin_symbols = _margin_symbols(section, exchange, offer)
    margin_level = _margin_level(section, exchange, offer)
    thresholds = _thresholds(section, offer)
    lending = _lending(section, exchange, offer)
    if name is None or exchange is None or key is None or secret is None or endpoints is None:
        return None
    return Account(
        name=name,
        exchange=exchange,
        api_key=key,
        api_secret=secret,
        identity=identity,
        endpoints=endpoints,
        feeds=feeds,
        require_read_only=read_only,
        allow_withdraw_scope=withdraw,
        include=include,
        margin_symbols=margin_symbols,
        margin_level=margin_level,
        thresholds=thresholds,
        lending=lending,
    )


def _identity(section: Section, sources: Sources, exchange: str | None, offer: Offer | None) -> Secret | None:
    given = [key for key in ("identity", "identity_file") if key in section]
    if offer is not None and not offer.needs_identity:
        for key in given:
            section.refuse(key, f"{exchange} has no identity (remove it)")
        return None
    return read_secret(section, "identity", sources) if given or offer is not None else None


def _endpoints(section: Section, offer: Offer | None) -> Endpoints | None:
    default = offer.endpoints if offer else Endpoints("", "", "")
    given = Section(section.child("endpoints"), section.path_of("endpoints"), section.findings, ENDPOINT_KEYS)
    endpoints = Endpoints(
        stream=given.take("stream", values.url("wss"), default.stream),
        rest=given.take("rest", values.url("https"), default.rest),
        public=given.take("public", values.url("https"), default.public),
    )
    return endpoints if offer else None


def _feeds(section: Section, offer: Offer | None) -> tuple[str, ...]:
    if "streams" not in section:
        return offer.feeds if offer else ()
    convert: Callable[[Node], str] = values.one_of("stream", offer.feeds) if offer else values.word
    node = section.child("streams")
    if node is not None and node.value in (None, []):
        section.refuse("streams", "an empty list (expected at least one; without the key, all are on)")
    chosen = section.take_list("streams", convert)
    return tuple(feed for feed in offer.feeds if feed in chosen) if offer else ()


def _scopes(section: Section) -> tuple[bool, bool]:
    read_only = section.take("require_read_only", values.boolean, _DEFAULT["require_read_only"] is True)
    withdraw = section.take("allow_withdraw_scope", values.boolean, _DEFAULT["allow_withdraw_scope"] is True)
    if read_only and withdraw:
        section.refuse("allow_withdraw_scope", 'contradicts "require_read_only" (expected one of the two)')
    return read_only, withdraw


def _include(section: Section) -> Include:
    given = Section(section.child("include"), section.path_of("include"), section.findings, INCLUDE_KEYS)
    return Include(
        currencies=frozenset(given.take_list("currencies", values.currency)),
        symbols=frozenset(given.take_list("symbols", values.symbol)),
        dust=given.take("dust", values.amount, Include().dust),
    )


def _margin_symbols(section: Section, exchange: str | None, offer: Offer | None) -> tuple[str, ...]:
    symbols = section.take_list("margin_symbols", values.symbol)
    if symbols and offer is not None and not offer.margin_symbols:
        section.refuse("margin_symbols", f"{exchange} has no margin figures by symbol (remove it)")
    return symbols


def _margin_level(section: Section, exchange: str | None, offer: Offer | None) -> float | None:
    if "margin_level" in section and offer is not None and not offer.margin_symbols:
        section.refuse("margin_level", f"{exchange} has no margin figures (remove it)")
        return None
    level = section.take("margin_level", values.amount, None)
    if level is not None and level < LIQUIDATION:
        sentence = f"{level:g} is below {LIQUIDATION:g}, where liquidation begins (expected such as 1.5)"
        section.refuse("margin_level", sentence)
    return level


def _lending(section: Section, exchange: str | None, offer: Offer | None) -> Lending:
    if "lending" in section and offer is not None and not offer.lending:
        section.refuse("lending", f"{exchange} has no lending (remove it)")
        return Lending()
    given = Section(section.child("lending"), section.path_of("lending"), section.findings, LENDING_KEYS)
    return Lending(idle_minimum=given.take_amounts("idle_minimum", values.currency_name, values.amount))


def read_privacy(section: Section, default: Privacy) -> Privacy:
    """The key `privacy` of the file or of an account; `default` is for what it leaves out."""
    given = Section(section.child("privacy"), section.path_of("privacy"), section.findings, PRIVACY_KEYS)
    return Privacy(hide_amounts=given.take("hide_amounts", values.boolean, default.hide_amounts))


def _thresholds(section: Section, offer: Offer | None) -> tuple[Threshold, ...]:
    thresholds: list[Threshold] = []
    seen: dict[tuple[str, str, str], int] = {}
    for number, node in enumerate(section.items("thresholds")):
        path = f"{section.path_of('thresholds')}[{number}]"
        item = Section(node, path, section.findings, THRESHOLD_KEYS)
        threshold = _threshold(item, offer) if item.is_mapping else None
        if threshold is None:
            continue
        same = threshold.wallet, threshold.currency, threshold.level
        if same in seen:
            item.refuse(
                "", f"same wallet, currency and level as thresholds[{seen[same]}] (expected one of each)"
            )
        seen.setdefault(same, number)
        thresholds.append(threshold)
    return tuple(thresholds)


def _threshold(item: Section, offer: Offer | None) -> Threshold | None:
    wallets = offer.wallets if offer else ()
    convert: Callable[[Node], str] = values.one_of("wallet", wallets) if wallets else values.word
    wallet = item.need("wallet", convert, f"one of {', '.join(sorted(wallets))}" if wallets else "its name")
    currency = item.need("currency", values.currency, "such as BTC")
    text = item.need("level", values.one_of("level", LEVELS), " or ".join(LEVELS))
    minimum = item.take("minimum", values.number, None)
    maximum = item.take("maximum", values.number, None)
    if "minimum" not in item and "maximum" not in item:
        item.refuse("", 'missing "minimum" or "maximum" (expected at least one of them)')
    if minimum is not None and maximum is not None and minimum > maximum:
        item.refuse("minimum", f"{minimum:g} is above the maximum {maximum:g}")
    level = next((known for known in LEVELS if known == text), None)
    if wallet is None or currency is None or level is None:
        return None
    return Threshold(wallet, currency, level, minimum, maximum)
