"""`python -m exporter.commands.healthcheck [URL]`: exit 0 when the exporter is healthy, for containers."""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request
from typing import Final

DEFAULT: Final = "http://127.0.0.1:19700/-/healthy"
TIMEOUT: Final = 4.0
UNAUTHORIZED: Final = 401


def main(arguments: list[str]) -> int:
    """Ask the exporter; 0 for healthy or closed to strangers, 1 for anything else; one line says which."""
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
    except urllib.error.HTTPError as error:
        with error:
            return _judge(error.code, error.read(200).decode(errors="replace").strip())
    except urllib.error.URLError as error:
        print(f"not healthy: no answer from {url}: {_reason(error.reason)}")  # noqa: T201
        return 1
    except (OSError, http.client.HTTPException) as error:
        print(f"not healthy: no answer from {url}: {_reason(error)}")  # noqa: T201
        return 1


def _judge(status: int, body: str) -> int:
    if status == UNAUTHORIZED:
        # With users in the web configuration nothing more is to be had without a password; it does serve.
        print("serving; health is for users of the web configuration only")  # noqa: T201
        return 0
    print(f"not healthy: status {status}: {body}")  # noqa: T201
    return 1


def _reason(error: object) -> str:
    sentence = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return sentence[:1].lower() + sentence[1:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
