"""CPU per value read from 500 Modbus devices every second into the tag table, beside plain pymodbus calls."""

from __future__ import annotations

from collections.abc import AsyncIterator

from benchmarks.modbus_bridge import VALUES
from benchmarks.processes import Result, line, running


async def measure(kind: str, port: int, devices: int, seconds: float, pipeline: int = 1) -> Result:
    """One bridge in a process of its own on devices in another."""
    async with running("benchmarks.modbus_bridge", kind, port, devices, seconds, pipeline) as bridge:
        measured = await line(bridge)
    return measured | {
        "cpu_us_per_value": measured["cpu_s"] * 1e6 / max(measured["values"], 1),
        "lost": max(0, round(devices * VALUES * (measured["seconds"] - 1) - measured["values"])),
    }


async def run(devices: int = 500, seconds: float = 15.0) -> AsyncIterator[Result]:
    """500 devices x 100 float32 at 1 Hz, with the two requests of a poll sent together and one after the other; and
    pymodbus on as many devices and the same schedule. Values that come up to a second late are not lost."""
    async with running("benchmarks.modbus_fleet") as fleet:
        port = (await line(fleet))["port"]
        ours = await measure("uatwin", port, devices, seconds, 2)
        single = await measure("uatwin", port, devices, seconds, 1)
        plain = await measure("pymodbus", port, devices, seconds)
    yield {
        "values_per_s": round(ours["values"] / ours["seconds"]),
        "cpu_us_per_value": round(ours["cpu_us_per_value"], 3),
        "plain_cpu_us_per_value": round(plain["cpu_us_per_value"], 3),
        "ratio": round(plain["cpu_us_per_value"] / ours["cpu_us_per_value"], 1),
        "late_p99_ms": round(ours["late_p99_ms"], 1),
        "lost": ours["lost"] + single["lost"],
        "cpu_share": round(ours["cpu_s"] / ours["seconds"], 3),
        "single_cpu_us_per_value": round(single["cpu_us_per_value"], 3),
        "single_late_p99_ms": round(single["late_p99_ms"], 1),
        "missed": ours["missed"] + single["missed"],
        "devices": devices,
        "good": not any(one["wrong"] for one in (ours, single, plain)) and ours["lost"] == single["lost"] == 0,
    }
