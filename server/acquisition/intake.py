"""Joins what many connections bring in one round of the event loop into one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from drivers.readings import Readings
from drivers.status import Status
from server.tags.table import CommitError, TagTable

Failed = Callable[[CommitError], None]
_BAD = np.uint32(0x80000000)


class Intake:
    """Commits what it was given since the last round. A commit costs as much for one batch of 100 readings as for 25 of
    them together, and devices are polled 25 at a time.

    What came earlier is committed earlier.
    """

    def __init__(self, table: TagTable) -> None:
        self._table = table
        self._waiting: list[tuple[Readings, Failed]] = []

    def take(self, batch: Readings, failed: Failed) -> None:
        """Commit a batch in the next round; failed(error): it cannot be committed, the others are."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.flush)
        self._waiting.append((batch, failed))

    def commit(self, batch: Readings) -> None:
        """Commit a batch now, after those that wait. Raises CommitError."""
        self.flush()
        self._commit(batch)

    def mark(self, rows: npt.NDArray[np.int32], with_value: int, without_value: int) -> None:
        """`TagTable.mark`, after what waits is committed."""
        self.flush()
        self._table.mark(rows, with_value, without_value)

    def flush(self) -> None:
        """Commit what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            self._commit(Readings.concat([batch for batch, _ in waiting]))
        except CommitError:
            self._commit_one_by_one(waiting)

    def _commit_one_by_one(self, waiting: list[tuple[Readings, Failed]]) -> None:
        for batch, failed in waiting:
            try:
                self._commit(batch)
            except CommitError as error:
                failed(error)

    def _commit(self, batch: Readings) -> None:
        """A device that is said to be away, by its last will or by a gateway before it, keeps its last values readable
        as one that does not answer does (decision 2)."""
        if not len(batch) or batch.status.max() < _BAD:
            self._table.commit(batch)
            return
        away = batch.status == Status.BadNoCommunication
        if not away.any():
            self._table.commit(batch)
            return
        self._table.commit(_without(batch, away))
        rows, backwards = np.unique(batch.row[::-1], return_index=True)
        last_away = rows[away[::-1][backwards]]  # not where a later reading of the same batch says otherwise
        self._table.mark(last_away, Status.UncertainNoCommunicationLastUsableValue, Status.BadNoCommunication)


def _without(batch: Readings, which: npt.NDArray[np.bool_]) -> Readings:
    kept = np.flatnonzero(~which)
    place = {int(old): new for new, old in enumerate(kept)}
    side = {place[index]: value for index, value in batch.side.items() if index in place}
    return Readings(batch.row[kept], batch.value[kept], batch.status[kept], batch.source_ticks[kept], side)
