"""A broker, and drivers connected to it as the link would connect them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from drivers import mqtt
from drivers.data_types import DataType, from_cells
from drivers.driver import Binding
from drivers.mqtt.driver import MqttDriver
from drivers.readings import Readings
from drivers.status import Status
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.waiting import until

Tag = Callable[..., Binding]


@pytest.fixture
def tag() -> Tag:
    """tag(row, data_type, topic=..., ...): a binding; the rest are the point's settings."""

    def make(
        row: int,
        data_type: DataType = DataType.Double,
        *,
        array_length: int = 0,
        rate_s: float = 1.0,
        writable: bool = False,
        **point: Any,
    ) -> Binding:
        settings = mqtt.point_model.model_validate(point)
        return Binding(row, f"Plant/Tag{row}", data_type, array_length, settings, rate_s, writable)

    return make


class Observed:
    """A driver that observes, and what it has said."""

    def __init__(self, driver: MqttDriver, bindings: list[Binding]) -> None:
        self.driver = driver
        self.batches: list[Readings] = []
        self.bindings = bindings
        self._types = {b.row: b for b in bindings}
        self.task: asyncio.Task[None] = asyncio.create_task(driver.observe(self.batches.append))

    def readings(self, row: int) -> list[tuple[object, int, int]]:
        """(value, status, source ticks) of a row, in order; the value is None where the status is Bad."""
        found: list[tuple[object, int, int]] = []
        for batch in self.batches:
            for index in np.flatnonzero(batch.row == row):
                status = int(batch.status[index])
                value = None if status & Status.Bad else self._value(batch, int(index), row)
                found.append((value, status, int(batch.source_ticks[index])))
        return found

    def _value(self, batch: Readings, index: int, row: int) -> object:
        if index in batch.side:
            return batch.side[index]
        value = from_cells(batch.value[index : index + 1], self._types[row].data_type)[0].item()
        return bool(value) if self._types[row].data_type is DataType.Boolean else value

    def values(self, row: int) -> list[object]:
        """Values of a row, in order."""
        return [value for value, _, _ in self.readings(row)]

    def last(self, row: int) -> tuple[object, int]:
        """Value and status of the latest reading."""
        value, status, _ = self.readings(row)[-1]
        return value, status

    async def until(self, row: int, value: object = ..., status: int | None = None) -> None:
        """Wait until the latest reading of a row has that value and status."""

        def told() -> bool:
            """the reading came"""
            if not self.readings(row):
                return False
            is_value, is_status = self.last(row)
            return (value is ... or is_value == value) and (status is None or is_status == status)

        await until(told)

    async def stop(self) -> None:
        """End as the link does."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.driver.close()


Observe = Callable[..., Awaitable[Observed]]


@pytest.fixture
def broker() -> Iterator[MqttBroker]:
    """mosquitto."""
    with MqttBroker() as running:
        yield running


async def subscribed(observed: Observed, requests: int) -> None:
    """Wait until the driver's subscriptions are acknowledged."""
    traffic = observed.driver.traffic
    await until(lambda: traffic.requests >= requests and traffic.responses >= requests)


@pytest.fixture
async def observe() -> AsyncIterator[Observe]:
    """await observe(port, bindings, **settings): a connected driver that observes, its subscriptions made."""
    running: list[Observed] = []

    async def start(port: int, bindings: list[Binding], **settings: Any) -> Observed:
        connection = mqtt.connection_model.model_validate({"host": "127.0.0.1", "port": port} | settings)
        driver = mqtt.create("broker", connection, bindings)
        await driver.connect()
        observed = Observed(driver, bindings)
        running.append(observed)
        topics = [b for b in bindings if b.point.topic or b.point.sparkplug]
        present = any(b.point.availability for b in bindings) or connection.availability or connection.host_id
        await subscribed(observed, bool(topics) + bool(present))
        return observed

    yield start
    for observed in running:
        await observed.stop()
