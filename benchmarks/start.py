"""Seconds from starting the bridge to the first served value, and its memory: the demo, 5,000 and 50,000 tags."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.bridge import Bridge, bridge
from benchmarks.lean_client import LeanClient
from benchmarks.plants import ALL_GOOD, machines
from benchmarks.processes import Result, port_of, running
from server.config.load import load_plant
from server.demo.launcher import Ports, write_plant_file

_DEMO_TAG: Final = "ns=3;s=Cooling/PrimaryLoop/Pump1/Speed"
_DEMO_GOOD: Final = "ns=3;s=Cooling/GoodFraction"
_WAIT_S: Final = 20.0


async def run(sizes: Sequence[int] = (5_000, 50_000), settle_s: float = 35.0) -> AsyncIterator[Result]:
    """settle_s: how long it works before memory is looked at; at 50,000 values/s the recent past is full after 30 s."""
    async with bridge("demo", "--modbus-port", 0, "--mqtt-port", 0, "--coap-port", 0) as demo:
        yield {"plant": "demo", "tags": _demo_tags(), **await _measure(demo, _DEMO_TAG, _DEMO_GOOD, settle_s)}
    for tags in sizes:
        async with running("tests.simulators.modbus_device") as device:
            port = await port_of(device)
            with tempfile.TemporaryDirectory(prefix="uatwin-bench-") as folder:
                plant = Path(folder) / "plant.yaml"
                last = machines(plant, tags, port)
                async with bridge("run", plant) as running_bridge:
                    yield {
                        "plant": "machines",
                        "tags": tags,
                        **await _measure(running_bridge, last, ALL_GOOD, settle_s),
                    }


def _demo_tags() -> int:
    with tempfile.TemporaryDirectory(prefix="uatwin-bench-") as folder:
        return len(load_plant(write_plant_file(Path(folder), Ports())).tags)


async def _measure(started: Bridge, node_id: str, good_fraction: str, settle_s: float) -> Result:
    seconds = await asyncio.to_thread(started.wait_for, node_id)
    start_cpu_s = started.cpu_s()
    at_start_mb, _ = started.memory_mb()
    await asyncio.sleep(settle_s)
    cpu_s = started.cpu_s() - start_cpu_s
    rss_mb, worker_mb = started.memory_mb()
    good_percent = await asyncio.to_thread(_most, started.url, good_fraction)
    return {
        "seconds": round(seconds, 2),
        "rss_mb": round(rss_mb),
        "rss_at_start_mb": round(at_start_mb),
        "worker_mb": round(worker_mb),
        "total_mb": round(rss_mb + worker_mb),
        "start_cpu_s": round(start_cpu_s, 2),
        "cpu_share": round(cpu_s / settle_s, 3),
        "good_percent": good_percent,
        "good": good_percent == 100.0,
    }


def _most(url: str, good_fraction: str) -> float:
    """Percent of the tags that are Good, which is told every second; the most of it within a while."""
    deadline, most = time.perf_counter() + _WAIT_S, 0.0
    with LeanClient(url) as client:
        client.log_in()
        while most < 100.0 and time.perf_counter() < deadline:
            value = client.read(good_fraction)[0].Value
            most = max(most, float(value.Value) if value is not None and value.Value is not None else 0.0)
            time.sleep(0.1)
    return most
