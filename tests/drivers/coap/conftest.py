"""A device, ways to make tags of it, and the rule that nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers import coap
from drivers.coap.driver import CoapDriver
from drivers.data_types import DataType
from drivers.driver import Binding
from tests.drivers.coap.helpers import Bind, Open, until
from tests.simulators.coap_device import CoapDevice


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """No task outlives its test, and no callback fails unseen."""
    stumbles: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: stumbles.append(context))
    yield
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    assert stumbles == []


@pytest.fixture
async def device(nothing_left: None) -> AsyncIterator[CoapDevice]:
    """A device without resources."""
    async with CoapDevice() as device:
        yield device


@pytest.fixture
def bind() -> Bind:
    """Makes tags: bind(row, path, data_type, rate_s=, writable=, array_length=, **point settings)."""

    def make(
        row: int,
        path: str,
        data_type: DataType = DataType.Double,
        *,
        rate_s: float = 1.0,
        writable: bool = False,
        array_length: int = 0,
        **settings: Any,
    ) -> Binding:
        point = coap.point_model(path=path, **settings)
        return Binding(row, f"Twin/Tag{row}", data_type, array_length, point, rate_s, writable)

    return make


@pytest.fixture
def open_driver(device: CoapDevice) -> Open:
    """A connected driver: `async with open_driver(bindings, **connection settings) as driver`."""

    @asynccontextmanager
    async def opened(*bindings: Binding, **settings: Any) -> AsyncIterator[CoapDriver]:
        defaults = {"host": device.host, "port": device.port, "timeout_s": 0.5}
        driver = coap.create("dev", coap.connection_model(**(defaults | settings)), bindings)
        await driver.connect()
        try:
            yield driver
        finally:
            await driver.close()

    return opened
