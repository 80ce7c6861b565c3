"""The driver against libcoap's server, the reference implementation in C (Debian: libcoap3-bin)."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator

import pytest

from drivers import coap
from drivers.coap.driver import CoapDriver
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import ConnectFailed, Refused
from drivers.status import Status
from tests.drivers.coap.helpers import Bind, Observing, Table, until

SERVER = next(filter(None, map(shutil.which, ("coap-server", "coap-server-notls", "coap-server-openssl"))), None)
pytestmark = pytest.mark.skipif(SERVER is None, reason="coap-server of libcoap is not installed (libcoap3-bin)")


@pytest.fixture
async def port(nothing_left: None) -> AsyncIterator[int]:
    """Where a coap-server listens that makes up to ten resources on PUT."""
    assert SERVER is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        SERVER, "-A", "127.0.0.1", "-p", str(port), "-d", "10", stdout=-3, stderr=-3
    )
    try:
        yield port
    finally:
        server.kill()
        await server.wait()


async def connected(port: int, *bindings: Binding, **settings: object) -> CoapDriver:
    driver = coap.create("libcoap", coap.connection_model(host="127.0.0.1", port=port, **settings), bindings)
    async with asyncio.timeout(5):
        while True:
            try:
                await driver.connect()
            except ConnectFailed:
                await asyncio.sleep(0.02)  # the server is starting
            else:
                return driver


async def test_the_time_of_libcoap_is_fetched(port: int, bind: Bind) -> None:
    tag = bind(0, "/time", DataType.String, observe=False)
    driver = await connected(port, tag)
    table = Table.of((tag,), await driver.read(driver.groups[0]))
    await driver.close()
    assert table.status == {0: Status.Good}
    assert ":" in str(table.value[0])


async def test_the_time_of_libcoap_is_observed(port: int, bind: Bind) -> None:
    tag = bind(0, "/time", DataType.String)
    driver = await connected(port, tag)
    before = driver.traffic.requests
    async with Observing(driver, tag) as seen:
        await until(lambda: len(seen.table.batches) >= 3)
    asked = driver.traffic.requests - before
    await driver.close()
    assert asked == 1  # the registration
    assert seen.table.status == {0: Status.Good}


async def test_a_command_is_put_to_libcoap_and_read_back(port: int, bind: Bind) -> None:
    tag = bind(0, "/setpoint", writable=True, observe=False)
    driver = await connected(port, tag)
    await driver.write(0, 21.5)  # 2.01, as the resource is made by it
    await driver.write(0, 22.5)  # 2.04
    assert Table.of((tag,), await driver.read_rows([0])).value == {0: 22.5}
    await driver.close()


async def test_libcoap_refuses_what_cannot_be_written(port: int, bind: Bind) -> None:
    driver = await connected(port, bind(0, "/async", writable=True, read=False))
    with pytest.raises(Refused) as refused:
        await driver.write(0, 1.0)
    await driver.close()
    assert refused.value.code == 0x85
    assert refused.value.told_status is Status.BadNotWritable


async def test_a_large_observed_resource_of_libcoap_is_read_whole(port: int, bind: Bind) -> None:
    tag = bind(0, "/example_data", DataType.String, writable=True)
    driver = await connected(port, tag)
    async with Observing(driver, tag) as seen:
        await until(lambda: 0 in seen.table.value)
        for letter in "ab":
            await driver.write(0, letter * 3000)
            await until(lambda letter=letter: seen.table.value[0] == letter * 3000)  # type: ignore[misc]
    await driver.close()
