"""Seconds from starting the bridge to the first served value, and its memory: the demo, 5,000 and 50,000 tags."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from benchmarks.bridge import Bridge, bridge
from benchmarks.plants import machines
from benchmarks.processes import Result, port_of, running
from server.config.load import load_plant
from server.demo.launcher import Ports, write_plant_file

_DEMO_TAG = "ns=3;s=Cooling/PrimaryLoop/Pump1/Speed"


async def run(sizes: Sequence[int] = (5_000, 50_000), settle_s: float = 15.0) -> AsyncIterator[Result]:
    """settle_s: how long it works before memory is looked at, for it grows with the recent past that is kept."""
    async with bridge("demo", "--modbus-port", 0, "--mqtt-port", 0, "--coap-port", 0) as demo:
        yield {"plant": "demo", "tags": _demo_tags(), **await _measure(demo, _DEMO_TAG, settle_s)}
    for tags in sizes:
        async with running("tests.simulators.modbus_device") as device:
            port = await port_of(device)
            with tempfile.TemporaryDirectory(prefix="uatwin-bench-") as folder:
                plant = Path(folder) / "plant.yaml"
                last = machines(plant, tags, port)
                async with bridge("run", plant) as running_bridge:
                    yield {"plant": "machines", "tags": tags, **await _measure(running_bridge, last, settle_s)}


def _demo_tags() -> int:
    with tempfile.TemporaryDirectory(prefix="uatwin-bench-") as folder:
        return len(load_plant(write_plant_file(Path(folder), Ports())).tags)


async def _measure(started: Bridge, node_id: str, settle_s: float) -> Result:
    seconds = await asyncio.to_thread(started.wait_for, node_id)
    start_cpu_s = started.cpu_s()
    at_start_mb, _ = started.memory_mb()
    await asyncio.sleep(settle_s)
    cpu_s = started.cpu_s() - start_cpu_s
    rss_mb, worker_mb = started.memory_mb()
    return {
        "seconds": round(seconds, 2),
        "rss_mb": round(rss_mb),
        "rss_at_start_mb": round(at_start_mb),
        "worker_mb": round(worker_mb),
        "total_mb": round(rss_mb + worker_mb),
        "start_cpu_s": round(start_cpu_s, 2),
        "cpu_share": round(cpu_s / settle_s, 3),
    }
