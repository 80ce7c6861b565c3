"""Server CPU per value read: 1,000 Doubles per Read, as they are and after RegisterNodes, against stock asyncua."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from benchmarks.processes import Result, ask, line, running

_NEVER_S: Final = 1e6
"""The values stand still after the first tick."""


async def measure(kind: str, items: int, seconds: float, *ways: str) -> dict[str, Result]:
    """One server, one client after the other: CPU per value for each way to read."""
    found = {}
    async with running("benchmarks.tick_server", kind, items, _NEVER_S, quiet=kind == "asyncua") as server:
        said = await line(server)
        for way in ways:
            options = said["url"], items, seconds, said["pattern"], way
            async with running("benchmarks.reading_client", *options) as client:
                await line(client)
                before = (await ask(server))["cpu_s"]
                counted = await line(client)
                cpu_s = (await ask(server))["cpu_s"] - before
            found[way] = counted | {"cpu_us_per_value": cpu_s * 1e6 / max(counted["values"], 1)}
    return found


async def run(items: int = 1_000, seconds: float = 8.0) -> AsyncIterator[Result]:
    """Ours both ways and stock asyncua, one after the other."""
    ours = await measure("uatwin", items, seconds, "plain", "registered")
    stock = (await measure("asyncua", items, seconds, "plain"))["plain"]
    plain, registered = ours["plain"], ours["registered"]
    yield {
        "items": items,
        "cpu_us_per_value": round(plain["cpu_us_per_value"], 3),
        "registered_cpu_us_per_value": round(registered["cpu_us_per_value"], 3),
        "stock_cpu_us_per_value": round(stock["cpu_us_per_value"], 2),
        "ratio": round(stock["cpu_us_per_value"] / plain["cpu_us_per_value"], 1),
        "registered_ratio": round(stock["cpu_us_per_value"] / registered["cpu_us_per_value"], 1),
        "values_per_s": round(plain["values"] / seconds),
        "registered_values_per_s": round(registered["values"] / seconds),
        "p50_ms": round(plain["p50_ms"], 2),
        "registered_p50_ms": round(registered["p50_ms"], 2),
        "wrong": sum(one["wrong"] for one in (plain, registered, stock)),
        "good": not any(one["wrong"] or not one["values"] for one in (plain, registered, stock)),
    }
