"""Plants of devices in memory, and a running acquisition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from drivers.data_types import DataType
from drivers.link import BackOff
from server.acquisition import acquisition as module
from server.acquisition.acquisition import Acquisition
from server.config.plant import CommandRules, Connection, Plant, Tag
from server.config.upkeep import Upkeep
from server.tags.table import TagTable
from tests.simulators.memory_driver import MEMORY, Device


@dataclass
class Rig:
    plant: Plant
    table: TagTable
    acquisition: Acquisition


Start = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """start({"line1": device, ...}) runs an acquisition; rows are numbered through the connections, `per_connection`
    (default 1) each; `stale_s`, `written` (rows that are commands) and whatever else Acquisition takes."""
    monkeypatch.setattr(module, "driver_type", lambda name: MEMORY)

    @asynccontextmanager
    async def run(devices: dict[str, Device], **rest: Any) -> AsyncIterator[Rig]:
        upkeep = rest.pop("upkeep", Upkeep())
        kept = {name: rest.pop(name) for name in ("per_connection", "stale_s", "written") if name in rest}
        plant = memory_plant(devices, **kept, upkeep=upkeep)
        table = TagTable([tag.data_type for tag in plant.tags])
        if upkeep == Upkeep():
            rest.setdefault("back_off", BackOff(1.0, 4.0))
        rig = Rig(plant, table, Acquisition(plant, table, **rest))
        task = asyncio.create_task(rig.acquisition.run())
        try:
            yield rig
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    return run


def memory_plant(
    devices: dict[str, Device],
    per_connection: int = 1,
    stale_s: float = 3.0,
    written: Any = (),
    upkeep: Upkeep = Upkeep(),  # noqa: B008 - frozen
) -> Plant:
    tags: list[Tag] = []
    connections = {}
    rules = CommandRules(None, False, "acknowledge", 0.0, 1.0)
    for name, device in devices.items():
        own = []
        for _ in range(per_connection):
            row = len(tags)
            command = rules if row in written else None
            tag = Tag(row, f"T{row}", f"P/T{row}", DataType.Double, connection=name, stale_s=stale_s, command=command)
            own.append(tag)
            tags.append(tag)
        connections[name] = Connection(name, "memory", device, tuple(own), (), upkeep)
    return Plant("P", "", None, connections, (), tuple(tags))
