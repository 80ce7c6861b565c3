"""Joins what many connections bring in one moment into one commit, and decodes it together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.packed import Packed, Shape
from drivers.readings import Readings
from drivers.status import Status
from server.tags.table import CommitError, TagTable

Failed = Callable[[CommitError], None]
Rows = npt.NDArray[np.int32]
PATIENCE_S: Final = 0.005
"""So long what has come waits for other polls that were begun already."""
_BAD = np.uint32(0x80000000)


class Intake:
    """Commits what it was given since the last time: a commit costs as much for one batch of 100 readings as for 25 of
    them together, as does decoding, and devices are polled 25 at a time.

    What came earlier is committed earlier. gone(rows): which of them no mark may change any more. under_way: how many
    polls were begun whose readings come together with those of others; who polls counts them.
    """

    def __init__(self, table: TagTable, gone: Callable[[Rows], npt.NDArray[np.bool_]] | None = None) -> None:
        self._table = table
        self._gone = gone
        self._waiting: list[tuple[Readings | Packed, Failed]] = []
        self.under_way = 0
        self._timer: asyncio.Handle | None = None
        self._soon = False

    def take(self, batch: Readings | Packed, failed: Failed) -> None:
        """Commit a batch in the next round, or one that is packed once no poll is under way any more and after
        PATIENCE_S at the latest; failed(error): it cannot be committed, the others are."""
        self._waiting.append((batch, failed))
        if not self.under_way or isinstance(batch, Readings):
            if not self._soon:
                self._soon = True
                asyncio.get_running_loop().call_soon(self.flush)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self.flush)

    def commit(self, batch: Readings) -> None:
        """Commit a batch now, after those that wait; one of the past goes to who keeps every value. Raises
        CommitError."""
        self.flush()
        if batch.past:
            self._table.backfill(batch)
        else:
            self._commit(batch)

    def mark(self, rows: Rows, with_value: int, without_value: int) -> None:
        """`TagTable.mark`, after what waits is committed; rows that are gone stay so."""
        self.flush()
        self._mark(rows, with_value, without_value)

    def flush(self) -> None:
        """Commit what waits."""
        self._soon = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            self._commit(Readings.concat(list(_decoded([batch for batch, _ in waiting]))))
        except CommitError:
            self._commit_one_by_one(waiting)

    def _commit_one_by_one(self, waiting: list[tuple[Readings | Packed, Failed]]) -> None:
        for batch, failed in waiting:
            try:
                self._commit(batch if isinstance(batch, Readings) else batch.shape.decode([batch]))
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
        self._mark(last_away, Status.UncertainNoCommunicationLastUsableValue, Status.BadNoCommunication)

    def _mark(self, rows: Rows, with_value: int, without_value: int) -> None:
        left = rows if self._gone is None else rows[~self._gone(rows)]
        self._table.mark(left, with_value, without_value)


def _decoded(batches: Sequence[Readings | Packed]) -> Iterator[Readings]:
    """The batches decoded, those of one shape together; readings of a row keep their order."""
    alike: dict[Shape, list[Packed]] = {}
    for batch in batches:
        if isinstance(batch, Packed):
            alike.setdefault(batch.shape, []).append(batch)
            continue
        yield from _unpacked(alike)
        alike = {}
        yield batch
    yield from _unpacked(alike)


def _unpacked(alike: dict[Shape, list[Packed]]) -> Iterator[Readings]:
    return (shape.decode(polls) for shape, polls in alike.items())


def _without(batch: Readings, which: npt.NDArray[np.bool_]) -> Readings:
    kept = np.flatnonzero(~which)
    place = {int(old): new for new, old in enumerate(kept)}
    side = {place[index]: value for index, value in batch.side.items() if index in place}
    return Readings(batch.row[kept], batch.value[kept], batch.status[kept], batch.source_ticks[kept], side)
