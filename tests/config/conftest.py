"""What the tests of the configuration share: two exchanges, an environment, and a file to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from exporter.config.reader import ConfigError, read
from exporter.config.types import Endpoints, Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.types import Config

BITFINEX: Final = Offer(
    Endpoints("wss://api.bitfinex.com/ws/2", "https://api.bitfinex.com", "https://api-pub.bitfinex.com"),
    ("wallets", "orders", "positions", "margin", "balance", "funding", "trades", "notifications"),
    wallets=("exchange", "margin", "funding"),
    margin_symbols=True,
    lending=True,
)
BITOPRO: Final = Offer(
    Endpoints(
        "wss://stream.bitopro.com:443/ws/v1", "https://api.bitopro.com/v3", "https://api.bitopro.com/v3"
    ),
    ("wallets", "orders", "trades"),
    needs_identity=True,
    wallets=("spot",),
)


@pytest.fixture
def repository() -> Path:
    """The root of the source tree."""
    return Path(__file__).parents[2]


@pytest.fixture
def known() -> dict[str, Offer]:
    """What the exchanges offer."""
    return {"bitopro": BITOPRO, "bitfinex": BITFINEX}


@pytest.fixture
def environ() -> dict[str, str]:
    """The variables that the test data refer to."""
    return {
        "API_KEY": "k3yFromEnvironment",
        "API_SECRET": "s3cretFromEnvironment",
        "EMPTY_KEY": "",
        "SPACED_KEY": "two words",
    }


@pytest.fixture
def config_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a text into a configuration file that only its owner can read."""

    def write(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def accepted(
    config_file: Callable[[str], Path], environ: Mapping[str, str], known: Mapping[str, Offer]
) -> Callable[[str], Config]:
    """The configuration that a text gives."""
    return lambda text: read(config_file(text), environ, known)


@pytest.fixture
def refused(
    config_file: Callable[[str], Path], environ: Mapping[str, str], known: Mapping[str, Offer]
) -> Callable[[str], list[str]]:
    """The problems of a text, as `config.yaml:1: ...`."""

    def problems(text: str) -> list[str]:
        path = config_file(text)
        with pytest.raises(ConfigError) as caught:
            read(path, environ, known)
        return [problem.removeprefix(f"{path.parent}/") for problem in caught.value.problems]

    return problems
