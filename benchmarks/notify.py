"""Server CPU per notified value: many Double items, one client in another process that counts and checks them all."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

Result = dict[str, Any]


async def _spawn(*arguments: object) -> Process:
    # 64 kB per line is asyncio's default; our lines are short
    return await asyncio.create_subprocess_exec(sys.executable, "-m", *map(str, arguments), stdin=PIPE, stdout=PIPE)


async def _line(process: Process) -> Result:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a benchmark process ended early; its message stands above")
    result: Result = json.loads(line)
    return result


async def _cpu_s(server: Process) -> float:
    assert server.stdin is not None
    server.stdin.write(b"\n")
    await server.stdin.drain()
    return float((await _line(server))["cpu_s"])


async def measure(kind: str, items: int, period_s: float, seconds: float) -> Result:
    """One server, one client: CPU per value, and what of the work was not right. The client samples twice as often as
    the values change, so that none is passed over."""
    server = await _spawn("benchmarks.tick_server", kind, items, period_s)
    said = await _line(server)
    client = await _spawn(
        "benchmarks.counting_client", said["url"], items, period_s * 400, period_s * 1000, seconds, said["pattern"]
    )
    try:
        subscribed = await _line(client)
        await _line(client)
        before = await _cpu_s(server)
        counted = await _line(client)
        cpu_s = await _cpu_s(server) - before
    finally:
        assert server.stdin is not None
        server.stdin.close()
        await asyncio.gather(server.wait(), client.wait())
    expected = items * int(seconds / period_s)
    return counted | {
        "cpu_us_per_value": cpu_s * 1e6 / max(counted["values"], 1),
        "cpu_share": cpu_s / seconds,
        "subscribe_s": subscribed["subscribe_s"],
        "complete": not (counted["lost"] or counted["wrong"] or counted["mixed"])
        and counted["values"] >= expected - 2 * items,
    }


async def run(items: int = 50_000, stock_items: int = 2_000, seconds: float = 20.0) -> AsyncIterator[Result]:
    """50,000 items at 1 Hz, the same at 20 Hz, and stock asyncua with as many as it stands."""
    ours = await measure("uatwin", items, 1.0, seconds)
    fast = await measure("uatwin", items, 0.05, seconds / 2)
    stock = await measure("asyncua", stock_items, 1.0, seconds / 2)
    yield {
        "items": items,
        "cpu_us_per_value": round(ours["cpu_us_per_value"], 3),
        "stock_cpu_us_per_value": round(stock["cpu_us_per_value"], 1),
        "ratio": round(stock["cpu_us_per_value"] / ours["cpu_us_per_value"], 1),
        "lost": ours["lost"] + fast["lost"] + ours["wrong"] + fast["wrong"],
        "values": ours["values"],
        "subscribe_s": round(ours["subscribe_s"], 2),
        "values_per_s_at_20_hz": round(fast["values"] / (seconds / 2)),
        "cpu_us_per_value_at_20_hz": round(fast["cpu_us_per_value"], 3),
        "cpu_share_at_20_hz": round(fast["cpu_share"], 3),
        "stock_items": stock_items,
        "good": ours["complete"] and fast["complete"],
    }
