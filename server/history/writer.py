"""The one writer of a history store: opens it, gives it what came, keeps it within bounds, and says how it fares."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.readings import TICKS_PER_SECOND, now_ticks
from server.config.history_spec import PostgresSpec
from server.history.intake import Piece
from server.history.kept import Kept
from server.history.open_store import open_store
from server.history.store import Block, HistoryStore, StoreError, StoreFigures

TEND_S: Final = 10.0
"""How often old values are looked for."""
_TIDY_S: Final = 0.2
_BAD: Final = np.uint32(0x80000000)
_log = logging.getLogger(__name__)


class HistoryState(IntEnum):
    """off: the plant has no section `history`. stopped: the store takes nothing, and is tried again every second."""

    off = 0
    writing = 1
    stopped = 2


class Writer:
    """Called from one thread; the properties, `number` and `opened` may be read from any.

    state; error: why it is stopped, "" otherwise; figures: how much there is; write_time_ticks: of the latest value
    batch that became durable; write_s: how long that took.
    """

    def __init__(self, opener: Callable[[PostgresSpec | None, Path], HistoryStore] = open_store) -> None:
        self.state = HistoryState.off
        self.error = ""
        self.figures = StoreFigures(0, 0, 0)
        self.write_ticks = 0
        self.write_s = 0.0
        self._opener = opener
        self._store: HistoryStore | None = None
        self._kept: Kept | None = None
        self._numbers = np.empty(0, np.int32)
        self._tended = 0.0

    def knows(self, kept: Kept) -> bool:
        """Whether the store is open for these tags."""
        return kept is self._kept

    def opened(self) -> HistoryStore:
        """The store. Raises StoreError when there is none."""
        if self._store is None:
            raise StoreError(self.error or "no values are kept: the plant file has no section history")
        return self._store

    def number(self, row: int) -> int:
        """The number of a row's tag in the store. Raises StoreError for a row that is not historized."""
        number = int(self._numbers[row]) if row < len(self._numbers) else -1
        if number < 0:
            raise StoreError(self.error or "no values of this tag are kept: see history in the plant file")
        return number

    def write(self, kept: Kept, pieces: list[Piece]) -> None:
        """Store what came, durably. Raises StoreError when that failed; then nothing of it is stored."""
        try:
            if kept is not self._kept:
                self._open(kept)
            if self._store is not None and pieces:
                began = time.perf_counter()
                self._store.append(_block(pieces, self._numbers))
                self.write_s, self.write_ticks = time.perf_counter() - began, now_ticks()
        except StoreError as error:
            self._stop(error)
            raise
        if self._store is not None:
            self._go_on()

    def tend(self) -> None:
        """Put what was written in order; every TEND_S forget what is too old or too much, and count what there is."""
        if self._store is None or self._kept is None or self._kept.settings is None:
            return
        try:
            self._store.tidy(_TIDY_S)
            if time.monotonic() - self._tended >= TEND_S:
                self._tended = time.monotonic()
                settings = self._kept.settings
                oldest = now_ticks() - round(settings.age_s * TICKS_PER_SECOND) if settings.age_s else 0
                self._store.retain(oldest, settings.size_bytes)
                self.figures = self._store.figures()
        except StoreError as error:
            self._stop(error)

    def close(self) -> None:
        """Let go of the store."""
        store, self._store, self._kept = self._store, None, None
        self._numbers = np.empty(0, np.int32)
        self.state = HistoryState.off
        if store is not None:
            store.close()

    def _open(self, kept: Kept) -> None:
        if self._store is None or self._kept is None or not _same_place(kept, self._kept):
            self.close()
            if kept.settings is not None:
                self._store = self._opener(kept.settings.postgres, kept.file)
        if self._store is not None:
            numbers = np.full(len(kept.wanted), -1, np.int32)
            numbers[kept.rows] = self._store.tag_ids(kept.names)
            self._numbers = numbers
        self._kept = kept

    def _stop(self, error: StoreError) -> None:
        if self.state is not HistoryState.stopped:
            _log.error("history stopped: %s", error)
        self.state, self.error = HistoryState.stopped, str(error)

    def _go_on(self) -> None:
        if self.state is HistoryState.stopped:
            _log.warning("history goes on")
        self.state, self.error = HistoryState.writing, ""


def _same_place(kept: Kept, other: Kept) -> bool:
    return _place(kept) == _place(other)


def _place(kept: Kept) -> tuple[object, ...]:
    return () if kept.settings is None else (kept.settings.postgres or kept.file,)


def _block(pieces: list[Piece], numbers: npt.NDArray[np.int32]) -> Block:
    """What came, without the tags that are not kept any more, and without a value where the status is Bad."""
    side, start = {}, 0
    for piece in pieces:
        side.update({start + index: value for index, value in piece.side.items()})
        start += piece.count
    tag = numbers[np.concatenate([piece.row[: piece.count] for piece in pieces])]
    status = np.concatenate([piece.status[: piece.count] for piece in pieces])
    cells = np.concatenate([piece.cells[: piece.count] for piece in pieces])
    source = np.concatenate([piece.source_ticks[: piece.count] for piece in pieces])
    server = np.concatenate([piece.server_ticks[: piece.count] for piece in pieces])
    cells[status >= _BAD] = 0
    side = {index: value for index, value in side.items() if status[index] < _BAD}
    known = tag >= 0
    if not known.all():
        place = np.cumsum(known) - 1
        side = {int(place[index]): value for index, value in side.items() if known[index]}
        tag, source, server, cells, status = (one[known] for one in (tag, source, server, cells, status))
    return Block(tag, source, server, cells, status, side)
