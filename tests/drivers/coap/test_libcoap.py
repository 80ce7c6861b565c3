"""The driver against libcoap's server, the reference implementation in C (Debian: libcoap3-bin)."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator

import pytest

from drivers import coap
from drivers.coap.discover import describe
from drivers.coap.driver import CoapDriver
from drivers.coap.exploring import explore
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import ConnectFailed, LinkLost, Refused
from drivers.status import Status
from tests.drivers.coap.helpers import Bind, Observing, Table, until

SERVER = next(filter(None, map(shutil.which, ("coap-server", "coap-server-notls", "coap-server-openssl"))), None)
CLIENT = next(filter(None, map(shutil.which, ("coap-client-notls", "coap-client", "coap-client-openssl"))), None)
pytestmark = pytest.mark.skipif(SERVER is None, reason="coap-server of libcoap is not installed (libcoap3-bin)")


@pytest.fixture
async def port(nothing_left: None) -> AsyncIterator[int]:
    """Where a coap-server listens that makes up to ten resources on PUT."""
    assert SERVER is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = await started(port)
    try:
        yield port
    finally:
        server.kill()
        await server.wait()


async def started(port: int) -> asyncio.subprocess.Process:
    assert SERVER is not None
    command = (SERVER, "-A", "127.0.0.1", "-p", str(port), "-d", "10")
    return await asyncio.create_subprocess_exec(*command, stdout=-3, stderr=-3)


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


@pytest.mark.skipif(CLIENT is None, reason="coap-client of libcoap is not installed (libcoap3-bin)")
async def test_what_we_wrote_is_what_libcoaps_client_reads(port: int, bind: Bind) -> None:
    assert CLIENT is not None
    driver = await connected(port, bind(0, "/recipe", DataType.String, writable=True, read=False))
    text = "".join(f"step {number}\n" for number in range(400))
    await driver.write(0, text)
    await driver.close()
    client = await asyncio.create_subprocess_exec(CLIENT, f"coap://127.0.0.1:{port}/recipe", stdout=-1, stderr=-3)
    out, _ = await client.communicate()
    assert out.decode().strip() == text.strip()


async def test_libcoap_is_discovered(port: int, bind: Bind) -> None:
    await (await connected(port, bind(0, "/time", DataType.String))).close()
    found = describe(await explore(coap.connection_model(host="127.0.0.1", port=port)))
    assert found.telemetry["Time"]["type"] == "String"
    assert "observe" not in found.telemetry["Time"]["point"]


async def test_a_restarted_libcoap_is_observed_again(bind: Bind, nothing_left: None) -> None:
    """It forgets its observers and tells nobody; pings are answered, so only Max-Age finds it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    tag = bind(0, "/time", DataType.String)
    server = await started(port)
    driver = await connected(port, tag, max_age_s=1.0, grace_s=0.2, keepalive_s=0.3, timeout_s=1.0)
    async with Observing(driver, tag) as seen:
        await until(lambda: len(seen.table.batches) >= 2)
        server.kill()
        await server.wait()
        server = await started(port)
        before = len(seen.table.batches)
        await until(lambda: len(seen.table.batches) >= before + 3 or seen.error is not None)
        assert seen.table.status == {0: Status.Good}
        assert isinstance(seen.error, LinkLost | None)  # a ping in the gap ends the connection, for the link to renew
    await driver.close()
    server.kill()
    await server.wait()


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
