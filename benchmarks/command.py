"""Milliseconds from a client's Write to its answer, the device having the value, against a bare pymodbus write."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from asyncua import ua
from pymodbus.client import ModbusTcpClient

from benchmarks.bridge import bridge
from benchmarks.lean_client import LeanClient
from benchmarks.plants import one_command
from benchmarks.processes import Result, port_of, running
from server.security.users import add_user

_ADDRESS: Final = {"acknowledge": 100, "read_back": 200}
_NODE: Final = {"acknowledge": "ns=3;s=Machine/Acknowledged", "read_back": "ns=3;s=Machine/ReadBack"}
_USER: Final = ("operator", "a password of the benchmark")
_ROUND: Final = 25
"""Writes of one kind before the next kind has its turn, so that a busy computer troubles all alike."""


async def run(writes: int = 2_000) -> AsyncIterator[Result]:
    """Both kinds of confirmation and the bare write take turns; each kind has so many writes."""
    with tempfile.TemporaryDirectory(prefix="uatwin-bench-") as name:
        folder = Path(name)
        add_user(folder / "users.yaml", *_USER, ["Operator"])
        async with running("tests.simulators.modbus_device") as device:
            port = await port_of(device)
            one_command(folder / "plant.yaml", port, folder / "users.yaml")
            async with bridge("run", folder / "plant.yaml") as started:
                await asyncio.to_thread(started.wait_for, _NODE["read_back"])
                yield await asyncio.to_thread(_measure, started.url, port, writes)


def _measure(url: str, port: int, writes: int) -> Result:
    device: Any = ModbusTcpClient("127.0.0.1", port=port)
    assert device.connect()
    try:
        with LeanClient(url) as client:
            client.log_in(*_USER)
            ways = {"bare": _bare(device), **{way: _through(client, _NODE[way]) for way in _NODE}}
            took: dict[str, list[float]] = {way: [] for way in ways}
            for start in range(0, writes, _ROUND):
                for way, write in ways.items():
                    took[way] += [_timed(write, number) for number in range(start, start + _ROUND)]
            last = (writes - 1) // _ROUND * _ROUND + _ROUND - 1
            held = [_held(device, address) for address in _ADDRESS.values()]
    finally:
        device.close()
    return {**_figures(took), "writes": writes, "good": held == [float(last)] * len(held)}


def _bare(device: Any) -> Callable[[int], None]:
    def write(number: int) -> None:
        registers = device.convert_to_registers(float(number), device.DATATYPE.FLOAT32)
        if device.write_registers(300, registers, device_id=1).isError():
            raise RuntimeError("the device refused a bare write")

    return write


def _through(client: LeanClient, node: str) -> Callable[[int], None]:
    node_id = ua.NodeId.from_string(node)

    def write(number: int) -> None:
        request = ua.WriteRequest()
        value = ua.DataValue(ua.Variant(float(number), ua.VariantType.Float))
        request.Parameters.NodesToWrite = [
            ua.WriteValue(NodeId=node_id, AttributeId=ua.AttributeIds.Value, Value=value)
        ]
        client.call(request).Results[0].check()

    return write


def _timed(write: Callable[[int], None], number: int) -> float:
    began = time.perf_counter()
    write(number)
    return (time.perf_counter() - began) * 1000


def _held(device: Any, address: int) -> float:
    registers = device.read_holding_registers(address, count=2, device_id=1).registers
    return float(device.convert_from_registers(registers, device.DATATYPE.FLOAT32))


def _figures(took: dict[str, list[float]]) -> Result:
    found: Result = {}
    for way, prefix in (("acknowledge", ""), ("read_back", "read_back_"), ("bare", "bare_")):
        p50, p99 = np.percentile(took[way], (50, 99))
        found |= {f"{prefix}p50_ms": round(float(p50), 3), f"{prefix}p99_ms": round(float(p99), 3)}
    bare = found["bare_p50_ms"]
    return found | {
        "added_p50_ms": round(found["p50_ms"] - bare, 3),
        "read_back_added_p50_ms": round(found["read_back_p50_ms"] - bare, 3),
    }
