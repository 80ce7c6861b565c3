"""Tags and connections as the plant file would make them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from drivers import modbus
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.modbus.driver import ModbusDriver
from tests.simulators.modbus_device import ModbusDevice

Tag = Callable[..., Binding]


@pytest.fixture
def tag() -> Tag:
    """tag(row, data_type, address=..., ...): a binding; the rest are the point's settings."""

    def make(
        row: int,
        data_type: DataType = DataType.Float,
        *,
        array_length: int = 0,
        rate_s: float = 1.0,
        writable: bool = False,
        **point: Any,
    ) -> Binding:
        return Binding(row, f"Plant/Tag{row}", data_type, array_length, modbus.point_model(**point), rate_s, writable)

    return make


@pytest.fixture
async def device() -> AsyncIterator[ModbusDevice]:
    """A running device with units 1 and 2."""
    async with ModbusDevice(units=(1, 2)) as running:
        yield running


@pytest.fixture
async def connected(device: ModbusDevice) -> AsyncIterator[Callable[..., Any]]:
    """await connected(bindings, **settings): a driver that is connected to the device."""
    drivers: list[ModbusDriver] = []

    async def connect(bindings: Sequence[Binding], **settings: Any) -> ModbusDriver:
        connection = modbus.connection_model(**{"host": device.host, "port": device.port, "timeout_s": 0.15} | settings)
        driver = modbus.create("line1", connection, bindings)
        drivers.append(driver)
        await driver.connect()
        return driver

    yield connect
    for driver in drivers:
        await driver.close()
