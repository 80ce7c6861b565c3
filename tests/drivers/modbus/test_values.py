"""Half registers, factors from other registers, quirks of devices, and whose turn it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drivers import modbus
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import ValueNotAccepted
from drivers.modbus.gate import Gate, Priority, Turn
from drivers.status import Status
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.stopwatch import Stopwatch

Tag = Callable[..., Binding]
Connected = Callable[..., Any]
T = DataType


async def read(driver: Any, row: int) -> tuple[Any, int]:
    """The value as a Double or an Int64, and the status of a row."""
    readings = await driver.read_rows([row])
    data_type = driver._targets.layouts[driver._index[row]].data_type
    cell = readings.value.view("<f8" if data_type in (T.Float, T.Double) else "<i8")[0]
    return readings.side.get(0, cell), int(readings.status[0])


@pytest.mark.parametrize("order", ["big", "little"])
async def test_two_bytes_of_one_register_are_read_and_written_apart(
    tag: Tag, device: ModbusDevice, connected: Connected, order: str
) -> None:
    point = {"address": 5, "byte_order": order}
    tags = [tag(0, T.SByte, type="int8", byte="high", **point), tag(1, T.Byte, type="uint8", **point)]
    driver = await connected(tags)
    await driver.write(0, -2)
    await driver.write(1, 200)
    assert int(device.holding[5]) == (0xFEC8 if order == "big" else 0xC8FE)
    assert [await read(driver, row) for row in (0, 1)] == [(-2, 0), (200, 0)]
    with pytest.raises(ValueNotAccepted):
        await driver.write(0, 128)


async def test_an_array_of_bytes_takes_both_bytes_of_each_register(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.Byte, type="uint8", array_length=5, address=7)])
    await driver.write(0, np.array([1, 2, 3, 4, 5], np.uint8))
    assert device.holding[7:10].tolist() == [0x0102, 0x0304, 0x0500]
    value, status = await read(driver, 0)
    assert (value.tolist(), status) == ([1, 2, 3, 4, 5], 0)


async def test_a_sunspec_scale_factor_is_read_with_its_value_and_used_for_writing(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    tags = [
        tag(0, T.Double, type="int16", address=40, scale_from=42),
        tag(1, T.Double, type="uint16", address=41, scale_from=300, offset=1.0),
    ]
    driver = await connected(tags)
    device.put(40, [-1234, 7], ">i2")
    device.put(42, -2, ">i2")
    device.put(300, 3, ">i2")
    assert [await read(driver, row) for row in (0, 1)] == [(-12.34, 0), (7001.0, 0)]
    readings = await driver.read(driver.groups[0])
    assert sorted(readings.value.view("<f8").tolist()) == [-12.34, 7001.0]
    await driver.write(0, 55.5)
    assert device.get(40, ">i2") == 5550
    await driver.write(1, 9001.0)
    assert device.get(41, ">u2") == 9
    device.put(42, -32768, ">i2")
    assert (await read(driver, 0))[1] == Status.BadDecodingError
    with pytest.raises(ValueNotAccepted, match="no power from -10 to 10"):
        await driver.write(0, 1.0)
    device.misbehave("exception", code=4, address=300)
    assert (await read(driver, 1))[1] == Status.BadDeviceFailure


async def test_a_device_without_function_16_is_written_register_by_register(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    device.misbehave("exception", code=1, function=16)
    device.misbehave("exception", code=1, function=15)
    tags = [tag(0, address=10), tag(1, T.Boolean, array_length=3, table="coil", address=4)]
    driver = await connected(tags, write_with="single")
    await driver.write(0, 21.5)
    await driver.write(1, np.array([True, False, True]))
    assert device.get(10, ">f4") == 21.5
    assert device.coils[4:7].tolist() == [True, False, True]
    assert [one.function for one in device.log] == [6, 6, 5, 5, 5]


async def test_a_device_without_function_6_is_written_by_16_always(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    device.misbehave("exception", code=1, function=6)
    device.misbehave("exception", code=1, function=5)
    device.misbehave("exception", code=1, function=22)
    tags = [
        tag(0, T.UInt16, address=10),
        tag(1, T.Boolean, table="coil", address=4),
        tag(2, T.Boolean, address=10, bit=0),
    ]
    driver = await connected(tags, write_with="multiple")
    await driver.write(0, 8)
    await driver.write(1, True)
    await driver.write(2, True)
    assert (int(device.holding[10]), bool(device.coils[4])) == (9, True)


async def test_strings_may_be_swapped_where_numbers_are_not(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    tags = [tag(0, T.String, address=10, length=2), tag(1, T.UInt16, address=20)]
    driver = await connected(tags, string_byte_order="little")
    await driver.write(0, "ABCD")
    await driver.write(1, 0x0102)
    assert device.holding[10:12].tolist() == [0x4241, 0x4443]
    assert int(device.holding[20]) == 0x0102
    assert await read(driver, 0) == ("ABCD", 0)


async def test_after_connecting_a_device_is_left_alone_for_a_while(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.UInt16, address=10)], pause_after_connect_s=0.1)
    began = time.monotonic()
    await driver.read(driver.groups[0])
    assert time.monotonic() - began > 0.09
    watch = Stopwatch()
    await driver.read(driver.groups[0])
    assert watch.seconds < 0.09


async def test_slow_tags_ride_along_in_fast_blocks_and_only_there(tag: Tag) -> None:
    tags = [
        tag(0, address=0),
        tag(1, address=4),
        tag(2, address=2, rate_s=10.0),
        tag(3, address=6, rate_s=10.0),
        tag(4, address=2, rate_s=10.0, read_alone=True),
        tag(5, T.Int16, address=3, rate_s=10.0, scale_from=99),
    ]
    driver = modbus.create("line1", modbus.connection_model(host="x"), tags)
    assert [(group.rate_s, sorted(group.rows.tolist())) for group in driver.groups] == [
        (1.0, [0, 1, 2]),
        (10.0, [3, 4, 5]),
    ]


async def test_writes_go_first_then_read_backs_then_fast_polls_and_none_waits_for_ever() -> None:
    gate = Gate()
    order: list[str] = []
    await gate.enter(Turn(Priority.poll))

    async def ask(name: str, turn: Turn) -> None:
        await gate.enter(turn)
        order.append(name)
        gate.leave()

    turns = {
        "probe": Turn(Priority.poll, 10.0),
        "slow": Turn(Priority.poll, 5.0),
        "fast": Turn(Priority.poll, 0.1),
        "read back": Turn(Priority.read_back),
        "write": Turn(Priority.write),
    }
    tasks = [asyncio.create_task(ask(name, turn)) for name, turn in turns.items()]
    await asyncio.sleep(0)
    gate.leave()
    await asyncio.gather(*tasks)
    assert order == ["write", "read back", "fast", "slow", "probe"]


async def test_a_fast_rate_that_never_ends_lets_a_slow_one_in_after_its_patience() -> None:
    gate = Gate()
    await gate.enter(Turn(Priority.poll))
    slow = asyncio.create_task(gate.enter(Turn(Priority.poll, 0.05)))
    await asyncio.sleep(0.06)
    fast = asyncio.create_task(gate.enter(Turn(Priority.poll, 0.02)))
    await asyncio.sleep(0)
    gate.leave()
    await slow
    assert not fast.done()
    gate.leave()
    await fast


@pytest.mark.parametrize(
    ("data_type", "point", "key"),
    [
        (T.Int16, {"byte": "high"}, "byte"),
        (T.Boolean, {"scale_from": 3}, "scale_from"),
        (T.String, {"length": 3, "scale_from": 3}, "scale_from"),
        (T.Float, {"scale_from": 70_000}, "scale_from"),
    ],
)
def test_what_cannot_work_is_a_problem_of_its_key(
    tag: Tag, data_type: DataType, point: dict[str, Any], key: str
) -> None:
    problems = modbus.check(modbus.connection_model(host="x"), [tag(0, data_type, address=1, **point)])
    assert [problem.key for problem in problems] == [key]
