"""`exchange-exporter run`: follow the configured accounts and serve their metrics."""

from __future__ import annotations

import os
from pathlib import Path

from exporter.app import App, WebSettings
from exporter.config.reader import read
from exporter.config.types import Config
from exporter.follow import offers
from exporter.logs import Redactor


def load(path: str) -> Config:
    """The valid configuration in a file. Raises ConfigError with every problem."""
    return read(Path(path), os.environ, offers())


def run(config_file: str, web: WebSettings, redact: Redactor) -> int:
    """Serve until told to stop. Raises ConfigError, WebConfigError, ListenError."""
    app = App(load(config_file), web, reread=lambda: load(config_file), redact=redact)
    app.run()
    return 0
