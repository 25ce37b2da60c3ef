"""Start the demo as a user would, wait until its streams are up on /metrics, and end it with SIGTERM.

usage: smoke.py PROGRAM [ARGUMENT…] (arguments stand before ``demo``; standard library only)
"""

# ruff: noqa: INP001 - a script, no package
from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

UP_SECONDS = 60.0
STOP_SECONDS = 10.0


def scrape(url: str) -> str:
    """The exposition, or nothing while the program still starts."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a URL of ours, on loopback
            return str(answer.read().decode())
    except OSError:
        return ""


def streams(exposition: str) -> list[str]:
    """The samples that say whether a stream is up."""
    return [line for line in exposition.splitlines() if line.startswith("exchange_stream_up{")]


def main(command: list[str]) -> int:
    """Zero when every stream came up and the program ended well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    urllib.request.install_opener(direct)
    demo = [*command, "demo", f"--web.listen-address={address}"]
    program = subprocess.Popen(demo, stdin=subprocess.DEVNULL)  # noqa: S603 - the caller names it
    try:
        deadline = time.monotonic() + UP_SECONDS
        found: list[str] = []
        while not found or not all(line.endswith((" 1.0", " 1")) for line in found):
            if program.poll() is not None:
                return complain(f"the demo ended by itself with code {program.returncode}")
            if time.monotonic() > deadline:
                return complain(f"not every stream is up after {UP_SECONDS:.0f} s: {found}")
            time.sleep(0.2)
            found = streams(scrape(f"http://{address}/metrics"))
        program.send_signal(signal.SIGTERM)
        code = program.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return complain(f"the demo still runs {STOP_SECONDS:.0f} s after SIGTERM")
    finally:
        program.kill()
        program.wait()
    if code:
        return complain(f"the demo ended with code {code} on SIGTERM")
    sys.stdout.write(f"smoke: {len(found)} demo streams up, clean end\n")
    return 0


def complain(sentence: str) -> int:
    """Say what failed."""
    sys.stderr.write(f"smoke: {sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
