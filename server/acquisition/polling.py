"""Polls the groups of one connection on schedule, and gives up and probes the units that fall silent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from drivers.driver import Polled, Prompt
from drivers.errors import ConnectFailed, DeviceTimeout, DriverError, LinkLost, status_of
from drivers.link import Link
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.acquisition.beat import Beat, Unusual
from server.acquisition.health import WELL, Probing, after_reconnect, after_timeout
from server.acquisition.intake import Failed, Intake
from server.acquisition.schedule import Grid, phase_s
from server.acquisition.units import Slot, Unit

log = logging.getLogger(__name__)


class Polling:
    """One task per poll group while the connection lasts; it sleeps as long as all is as usual (`Beat`).

    first_index: number of poll groups of the connections before this one, so that all are spread together. renews:
    whether a new connection may help where every unit is silent. failed: what a batch that cannot be committed is
    told to.
    """

    def __init__(
        self,
        driver: Polled,
        link: Link,
        intake: Intake,
        probing: Probing,
        first_index: int,
        renews: bool,
        failed: Failed,
    ) -> None:
        self._driver = driver
        self._begin = driver.begin if isinstance(driver, Prompt) else None
        self._link = link
        self._intake = intake
        self._probing = probing
        self._renews = renews
        self._failed = failed
        self._units: dict[str, Unit] = {}
        for index, group in enumerate(driver.groups, first_index):
            unit = self._units.setdefault(group.unit, Unit(group.unit))
            unit.slots.append(Slot(group, unit, phase_s(index, group.rate_s)))
        self.slots: Sequence[Slot] = [slot for unit in self._units.values() for slot in unit.slots]
        self._unit_of_row = {int(row): slot.unit for slot in self.slots for row in slot.group.rows}
        self._sign_of_life = asyncio.Event()

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """All rows that are polled."""
        return np.fromiter(self._unit_of_row, np.int32, len(self._unit_of_row))

    def refuse_silent(self, row: int) -> None:
        """Raises ConnectFailed for a row whose unit is given up."""
        unit = self._unit_of_row.get(row)
        if unit is not None and unit.health.given_up:
            raise ConnectFailed(f"{self._called(unit)} does not answer; it is asked every {unit.health.probe_s:g} s")

    def connected_again(self) -> None:
        """What was given up may have come back."""
        for unit in self._units.values():
            unit.health = after_reconnect(unit.health, self._probing)

    def start(self, work: asyncio.TaskGroup, started_s: float) -> None:
        """Poll all groups until their tasks are cancelled or the connection is lost. started_s: where the slots of all
        connections start."""
        for slot in self.slots:
            work.create_task(self._keep_polling(slot, started_s), name=f"poll {self._link.name}, {slot.group.key}")

    def _called(self, unit: Unit) -> str:
        return f"{self._link.name}, {unit.name}" if unit.name else self._link.name

    async def _keep_polling(self, slot: Slot, started_s: float) -> None:
        """Poll at once on a new connection, then on the grid; while the unit is given up only probe."""
        grid = Grid(started_s + slot.shift_s, slot.group.rate_s)
        beat = Beat(slot, grid, self._begin, self._link, self._intake, self._failed)
        unusual: Unusual | None = None
        while True:
            if unusual is None and slot.unit.health.given_up and slot is not slot.unit.slots[0]:
                await slot.unit.back.wait()
            if not await self._poll(slot, unusual):
                return
            if slot.unit.health.given_up:
                unusual = None
                beat.restart()
                await self._pause_before_probe(slot)
            else:
                unusual = await beat.until_unusual()

    async def _pause_before_probe(self, slot: Slot) -> None:
        """Only the unit's first group probes; at once when another given-up unit of the line answers; and where every
        unit is silent on a new connection, as the old one may be half open."""
        if slot is not slot.unit.slots[0]:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(slot.unit.health.probe_s):
                await self._sign_of_life.wait()
        if self._renews and all(unit.health.given_up for unit in self._units.values()):
            self._link.renew()

    async def _poll(self, slot: Slot, unusual: Unusual | None) -> bool:
        """One request of a group, or the rest of one; False when the connection was lost with it."""
        given_up = slot.unit.health.given_up and unusual is None
        try:
            if unusual is not None:
                began_s, go_on = unusual
                batch = await self._link.finish(began_s, go_on())
            else:
                slot.polls += 1
                batch = await self._link.request(self._driver.read, slot.group)
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
        self._intake.take(batch, self._failed)
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
            self._link.silent_units += 1
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
            self._link.silent_units -= 1
            log.info("%s answers again", self._called(unit))
            self._sign_of_life.set()  # wakes who waits now
            self._sign_of_life.clear()
