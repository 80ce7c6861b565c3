"""History: what the bridge, the services and the analytics know of the past. Reads see what was committed up to now.

The loop never waits for a disk: one thread writes, once a second; reads run in threads of their own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from analytics.series import Series
from drivers.readings import TICKS_PER_SECOND, now_ticks
from server.config.diagnostics import HISTORY
from server.config.history import HistorySettings
from server.config.plant import Plant
from server.history.back_fill import Fill
from server.history.course import course, series_of
from server.history.intake import Intake, Piece
from server.history.kept import Kept, kept_of
from server.history.store import HistoryStore, Modified, Samples, StoreError, UpdateKind
from server.history.writer import HistoryState, Writer
from server.tags.figure_tags import Figure, FigureTags
from server.tags.table import TagTable

PERIOD_S: Final = 1.0
CAPACITY: Final = 1_000_000
"""Readings that wait in memory (32 MB) while the store takes none."""
LEAD_S: Final = 7 * 86_400.0
LEAD: Final = 32
"""How far back a last measurement is looked for, in time and in values: beyond it would mean to look through years."""
_log = logging.getLogger(__name__)
ALWAYS: Final = (-(2**63), 2**63 - 1)
T = TypeVar("T")


class History:
    """The history of a plant's tags, by row of the table. Nothing is opened before `run`.

    folder: where the embedded store lies when the plant file says nothing else. Without a section `history` no row is
    historized. Every call that needs the store raises StoreError, with a message for people, when it cannot be reached
    or does not do what is asked.
    """

    def __init__(self, plant: Plant, table: TagTable, folder: Path, *, capacity: int = CAPACITY) -> None:
        self._table, self._folder = table, folder
        self._intake = Intake(table, capacity)
        self._writer = Writer()
        self._turn = asyncio.Lock()
        self._ended = False
        self._late: list[tuple[Kept, list[Piece]]] = []
        """What came before the plant changed."""
        self._thread = ThreadPoolExecutor(1, "ThreadPoolExecutor-history")
        self.adopt(plant)

    @property
    def settings(self) -> HistorySettings | None:
        """The section `history`; None when the plant file has none."""
        return self._kept.settings

    @property
    def lost(self) -> int:
        """Values that could not be kept since the start."""
        return self._intake.lost

    @property
    def oldest_ticks(self) -> int:
        """SourceTimestamp of the oldest value, 0 when there is none."""
        return self._writer.figures.oldest_ticks

    @property
    def writer(self) -> Writer:
        """How the writing goes: state, why it stopped, figures."""
        return self._writer

    def historized(self, row: int) -> bool:
        """Whether the values of a row are kept."""
        return row < len(self._kept.wanted) and bool(self._kept.wanted[row])

    def adopt(self, plant: Plant) -> None:
        """Keep the values of this plant's tags from the next commit on; call it before rows that are new get values."""
        if pieces := self._intake.drain():
            self._late.append((self._kept, pieces))
        self._kept: Kept = kept_of(plant, self._folder)
        self._intake.want(self._kept.wanted, self._kept.on_change)
        self._tags = FigureTags(plant.services.get(HISTORY, ()), self._table)

    def make_room(self) -> None:
        """The table has grown by rows whose values are not kept."""
        more = (0, len(self._table) - len(self._kept.wanted))
        self._intake.want(np.pad(self._kept.wanted, more), np.pad(self._kept.on_change, more))

    async def run(self) -> None:
        """Write once a second until cancelled; then what is left, and close."""
        try:
            while True:
                began = time.monotonic()
                await self._flush()
                await self._in_writer(self._writer.tend)
                self._tags.show(self._figures())
                await asyncio.sleep(max(0.0, PERIOD_S - (time.monotonic() - began)))
        finally:
            await asyncio.shield(asyncio.ensure_future(self._end()))

    async def read(
        self, row: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True
    ) -> Samples:
        """As `HistoryStore.read`: both ends inclusive."""
        await self._flush_before(end_ticks)
        return await self._ask(row, lambda store, tag: store.read(tag, start_ticks, end_ticks, limit, forward=forward))

    async def before(self, row: int, ticks: int) -> Samples:
        """The last value before (exclusive) that time; empty where there is none."""
        await self._flush_before(ticks)
        return await self._ask(row, lambda store, tag: store.read(tag, ALWAYS[0], ticks - 1, 1, forward=False))

    async def after(self, row: int, ticks: int) -> Samples:
        """The first value after (exclusive) that time; empty where there is none."""
        await self._flush_before(ALWAYS[1])
        return await self._ask(row, lambda store, tag: store.read(tag, ticks + 1, ALWAYS[1], 1))

    async def modified(
        self, row: int, start_ticks: int, end_ticks: int, limit: int = 0, *, forward: bool = True
    ) -> Modified:
        """As `HistoryStore.modified`: superseded and deleted values."""
        return await self._ask(
            row, lambda store, tag: store.modified(tag, start_ticks, end_ticks, limit, forward=forward)
        )

    async def update(self, row: int, samples: Samples, kind: UpdateKind, user: str) -> npt.NDArray[np.uint32]:
        """Insert, replace or update values; the StatusCode of each (Part 11, 6.9)."""
        await self._flush_before(ALWAYS[1])
        ticks = now_ticks()
        return await self._change(row, lambda store, tag: store.update(tag, samples, kind, user, ticks))

    async def delete(self, row: int, start_ticks: int, end_ticks: int, user: str) -> int:
        """Delete the values from start (inclusive) to end (exclusive); how many there were."""
        await self._flush_before(ALWAYS[1])
        ticks = now_ticks()
        return await self._change(row, lambda store, tag: store.delete(tag, start_ticks, end_ticks, user, ticks))

    async def fill(self, fill: Fill) -> None:
        """Store values that a person brings; they go to their place in time."""
        await self._flush_before(ALWAYS[1])
        store = self._writer.opened()
        await self._in_writer(lambda: store.append(fill.block_for(store)))

    async def series(
        self, rows: Iterable[int], start_ticks: int | None = None, end_ticks: int | None = None, pieces: int = 0
    ) -> Mapping[int, Series]:
        """The course of each of some numeric rows, as `server.history.recent.Recent.series` gives it. pieces: see
        `server.history.course`."""
        start = ALWAYS[0] if start_ticks is None else start_ticks
        end = ALWAYS[1] if end_ticks is None else end_ticks
        await self._flush_before(end)
        asked = [(row, self._writer.number(row)) for row in rows]
        store = self._writer.opened()
        return await asyncio.to_thread(lambda: {row: course(store, tag, start, end, pieces) for row, tag in asked})

    async def latest_before(self, rows: Iterable[int], ticks: int) -> Mapping[int, Series]:
        """The last measurement before that time of each of some numeric rows; empty where there is none in LEAD_S, or
        where more than LEAD values came after it that are none."""
        await self._flush_before(ticks)
        asked = [(row, self._writer.number(row)) for row in rows]
        store, start = self._writer.opened(), ticks - round(LEAD_S * TICKS_PER_SECOND)

        def latest(tag: int) -> Series:
            found = series_of(store.read(tag, start, ticks - 1, LEAD, forward=False))
            last = np.flatnonzero(np.isfinite(found.values))[:1]
            return Series(found.ticks[last], found.values[last], found.status[last])

        return await asyncio.to_thread(lambda: {row: latest(tag) for row, tag in asked})

    async def _ask(self, row: int, question: Callable[[HistoryStore, int], T]) -> T:
        return await asyncio.to_thread(question, self._writer.opened(), self._writer.number(row))

    async def _change(self, row: int, change: Callable[[HistoryStore, int], T]) -> T:
        store, tag = self._writer.opened(), self._writer.number(row)
        return await self._in_writer(lambda: change(store, tag))

    async def _flush_before(self, ticks: int) -> None:
        """So that a read up to that time sees everything."""
        if self._writer.state is HistoryState.stopped:
            return  # it is tried again every second
        if self._intake.oldest_ticks <= ticks or self._late or not self._writer.knows(self._kept):
            await self._flush()

    async def _flush(self) -> None:
        async with self._turn:
            if self._ended:
                raise StoreError("the history is closed: the bridge stops")
            late, self._late = self._late, []
            for kept, pieces in (*late, (self._kept, self._intake.drain())):
                try:
                    await self._in_writer(partial(self._writer.write, kept, pieces))
                except StoreError:
                    self._intake.put_back(pieces)

    async def _in_writer(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _end(self) -> None:
        self._intake.close()
        await self._flush()
        if self._intake.waiting and self.settings is not None:
            _log.error("%d values are lost: %s", self._intake.waiting, self._writer.error)
        async with self._turn:
            self._ended = True
            await self._in_writer(self._writer.close)
        self._thread.shutdown()

    def _figures(self) -> Mapping[str, Figure]:
        writer, figures = self._writer, self._writer.figures
        return {
            "State": int(writer.state),
            "LastError": writer.error,
            "StoredValues": figures.values,
            "LostValues": self.lost,
            "WaitingValues": self._intake.waiting,
            "Bytes": figures.bytes,
            "OldestValue": figures.oldest_ticks,
            "WriteTime": round(1000.0 * writer.write_s, 3),
        }
