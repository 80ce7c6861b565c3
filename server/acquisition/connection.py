"""One configured connection at work: polls its groups, takes what it pushes, and keeps the quality of its rows true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import numpy as np

from drivers.driver import Driver, Polled, Pushed, Writable
from drivers.errors import Malformed, Refused
from drivers.link import BackOff, Link, LinkState
from drivers.readings import Readings
from drivers.status import Status
from server.acquisition.health import Probing
from server.acquisition.intake import Intake
from server.acquisition.polling import Polling
from server.acquisition.staleness import Staleness
from server.acquisition.units import Slot
from server.config.plant import Connection
from server.tags.table import CommitError, TagTable

log = logging.getLogger(__name__)


class ConnectionAtWork:
    """Runs the link of a connection, and on it the polling and a task for what is pushed.

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
        self._polled = driver if isinstance(driver, Polled) else None
        self._pushed = driver if isinstance(driver, Pushed) else None
        self._writable = driver if isinstance(driver, Writable) else None
        self._started_s = 0.0
        is_polled = self._polled is not None and len(self._polled.groups) > 0
        self.link = Link(connection.name, driver, back_off=back_off, proven_by_connect=not is_polled)
        self.link.on_change(self._follow)
        self._polling: Polling | None = None
        if self._polled is not None:
            renews = self._pushed is None
            self._polling = Polling(self._polled, self.link, intake, probing, first_index, renews, self._cannot_commit)
        commands = np.array([tag.row for tag in connection.tags if tag.command], np.int32)
        polled = self._polling.rows if self._polling is not None else np.empty(0, np.int32)
        staleness.expect(np.setdiff1d(self.rows, np.setdiff1d(commands, polled)))

    @property
    def slots(self) -> Sequence[Slot]:
        """Its poll groups and how they are polled."""
        return () if self._polling is None else self._polling.slots

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
        if self._polling is not None:
            self._polling.refuse_silent(row)
        await self.link.request(self._writable.write, row, value)

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """Ask for some rows now; raises like `write`."""
        if self._polled is None or self._polling is None:
            raise Refused(f"{self.name} cannot be asked, it speaks by itself", 0, Status.BadNotReadable)
        for row in rows:
            self._polling.refuse_silent(row)
        return await self.link.request(self._polled.read_rows, rows)

    def _follow(self, state: LinkState) -> None:
        if state is LinkState.Disconnected:
            self._mark_lost()

    def _mark_lost(self) -> None:
        self._intake.mark(self.rows, Status.UncertainNoCommunicationLastUsableValue, Status.BadNoCommunication)

    async def _serve(self) -> None:
        """All work on one connection; ended by the link."""
        if not self.link.renewed:
            if self._polling is not None:
                self._polling.connected_again()
            empty = self.rows[~self._table.has_value[self.rows]]
            self._intake.mark(empty, Status.UncertainInitialValue, Status.BadWaitingForInitialData)
        try:
            async with asyncio.TaskGroup() as work:
                if self._polling is not None:
                    self._polling.start(work, self._started_s)
                if self._pushed is not None:
                    work.create_task(self.link.observe(self._pushed, self._deliver), name=f"observe {self.name}")
        finally:
            self._mark_lost()  # once more: an answer may have come while the work was ending

    def _deliver(self, batch: Readings) -> None:
        try:
            self._intake.commit(batch)
        except CommitError as error:  # the driver's mistake, but what delivers must not raise
            self._cannot_commit(error)
        else:
            if not batch.past:
                self._staleness.expect(batch.row)

    def _cannot_commit(self, error: CommitError) -> None:
        log.error("%s: the driver delivered what cannot be committed: %s", self.name, error)
        self.link.note(Malformed(str(error)))
