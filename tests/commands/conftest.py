"""A small plant with commands on a device in memory, and everything between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from drivers.data_types import DataType
from drivers.link import BackOff
from server.acquisition import acquisition as module
from server.acquisition.acquisition import Acquisition
from server.commands.audit import CommandAudit
from server.commands.executor import Commands
from server.config.plant import CommandRules, Connection, Plant, Tag
from server.tags.table import TagTable
from tests.simulators.memory_driver import MEMORY, Device

ROWS = {"Speed": 0, "Run": 1, "Mode": 2, "Level": 3, "Big": 4, "Text": 5, "Curve": 6}
KINDS = [
    DataType.Float,
    DataType.Boolean,
    DataType.UInt16,
    DataType.Double,
    DataType.Int64,
    DataType.String,
    DataType.Double,
]


def rules(**given: Any) -> CommandRules:
    """Rules of a command that is acknowledged within a second, unless told otherwise."""
    return CommandRules(
        **({"limits": None, "clamp": False, "confirm": "acknowledge", "tolerance": 0.0, "within_s": 1.0} | given)
    )


@dataclass
class Desk:
    plant: Plant
    table: TagTable
    commands: Commands
    acquisition: Acquisition
    audits: list[CommandAudit] = field(default_factory=list)

    async def write(self, row: int, value: object, user: str) -> int:
        """The StatusCode that the user gets."""
        return (await self.commands.order(row, value, user))[0]


Start = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """start(device, Speed=rules(...)) runs the plant of `ROWS`; every tag but Level is a command."""
    monkeypatch.setattr(module, "driver_type", lambda name: MEMORY)

    @asynccontextmanager
    async def run(device: Device, **given: CommandRules) -> AsyncIterator[Desk]:
        plant = desk_plant(device, given)
        table = TagTable([tag.data_type for tag in plant.tags], [tag.array_length for tag in plant.tags])
        acquisition = Acquisition(plant, table, back_off=BackOff(1.0, 1.0))
        desk = Desk(plant, table, Commands(plant, table, acquisition), acquisition)
        desk.commands.on_audit(desk.audits.append)
        task = asyncio.create_task(acquisition.run())
        await asyncio.sleep(0.5)
        try:
            yield desk
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    return run


def desk_plant(device: Device, given: dict[str, CommandRules]) -> Plant:
    tags = tuple(
        Tag(
            row,
            name,
            f"Pump/{name}",
            kind,
            array_length=3 if name == "Curve" else 0,
            states=("Off", "Manual", "Automatic") if name == "Mode" else (),
            connection="line1",
            command=None if name == "Level" else given.get(name, rules()),
        )
        for (name, row), kind in zip(ROWS.items(), KINDS, strict=True)
    )
    return Plant("P", "", None, {"line1": Connection("line1", "memory", device, tags, ())}, (), tags)
