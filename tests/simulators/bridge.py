"""The bridge without its OPC UA side: a plant file at work between real devices and the tag table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.link import BackOff
from drivers.status import Status
from server.acquisition.acquisition import Acquisition
from server.acquisition.health import Probing
from server.app import Bridge as Whole
from server.commands.audit import CommandAudit
from server.commands.executor import Commands
from server.config.load import load_plant
from server.config.plant import Plant
from server.creator import Creator
from server.diagnostics import Diagnostics
from server.services.options import UaServerOptions
from server.tags.table import TagTable

QUICK = BackOff(0.1, 0.4)
PROBE_OFTEN = Probing(3, 0.3, 1.0)


@dataclass
class Bridge:
    plant: Plant
    table: TagTable
    acquisition: Acquisition
    commands: Commands
    diagnostics: Diagnostics
    audits: list[CommandAudit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.row = {tag.path: tag.row for tag in self.plant.tags}

    def status(self, path: str) -> Status:
        return Status(int(self.table.status[self.row[path]]))

    def value(self, path: str) -> object:
        return self.table.python_value(self.row[path])

    def good(self, *paths: str) -> bool:
        return all(self.status(path) is Status.Good for path in paths)

    async def write(self, path: str, value: object) -> Status:
        return Status((await self.commands.order(self.row[path], value, "anna"))[0])


@asynccontextmanager
async def bridge(folder: Path, plant_file: str) -> AsyncIterator[Bridge]:
    """Run a plant file's text; back-off and probing are quick."""
    path = folder / "plant.yaml"
    path.write_text(plant_file)
    plant = load_plant(path)
    table = TagTable([tag.data_type for tag in plant.tags], [tag.array_length for tag in plant.tags])
    acquisition = Acquisition(plant, table, back_off=QUICK, probing=PROBE_OFTEN)
    commands = Commands(plant, table, acquisition)
    it = Bridge(plant, table, acquisition, commands, Diagnostics(plant, table, acquisition.links))
    commands.on_audit(it.audits.append)
    running = asyncio.create_task(acquisition.run())
    try:
        yield it
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled(), running.exception()


@asynccontextmanager
async def at_work(whole: Whole) -> AsyncIterator[Whole]:
    """Run a whole bridge from when clients can connect; it is ended whatever happens."""
    started = asyncio.Event()
    running = asyncio.create_task(whole.run(started.set))
    waiting = asyncio.create_task(started.wait())
    try:
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        yield whole
    finally:
        waiting.cancel()
        running.cancel()
        await asyncio.wait([running, waiting])


@asynccontextmanager
async def serving(plant_file: Path, pki: Path, turn: asyncio.Lock | None = None) -> AsyncIterator[Whole]:
    """The whole bridge of a plant file with its OPC UA server on a free port, and what makes twins beside it. turn: to
    be held by a test that has the bridge adopt a plant."""
    whole = Whole(load_plant(plant_file), UaServerOptions(pki, "opc.tcp://127.0.0.1:0/uatwin"))
    async with at_work(whole):
        creating = asyncio.create_task(Creator(whole, plant_file, turn or asyncio.Lock()).run())
        try:
            yield whole
        finally:  # as `uatwin run` does: a bridge that ends is given no plant any more
            creating.cancel()
            await asyncio.wait([creating])
            assert creating.cancelled(), creating.exception()
