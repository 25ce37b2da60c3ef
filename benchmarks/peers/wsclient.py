"""websocket-client's `recv`: with its defaults, or with the two settings that make it fast."""

from __future__ import annotations

import ssl
import sys
from typing import Any

import websocket

from benchmarks.consumer import Ask, consume


def main() -> None:
    """`tuned` or `default`, then what every receiver takes."""
    tuned = sys.argv[1] == "tuned"
    ask = Ask.read(sys.argv[2:])
    options: dict[str, Any] = {"skip_utf8_validation": True, "enable_multithread": False} if tuned else {}
    trust = {"ca_certs": ask.certificate, "cert_reqs": ssl.CERT_REQUIRED} if ask.certificate else {}
    consume(websocket.create_connection(ask.url, sslopt=trust, **options).recv, ask)


if __name__ == "__main__":
    main()
