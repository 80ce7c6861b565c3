"""The driver against a device over real sockets: reads, writes, and what the device's refusals become."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drivers.data_types import CELL_VIEW, DataType
from drivers.driver import Binding, Polled, Writable
from drivers.errors import Malformed, Refused, ValueNotAccepted, status_of
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.pdu import EXCEPTIONS
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from tests.simulators.modbus_device import ModbusDevice, Request

Tag = Callable[..., Binding]
Connected = Callable[..., Any]
T = DataType


async def read_all(driver: ModbusDriver) -> Readings:
    return Readings.concat([await driver.read(group) for group in driver.groups])


def by_row(readings: Readings, data_type: DataType = T.Float) -> dict[int, Any]:
    values = readings.value.view(CELL_VIEW[data_type]).tolist()
    return dict(zip(readings.row.tolist(), values, strict=True))


def statuses(readings: Readings) -> dict[int, int]:
    return dict(zip(readings.row.tolist(), readings.status.tolist(), strict=True))


async def test_it_is_polled_and_writable(tag: Tag, connected: Connected) -> None:
    driver = await connected([tag(0, address=0)])
    assert isinstance(driver, Polled)
    assert isinstance(driver, Writable)


async def test_all_four_tables_are_read_with_status_and_time(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    device.put(10, 21.5, ">f4")
    device.inputs[11] = 7
    device.coils[12] = device.discretes[13] = True
    driver = await connected(
        [
            tag(0, address=10),
            tag(1, T.UInt16, table="input", address=11),
            tag(2, T.Boolean, table="coil", address=12),
            tag(3, T.Boolean, table="discrete", address=13),
        ]
    )
    before = now_ticks()
    readings = await read_all(driver)
    assert by_row(readings)[0] == 21.5
    assert [by_row(readings, T.UInt16)[row] for row in (1, 2, 3)] == [7, 1, 1]
    assert not readings.status.any()
    assert before <= readings.source_ticks.min() <= readings.source_ticks.max() <= now_ticks()
    assert (driver.traffic.requests, driver.traffic.responses, driver.traffic.bytes_sent) == (4, 4, 48)


@pytest.mark.parametrize("pipeline", [1, 4])
async def test_five_hundred_values_come_in_as_many_requests_as_planned(
    tag: Tag, device: ModbusDevice, connected: Connected, pipeline: int
) -> None:
    device.put(0, np.arange(500), ">f4")
    driver = await connected([tag(row, address=2 * row) for row in range(500)], pipeline=pipeline)
    assert by_row(await read_all(driver)) == {row: row for row in range(500)}
    assert device.requests == 9  # 1,000 registers, at most 124 whole floats each


async def test_text_and_arrays_travel_in_the_side_list(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    device.put(0, b"Pump 3", "S6")
    device.put(10, [1, 2, 3], ">i2")
    driver = await connected([tag(0, T.String, address=0, length=3), tag(1, T.Int16, array_length=3, address=10)])
    readings = await read_all(driver)
    values = {int(readings.row[index]): value for index, value in readings.side.items()}
    assert values[0] == "Pump 3"
    assert values[1].tolist() == [1, 2, 3]


async def test_writes_arrive_by_the_function_that_fits(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    device.holding[30] = 0b1010
    driver = await connected(
        [
            tag(0, T.Boolean, table="coil", address=1),
            tag(1, T.UInt16, address=2),
            tag(2, T.Boolean, array_length=9, table="coil", address=20),
            tag(3, T.Float, address=4, word_order="little"),
            tag(4, T.Boolean, address=30, bit=0),
            tag(5, T.String, address=40, length=3),
            tag(6, T.Double, address=50, type="int16", scale=0.1, unit=2),
            tag(7, T.Boolean, address=60, bit=0, byte_order="little"),
        ]
    )
    bits = np.array([1, 0, 0, 1, 0, 0, 0, 0, 1], np.bool_)
    for row, value in enumerate([True, 65535, bits, 21.5, True, "Pumps", -12.3, True]):
        await driver.write(row, value)
    assert [request.function for request in device.log] == [5, 6, 15, 16, 22, 16, 6, 22]
    assert (bool(device.coils[1]), int(device.holding[2]), device.coils[20:29].tolist()) == (True, 65535, bits.tolist())
    assert device.holding[4:6].tolist() == [0x0000, 0x41AC]
    assert (device.holding[30], device.holding[60]) == (0b1011, 0x0100)
    assert device.holding[40:43].astype(">u2").tobytes() == b"Pumps\0"
    assert device.unit(2).get(50, ">i2") == -123
    readings = await driver.read_rows([3, 6])
    assert by_row(readings) == {3: 21.5, 6: pytest.approx(-12.3)}


async def test_a_bit_is_written_by_reading_first_where_the_device_knows_no_mask_write(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    device.misbehave("exception", function=22, code=1)
    device.holding[5] = 0xFF00
    driver = await connected([tag(0, T.Boolean, address=5, bit=2), tag(1, T.Boolean, address=5, bit=15)])
    await driver.write(0, True)
    await driver.write(1, False)
    assert device.holding[5] == 0x7F04
    assert [request.function for request in device.log] == [22, 3, 6, 3, 6]


async def test_a_value_that_does_not_fit_is_not_sent(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    driver = await connected([tag(0, T.UInt16, address=5), tag(1, T.UInt16, address=5, table="input")])
    for row, value in ((0, 65536), (0, "7"), (1, 7)):
        with pytest.raises(ValueNotAccepted):
            await driver.write(row, value)
    assert device.requests == 0


@pytest.mark.parametrize("code", [*(code for code in EXCEPTIONS if code not in (5, 6)), 99])
async def test_a_refusal_reaches_the_one_who_writes_with_its_own_status(
    tag: Tag, device: ModbusDevice, connected: Connected, code: int
) -> None:
    told = {
        1: Status.BadNotSupported,
        2: Status.BadConfigurationError,
        3: Status.BadOutOfRange,
        10: Status.BadNoCommunication,
        11: Status.BadNoCommunication,
    }
    driver = await connected([tag(0, T.UInt16, address=5)])
    device.misbehave("exception", code=code)
    with pytest.raises(Refused, match=f"line1: unit 1, holding 5: refused with exception {code:02d}") as caught:
        await driver.write(0, 1)
    assert (caught.value.code, status_of(caught.value)) == (code, told.get(code, Status.BadDeviceFailure))


async def test_a_refused_block_is_bad_and_the_others_go_on(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    device.put(0, 1.5, ">f4")
    driver = await connected([tag(0, address=0), tag(1, address=200), tag(2, address=202), tag(3, address=900)])
    device.misbehave("exception", code=4, address=200)
    device.misbehave("exception", code=3, address=900)
    readings = await read_all(driver)
    bad, failure = int(Status.BadConfigurationError), int(Status.BadDeviceFailure)
    assert statuses(readings) == {0: 0, 1: failure, 2: failure, 3: bad}
    assert by_row(readings)[0] == 1.5
    device.behave()
    assert not (await read_all(driver)).status.any()


async def test_a_busy_device_is_asked_once_more(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)])
    device.misbehave("exception", code=6, times=1)
    await driver.write(0, 9)
    assert device.holding[5] == 9
    device.misbehave("exception", code=5)
    with pytest.raises(Refused) as caught:
        await driver.write(0, 10)
    assert status_of(caught.value) == Status.BadResourceUnavailable
    assert statuses(await read_all(driver)) == {0: Status.BadResourceUnavailable}


async def test_a_write_goes_before_the_polls_that_wait(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    tags = [tag(row, T.UInt16, address=200 * row) for row in range(6)]
    driver = await connected(tags, timeout_s=5.0)
    device.misbehave("slow", times=1, delay_s=0.05)
    poll = asyncio.create_task(driver.read(driver.groups[0]))
    await device.asked()
    second_poll = asyncio.create_task(driver.read(driver.groups[0]))
    await asyncio.sleep(0)
    await asyncio.gather(driver.read_rows([1]), driver.write(0, 7), poll, second_poll)
    assert [request.function for request in device.log][:3] == [3, 6, 3]
    assert device.log[2] == Request(1, 3, 200, 1)


async def test_a_write_confirmed_with_another_value_is_not_taken_for_done(
    tag: Tag, device: ModbusDevice, connected: Connected
) -> None:
    driver = await connected([tag(0, T.UInt16, address=5)])
    device.misbehave("wrong_function", times=1)
    with pytest.raises(Malformed):
        await driver.write(0, 7)
    assert driver.traffic.malformed == 1


async def test_the_pause_is_kept_between_requests(tag: Tag, device: ModbusDevice, connected: Connected) -> None:
    driver = await connected([tag(row, T.UInt16, address=300 * row) for row in range(4)], pause_s=0.05)
    began = time.monotonic()
    await read_all(driver)
    assert time.monotonic() - began >= 0.15
