"""From the frame on the wire to the state of the account, or to the peer's callback with its model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from benchmarks.frames import Payload, bitfinex, bitopro
from benchmarks.programs import node, ours, peer
from benchmarks.runner import Case, Prepared, WrongError, exchange, numbers, run
from benchmarks.setting import Setting
from benchmarks.stats import Measured, Outcome

FRAMES, FRAMES_QUICK = 300_000, 60_000
SNAPSHOTS: Final = 2_000
Command = Callable[[str, int], list[str]]


def on_bitfinex(setting: Setting) -> Outcome:
    """One connection's numbered frames, each sent once."""
    count = FRAMES_QUICK if setting.quick else FRAMES
    payload = bitfinex(count)
    prepared = setting.payload("bitfinex", lambda: payload)
    commands: dict[str, tuple[Command, int]] = {
        "ours": (lambda url, n: ours("ours", "whole", "bitfinex", payload.prologue, url, n, 0), count),
        "arrays": (lambda url, n: ours("ours", "arrays", payload.prologue, url, n, 0), count),
        "bitfinex-api-py": (lambda url, n: peer("bfxapi_whole", "bfxapi", url, n, 0), count // 3),
        "bitfinex-api-node raw": (lambda url, n: node("whole.js", url, n), count),
        "ccxt": (lambda url, n: peer("ccxt_whole", "ccxt", "bitfinex", url, n, 0), count // 20),
    }
    proof = partial(_bitfinex_balance, payload)
    return setting.measure(_cases(prepared, commands, proof))


def on_bitopro(setting: Setting) -> Outcome:
    """Whole balances of 100 currencies."""
    payload = bitopro(SNAPSHOTS)
    prepared = setting.payload("bitopro", lambda: payload)
    total = SNAPSHOTS * (1 if setting.quick else 8)
    commands: dict[str, tuple[Command, int]] = {
        "ours": (lambda url, n: ours("ours", "whole", "bitopro", 0, url, n, 0), total),
        "ccxt": (lambda url, n: peer("ccxt_whole", "ccxt", "bitopro", url, n, 0), total // 4),
    }
    return setting.measure(_cases(prepared, commands, partial(_bitopro_balance, payload)))


def _cases(
    prepared: Prepared, commands: Mapping[str, tuple[Command, int]], proof: Callable[[int], float]
) -> dict[str, Case]:
    return {
        name: partial(_once, prepared, command, total, proof) for name, (command, total) in commands.items()
    }


def _once(prepared: Prepared, command: Command, total: int, proof: Callable[[int], float]) -> Measured:
    repeat = -(-total // prepared.count)
    with exchange(prepared.file, prologue=prepared.prologue, repeat=repeat) as sender:
        found = run(command(sender.url, total))
    wanted = {"messages": total, "balance": proof(total), "lost": 0, "malformed": 0, "live": True}
    for name, value in wanted.items():
        if name in found and found[name] != value:
            raise WrongError(f"{name} {found[name]} where {value} was expected")
    told = numbers(found)
    told["rate"] = told.get("measured", told["messages"]) / told["seconds"]
    told["cpu_us"] = told["cpu"] / told.get("measured", told["messages"]) * 1e6
    return told


def _bitfinex_balance(payload: Payload, total: int) -> float:
    """What the BTC wallet holds after so many frames."""
    for message in reversed(payload.said[:total]):
        if message.startswith(b'[0,"wu",["exchange","BTC"'):
            return float(json.loads(message)[2][2])
    raise WrongError("no frame changes the wallet that serves as proof")


def _bitopro_balance(payload: Payload, total: int) -> float:
    message = payload.said[(total - 1) % len(payload.said)]
    return float(json.loads(message)["data"]["A00"]["amount"])
