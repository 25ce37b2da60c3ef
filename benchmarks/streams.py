"""`python -m benchmarks.streams`: a thread per stream against one poller for all, over the same frame cutter.

A sender shares a fixed number of frames a second out among the streams. The consumer takes them in by one of
the two models, decodes each, and notes how long ago it was sent. Both models run in turns, each in its own
process.

The poller is a prototype: it answers no ping, and has no deadlines, sends or reconnects. It shows what that
model would save at best, nothing else.
"""

from __future__ import annotations

import argparse
import json
import random
import select
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import orjson
from websockets.http11 import Request
from websockets.server import ServerProtocol

from benchmarks.frames import header
from exporter.stream.frames import FrameCutter
from exporter.stream.transport import READ, Abort, Closed, Connection, Connector, Limits

MODELS: Final = ("threads", "poller")
FRAME: Final = 216
"""Bytes of a message: the mean of an account stream's."""
LIMIT: Final = 8 << 20
TICK: Final = 0.5
SETTLE: Final = 0.3
"""Seconds between the last connect and the first frame."""
Take = Callable[[list[bytes]], None]


class Result(NamedTuple):
    """What one run of a consumer cost."""

    frames: int
    cpu: float
    """Microseconds of both user and system time, a frame."""
    late: float
    """Milliseconds from send to decoded, 99th percentile."""
    rss: float
    """Megabytes resident at the end."""


# -- the sender -----------------------------------------------------------------------------------


def send(streams: int, rate: float, seconds: float) -> None:
    """Accept so many connections on a port that is told, then send one frame after the other in turn."""
    with socket.create_server(("127.0.0.1", 0), backlog=streams) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        peers = [_accepted(listener) for _ in range(streams)]
    time.sleep(SETTLE)
    start = time.monotonic()
    for number in range(int(rate * seconds)):
        if (ahead := start + number / rate - time.monotonic()) > 0:
            time.sleep(ahead)
        text = b'[0,"wu",["exchange","BTC",1.5,0,1.5,"%s"],%d,%d]'
        pad = b"x" * (FRAME - len(text) - 20)
        message = text % (pad, number, time.monotonic_ns())
        peers[number % streams].sendall(header(len(message)) + message)
    for peer in peers:
        peer.close()


def _accepted(listener: socket.socket) -> socket.socket:
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    protocol = ServerProtocol()
    while not (events := protocol.events_received()):
        protocol.receive_data(peer.recv(READ))
    (request,) = events
    if not isinstance(request, Request):
        raise TypeError(f"{type(request).__name__} where a request was expected")
    protocol.send_response(protocol.accept(request))
    peer.sendall(b"".join(protocol.data_to_send()))
    return peer


# -- the two models -------------------------------------------------------------------------------


class Poller:
    """All streams in one thread: wait for any of them, read once, cut, hand over."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._readers: dict[int, tuple[socket.socket, FrameCutter, Take]] = {}

    def add(self, sock: socket.socket, take: Take) -> None:
        """Follow one more stream."""
        sock.setblocking(False)
        self._readers[sock.fileno()] = (sock, FrameCutter(LIMIT), take)
        self._poll.register(sock, select.EPOLLIN)

    def run(self) -> None:
        """Hand over messages until every stream has ended."""
        while self._readers:
            for number, _ in self._poll.poll(TICK):
                sock, cutter, take = self._readers[number]
                data = sock.recv(READ)
                event = cutter.cut(data)
                if isinstance(event, list):
                    take(event)
                elif not data:
                    self._poll.unregister(sock)
                    del self._readers[number]
        self._poll.close()


def follow(link: Connection, take: Take) -> None:
    """One stream in a thread of its own, as a session does it."""
    while not isinstance(received := link.receive(TICK), Closed):
        if isinstance(received, list):
            take(received)


def consume(model: str, port: int, streams: int) -> Result:
    """Take in all frames of all streams."""
    late: list[int] = []

    def take(messages: list[bytes]) -> None:
        for data in messages:
            message = orjson.loads(data)
            late.append(time.monotonic_ns() - message[4])

    connector = Connector(limits=Limits(connect_timeout=30.0, max_message_bytes=LIMIT))
    aborts = [Abort() for _ in range(streams)]
    links = [connector.connect(f"ws://127.0.0.1:{port}/", abort=abort) for abort in aborts]
    began = time.process_time()
    if model == "threads":
        threads = [threading.Thread(target=follow, args=(link, take)) for link in links]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        poller = Poller()
        for abort in aborts:
            if (sock := abort._sock) is not None:  # noqa: SLF001 - the poller is a prototype, not a way in
                poller.add(sock, take)
        poller.run()
    cpu = (time.process_time() - began) / len(late) * 1e6
    rss = _resident()
    for link in links:
        link.close()
    return Result(len(late), cpu, statistics.quantiles(late, n=100)[98] / 1e6, rss)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


# -- both in turns --------------------------------------------------------------------------------


def run(model: str, streams: int, rate: float, seconds: float) -> Result:
    """One run of one model in its own process, and of a sender for it."""
    with subprocess.Popen(
        _command("send", streams, rate, seconds), stdout=subprocess.PIPE, text=True
    ) as sender:
        told = sender.stdout.readline() if sender.stdout else ""
        done = subprocess.run(
            _command("consume", model, int(told), streams), stdout=subprocess.PIPE, text=True, check=True
        )
    result = Result(*json.loads(done.stdout))
    if result.frames != int(rate * seconds):
        raise ValueError(f"{model}: {result.frames} frames came of {int(rate * seconds)}")
    return result


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.streams", *map(str, words)]


def compare(counts: Sequence[int], rate: float, seconds: float, rounds: int) -> None:
    """Print medians for both models and each number of streams; the ratio is the median of the rounds'."""
    print(f"{rate:g} frames/s in all, {rounds} rounds of {seconds:g} s; medians\n")
    print("| streams | model | CPU us/frame | p99 late ms | RSS MB | CPU against threads |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    for streams in counts:
        runs: dict[str, list[Result]] = {model: [] for model in MODELS}
        for _ in range(rounds):
            for model in random.sample(MODELS, len(MODELS)):
                runs[model].append(run(model, streams, rate, seconds))
        for model, results in runs.items():
            cpu, late, rss = (statistics.median(column) for column in list(zip(*results, strict=True))[1:])
            ratio = statistics.median(
                mine.cpu / other.cpu for mine, other in zip(results, runs["threads"], strict=True)
            )
            print(f"| {streams} | {model} | {cpu:.1f} | {late:.2f} | {rss:.1f} | {ratio:.2f}x |", flush=True)


def main() -> None:
    """Compare, or play one of the parts."""
    if sys.argv[1:2] == ["send"]:
        send(int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
    elif sys.argv[1:2] == ["consume"]:
        print(json.dumps(consume(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
    else:
        parser = argparse.ArgumentParser(prog="python -m benchmarks.streams")
        parser.add_argument("--streams", default="1,8,32,200", help="numbers of streams, default %(default)s")
        parser.add_argument(
            "--rate", type=float, default=4000.0, help="frames a second in all streams together"
        )
        parser.add_argument("--seconds", type=float, default=3.0, help="length of one run")
        parser.add_argument("--rounds", type=int, default=5)
        asked = parser.parse_args()
        compare([int(each) for each in asked.streams.split(",")], asked.rate, asked.seconds, asked.rounds)


if __name__ == "__main__":
    main()
