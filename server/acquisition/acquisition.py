"""Acquisition: all connections of a plant at work, and the ways in for commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from drivers.driver import Fault
from drivers.link import BackOff, LastError, Link
from drivers.readings import Readings, now_ticks
from drivers.registry import driver_type
from server.acquisition.connection import ConnectionAtWork
from server.acquisition.health import Probing
from server.acquisition.intake import Intake
from server.acquisition.staleness import Staleness
from server.config.connections import bindings_of
from server.config.plant import Connection, Plant, Tag
from server.tags.table import TagTable

log = logging.getLogger(__name__)

SWEEP_S: Final = 0.5
_CONNECTS_PER_S: Final = 500
_RESTART_S: Final = 10.0


class Acquisition:
    """Brings readings from every connection into the table and writes back, until cancelled. back_off, probing: for all
    connections, instead of what the plant file says of each.

    Built first, run later: the constructor touches no network. One connection never waits for another. Times are those
    of the event loop that runs it.
    """

    def __init__(
        self,
        plant: Plant,
        table: TagTable,
        *,
        back_off: BackOff | None = None,
        probing: Probing | None = None,
    ) -> None:
        self._table = table
        self._staleness = Staleness(plant.tags, table)
        self._intake = Intake(table, self._staleness.gone)
        self._back_off = back_off
        self._probing = probing
        self._connections: dict[str, ConnectionAtWork] = {}
        self._sources: Mapping[str, Connection] = plant.connections
        self._of_row: dict[int, ConnectionAtWork] = {}
        self._group: asyncio.TaskGroup | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._started_s = 0.0
        self._slots = 0
        for connection in plant.connections.values():
            self._add(connection)

    @property
    def links(self) -> Mapping[str, Link]:
        """The links by the name of their connection."""
        return {name: connection.link for name, connection in self._connections.items()}

    @property
    def polls(self) -> int:
        """Requests made by all poll groups so far."""
        return sum(slot.polls for connection in self._connections.values() for slot in connection.slots)

    @property
    def missed(self) -> int:
        """Slots skipped so far because a poll took longer than its group's period."""
        return sum(slot.missed for connection in self._connections.values() for slot in connection.slots)

    async def run(self) -> None:
        """Work until cancelled; then every driver is closed and no task is left."""
        loop = asyncio.get_running_loop()
        self._started_s = loop.time()
        stop = self._table.on_commit(lambda batch: self._staleness.arrived(batch, loop.time()))
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._sweep(), name="staleness")
                for index, connection in enumerate(self._connections.values()):
                    self._start(connection, index / _CONNECTS_PER_S)
                try:
                    await loop.create_future()
                finally:
                    self._group = None  # from now on, while drivers are being closed, a reload starts none
        finally:
            self._running.clear()
            stop()

    async def adopt(self, plant: Plant) -> Sequence[str]:
        """Go on with another plant whose rows fit the running one's (`server.config.renumber`); the table has them
        already. Connections that are the same in both are not touched; returns the names of the others, the new, the
        changed and the ended."""
        fresh = {name: one for name, one in plant.connections.items() if not _same(self._sources.get(name), one)}
        gone = [name for name in self._sources if name in fresh or name not in plant.connections]
        self._staleness.adopt(plant.tags)
        await asyncio.gather(*(self._end(name) for name in gone))
        self._sources = plant.connections
        for connection in fresh.values():
            at_work = self._add(connection)
            if self._group is not None:
                self._start(at_work, 0.0)
        return sorted({*fresh, *gone})

    def make_room(self, tags: Sequence[Tag]) -> None:
        """The table has rows for these tags now; no connection feeds those that are new."""
        self._staleness.adopt(tags)

    def can_read(self, row: int) -> bool:
        """Whether the row's device can be asked for its value (`read_rows`)."""
        return row in self._of_row and self._of_row[row].can_read

    def fault_of(self, row: int) -> Fault | None:
        """What was wrong with the latest that its device sent for a row and could not be used."""
        connection = self._of_row.get(row)
        return None if connection is None else connection.link.fault_of(row)

    async def write(self, row: int, value: object) -> None:
        """Write one value to the row's device and return when it has acknowledged. Raises `drivers.errors`; at once,
        with BadNoCommunication, while the device is known to be away. LookupError: no connection feeds the row."""
        await self._at(row).write(row, value)

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """Ask the devices of these rows for their values now, without committing them. Raises as `write`."""
        by_connection: dict[ConnectionAtWork, list[int]] = {}
        for row in rows:
            by_connection.setdefault(self._at(row), []).append(row)
        return Readings.concat([await connection.read_rows(own) for connection, own in by_connection.items()])

    def _create(self, connection: Connection, first_index: int) -> ConnectionAtWork:
        driver = driver_type(connection.driver).create(
            connection.name, connection.settings, bindings_of(connection.tags)
        )
        kept = connection.upkeep
        back_off = self._back_off or BackOff(kept.reconnect_first_s, kept.reconnect_last_s)
        probing = self._probing or Probing(kept.give_up_after, kept.probe_first_s, kept.probe_last_s)
        return ConnectionAtWork(
            connection, driver, self._table, self._intake, self._staleness, first_index, back_off, probing
        )

    def _add(self, connection: Connection) -> ConnectionAtWork:
        at_work = self._create(connection, self._slots)
        self._slots += len(at_work.slots)
        self._connections[connection.name] = at_work
        self._of_row.update(dict.fromkeys((tag.row for tag in connection.tags), at_work))
        if connection.upkeep.bad_after_s is not None:
            self._staleness.end_after(at_work.rows, connection.upkeep.bad_after_s)
        return at_work

    def _start(self, connection: ConnectionAtWork, delay_s: float) -> None:
        assert self._group is not None
        self._running[connection.name] = self._group.create_task(self._keep_running(connection, delay_s))

    async def _end(self, name: str) -> None:
        connection = self._connections.pop(name)
        task = self._running.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._staleness.forget(connection.rows)
        for row in connection.rows.tolist():
            del self._of_row[row]

    def _at(self, row: int) -> ConnectionAtWork:
        try:
            return self._of_row[row]
        except KeyError:
            raise LookupError(f"row {row} is fed by no connection") from None

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            self._staleness.sweep(loop.time())

    async def _keep_running(self, connection: ConnectionAtWork, delay_s: float) -> None:
        """A connection whose driver has a bug is started again, and does not take the others down."""
        await asyncio.sleep(delay_s)
        while True:
            (bug,) = await asyncio.gather(connection.run(self._started_s), return_exceptions=True)
            log.critical("%s: stopped by a bug, starting it again in %g s", connection.name, _RESTART_S, exc_info=bug)
            connection.link.last_error = LastError(now_ticks(), "Bug", repr(bug))
            await asyncio.sleep(_RESTART_S)


def _same(running: Connection | None, new: Connection) -> bool:
    """Whether nothing about a connection has changed that its driver knows."""
    return (
        running is not None
        and (running.driver, running.settings, running.upkeep) == (new.driver, new.settings, new.upkeep)
        and bindings_of(running.tags) == bindings_of(new.tags)
    )
