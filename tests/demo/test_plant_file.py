"""The demo's plant file fits its devices: every tag, read by the bridge's own drivers, shows its instrument."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from drivers.data_types import DataType
from drivers.driver import Binding, Polled, Pushed, Writable
from drivers.errors import Refused
from drivers.readings import Readings
from drivers.registry import driver_type
from server.config.load import load_plant
from server.config.plant import Plant, Scope, Tag
from server.demo.faults import Fault
from server.demo.launcher import DemoProcess, Ports, start_demo_process, write_plant_file
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments
from server.tags.table import TagTable

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[DemoProcess]:
    process = await start_demo_process(Ports(0, 0, 0), seed=2)
    yield process
    await process.stop()


@pytest.fixture(scope="module")
def expected() -> CoolingPlant:
    """The same plant, at its start."""
    return CoolingPlant(seed=2)


@pytest.fixture(scope="module")
def plant(demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return load_plant(write_plant_file(tmp_path_factory.mktemp("demo"), demo.ports))


class Bridge:
    """All connections of a plant, read into a table for a while."""

    def __init__(self, plant: Plant) -> None:
        self.table = TagTable([int(tag.data_type) for tag in plant.tags], [tag.array_length for tag in plant.tags])
        self.drivers: dict[str, Any] = {}
        for name, connection in plant.connections.items():
            bindings = [_binding(tag) for tag in connection.tags]
            self.drivers[name] = driver_type(connection.driver).create(name, connection.settings, bindings)

    async def __aenter__(self) -> Bridge:
        self._tasks = []
        for driver in self.drivers.values():
            await driver.connect()
            if isinstance(driver, Pushed):
                self._tasks.append(asyncio.create_task(driver.observe(self._deliver)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for driver in self.drivers.values():
            await driver.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _deliver(self, batch: Readings) -> None:
        self.table.commit(batch)

    async def poll(self) -> None:
        for driver in self.drivers.values():
            if isinstance(driver, Polled):
                for group in driver.groups:
                    self.table.commit(await driver.read(group))


def _binding(tag: Tag) -> Binding:
    return Binding(tag.row, tag.path, tag.data_type, tag.array_length, tag.point, tag.rate_s, tag.command is not None)


def fed(plant: Plant) -> list[Tag]:
    return [tag for tag in plant.tags if tag.connection is not None]


async def test_every_instrument_has_its_tag_and_every_tag_its_instrument(plant: Plant, expected: CoolingPlant) -> None:
    assert {tag.path.removeprefix("Cooling/") for tag in fed(plant)} == set(Instruments(expected).values)
    assert len(fed(plant)) == 150


async def test_commands_of_the_plant_file_are_those_of_the_devices(plant: Plant, expected: CoolingPlant) -> None:
    commands = {tag.path.removeprefix("Cooling/") for tag in fed(plant) if tag.command is not None}
    assert commands == expected.commands()


async def test_every_protocol_feeds_every_scope(plant: Plant) -> None:
    protocols = defaultdict(set)
    for twin in plant.walk():
        for tag in (*twin.telemetry, *twin.commands):
            protocols[twin.scope].add(plant.connections[str(tag.connection)].driver)
    assert protocols == {scope: {"modbus", "mqtt", "coap"} for scope in Scope}


async def test_the_plant_has_the_twins_it_promises(plant: Plant) -> None:
    count = defaultdict(int)
    for twin in plant.walk():
        count[twin.scope] += 1
        assert len(twin.description) > 0 or twin.scope is Scope.component
    assert (count[Scope.process], count[Scope.system]) == (1, 2)
    assert count[Scope.asset] >= 6
    assert count[Scope.component] >= 12
    assert all(len(tag.description) > 10 for tag in fed(plant))


async def test_the_faults_are_named_in_order(plant: Plant) -> None:
    inject = next(tag for tag in plant.tags if tag.path == "Cooling/InjectFault")
    assert list(inject.states) == [fault.name for fault in Fault]


async def test_every_tag_read_by_the_drivers_is_good_and_shows_its_instrument(
    plant: Plant, expected: CoolingPlant
) -> None:
    instruments = Instruments(expected).values
    async with Bridge(plant) as bridge:
        await bridge.poll()
        async with asyncio.timeout(6.0):
            while (bridge.table.status != 0)[[tag.row for tag in fed(plant)]].any():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        values = [bridge.table.python_value(tag.row) for tag in fed(plant)]
    tags = zip(fed(plant), values, strict=True)
    assert [(tag.path, value) for tag, value in tags if not _close(tag, value, instruments)] == []


def _close(tag: Tag, value: Any, instruments: Mapping[str, Any]) -> bool:
    shown = instruments[tag.path.removeprefix("Cooling/")]
    if tag.data_type is DataType.String:
        return bool(value == shown)
    low, high = tag.range or (0, 0)
    fits = tag.range is None or low <= value <= high
    return fits and bool(np.isclose(float(value), float(shown), rtol=0.03, atol=min(0.02 * (high - low), 5.0)))


@pytest.mark.parametrize(
    ("path", "value", "beyond"),
    [
        ("PrimaryLoop/Pump1/SpeedSetpoint", 1850.0, 3100.0),
        ("PrimaryLoop/Chiller/TemperatureSetpoint", 7.5, 30.0),
        ("ProductionLoad", 65.0, 120.0),
        ("SecondaryLoop/Tank/LevelSetpoint", 66.0, 97.0),
        ("SecondaryLoop/Tank/DrainValve/PositionSetpoint", 1.0, 101.0),
        ("SecondaryLoop/CoolingTower/FanSpeedSetpoint", 62.0, None),
        ("PrimaryLoop/HeatExchanger/ControlValve/PositionSetpoint", 82.0, None),
    ],
)
async def test_a_command_reaches_the_device_and_the_device_may_refuse(
    plant: Plant, path: str, value: float, beyond: float | None
) -> None:
    tag = next(tag for tag in plant.tags if tag.path == f"Cooling/{path}")
    async with Bridge(plant) as bridge:
        driver = bridge.drivers[str(tag.connection)]
        assert isinstance(driver, Writable)
        await driver.write(tag.row, value)
        if beyond is not None:
            with pytest.raises(Refused):
                await driver.write(tag.row, beyond)
        async with asyncio.timeout(3.0):
            while bridge.table.python_value(tag.row) != pytest.approx(value, abs=0.05):
                await asyncio.sleep(0.05)
                await bridge.poll()


async def test_the_file_in_the_package_is_good_as_it_is() -> None:
    assert load_plant(Path(__file__).parents[2] / "server/demo/plant.yaml").name == "Cooling"
