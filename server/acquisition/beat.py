"""The usual polls of one group on one connection: from its grid by callbacks into the intake, without a task."""

from __future__ import annotations

import asyncio

from drivers.driver import GoOn
from drivers.link import Link, LinkState
from drivers.packed import Packed
from drivers.wheel import Wheel
from server.acquisition.health import WELL
from server.acquisition.intake import Failed, Intake
from server.acquisition.schedule import Grid
from server.acquisition.units import Begin, Slot

Unusual = tuple[float, GoOn]
"""When an exchange began, and what goes on with it."""


class Beat:
    """Keeps a slot's time. begin: the driver's, where it has one; failed: what a batch that cannot be committed is told
    to. A unit that is not well is polled by its task."""

    def __init__(
        self,
        slot: Slot,
        grid: Grid,
        begin: Begin | None,
        link: Link,
        intake: Intake,
        failed: Failed,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._slot = slot
        self._grid = grid
        self._begin = begin
        self._link = link
        self._intake = intake
        self._failed = failed
        self._clock = loop.time
        self._wheel = Wheel.of(loop)
        self._loop = loop
        self._number: int | None = None
        self._began_s = 0.0
        self._woken: asyncio.Future[Unusual | None]

    def restart(self) -> None:
        """The last poll was out of turn."""
        self._number = None

    async def until_unusual(self) -> Unusual | None:
        """Poll from the next slot on until a poll is not as usual: one that is to go on, or None for one that is due
        and has not begun."""
        self._woken = self._loop.create_future()
        self._wait_for_next(self._clock())
        return await self._woken

    def _wait_for_next(self, now_s: float) -> None:
        if self._number is None:
            self._number = self._grid.first_slot(now_s)
        else:
            self._number, missed = self._grid.next_slot(self._number, now_s)
            if missed:
                self._slot.missed += missed
                self._link.missed += missed
        self._wheel.call_exactly_at(self._grid.due_s(self._number), self._poll)

    def _poll(self) -> None:
        if self._woken.done():  # cancelled with the connection
            return
        slot, begin = self._slot, self._begin
        if begin is not None and slot.unit.health is WELL and self._link.state is LinkState.Connected:
            self._began_s = self._clock()
            self._intake.under_way += 1
            if begin(slot.group, self._take):
                self._link.requests += 1
                slot.polls += 1
                return
            self._intake.under_way -= 1
        self._woken.set_result(None)

    def _take(self, came: Packed | GoOn) -> None:
        """What came of the poll."""
        self._intake.under_way -= 1
        if self._woken.done():
            return
        if not isinstance(came, Packed):
            self._woken.set_result((self._began_s, came))
            return
        now_s = self._clock()
        self._link.succeed(now_s - self._began_s)
        self._intake.take(came, self._failed)
        self._wait_for_next(now_s)
