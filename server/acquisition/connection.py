"""One configured connection at work: polls its groups, takes what it pushes, and keeps the quality of its rows true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from drivers.driver import Driver, Polled, PollGroup, Pushed, Writable
from drivers.errors import ConnectFailed, DeviceTimeout, DriverError, LinkLost, Malformed, Refused, status_of
from drivers.link import BackOff, Link, LinkState
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from drivers.wheel import Wheel
from server.acquisition.health import WELL, Health, Probing, after_reconnect, after_timeout
from server.acquisition.intake import Intake
from server.acquisition.schedule import Grid, phase_s
from server.acquisition.staleness import Staleness
from server.config.plant import Connection
from server.tags.table import CommitError, TagTable

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Unit:
    """What falls silent together: one unit of a line, or the whole device. slots: how its groups are polled; the
    first of them does the probing while the unit is given up, the others wait for `back`."""

    name: str
    health: Health = WELL
    slots: list[Slot] = field(default_factory=list)
    back: asyncio.Event = field(default_factory=asyncio.Event)

    def rows(self) -> npt.NDArray[np.int32]:
        """All rows of the unit."""
        return np.concatenate([slot.group.rows for slot in self.slots])


@dataclass(slots=True, eq=False)
class Slot:
    """A poll group and its place in time. polls: requests made; missed: slots skipped because a poll took longer than
    the group's period."""

    group: PollGroup
    read: Callable[[PollGroup], Awaitable[Readings]]
    unit: Unit
    shift_s: float
    polls: int = 0
    missed: int = 0


class ConnectionAtWork:
    """Runs the link of a connection, and on it one task per poll group and one for what is pushed.

    first_index: number of poll groups of the connections before this one, so that all are spread together.
    """

    def __init__(
        self,
        connection: Connection,
        driver: Driver,
        table: TagTable,
        intake: Intake,
        staleness: Staleness,
        first_index: int,
        back_off: BackOff,
        probing: Probing,
    ) -> None:
        self.name = connection.name
        self.rows = np.array([tag.row for tag in connection.tags], np.int32)
        self._table = table
        self._intake = intake
        self._staleness = staleness
        self._probing = probing
        self._polled = driver if isinstance(driver, Polled) else None
        self._pushed = driver if isinstance(driver, Pushed) else None
        self._writable = driver if isinstance(driver, Writable) else None
        self._units: dict[str, Unit] = {}
        self.slots = self._plan_slots(first_index)
        self._unit_of_row = {int(row): slot.unit for slot in self.slots for row in slot.group.rows}
        self._sign_of_life = asyncio.Event()
        self._started_s = 0.0
        self.link = Link(connection.name, driver, back_off=back_off, proven_by_connect=not self.slots)
        self.link.on_change(self._follow)
        written_only = [tag.row for tag in connection.tags if tag.command and tag.row not in self._unit_of_row]
        staleness.expect(np.setdiff1d(self.rows, np.array(written_only, np.int32)))

    @property
    def can_read(self) -> bool:
        """Whether rows can be asked for."""
        return self._polled is not None

    async def run(self, started_s: float) -> None:
        """Work until cancelled. started_s: where the slots of all connections start, on the event loop's clock."""
        self._started_s = started_s
        await self.link.run(self._serve)

    async def write(self, row: int, value: object) -> None:
        """Write one value; raises what drivers raise, at once where the link is down or the unit was given up."""
        if self._writable is None:
            raise Refused(f"{self.name} takes no commands", 0, Status.BadNotWritable)
        self._refuse_silent(row)
        await self.link.request(self._writable.write, row, value)

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """Ask for some rows now; raises like `write`."""
        if self._polled is None:
            raise Refused(f"{self.name} cannot be asked, it speaks by itself", 0, Status.BadNotReadable)
        for row in rows:
            self._refuse_silent(row)
        return await self.link.request(self._polled.read_rows, rows)

    def _plan_slots(self, first_index: int) -> list[Slot]:
        if self._polled is None:
            return []
        for index, group in enumerate(self._polled.groups, first_index):
            unit = self._units.setdefault(group.unit, Unit(group.unit))
            unit.slots.append(Slot(group, self._polled.read, unit, phase_s(index, group.rate_s)))
        return [slot for unit in self._units.values() for slot in unit.slots]

    def _refuse_silent(self, row: int) -> None:
        unit = self._unit_of_row.get(row)
        if unit is not None and unit.health.given_up:
            raise ConnectFailed(f"{self._called(unit)} does not answer; it is asked every {unit.health.probe_s:g} s")

    def _called(self, unit: Unit) -> str:
        return f"{self.name}, {unit.name}" if unit.name else self.name

    def _follow(self, state: LinkState) -> None:
        if state is LinkState.Disconnected:
            self._mark_lost()

    def _mark_lost(self) -> None:
        self._intake.mark(self.rows, Status.UncertainNoCommunicationLastUsableValue, Status.BadNoCommunication)

    async def _serve(self) -> None:
        """All work on one connection; ended by the link."""
        if not self.link.renewed:
            for unit in self._units.values():
                unit.health = after_reconnect(unit.health, self._probing)
            empty = self.rows[~self._table.has_value[self.rows]]
            self._intake.mark(empty, Status.UncertainInitialValue, Status.BadWaitingForInitialData)
        try:
            async with asyncio.TaskGroup() as work:
                for slot in self.slots:
                    work.create_task(self._keep_polling(slot), name=f"poll {self.name}, {slot.group.key}")
                if self._pushed is not None:
                    work.create_task(self.link.observe(self._pushed, self._deliver), name=f"observe {self.name}")
        finally:
            self._mark_lost()  # once more: an answer may have come while the work was ending

    async def _keep_polling(self, slot: Slot) -> None:
        """Poll at once on a new connection, then on the grid; while the unit is given up only probe."""
        loop = asyncio.get_running_loop()
        clock, wheel = loop.time, Wheel.of(loop)
        grid = Grid(self._started_s + slot.shift_s, slot.group.rate_s)
        number: int | None = None
        while True:
            if slot.unit.health.given_up and slot is not slot.unit.slots[0]:
                await slot.unit.back.wait()
            if not await self._poll(slot):
                return
            if slot.unit.health.given_up:
                number = None
                await self._pause_before_probe(slot)
                continue
            number, missed = grid.next_slot(number, clock()) if number is not None else (grid.first_slot(clock()), 0)
            slot.missed += missed
            self.link.missed += missed
            await wheel.sleep_until(grid.due_s(number))

    async def _pause_before_probe(self, slot: Slot) -> None:
        """Only the unit's first group probes; at once when another given-up unit of the line answers; and where every
        unit is silent on a new connection, as the old one may be half open."""
        if slot is not slot.unit.slots[0]:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(slot.unit.health.probe_s):
                await self._sign_of_life.wait()
        if self._pushed is None and all(unit.health.given_up for unit in self._units.values()):
            self.link.renew()

    async def _poll(self, slot: Slot) -> bool:
        """One request of a group; False when the connection was lost with it."""
        slot.polls += 1
        given_up = slot.unit.health.given_up
        try:
            batch = await self.link.request(slot.read, slot.group)
        except DeviceTimeout as error:
            if slot.unit.health.given_up == given_up:  # else asked before another group's timeout made it so
                self._silent(slot, error)
            return True
        except (LinkLost, ConnectFailed):
            return False
        except DriverError as error:
            batch = Readings.uniform(slot.group.rows, status_of(error), now_ticks())
        if slot.unit.health is not WELL:
            self._answered(slot.unit)
        self._intake.take(batch, self._cannot_commit)
        return True

    def _silent(self, slot: Slot, error: DeviceTimeout) -> None:
        unit = slot.unit
        was_given_up = unit.health.given_up
        unit.health = after_timeout(unit.health, self._probing)
        unit.back.clear()
        if not unit.health.given_up:
            self._intake.mark(slot.group.rows, Status.UncertainLastUsableValue, Status.BadNoCommunication)
            return
        self._intake.mark(unit.rows(), Status.UncertainNoCommunicationLastUsableValue, Status.BadNoCommunication)
        if not was_given_up:
            self.link.silent_units += 1
            log.warning(
                "%s does not answer (%s); from now on it is only asked every %g to %g s",
                self._called(unit),
                error,
                self._probing.first_s,
                self._probing.last_s,
            )

    def _answered(self, unit: Unit) -> None:
        given_up = unit.health.given_up
        unit.health = WELL
        unit.back.set()
        if given_up:
            self.link.silent_units -= 1
            log.info("%s answers again", self._called(unit))
            self._sign_of_life.set()  # wakes who waits now
            self._sign_of_life.clear()

    def _deliver(self, batch: Readings) -> None:
        try:
            self._intake.commit(batch)
        except CommitError as error:  # the driver's mistake, but what delivers must not raise
            self._cannot_commit(error)
        else:
            self._staleness.expect(batch.row)

    def _cannot_commit(self, error: CommitError) -> None:
        log.error("%s: the driver delivered what cannot be committed: %s", self.name, error)
        self.link.note(Malformed(str(error)))
