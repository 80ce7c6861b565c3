"""Against Modbus programs that were written elsewhere: mbpoll, libmodbus, pymodbus."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType as SimType
from pymodbus.simulator import SimData, SimDevice

from drivers.data_types import CELL_VIEW, DataType
from drivers.driver import Binding
from drivers.errors import Refused
from drivers.modbus.driver import ModbusDriver
from drivers.readings import Readings
from drivers.status import Status
from tests.simulators.modbus_device import ModbusDevice

Tag = Callable[..., Binding]
Connected = Callable[..., Any]
T = DataType


async def values(driver: ModbusDriver, data_type: DataType = T.Float) -> dict[int, Any]:
    readings = Readings.concat([await driver.read(group) for group in driver.groups])
    assert not readings.status.any()
    return dict(zip(readings.row.tolist(), readings.value.view(CELL_VIEW[data_type]).tolist(), strict=True))


async def mbpoll(device: ModbusDevice, *arguments: str) -> list[str]:
    """The values that mbpoll prints."""
    if not shutil.which("mbpoll"):
        pytest.skip("mbpoll is not installed")
    options = ["mbpoll", "-m", "tcp", "-0", "-1", "-a", "1", "-p", str(device.port), *arguments]
    process = await asyncio.create_subprocess_exec(*options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    return re.findall(r"^\[\d+\]:\s+(\S+)", output, re.MULTILINE)


async def test_what_the_driver_writes_mbpoll_reads_as_the_same_value(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    tags = [tag(0, address=10), tag(1, address=12, word_order="little"), tag(2, T.Int32, address=14)]
    driver = await connected([*tags, tag(3, T.Boolean, table="coil", address=3), tag(4, T.Int16, address=30)])
    for row, value in enumerate([21.5, -3.25, -70000, True, -7]):
        await driver.write(row, value)
    host = device.host
    assert await mbpoll(device, "-r", "10", "-t", "4:float", "-B", host) == ["21.5"]
    assert await mbpoll(device, "-r", "12", "-t", "4:float", host) == ["-3.25"]
    assert await mbpoll(device, "-r", "14", "-t", "4:int", "-B", host) == ["-70000"]
    assert await mbpoll(device, "-r", "2", "-c", "2", "-t", "0", host) == ["0", "1"]
    assert (await mbpoll(device, "-r", "30", "-t", "4:hex", host)) == ["0xFFF9"]


async def test_what_mbpoll_writes_the_driver_reads_as_the_same_value(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, address=10), tag(1, address=12, word_order="little")])
    await mbpoll(device, "-r", "10", "-t", "4:float", "-B", device.host, "--", "47.75")
    await mbpoll(device, "-r", "12", "-t", "4:float", device.host, "--", "-1.5")
    assert await values(driver) == {0: 47.75, 1: -1.5}


async def test_pymodbus_as_a_client_agrees_with_the_simulated_device(device: ModbusDevice) -> None:
    client = AsyncModbusTcpClient(device.host, port=device.port, retries=0, timeout=2)
    assert await client.connect()
    await client.write_registers(100, client.convert_to_registers(21.5, client.DATATYPE.FLOAT32), device_id=1)
    await client.write_coils(3, [True, False, True], device_id=1)
    await client.mask_write_register(address=7, and_mask=0xFFFE, or_mask=1, device_id=1)
    refused = await client.read_holding_registers(0, count=1, device_id=9)
    client.close()
    assert (device.get(100, ">f4"), device.coils[3:6].tolist(), int(device.holding[7])) == (
        21.5,
        [True, False, True],
        1,
    )
    assert refused.exception_code == 0x0B


@pytest.fixture
async def pymodbus_port() -> AsyncIterator[int]:
    """A pymodbus server with 200 entries in each table of unit 1."""
    tables = ([SimData(0, values=[False] * 200, datatype=SimType.BITS)],) * 2
    registers = ([SimData(0, values=[0] * 200, datatype=SimType.REGISTERS)],) * 2
    server = ModbusTcpServer(SimDevice(1, simdata=(*tables, *registers)), address=("127.0.0.1", 0))
    assert await server.listen()
    assert isinstance(server.transport, asyncio.Server)
    yield server.transport.sockets[0].getsockname()[1]
    await server.shutdown()


async def test_a_pymodbus_server_is_written_and_read_back(tag: Tag, pymodbus_port: int, connected: Connected) -> None:
    driver = await connected(
        [
            tag(0, address=10),
            tag(1, address=12, word_order="little"),
            tag(2, T.Boolean, table="coil", address=3),
            tag(3, T.Boolean, address=20, bit=5),
            tag(4, T.UInt16, address=100),
            tag(5, T.UInt16, address=400),
        ],
        port=pymodbus_port,
        timeout_s=2.0,
    )
    for row, value in enumerate([21.5, -3.25, True, True, 65535]):
        await driver.write(row, value)
    readings = await driver.read_rows([0, 1])
    assert readings.value.view("<f8").tolist() == [21.5, -3.25]
    readings = await driver.read_rows([2, 3, 4, 5])
    assert readings.value[:3].tolist() == [1, 1, 65535]
    assert readings.status.tolist() == [0, 0, 0, Status.BadConfigurationError]
    with pytest.raises(Refused, match="exception 02"):
        await driver.write(5, 1)


@pytest.fixture(scope="module")
def libmodbus_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled server."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("libmodbus") / "server"
    source = Path(__file__).with_name("libmodbus_server.c")
    build = subprocess.run(
        ["cc", str(source), "-I/usr/include/modbus", "-o", str(program), "-lmodbus"], capture_output=True, check=False
    )
    if build.returncode:
        pytest.skip("libmodbus-dev is not installed")
    return program


async def test_a_libmodbus_server_is_read_and_written(tag: Tag, libmodbus_server: Path, connected: Connected) -> None:
    process = await asyncio.create_subprocess_exec(str(libmodbus_server), stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        tags = [
            tag(0, address=10),
            tag(1, table="input", address=20, word_order="little"),
            tag(2, T.Boolean, table="discrete", address=7),
            tag(3, T.Boolean, address=50, bit=9),
        ]
        driver = await connected(tags, port=port, timeout_s=2.0)
        assert await values(driver) == {0: 21.5, 1: -3.25, 2: pytest.approx(0), 3: 0}
        assert (await driver.read_rows([2])).value.tolist() == [1]
        await driver.write(0, -1.5)
        await driver.write(3, True)
        readings = await driver.read_rows([0, 3])
        assert (readings.value[:1].view("<f8")[0], readings.value[1]) == (-1.5, 1)
        await driver.close()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
