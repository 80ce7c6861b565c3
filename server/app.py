"""The bridge: every part of it, and how they hang together.

devices -> drivers -> Acquisition -> TagTable -> UaServer  -> clients
              ^                         |    \\-> Recent -> Analytics (in worker processes)
              +----- Commands <---------+-------- UaServer (Write, Call)
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass

from analytics.worker import Worker
from server.acquisition.acquisition import Acquisition
from server.address_space import TwinSpace
from server.commands.executor import Commands
from server.config.plant import Plant
from server.diagnostics import Diagnostics
from server.history.recent import Recent
from server.methods import Analytics
from server.services.actions import AnalyticsActions, CommandActions, analytics_methods
from server.services.audit_events import AuditTrail
from server.services.options import UaServerOptions
from server.services.ua_server import UaServer
from server.tags.table import TagTable


@dataclass(frozen=True, slots=True)
class Figures:
    """What an operator wants to see at a glance. readings: committed so far; clients: sessions; not_good: tags whose
    status is not Good, of all tags."""

    readings: int
    clients: int
    not_good: int
    tags: int


class Bridge:
    """Built from a plant; nothing runs before `run`."""

    def __init__(self, plant: Plant, options: UaServerOptions) -> None:
        self.plant = plant
        self.table = TagTable([int(tag.data_type) for tag in plant.tags], [tag.array_length for tag in plant.tags])
        self.acquisition = Acquisition(plant, self.table)
        self.commands = Commands(plant, self.table, self.acquisition)
        self.diagnostics = Diagnostics(plant, self.table, self.acquisition.links)
        self.recent = Recent(self.table)
        self.worker = Worker()
        analytics = Analytics(self.recent, self.worker)
        space = TwinSpace(plant, self.table, analytics_methods)
        self.server = UaServer(options, self.table, space, CommandActions(self.commands), AnalyticsActions(analytics))
        self.commands.on_audit(AuditTrail(self.server).note)

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until cancelled; `started` is called once clients can connect. Nothing is left running.

        Raises OSError when the endpoint's port is taken, and PkiError for a certificate that cannot be used.
        """
        await self.server.start()
        gc.collect()
        gc.freeze()  # what has been loaded stays: no need to look through it again and again
        try:
            started()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.acquisition.run(), name="acquisition")
                tasks.create_task(self.diagnostics.run(), name="diagnostics")
                tasks.create_task(self.worker.start(), name="worker start")
        finally:
            await asyncio.gather(self.server.stop(), self.worker.stop())
            self.recent.close()

    def figures(self) -> Figures:
        """How it is doing now."""
        not_good = int((self.table.status >= 0x40000000).sum())
        return Figures(self.table.readings, len(list(self.server.sessions)), not_good, len(self.table))
