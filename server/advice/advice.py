"""Advice flows back to the plant: proposals, who applies them, and what they save."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from drivers.readings import now_ticks
from server.advice.advising import Advising
from server.advice.applying import Applying
from server.advice.autopilot import OPTIMIZE, Autopilot
from server.advice.board import Board
from server.advice.desk import Desk
from server.advice.modes import Modes
from server.advice.notices import Notices
from server.advice.proposals import ProposalBook
from server.advice.saving import Ask, Savings
from server.analysis.jobs import JobRecord
from server.analysis.managing import Asked, Outcome
from server.commands.executor import Commands
from server.config.plant import Plant
from server.tags.table import TagTable


class Advice:
    """All parts of it. folder: where it is kept. ask: runs a function on a twin to its end."""

    def __init__(
        self,
        plant: Plant,
        table: TagTable,
        commands: Commands,
        folder: Path,
        ask: Ask,
        clock: Callable[[], int] = now_ticks,
    ) -> None:
        self.notices = Notices()
        self.book = ProposalBook(folder / "proposals.json", clock)
        self.modes = Modes(plant, folder / "modes.json", self.notices, clock)
        self._applying = Applying(plant, table, commands)
        self.savings = Savings(folder / "savings.json", self._applying, ask, lambda: self.modes.twins, clock)
        self._desk = Desk(self.book, self.modes, self._applying, self.savings, self.notices)
        self.autopilot = Autopilot(folder / "autopilot.json", self.modes, self._desk, self._applying, ask)
        self.functions: Mapping[str, Callable[[Asked], Awaitable[Outcome]]] = Advising(
            self._desk, self.book, self.modes, self.savings
        ).functions
        self._board = Board(table, self.book, self.modes, self.savings)
        commands.on_audit(self.autopilot.note)

    async def open(self) -> None:
        """Read what was kept."""
        for part in (self.book, self.modes, self.savings, self.autopilot):
            await part.open()
        self._board.show_all()

    def adopt(self, plant: Plant) -> None:
        """Go on with another plant, whose rows fit the table."""
        self._applying.adopt(plant)
        self.modes.adopt(plant)
        self._board.show_all()

    async def run(self) -> None:
        """Act where that is allowed, and count what is saved, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.autopilot.run(), name="autopilot")
            tasks.create_task(self.savings.run(), name="savings")

    async def stop(self) -> None:
        """End what is under way well, and write down what is not yet."""
        await self._desk.stop()
        for part in (self.book, self.modes, self.savings, self.autopilot):
            await part.flush()

    def finish(self, job: JobRecord, own: list[Any]) -> list[Any]:
        """The own results of a function that has ended well; OptimizeSetpoints leaves a proposal."""
        if job.function.name != OPTIMIZE or job.twin not in self.modes.twins:  # a scenario is no plant
            return own
        names = [one.name for one in job.function.own]
        said = dict(zip(names, own, strict=True))
        if list(said["Current"]) == list(said["Proposed"]):
            return own
        proposal = self.book.add(job.twin, job.caller.user.name, said)
        return [proposal.id if name == "ProposalId" else one for name, one in zip(names, own, strict=True)]
