"""`python -m exporter.commands.healthcheck [URL]`: exit 0 when the exporter is healthy, for containers."""

from __future__ import annotations

import sys
import urllib.request
from typing import Final

DEFAULT: Final = "http://127.0.0.1:19700/-/healthy"
TIMEOUT: Final = 4.0


def main(arguments: list[str]) -> int:
    """Ask the exporter; 0 for healthy, 1 for anything else, with one line that says what."""
    url = arguments[0] if arguments else DEFAULT
    if not url.startswith(("http://", "https://")):
        print(f"cannot ask {url}: expected an http or https URL")  # noqa: T201
        return 1
    # The environment's proxies are for other things than asking oneself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT) as answer:
            print(answer.read(200).decode(errors="replace").strip())  # noqa: T201
            return 0
    except OSError as error:
        print(f"not healthy: {error}")  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
