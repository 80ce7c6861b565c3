"""The recent past of all tags in memory, for analytics: committed batches as they came, put in order when asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.series import Series
from drivers.data_types import DataType, floats
from drivers.readings import Readings
from drivers.status import Status
from server.tags.table import TagTable

_SMALL: Final = 4096
"""Readings below which a batch is put together with others: an array costs more than a hundred readings."""
_TAIL_BATCHES: Final = 256
_BAD: Final = np.uint32(0x80000000)
_OLD: Final = (np.uint32(Status.UncertainLastUsableValue), np.uint32(Status.UncertainNoCommunicationLastUsableValue))


class Recent:
    """The last `capacity` readings of a table, 24 bytes each; the oldest make room.

    Keeping a batch costs the committing thread a few microseconds; `series` does the work and belongs in a thread
    (`asyncio.to_thread`).
    """

    def __init__(self, table: TagTable, capacity: int = 1_500_000) -> None:
        self.capacity = capacity
        self._table = table
        self._chunks: deque[Readings] = deque()
        self._tail: list[Readings] = []
        self._held = 0
        self._tail_held = 0
        self._lock = threading.Lock()
        self._stops = table.on_commit(self._push), table.on_backfill(self._push)

    def close(self) -> None:
        """Stop following the table."""
        for stop in self._stops:
            stop()

    def forget(self, rows: npt.NDArray[np.int32]) -> None:
        """Remove all readings of these rows. Thread-safe; whoever commits is not held up."""
        gone = np.zeros(len(self._table), np.bool_)
        gone[rows] = True
        with self._lock:
            if self._tail:
                self._chunks.append(Readings.concat(self._tail))
                self._tail, self._tail_held = [], 0
            before = list(self._chunks)
        after = {id(one): _without(one, gone) for one in before}
        with self._lock:
            kept = [after.get(id(one), one) for one in self._chunks]
            self._chunks = deque(one for one in kept if len(one))
            self._held = sum(map(len, self._chunks)) + self._tail_held

    def __len__(self) -> int:
        """Readings held."""
        return self._held

    def series(
        self, rows: Iterable[int], start_ticks: int | None = None, end_ticks: int | None = None
    ) -> Mapping[int, Series]:
        """The course of each of some numeric rows by SourceTimestamp, both ends inclusive; empty where it never spoke.

        A reading that is no measurement (Bad, or an Uncertain last usable value) is NaN with its status. Readings that
        came late stand in their place; one that came twice is there once. Thread-safe.
        """
        with self._lock:
            batches = [*self._chunks, *self._tail]
        wanted = np.zeros(len(self._table), np.bool_)
        ordered = list(rows)
        wanted[ordered] = True
        found = Readings.concat([_select(batch, wanted, start_ticks, end_ticks) for batch in batches])
        return self._by_row(found, ordered)

    def _push(self, batch: Readings) -> None:
        with self._lock:
            self._held += len(batch)
            self._tail.append(_without_side(batch))
            self._tail_held += len(batch)
            if self._tail_held >= _SMALL or len(self._tail) >= _TAIL_BATCHES:
                self._chunks.append(Readings.concat(self._tail))
                self._tail, self._tail_held = [], 0
            while self._held > self.capacity and len(self._chunks) > 1:
                self._held -= len(self._chunks.popleft())

    def _by_row(self, found: Readings, rows: list[int]) -> Mapping[int, Series]:
        order = np.lexsort((found.source_ticks, found.row))
        row, ticks = found.row[order], found.source_ticks[order]
        cells, status = found.value[order], found.status[order]
        fresh = np.ones(len(row), np.bool_)
        fresh[1:] = (row[1:] != row[:-1]) | (ticks[1:] != ticks[:-1]) | (cells[1:] != cells[:-1])
        row, ticks, cells, status = row[fresh], ticks[fresh], cells[fresh], status[fresh]
        kinds = self._table.data_type[row]
        values = floats(cells, kinds)
        values[kinds > DataType.Double] = np.nan
        values[~is_measured(status)] = np.nan
        low, high = np.searchsorted(row, rows, "left"), np.searchsorted(row, rows, "right")
        return {
            wanted: Series(ticks[first:last], values[first:last], status[first:last])
            for wanted, first, last in zip(rows, low, high, strict=True)
        }


def is_measured(status: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Whether values with these StatusCodes are measurements: neither Bad nor an Uncertain last usable value."""
    measured: npt.NDArray[np.bool_] = (status < _BAD) & ~np.isin(status & np.uint32(0xFFFF0000), _OLD)
    return measured


def _select(batch: Readings, wanted: npt.NDArray[np.bool_], start: int | None, end: int | None) -> Readings:
    keep = wanted[batch.row]
    if start is not None:
        keep &= batch.source_ticks >= start
    if end is not None:
        keep &= batch.source_ticks <= end
    return Readings(batch.row[keep], batch.value[keep], batch.status[keep], batch.source_ticks[keep])


def _without(batch: Readings, gone: npt.NDArray[np.bool_]) -> Readings:
    """The same batch where it has none of them."""
    keep = ~gone[batch.row]
    return batch if keep.all() else batch.take(np.flatnonzero(keep))


def _without_side(batch: Readings) -> Readings:
    """Text and arrays are not kept: nothing is computed from them, and they may be large."""
    return Readings(batch.row, batch.value, batch.status, batch.source_ticks) if batch.side else batch
