"""Committed readings that are not in the store yet: bounded, and what had to be dropped is counted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.readings import Readings, now_ticks
from server.history.on_change import OnChange
from server.tags.table import TagTable

PIECE: Final = 65_536
"""Readings that are held, and dropped, together; 32 bytes each."""


@dataclass(slots=True, eq=False)
class Piece:
    """Up to PIECE readings in the order of their commits; of each column the first `count` are in use."""

    row: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(PIECE, np.int32))
    cells: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty(PIECE, np.uint64))
    status: npt.NDArray[np.uint32] = field(default_factory=lambda: np.empty(PIECE, np.uint32))
    source_ticks: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(PIECE, np.int64))
    server_ticks: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(PIECE, np.int64))
    side: dict[int, object] = field(default_factory=dict)
    count: int = 0


class Intake:
    """Follows a table and keeps the readings of the wanted rows until they are drained, the latest `capacity` at most.

    lost: how many had to make room because nobody took them. Everything is called on the event loop's thread.
    """

    def __init__(self, table: TagTable, capacity: int) -> None:
        self.lost = 0
        self.waiting = 0
        self.oldest_ticks = np.iinfo(np.int64).max
        """The earliest SourceTimestamp among what is waiting."""
        self._most = max(1, capacity // PIECE)
        self._table = table
        self._wanted = np.zeros(len(table), np.bool_)
        self._on_change = OnChange(self._wanted)
        self._pieces: deque[Piece] = deque()
        self._stops = table.on_commit(self._push), table.on_backfill(self._push_past)

    def close(self) -> None:
        """Stop following the table."""
        for stop in self._stops:
            stop()

    def want(self, wanted: npt.NDArray[np.bool_], on_change: npt.NDArray[np.bool_] | None = None) -> None:
        """Keep the readings of the rows that are true here, from now on; of those that are true in on_change as well
        only what is new. Both have a place for every row of the table."""
        self._wanted = wanted
        self._on_change = OnChange(np.zeros(len(wanted), np.bool_) if on_change is None else on_change)

    def drain(self) -> list[Piece]:
        """All that is waiting, oldest first."""
        pieces = list(self._pieces)
        self._pieces.clear()
        self._count()
        return pieces

    def put_back(self, pieces: list[Piece]) -> None:
        """Hold what was drained once more, before all that came since; the oldest make room."""
        self._pieces.extendleft(reversed(pieces))
        self._make_room()
        self._count()

    def _push(self, batch: Readings) -> None:
        server_ticks = self._table.server_ticks[batch.row]
        keep = self._wanted[batch.row]
        self._keep(
            batch, server_ticks, self._on_change.thinned(keep, batch, server_ticks) if self._on_change.any else keep
        )

    def _push_past(self, batch: Readings) -> None:
        self._keep(batch, np.full(len(batch), now_ticks(), np.int64), self._wanted[batch.row])

    def _keep(self, batch: Readings, server_ticks: npt.NDArray[np.int64], keep: npt.NDArray[np.bool_]) -> None:
        if keep.all():
            self._take(batch, server_ticks)
        elif keep.any():
            side = {}
            if batch.side:
                place = np.cumsum(keep) - 1
                side = {int(place[index]): value for index, value in batch.side.items() if keep[index]}
            kept = Readings(batch.row[keep], batch.value[keep], batch.status[keep], batch.source_ticks[keep], side)
            self._take(kept, server_ticks[keep])

    def _take(self, batch: Readings, server_ticks: npt.NDArray[np.int64]) -> None:
        start, count = 0, len(batch)
        while start < count:
            piece = self._with_room()
            low, taken = piece.count, min(count - start, PIECE - piece.count)
            high, end = low + taken, start + taken
            piece.row[low:high] = batch.row[start:end]
            piece.cells[low:high] = batch.value[start:end]
            piece.status[low:high] = batch.status[start:end]
            piece.source_ticks[low:high] = batch.source_ticks[start:end]
            piece.server_ticks[low:high] = server_ticks[start:end]
            for index, value in batch.side.items():
                if start <= index < end:
                    piece.side[low + index - start] = value
            piece.count = high
            start = end
        if count:
            self.waiting += count
            self.oldest_ticks = min(self.oldest_ticks, int(batch.source_ticks.min()))

    def _with_room(self) -> Piece:
        if not self._pieces or self._pieces[-1].count == PIECE:
            self._pieces.append(Piece())
            self._make_room()
        return self._pieces[-1]

    def _make_room(self) -> None:
        while len(self._pieces) > self._most:
            dropped = self._pieces.popleft().count
            self.lost += dropped
            self.waiting -= dropped
            self._on_change.forget()  # what was new may be among the lost

    def _count(self) -> None:
        self.waiting = sum(piece.count for piece in self._pieces)
        oldest = [int(piece.source_ticks[: piece.count].min()) for piece in self._pieces if piece.count]
        self.oldest_ticks = min(oldest, default=np.iinfo(np.int64).max)
