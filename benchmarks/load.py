"""A session on queued frames while other accounts' page is rendered back to back; knows the API.

python -m benchmarks.load SERIES URL SECONDS
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Final

from benchmarks.ours import LOOK, account, told, workshop
from benchmarks.state import House

GIVE_UP: Final = 30.0


def main() -> None:
    """See the module's text; SERIES 0 renders nothing."""
    series, url, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    house = House(series) if series else None
    if house is not None:
        house.scrape()
    stop = threading.Event()
    scrapes = 0

    def render() -> None:
        nonlocal scrapes
        while house is not None and not stop.is_set():
            house.scrape()
            scrapes += 1

    followed = workshop().follow(account("bitfinex", url))
    (session,) = followed.sessions
    threads = [threading.Thread(target=render), threading.Thread(target=session.run)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + GIVE_UP
    while not (before := told(followed)) and time.monotonic() < until:
        time.sleep(LOOK)
    began = time.perf_counter()
    last, at = before, began
    # Until the time is over, or all that was queued is handled.
    while time.perf_counter() - began < seconds:
        time.sleep(LOOK)
        count = told(followed)
        if count > last:
            last, at = count, time.perf_counter()
    stop.set()
    session.stop()
    for thread in threads:
        thread.join()
    print(json.dumps({"rate": (last - before) / (at - began), "scrapes": scrapes}))


if __name__ == "__main__":
    main()
