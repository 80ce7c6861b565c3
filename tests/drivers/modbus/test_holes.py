"""Addresses that a device does not have: found, told once, tried again, and no other value lost with them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import modbus
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.link import Link
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.holes import Span, clusters, search
from drivers.status import Status
from tests.simulators.modbus_device import ModbusDevice

Tag = Callable[..., Binding]
Connected = Callable[..., Any]
T = DataType
BAD = int(Status.BadConfigurationError)


class Clock:
    """A clock that is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def statuses(driver: ModbusDriver) -> dict[int, int]:
    readings = await driver.read(driver.groups[0])
    return dict(zip(readings.row.tolist(), readings.status.tolist(), strict=True))


async def open_driver(device: ModbusDevice, tags: list[Binding], clock: Clock, **settings: Any) -> ModbusDriver:
    connection = modbus.connection_model(host=device.host, port=device.port, timeout_s=0.5, **settings)
    driver = ModbusDriver("line1", connection, tags, clock=clock)
    await driver.connect()
    return driver


async def test_one_bad_address_costs_no_other_value_is_told_once_and_tried_again(
    tag: Tag, device: ModbusDevice, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    driver = await open_driver(device, [tag(row, T.UInt16, address=row) for row in range(60)], clock)
    device.misbehave("exception", code=2, address=37)
    wanted = {row: BAD if row == 37 else 0 for row in range(60)}
    with caplog.at_level(logging.WARNING):
        assert await statuses(driver) == wanted
        searched = device.requests
        assert searched < 20
        assert await statuses(driver) == wanted
        assert device.requests == searched + 2  # the block before the hole and the one after it
        clock.now = 61
        assert await statuses(driver) == wanted
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "holding 37: the device has no such address (exception 02); check the address of Plant/Tag37" in told[0]
    link = Link("line1", driver)
    link.take_over_malformed()
    assert "no such address" in str(link.last_error)
    device.behave()
    clock.now = 100
    assert await statuses(driver) == wanted
    clock.now = 61 + 121
    assert await statuses(driver) == dict.fromkeys(range(60), 0)
    await driver.close()


async def test_a_device_that_will_not_read_over_gaps_is_read_around_them(tag: Tag, device: ModbusDevice) -> None:
    driver = await open_driver(device, [tag(row, T.UInt16, address=4 * row) for row in range(10)], Clock())
    device.misbehave("exception", code=2, address=17)  # belongs to no tag
    assert not any((await statuses(driver)).values())
    before = device.requests
    assert not any((await statuses(driver)).values())
    assert device.requests == before + 2
    readings = await driver.read_rows([4, 5])
    assert not readings.status.any()
    await driver.close()


async def test_a_new_connection_believes_nothing_of_the_old_one(tag: Tag, device: ModbusDevice) -> None:
    driver = await open_driver(device, [tag(row, T.UInt16, address=row) for row in range(3)], Clock())
    device.misbehave("exception", code=2, address=1)
    assert (await statuses(driver))[1] == BAD
    device.behave()
    await driver.connect()
    assert not any((await statuses(driver)).values())
    await driver.close()


async def test_a_device_that_refuses_everything_is_bad_and_still_answers(tag: Tag, device: ModbusDevice) -> None:
    driver = await open_driver(device, [tag(row, T.UInt16, address=row) for row in range(3)], Clock())
    device.misbehave("exception", code=2)
    assert set((await statuses(driver)).values()) == {BAD}
    assert set((await statuses(driver)).values()) == {BAD}
    await driver.close()


async def test_a_value_that_is_read_alone_is_in_no_block_and_refused_alone(tag: Tag, device: ModbusDevice) -> None:
    tags = [tag(0, T.UInt16, address=0), tag(1, T.UInt16, address=1, read_alone=True), tag(2, T.UInt16, address=2)]
    driver = await open_driver(device, tags, Clock())
    assert not any((await statuses(driver)).values())
    assert [(one.address, one.count) for one in device.log] == [(0, 3), (1, 1)]
    device.misbehave("exception", code=2, address=0)
    assert await statuses(driver) == {0: BAD, 1: 0, 2: 0}
    await driver.close()


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 4)), min_size=1, max_size=60),
    st.sets(st.integers(0, 204), min_size=1, max_size=5),
)
def test_the_search_finds_every_value_on_a_bad_address_and_no_other(
    values: list[tuple[int, int]], bad: set[int]
) -> None:
    async def refuses(span: Span) -> bool:
        return any(span[0] <= address < span[1] for address in bad)

    spans = clusters([(start, start + size) for start, size in values])
    if not asyncio.run(refuses((spans[0][0], spans[-1][1]))):
        return
    found = asyncio.run(search(spans, refuses))
    assert set(found.values) == {span for span in spans if asyncio.run(refuses(span))}
    assert found
