"""CPU per value of the CoAP driver into the tag table, from devices that notify, against plain aiocoap observations."""

from __future__ import annotations

from collections.abc import AsyncIterator

from benchmarks.processes import Result, ask, line, running


async def measure(kind: str, devices: int, resources: int, period_s: float, seconds: float) -> Result:
    """One fleet and one bridge. The devices stop before the bridge counts, so that all they sent should be there."""
    async with running("benchmarks.coap_fleet", devices, resources, period_s) as fleet:
        ports = (await line(fleet))["ports"]
        async with running("benchmarks.coap_bridge", kind, resources, seconds, *ports) as bridge:
            await line(bridge)
            await line(bridge)
            stopped = await ask(fleet)
            found = await ask(bridge)
    return found | {"unacknowledged": stopped["unacknowledged"]}


async def run(
    devices: int = 10, resources: int = 100, period_s: float = 0.5, seconds: float = 20.0
) -> AsyncIterator[Result]:
    """1,000 resources at 2 notifications a second each, from 10 devices, as CoAP has numbers for 265 messages a second
    between two endpoints (RFC 7252, 4.4)."""
    ours = await measure("uatwin", devices, resources, period_s, seconds)
    plain = await measure("aiocoap", devices, resources, period_s, seconds / 2)
    expected = devices * resources * seconds / period_s
    ours_us = ours["cpu_s"] * 1e6 / expected
    plain_us = plain["cpu_s"] * 2e6 / expected
    yield {
        "resources": devices * resources,
        "values_per_s": round(ours["values"] / seconds),
        "cpu_us_per_value": round(ours_us, 1),
        "plain_cpu_us_per_value": round(plain_us, 1),
        "ratio": round(plain_us / ours_us, 1),
        "late_p99_ms": round(ours["late_p99_ms"], 1),
        "plain_late_p99_ms": round(plain["late_p99_ms"], 1),
        "cpu_share": round(ours["cpu_s"] / seconds, 3),
        "lost": int(ours["lost"] + ours["unacknowledged"]),
        "good": not ours["lost"] and ours["values"] >= 0.98 * expected,
    }
