"""Polls by callbacks: the same readings as by a task, for one device or for many at once, whatever the device does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drivers.data_types import DataType
from drivers.driver import Binding, GoOn, Prompt
from drivers.errors import DeviceTimeout, LinkLost
from drivers.modbus.driver import ModbusDriver
from drivers.packed import Packed
from drivers.readings import Readings
from drivers.status import Status
from tests.simulators.modbus_device import ModbusDevice

Tag = Callable[..., Binding]
Connect = Callable[..., Any]


async def begun(driver: ModbusDriver) -> Packed | GoOn:
    """What a poll by callbacks comes to."""
    came: asyncio.Future[Packed | GoOn] = asyncio.get_running_loop().create_future()
    assert driver.begin(driver.groups[0], came.set_result)
    return await came


async def unusual(driver: ModbusDriver) -> Readings:
    """What comes of one that a task has to finish."""
    came = await begun(driver)
    assert not isinstance(came, Packed)
    return await came()


def columns(batch: Readings) -> list[Any]:
    side = {index: np.asarray(value).tolist() for index, value in batch.side.items()}
    return [batch.row.tolist(), batch.value.tolist(), batch.status.tolist(), side]


def every_kind(tag: Tag) -> list[Binding]:
    return [
        tag(0, address=0),
        tag(1, address=2),
        tag(2, DataType.Double, address=4, type="int16", scale=0.1, no_data=0x8000),
        tag(3, DataType.Double, address=5, type="int16", scale_from=6),
        tag(4, DataType.Boolean, address=7, bit=3),
        tag(5, DataType.String, address=8, length=4),
        tag(6, DataType.Int16, array_length=3, address=12),
        tag(7, DataType.UInt16, address=15, type="bcd16"),
        tag(8, DataType.String, address=20, length=2),
    ]


@pytest.mark.parametrize("pipeline", [1, 2, 4])
async def test_polls_of_equal_devices_that_are_decoded_at_once_are_the_readings_of_each(
    tag: Tag, connected: Connect, device: ModbusDevice, pipeline: int
) -> None:
    driver = await connected(every_kind(tag), pipeline=pipeline, max_registers=8)
    polls, single = [], []
    await driver.read(driver.groups[0])
    assert isinstance(driver, Prompt)
    for number in range(3):
        device.put(0, 1.5 * number, ">f4")
        device.put(4, [-0x8000, 0, 7][number], ">i2")
        device.put(5, [123, -2, 0, number << 3], ">i2")
        device.holding[8:12] = [0x4142 + number, 0xFFFF * (number == 1), 0, 0]
        device.put(12, [number, -number, 1], ">i2")
        device.holding[15] = [0x12, 0x1A, 0x99][number]
        came = await begun(driver)
        assert isinstance(came, Packed)
        polls.append(came)
        single.append(await driver.read(driver.groups[0]))
    together = polls[0].shape.decode(polls)
    assert columns(together) == columns(Readings.concat(single))
    assert Status.BadSensorFailure in together.status
    assert Status.BadDecodingError in together.status
    other = await connected(every_kind(tag), pipeline=pipeline, max_registers=8, timeout_s=0.3)
    assert other.groups[0].plan.shape is driver.groups[0].plan.shape


async def test_bits_of_several_devices_are_decoded_at_once(tag: Tag, connected: Connect, device: ModbusDevice) -> None:
    driver = await connected([tag(row, DataType.Boolean, table="coil", address=3 * row) for row in range(5)])
    polls = []
    await driver.read(driver.groups[0])
    for number in range(3):
        device.coils[:15] = [index % 3 == 0 and index // 3 == number for index in range(15)]
        came = await begun(driver)
        assert isinstance(came, Packed)
        polls.append(came)
    values = polls[0].shape.decode(polls).value.reshape(3, 5)
    assert values.tolist() == [[int(row == number) for row in range(5)] for number in range(3)]


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"kind": "busy_once"}, Status.Good),
        ({"kind": "exception", "code": 4, "address": 100}, Status.BadDeviceFailure),
        ({"kind": "exception", "code": 2, "address": 100}, Status.BadConfigurationError),
        ({"kind": "silence", "address": 100}, Status.BadTimeout),
        ({"kind": "wrong_unit", "address": 100}, Status.BadCommunicationError),
        ({"kind": "wrong_length", "address": 100}, Status.BadCommunicationError),
        ({"kind": "wrong_function", "address": 100}, Status.BadCommunicationError),
    ],
)
@pytest.mark.parametrize("pipeline", [1, 2])
async def test_what_is_unusual_goes_on_from_the_answers_that_are_there(
    tag: Tag, connected: Connect, device: ModbusDevice, order: dict[str, Any], status: Status, pipeline: int
) -> None:
    """The block at 0 is asked for once, the one at 100 has the trouble."""
    driver = await connected([tag(0, address=0), tag(1, address=100)], pipeline=pipeline)
    device.put(0, 1.5, ">f4")
    await driver.read(driver.groups[0])
    before = sum(request.address == 0 for request in device.log)
    if order["kind"] == "busy_once":
        device.misbehave("exception", code=6, times=1, address=100)
    else:
        device.misbehave(**order)
    readings = await unusual(driver)
    assert dict(zip(readings.row.tolist(), readings.status.tolist(), strict=True)) == {0: Status.Good, 1: status}
    again = order.get("code") == 2  # the plan is made anew, and read anew
    assert sum(request.address == 0 for request in device.log) - before == 1 + again


async def test_an_answer_in_pieces_is_as_usual(tag: Tag, connected: Connect, device: ModbusDevice) -> None:
    driver = await connected([tag(0, address=0)])
    device.put(0, 2.5, ">f4")
    await driver.read(driver.groups[0])
    device.misbehave("split", times=1, delay_s=0.02)
    came = await begun(driver)
    assert isinstance(came, Packed)
    assert came.shape.decode([came]).value.view("<f8").tolist() == [2.5]


async def test_a_silent_device_and_a_lost_one_are_told_by_what_goes_on(
    tag: Tag, connected: Connect, device: ModbusDevice
) -> None:
    driver = await connected([tag(0, address=0)])
    await driver.read(driver.groups[0])
    device.misbehave("silence", times=1)
    with pytest.raises(DeviceTimeout):
        await unusual(driver)
    assert not driver.begin(driver.groups[0], print), "what was silent is asked by a task"
    await driver.read(driver.groups[0])
    device.misbehave("close", times=1)
    with pytest.raises(LinkLost):
        await unusual(driver)
    assert not driver.begin(driver.groups[0], print)
    await driver.connect()
    await driver.read(driver.groups[0])
    device.misbehave("silence")
    came: list[Packed | GoOn] = []
    assert driver.begin(driver.groups[0], came.append)
    await driver.close()
    (go_on,) = came
    assert not isinstance(go_on, Packed)
    with pytest.raises(LinkLost):
        await go_on()


async def test_a_write_goes_before_the_next_request_of_a_poll(
    tag: Tag, connected: Connect, device: ModbusDevice
) -> None:
    driver = await connected([tag(0, address=0), tag(1, address=100), tag(2, address=200, writable=True)])
    await driver.read(driver.groups[0])
    start = len(device.log)
    device.misbehave("slow", times=1, delay_s=0.05)
    came: asyncio.Future[Packed | GoOn] = asyncio.get_running_loop().create_future()
    assert driver.begin(driver.groups[0], came.set_result)
    assert not driver.begin(driver.groups[0], print), "somebody has the turn"
    await driver.write(2, 7.0)
    go_on = await came
    assert not isinstance(go_on, Packed)
    assert len(await go_on()) == 3
    assert [request.address for request in list(device.log)[start:]] == [0, 200, 100, 200]


async def test_a_device_that_needs_pauses_is_polled_by_a_task(tag: Tag, connected: Connect) -> None:
    driver = await connected([tag(0, address=0)], pause_s=0.01)
    await driver.read(driver.groups[0])
    assert not driver.begin(driver.groups[0], print)
