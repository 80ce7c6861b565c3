"""Against serial programs that were written elsewhere: mbpoll and libmodbus, on pseudo terminals."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.data_types import DataType
from drivers.driver import Binding
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.modbus_wires import ModbusLine

Tag = Callable[..., Binding]
Connected = Callable[..., Any]
T = DataType
SERIAL: dict[str, Any] = {"transport": "rtu", "host": None, "parity": "none", "baud_rate": 115200, "timeout_s": 2.0}


async def test_what_the_driver_writes_over_a_serial_line_mbpoll_reads_from_it(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    """The simulated line serves one after the other, so its frames are right for mbpoll as well."""
    if not shutil.which("mbpoll"):
        pytest.skip("mbpoll is not installed")
    async with ModbusLine(device) as line:
        driver = await connected([tag(0, address=10)], device=line.path, **SERIAL)
        await driver.write(0, 21.5)
        await driver.close()
        options = ["-m", "rtu", "-0", "-1", "-a", "1", "-b", "115200", "-P", "none", "-r", "10", "-t", "4:float", "-B"]
        process = await asyncio.create_subprocess_exec(
            "mbpoll", *options, line.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output = (await process.communicate())[0].decode()
    assert re.findall(r"^\[\d+\]:\s+(\S+)", output, re.MULTILINE) == ["21.5"], output


@asynccontextmanager
async def wire() -> AsyncIterator[tuple[str, str]]:
    """Two serial ports with a wire between them."""
    pairs = [os.openpty() for _ in range(2)]
    loop = asyncio.get_running_loop()
    for _, slave in pairs:
        tty.setraw(slave)
    masters = [master for master, _ in pairs]
    for here, there in (masters, masters[::-1]):
        loop.add_reader(here, lambda here=here, there=there: os.write(there, os.read(here, 4096)))
    yield os.ttyname(pairs[0][1]), os.ttyname(pairs[1][1])
    for master, slave in pairs:
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)


@pytest.fixture(scope="module")
def rtu_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled server."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("libmodbus") / "rtu_server"
    source = Path(__file__).with_name("libmodbus_rtu_server.c")
    command = ["cc", str(source), "-I/usr/include/modbus", "-o", str(program), "-lmodbus"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("libmodbus-dev is not installed")
    return program


async def test_a_libmodbus_server_on_a_serial_line_is_read_and_written(
    tag: Tag, rtu_server: Path, connected: Connected
) -> None:
    async with wire() as (ours, theirs):
        process = await asyncio.create_subprocess_exec(str(rtu_server), theirs, stdout=subprocess.PIPE)
        assert process.stdout is not None
        try:
            assert await process.stdout.readline() == b"ready\n"
            tags = [
                tag(0, address=10),
                tag(1, T.Boolean, table="discrete", address=7),
                tag(2, T.Boolean, address=50, bit=9),
            ]
            driver = await connected(tags, device=ours, unit=7, **SERIAL)
            assert (await driver.read_rows([0])).value.view("<f8").tolist() == [21.5]
            await driver.write(0, -1.5)
            await driver.write(2, True)
            assert (await driver.read_rows([1, 2])).value.tolist() == [1, 1]
            assert (await driver.read_rows([0])).value.view("<f8").tolist() == [-1.5]
            await driver.close()
        finally:
            process.terminate()
            await process.wait()
