"""What reading costs beside plain pymodbus, the device in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from drivers import modbus
from drivers.driver import Binding

Tag = Callable[..., Binding]
VALUES = 100


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a device whose holding registers hold the floats 0, 0.5, 1, ..."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.simulators.modbus_device", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    yield int(await process.stdout.readline())
    process.stdin.close()
    await process.wait()


async def _cpu_us_per_value(read: Callable[[], Awaitable[Any]], rounds: int = 150) -> float:
    began = time.process_time()
    for _ in range(rounds):
        await read()
    return (time.process_time() - began) / rounds / VALUES * 1e6


async def test_reading_costs_less_cpu_than_plain_pymodbus_and_brings_the_same(tag: Tag, port: int) -> None:
    """The bound leaves room for a busy machine; the README has the figures of a quiet one."""
    tags = [tag(row, address=2 * row) for row in range(VALUES)]
    driver = modbus.create("line1", modbus.connection_model(host="127.0.0.1", port=port, pipeline=2), tags)
    client = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0)
    await driver.connect()
    await client.connect()

    async def ours() -> list[float]:
        return (await driver.read(driver.groups[0])).value.view("<f8").tolist()  # type: ignore[no-any-return]

    async def plain() -> Any:
        first = await client.read_holding_registers(0, count=VALUES)
        second = await client.read_holding_registers(VALUES, count=VALUES)
        return client.convert_from_registers(first.registers + second.registers, client.DATATYPE.FLOAT32)

    assert await ours() == await plain() == [0.5 * index for index in range(VALUES)]
    costs = [(await _cpu_us_per_value(plain), await _cpu_us_per_value(ours)) for _ in range(3)]
    client.close()
    await driver.close()
    assert max(theirs / mine for theirs, mine in costs) > 1.5, costs
