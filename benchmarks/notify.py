"""Server CPU per notified value: many Double items, one client in another process that counts and checks them all."""

from __future__ import annotations

from collections.abc import AsyncIterator

from benchmarks.processes import Result, ask, line, running


async def measure(kind: str, items: int, period_s: float, seconds: float) -> Result:
    """One server, one client: CPU per value, and whether the work was complete. The client samples more often than the
    values change, so that none is passed over."""
    async with running("benchmarks.tick_server", kind, items, period_s, quiet=kind == "asyncua") as server:
        said = await line(server)
        options = said["url"], items, period_s * 400, period_s * 1000, seconds, said["pattern"]
        async with running("benchmarks.counting_client", *options) as client:
            subscribed = await line(client)
            await line(client)
            before = await ask(server)
            counted = await line(client)
            cpu_s = (await ask(server))["cpu_s"] - before["cpu_s"]
    expected = items * int(seconds / period_s)
    return counted | {
        "cpu_us_per_value": cpu_s * 1e6 / max(counted["values"], 1),
        "cpu_share": cpu_s / seconds,
        "subscribe_s": subscribed["subscribe_s"],
        "complete": not any(counted[key] for key in ("lost", "wrong", "mixed", "never"))
        and counted["values"] >= expected - 2 * items,
    }


async def run(
    items: int = 50_000, stock_items: int = 2_000, seconds: float = 20.0, period_s: float = 1.0
) -> AsyncIterator[Result]:
    """All items once a period, the same at 20 Hz, and stock asyncua once a period with as many as it stands."""
    ours = await measure("uatwin", items, period_s, seconds)
    fast = await measure("uatwin", items, 0.05, seconds / 2)
    stock = await measure("asyncua", stock_items, period_s, seconds / 2)
    yield {
        "items": items,
        "cpu_us_per_value": round(ours["cpu_us_per_value"], 3),
        "stock_cpu_us_per_value": round(stock["cpu_us_per_value"], 1),
        "ratio": round(stock["cpu_us_per_value"] / ours["cpu_us_per_value"], 1),
        "lost": sum(one[key] for one in (ours, fast) for key in ("lost", "wrong", "mixed", "never")),
        "values": ours["values"],
        "subscribe_s": round(ours["subscribe_s"], 2),
        "values_per_s_at_20_hz": round(fast["values"] / (seconds / 2)),
        "cpu_us_per_value_at_20_hz": round(fast["cpu_us_per_value"], 3),
        "cpu_share_at_20_hz": round(fast["cpu_share"], 3),
        "stock_items": stock_items,
        "good": ours["complete"] and fast["complete"] and stock["complete"],
    }
