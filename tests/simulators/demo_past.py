"""The demo's devices on real sockets behind a bridge that has known them for five minutes, so that no test waits for a
past: it comes from the demo's own physics and instruments. What is saved is worked out each second."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from drivers.data_types import to_cells
from drivers.readings import Readings, now_ticks
from server.advice import saving
from server.app import Bridge
from server.config.load import load_plant
from server.control import listening, socket_path
from server.demo.launcher import Ports, start_demo_process, write_plant_file
from server.demo.physics import CoolingPlant
from server.demo.sensors import Instruments
from server.remote import Remote
from server.runner import DEMO_USERS
from server.security.users import add_user
from server.services.options import UaServerOptions
from tests.simulators.demo_run import PASSWORD

SECONDS: Final = 300
_SECOND: Final = 10_000_000
_PUMPS: Final = ("PrimaryLoop/Pump1", "PrimaryLoop/Pump2")


@asynccontextmanager
async def known_demo(folder: Path) -> AsyncIterator[Bridge]:
    """The bridge at work, found by `uatwin call` where XDG_DATA_HOME is the same; its users have one password."""
    devices = await start_demo_process(Ports(0, 0, 0))
    try:
        plant = load_plant(write_plant_file(folder, devices.ports))
        users = folder / "users.yaml"
        for name, role in DEMO_USERS.items():
            await asyncio.to_thread(add_user, users, name, PASSWORD, [role])
        options = UaServerOptions(
            folder / "pki", "opc.tcp://127.0.0.1:0/uatwin", users_file=users, data_dir=folder / "data"
        )
        bridge, started = Bridge(plant, options), asyncio.Event()
        _remember(bridge, await asyncio.to_thread(_past))
        running = asyncio.create_task(_run(bridge, started))
        try:
            await asyncio.wait([running, asyncio.create_task(started.wait())], return_when=asyncio.FIRST_COMPLETED)
            assert not running.done(), running.exception()
            async with listening(socket_path(plant.name), Remote(bridge, folder / "plant.yaml").verbs):
                yield bridge
        finally:
            running.cancel()
            await asyncio.wait([running])
    finally:
        await devices.stop()


async def _run(bridge: Bridge, started: asyncio.Event) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "PERIOD_S", 1.0)
        await bridge.run(started.set)


def _past() -> dict[str, list[Any]]:
    """One reading a second of everything; the speed of both pumps goes up and down and ends where the demo begins."""
    plant = CoolingPlant(seed=1)
    instruments = Instruments(plant)
    course: dict[str, list[Any]] = {f"Cooling/{path}": [] for path in instruments.values}
    for second in range(SECONDS + 1):
        for pump in _PUMPS:
            plant.command(f"{pump}/SpeedSetpoint", 1800.0 + 150.0 * math.sin(2.0 * math.pi * second / 60.0))
        plant.step(1.0)
        instruments.read()
        for path, value in instruments.values.items():
            course[f"Cooling/{path}"].append(value)
    return course


def _remember(bridge: Bridge, course: dict[str, list[Any]]) -> None:
    """Put it into the table, up to now."""
    ticks = now_ticks() - np.arange(SECONDS, -1, -1, np.int64) * _SECOND
    for tag in bridge.plant.tags:
        values = course.get(tag.path)
        if values is not None and not isinstance(values[0], str):
            row, status = np.full(SECONDS + 1, tag.row, np.int32), np.zeros(SECONDS + 1, np.uint32)
            bridge.table.commit(Readings(row, to_cells(values, tag.data_type), status, ticks))
