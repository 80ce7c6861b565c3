"""Reads a fleet of Modbus devices every second in a process of its own: as uatwin does, or by plain pymodbus calls.

    python -m benchmarks.modbus_bridge uatwin|pymodbus PORT DEVICES SECONDS PIPELINE

Prints one JSON line when the measured time is over: its CPU seconds in that time, and how complete and right the values
were.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress

import numpy as np
import numpy.typing as npt
from pymodbus.client import AsyncModbusTcpClient

from benchmarks.modbus_fleet import PER_UNIT
from drivers import modbus
from drivers.data_types import DataType
from drivers.readings import Readings
from server.acquisition.acquisition import Acquisition
from server.acquisition.schedule import phase_s
from server.config.plant import Connection, Plant, Tag
from server.tags.table import TagTable

VALUES = 100
UNITS = 200
WARM_UP_S = 4.0
Result = dict[str, float]


def unit_of(device: int) -> int:
    """The unit identifier of a device."""
    return 1 + device % UNITS


def plant(devices: int, port: int, pipeline: int) -> Plant:
    """Devices with 100 Float tags each, read every second."""
    tags = tuple(
        Tag(
            row,
            f"Tag{row}",
            f"Bench/Tag{row}",
            DataType.Float,
            connection=f"device{row // VALUES}",
            point=modbus.point_model(address=row % VALUES * 2),
        )
        for row in range(devices * VALUES)
    )
    connections = {}
    for device in range(devices):
        settings = modbus.connection_model(host="127.0.0.1", port=port, unit=unit_of(device), pipeline=pipeline)
        own = tags[device * VALUES : (device + 1) * VALUES]
        connections[f"device{device}"] = Connection(f"device{device}", "modbus", settings, own, ())
    return Plant("Bench", "", None, connections, (), tags)


def wrong(values: npt.NDArray[np.float64], devices: int) -> int:
    """How many values are none that their device ever showed."""
    units = np.array([unit_of(device) for device in range(devices)]) * PER_UNIT
    second = (values.reshape(devices, VALUES) - units[:, None] - np.arange(VALUES) * 0.5) / 16.0
    return int(((second != np.rint(second)) | (second < 0) | (second > 1000)).sum())


async def uatwin(port: int, devices: int, seconds: float, pipeline: int) -> Result:
    """The real Acquisition into the real TagTable."""
    made = plant(devices, port, pipeline)
    table = TagTable([int(tag.data_type) for tag in made.tags])
    acquisition = Acquisition(made, table)
    loop = asyncio.get_running_loop()
    arrived: list[tuple[int, int, float]] = []
    bad = 0

    def note(batch: Readings) -> None:
        nonlocal bad
        arrived.append((int(batch.row[0]), len(batch), loop.time()))
        bad += int(np.count_nonzero(batch.status))

    started_s = loop.time()
    running = asyncio.create_task(acquisition.run())
    await asyncio.sleep(WARM_UP_S)
    stop = table.on_commit(note)
    missed = acquisition.missed
    cpu_s, seconds = await _measure(seconds)
    stop()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    values = sum(count for _, count, _ in arrived) - bad
    due = np.array([phase_s(row // VALUES, 1.0) for row, _, _ in arrived])
    late = np.mod(np.array([at for _, _, at in arrived]) - started_s - due, 1.0)
    return {
        "cpu_s": cpu_s,
        "seconds": seconds,
        "values": values,
        "missed": acquisition.missed - missed,
        "wrong": wrong(table.as_float(np.arange(len(made.tags), dtype=np.int32)), devices),
        "late_p50_ms": float(np.percentile(late, 50)) * 1000,
        "late_p99_ms": float(np.percentile(late, 99)) * 1000,
    }


async def pymodbus(port: int, devices: int, seconds: float, _: int) -> Result:
    """What a program of one's own would do: a client per device, two reads a second, the library's converter."""
    clients = [AsyncModbusTcpClient("127.0.0.1", port=port, retries=0) for _ in range(devices)]
    latest = np.zeros((devices, VALUES))
    count = 0
    done = asyncio.Event()

    async def poll(device: int, client: AsyncModbusTcpClient) -> None:
        nonlocal count
        unit = unit_of(device)
        start_s = asyncio.get_running_loop().time() + phase_s(device, 1.0)
        while not done.is_set():
            await asyncio.sleep(start_s - asyncio.get_running_loop().time())
            start_s += 1.0
            first = await client.read_holding_registers(0, count=VALUES, device_id=unit)
            second = await client.read_holding_registers(VALUES, count=VALUES, device_id=unit)
            registers = first.registers + second.registers
            latest[device] = client.convert_from_registers(registers, client.DATATYPE.FLOAT32)
            count += VALUES

    for client in clients:
        await client.connect()
    tasks = [asyncio.create_task(poll(device, client)) for device, client in enumerate(clients)]
    await asyncio.sleep(WARM_UP_S)
    before = count
    cpu_s, seconds = await _measure(seconds)
    values = count - before
    done.set()
    await asyncio.gather(*tasks)
    for client in clients:
        client.close()
    return {"cpu_s": cpu_s, "seconds": seconds, "values": values, "wrong": wrong(latest, devices)}


async def _measure(seconds: float) -> tuple[float, float]:
    """CPU and wall-clock seconds of the measured time."""
    cpu_s, began_s = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    return time.process_time() - cpu_s, time.monotonic() - began_s


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    measured = {"uatwin": uatwin, "pymodbus": pymodbus}[kind](int(rest[0]), int(rest[1]), float(rest[2]), int(rest[3]))
    print(json.dumps(asyncio.run(measured)), flush=True)
