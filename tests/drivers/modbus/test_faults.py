"""A device that misbehaves: what is noticed, how soon, and that no wrong value comes of it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from drivers import modbus
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import ConnectFailed, DeviceTimeout, DriverError, LinkLost, Malformed
from drivers.modbus.driver import ModbusDriver
from drivers.status import Status
from tests.simulators.modbus_device import Kind, ModbusDevice

Tag = Callable[..., Binding]
Connected = Callable[..., Any]
T = DataType


async def read_one(driver: ModbusDriver) -> tuple[int, int]:
    """Value and status of the first row of the first group."""
    readings = await driver.read(driver.groups[0])
    return int(readings.value[0]), int(readings.status[0])


async def test_a_silent_device_is_a_timeout_and_its_late_answer_belongs_to_nobody(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)], timeout_s=0.1)
    device.holding[5] = 1
    device.misbehave("slow", times=1, delay_s=0.15)
    with pytest.raises(DeviceTimeout, match=r"unit 1: no answer within 0\.1 s"):
        await read_one(driver)
    device.holding[5] = 2
    assert await read_one(driver) == (2, 0)
    assert driver.traffic.malformed == 0


@pytest.mark.parametrize("kind", ["close", "reset"])
async def test_a_closed_connection_is_noticed_at_once(
    tag: Tag, device: ModbusDevice, connected: Connected, kind: Kind
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)], timeout_s=20.0)
    device.misbehave(kind, times=1)
    began = time.monotonic()
    with pytest.raises(LinkLost):
        await read_one(driver)
    assert time.monotonic() - began < 1.0
    with pytest.raises(LinkLost):
        await driver.write(0, 1)
    await driver.connect()
    assert await read_one(driver) == (0, 0)


async def test_a_device_that_was_restarted_is_read_again_after_connecting(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)])
    await device.stop()
    with pytest.raises(LinkLost):
        await read_one(driver)
    with pytest.raises(ConnectFailed, match=f"127.0.0.1:{device.port}: .*check host, port"):
        await driver.connect()
    await device.start()
    await driver.connect()
    assert await read_one(driver) == (0, 0)


@pytest.mark.parametrize("kind", ["garbage", "half_frame"])
async def test_a_stream_that_cannot_be_trusted_any_more_is_dropped(
    tag: Tag, device: ModbusDevice, connected: Connected, kind: Kind
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)])
    device.misbehave(kind, times=1)
    with pytest.raises(LinkLost):
        await read_one(driver)
    assert driver.traffic.malformed == 1
    await driver.connect()
    assert await read_one(driver) == (0, 0)


@pytest.mark.parametrize("kind", ["wrong_unit", "wrong_function", "wrong_length"])
async def test_an_answer_to_something_else_is_bad_and_the_next_one_good(
    tag: Tag, device: ModbusDevice, connected: Connected, kind: Kind
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)])
    device.holding[5] = 4
    device.misbehave(kind, times=1)
    assert (await read_one(driver))[1] == Status.BadCommunicationError
    assert driver.traffic.malformed == 1
    assert driver.traffic.last_malformed
    assert await read_one(driver) == (4, 0)
    device.misbehave("wrong_unit", times=1)
    with pytest.raises(Malformed):
        await driver.write(0, 5)


async def test_an_answer_to_another_transaction_is_not_taken(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)])
    device.misbehave("wrong_transaction", times=1)
    with pytest.raises(DeviceTimeout):
        await read_one(driver)
    assert driver.traffic.malformed == 1


async def test_answers_in_two_pieces_or_twice_do_no_harm(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)])
    device.misbehave("split", times=1, delay_s=0.02)
    device.misbehave("twice", times=1)
    for value in (1, 2, 3):
        device.holding[5] = value
        assert await read_one(driver) == (value, 0)
    assert driver.traffic.malformed == 1


async def test_a_block_that_is_never_answered_hides_no_other(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(row, T.UInt16, address=200 * row) for row in range(3)])
    device.misbehave("silence", address=0)
    with pytest.raises(DeviceTimeout):
        await driver.read(driver.groups[0])
    readings = await driver.read(driver.groups[0])
    assert dict(zip(readings.row.tolist(), readings.status.tolist(), strict=True)) == {0: Status.BadTimeout, 1: 0, 2: 0}
    device.behave()
    assert not (await driver.read(driver.groups[0])).status.any()


async def test_a_device_that_falls_silent_midway_is_not_waited_for_block_by_block(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(row, T.UInt16, address=200 * row) for row in range(20)])
    for address in range(200, 4000, 200):
        device.misbehave("silence", address=address)
    readings = await driver.read(driver.groups[0])
    assert device.requests == 3
    assert readings.status.tolist() == [0] + [Status.BadTimeout] * 19


async def test_a_connection_that_brings_nothing_any_more_is_opened_anew(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)], timeout_s=0.03, reconnect_after=3)
    device.misbehave("silence")
    raised: list[type[DriverError]] = []
    for _ in range(4):
        try:
            await read_one(driver)
        except DriverError as error:
            raised.append(type(error))
    assert raised == [DeviceTimeout, DeviceTimeout, LinkLost, LinkLost]


async def test_a_dead_unit_does_not_cost_the_others_their_connection(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    tags = [tag(0, T.UInt16, address=5), tag(1, T.UInt16, address=5, unit=2)]
    driver = await connected(tags, timeout_s=0.03, reconnect_after=2)
    device.misbehave("silence", unit=1)
    for _ in range(4):
        with pytest.raises(DeviceTimeout):
            await driver.read(driver.groups[0])
        assert not (await driver.read(driver.groups[1])).status.any()
    assert device.accepted == 1


async def test_a_cancelled_read_leaves_the_connection_in_step(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)], timeout_s=5.0)
    device.holding[5] = 1
    device.misbehave("slow", times=1, delay_s=0.05)
    reads = [asyncio.create_task(read_one(driver)) for _ in range(3)]
    await device.asked()
    reads[0].cancel()
    reads[1].cancel()
    results = await asyncio.gather(*reads, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, asyncio.CancelledError, tuple]
    device.holding[5] = 2
    assert await read_one(driver) == (2, 0)


async def test_closing_ends_a_request_under_way_and_may_be_done_twice(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)], timeout_s=5.0)
    device.misbehave("silence")
    read = asyncio.create_task(read_one(driver))
    await device.asked()
    await driver.close()
    await driver.close()
    with pytest.raises(LinkLost):
        await read
    with pytest.raises(LinkLost):
        await driver.write(0, 1)


async def test_a_host_that_accepts_nothing_is_given_up_in_time(tag: Tag) -> None:
    """A listener whose queue is full drops further connection attempts, as a dead host does."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        socket.socket() as first,
        socket.socket() as more,
    ):
        port = listener.getsockname()[1]
        for filler in (first, more):
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        settings = modbus.connection_model(host="127.0.0.1", port=port, connect_timeout_s=0.1)
        driver = modbus.create("line1", settings, [tag(0, address=0)])
        with pytest.raises(ConnectFailed, match=r"no connection within 0\.1 s"):
            await driver.connect()
        await driver.close()
