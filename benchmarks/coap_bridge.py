"""Observes a fleet of CoAP devices in a process of its own: as uatwin does, or by plain aiocoap observations.

    python -m benchmarks.coap_bridge uatwin|aiocoap RESOURCES SECONDS PORT...

Prints a JSON line when everything is observed, and one when the measured time is over and, on a line on stdin, what it
counted: its CPU seconds, values, those lost in between, and how late they came.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any

import aiocoap
import numpy as np
import numpy.typing as npt

from drivers import coap
from drivers.data_types import DataType
from drivers.payload_fields import TimeUnit
from drivers.readings import TICKS_PER_SECOND, UNIX_EPOCH_TICKS, Readings
from server.acquisition.acquisition import Acquisition
from server.config.plant import Connection, Plant, Tag
from server.tags.table import TagTable

_UP_S = 60.0
Result = dict[str, float]


def plant(resources: int, ports: list[int]) -> Plant:
    """Devices with so many Double tags each, all observed."""
    connections: dict[str, Connection] = {}
    tags: list[Tag] = []
    for device, port in enumerate(ports):
        name = f"device{device}"
        own = tuple(
            Tag(
                device * resources + number,
                f"Tag{number}",
                f"Bench/{name}/Tag{number}",
                DataType.Double,
                connection=name,
                point=coap.point_model(path=f"/r{number}", value="$.v", timestamp="$.at", timestamp_unit=TimeUnit.s),
                stale_s=65.0,
            )
            for number in range(resources)
        )
        connections[name] = Connection(
            name, "coap", coap.connection_model(host="127.0.0.1", port=port, timeout_s=10.0), own, ()
        )
        tags += own
    return Plant("Bench", "", None, connections, (), tuple(tags))


def counted(rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Values, and numbers left out between the first and the last of each row."""
    order = np.argsort(rows, kind="stable")
    same = np.diff(rows[order]) == 0
    steps = np.diff(numbers[order])[same]
    return len(rows), int(np.abs(steps - 1).sum())


async def uatwin(resources: int, seconds: float, ports: list[int]) -> Result:
    """The real Acquisition into the real TagTable."""
    made = plant(resources, ports)
    table = TagTable([int(tag.data_type) for tag in made.tags])
    arrived: list[tuple[Readings, float]] = []
    running = asyncio.create_task(Acquisition(made, table).run())
    try:
        await _until(lambda: not table.status.any())
        table.on_commit(lambda batch: arrived.append((batch, time.time())))
        cpu_s = await _measured(seconds)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    batches = [(batch, at) for batch, at in arrived if not batch.status.any()]
    all_of = Readings.concat([batch for batch, _ in batches])
    values, lost = counted(all_of.row.astype(np.int64), all_of.value.view("<f8").astype(np.int64))
    sent_s = (all_of.source_ticks - UNIX_EPOCH_TICKS) / TICKS_PER_SECOND
    late = np.repeat([at for _, at in batches], [len(batch) for batch, _ in batches]) - sent_s
    return {"cpu_s": cpu_s, "values": values, "lost": lost, "late_p99_ms": float(np.percentile(late, 99)) * 1000}


async def plain(resources: int, seconds: float, ports: list[int]) -> Result:
    """What a program of one's own would do: an observation per resource, and json."""
    contexts = [await aiocoap.Context.create_client_context(transports=["simple6"]) for _ in ports]
    rows: list[int] = []
    numbers: list[int] = []
    late: list[float] = []
    seen: set[int] = set()

    async def observe(device: int, number: int) -> None:
        uri = f"coap://127.0.0.1:{ports[device]}/r{number}"
        row = device * resources + number
        request = contexts[device].request(aiocoap.Message(code=aiocoap.GET, uri=uri, observe=0))
        await request.response
        seen.add(row)
        async for answer in request.observation:
            said: dict[str, Any] = json.loads(answer.payload)
            rows.append(row)
            numbers.append(said["v"])
            late.append(time.time() - said["at"])

    tasks = [asyncio.create_task(observe(device, n)) for device in range(len(ports)) for n in range(resources)]
    await _until(lambda: len(seen) == len(tasks))
    for column in (rows, numbers, late):
        column.clear()
    cpu_s = await _measured(seconds)
    values, lost = counted(np.array(rows), np.array(numbers))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for context in contexts:
        await context.shutdown()
    return {"cpu_s": cpu_s, "values": values, "lost": lost, "late_p99_ms": float(np.percentile(late, 99)) * 1000}


async def _until(condition: Any) -> None:
    async with asyncio.timeout(_UP_S):
        while not condition():  # noqa: ASYNC110 (it is made true by other processes)
            await asyncio.sleep(0.05)


async def _measured(seconds: float) -> float:
    """CPU seconds of the measured time; what is still on its way when it is over comes in before this returns."""
    print(json.dumps({"ready": True}), flush=True)
    cpu_s = time.process_time()
    await asyncio.sleep(seconds)
    cpu_s = time.process_time() - cpu_s
    print(json.dumps({"measured": True}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return cpu_s


if __name__ == "__main__":
    kind, amount, duration, *rest = sys.argv[1:]
    measuring = (uatwin if kind == "uatwin" else plain)(int(amount), float(duration), [int(port) for port in rest])
    print(json.dumps(asyncio.run(measuring)), flush=True)
