"""TagTable: the current value, quality and times of every tag, as columns by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from drivers.data_types import CELL_VIEW, WIRE, DataType, floats
from drivers.readings import Readings, now_ticks
from drivers.status import Status, name
from server.tags.feed import Feed

Committed = Callable[[Readings], None]
_BAD = np.uint32(0x80000000)
_COLUMN_TYPES = (np.dtype(np.uint64), np.dtype(np.uint32), np.dtype(np.int64))
_COLUMNS = ("data_type", "array_length", "value", "status", "source_ticks", "server_ticks", "version", "has_value")


class CommitError(ValueError):
    """A batch that cannot be committed; nothing of it was."""


class TagTable:
    """Columns of n rows. Views of them are for reading only; `commit` and `mark` are the only ways to change them.

    value: uint64[n] cells (`drivers.data_types`). data_type: uint8[n] built-in type ids. array_length: int32[n], 0 for
    scalars. status: uint32[n]. source_ticks, server_ticks: int64[n]. version: int64[n], the number of the commit that
    touched the row last. has_value: bool[n], whether a row ever had one. in_side: bool[n], whether its values fit no
    cell and lie in side, by row.
    """

    def __init__(
        self,
        data_types: Sequence[int] | npt.NDArray[np.uint8],
        array_lengths: Sequence[int] | npt.NDArray[np.int32] | None = None,
        *,
        clock: Callable[[], int] = now_ticks,
    ) -> None:
        rows = len(data_types)
        self.data_type = np.asarray(data_types, np.uint8)
        self.array_length = np.zeros(rows, np.int32) if array_lengths is None else np.asarray(array_lengths, np.int32)
        self.value = np.zeros(rows, np.uint64)
        self.status = np.full(rows, Status.BadWaitingForInitialData, np.uint32)
        self.source_ticks = np.zeros(rows, np.int64)
        self.server_ticks = np.full(rows, clock(), np.int64)
        self.version = np.zeros(rows, np.int64)
        self.has_value = np.zeros(rows, np.bool_)
        self.side: dict[int, object] = {}
        self.commits = 0
        self.readings = 0
        self._clock = clock
        self._note_side()
        self._after: tuple[tuple[Committed], ...] = ()
        self._after_past: tuple[tuple[Committed], ...] = ()

    def __len__(self) -> int:
        return len(self.value)

    def grow(self, data_types: Sequence[int], array_lengths: Sequence[int]) -> None:
        """Add rows behind the last. The columns become new arrays: whoever keeps one across calls asks again."""
        fresh = TagTable(data_types, array_lengths, clock=self._clock)
        for column in _COLUMNS:
            setattr(self, column, np.concatenate([getattr(self, column), getattr(fresh, column)]))
        self._note_side()

    def _note_side(self) -> None:
        self.in_side = ~np.isin(self.data_type, [int(kind) for kind in WIRE]) | (self.array_length > 0)
        self._any_side = bool(self.in_side.any())

    def commit(self, batch: Readings) -> int:
        """Take a batch over and return the commit's version; 50,000 rows take well under 2 ms.

        Raises CommitError, and changes nothing, when the columns differ in length, one has not the type that
        `Readings` says, a row does not exist, or text and arrays are missing or too many. Where a row occurs twice the
        later reading wins. A Bad reading keeps the row's last value.
        """
        self._refuse_wrong(batch)
        if not len(batch):
            return self.commits
        row = batch.row.astype(np.intp)  # once instead of at every column
        self.commits += 1
        bad = batch.status >= _BAD
        if bad.any():
            fresh = ~bad
            self.value[row[fresh]] = batch.value[fresh]
            self.has_value[row[fresh]] = True
        else:
            self.value[row] = batch.value
            self.has_value[row] = True
        for index in sorted(batch.side):
            if not bad[index]:
                self.side[int(row[index])] = batch.side[index]
        self.status[row] = batch.status
        self.source_ticks[row] = batch.source_ticks
        self.server_ticks[row] = self._clock()
        self.version[row] = self.commits
        self.readings += len(batch)
        for (listener,) in self._after:  # a tuple: who is called may end its own or begin another subscription
            listener(batch)
        return self.commits

    def mark(self, rows: npt.NDArray[np.int32], with_value: int, without_value: int) -> int:
        """Change the quality of rows without a reading: the value stays that of the last one, and the SourceTimestamp
        tells when the quality changed (Part 4, 7.11.3).

        with_value: the status for rows that ever had a value (an Uncertain one keeps it readable); without_value: the
        Bad status for the rest. Rows that show that status already are left alone. Returns how many changed.
        """
        if without_value < _BAD:
            raise CommitError(f"rows without a value cannot be {name(without_value)}; they need a Bad status")
        status = np.where(self.has_value[rows], np.uint32(with_value), np.uint32(without_value))
        changed = self.status[rows] != status
        row = rows[changed]
        if len(row):
            ticks = np.full(len(row), self._clock(), np.int64)
            self.commit(Readings(row, self.value[row], status[changed], ticks, self._side_of(row)))
        return len(row)

    def vacate(self, rows: npt.NDArray[np.int32], status: int) -> None:
        """Nothing has these rows any more: they lose their value and show this Bad status, until something else of the
        same type gets them."""
        self.has_value[rows] = False
        self.value[rows] = 0
        for row in rows.tolist():
            self.side.pop(row, None)
        ticks = np.full(len(rows), self._clock(), np.int64)
        self.commit(Readings(rows, self.value[rows], np.full(len(rows), status, np.uint32), ticks))

    def on_commit(self, listener: Committed) -> Callable[[], None]:
        """Call listener(batch) after each commit, on the committing thread; returns how to stop that. A listener must
        not raise."""
        entry = (listener,)  # its own identity: the same listener may be there twice
        self._after = (*self._after, entry)

        def stop() -> None:
            self._after = tuple(one for one in self._after if one is not entry)

        return stop

    def backfill(self, batch: Readings) -> None:
        """Hand readings of the past to who keeps every value; what is current stays as it is. Raises CommitError as
        `commit` does."""
        self._refuse_wrong(batch)
        if len(batch):
            for (listener,) in self._after_past:
                listener(batch)

    def on_backfill(self, listener: Committed) -> Callable[[], None]:
        """Call listener(batch) for each batch of the past; returns how to stop that. A listener must not raise."""
        entry = (listener,)
        self._after_past = (*self._after_past, entry)

        def stop() -> None:
            self._after_past = tuple(one for one in self._after_past if one is not entry)

        return stop

    def feed(self, name: str, capacity: int) -> tuple[Feed, Callable[[], None]]:
        """A feed of every committed batch from now on, and how to end it."""
        feed = Feed(name, capacity)
        return feed, self.on_commit(feed.push)

    def current(self, rows: npt.NDArray[np.int32]) -> Readings:
        """What these rows show now: last value, status and source time; rows without a value have a Bad status."""
        return Readings(rows, self.value[rows], self.status[rows], self.source_ticks[rows], self._side_of(rows))

    def as_float(self, rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """Values of scalar numeric rows as float64, NaN where there is none or the type is not numeric."""
        out = floats(self.value[rows], self.data_type[rows])
        out[self.in_side[rows] | ~self.has_value[rows]] = np.nan
        return out

    def python_value(self, row: int) -> object:
        """One row's value as a Python bool, int or float, or what the side list holds; None when it never had one."""
        if not self.has_value[row]:
            return None
        if self.in_side[row]:
            return self.side.get(row)
        data_type = DataType(int(self.data_type[row]))
        value = self.value[row : row + 1].view(CELL_VIEW[data_type])[0]
        return bool(value) if data_type is DataType.Boolean else value.item()

    def _side_of(self, row: npt.NDArray[np.int32]) -> dict[int, object]:
        if not self._any_side:
            return {}
        held = np.flatnonzero(self.in_side[row] & self.has_value[row])
        return {index: self.side[int(row[index])] for index in held.tolist()}

    def _refuse_wrong(self, batch: Readings) -> None:
        row = batch.row
        columns = (batch.value, batch.status, batch.source_ticks)
        if row.ndim != 1 or any(column.shape != row.shape for column in columns):
            raise CommitError(
                f"columns differ in length: row {row.shape}, value {batch.value.shape}, "
                f"status {batch.status.shape}, source_ticks {batch.source_ticks.shape}"
            )
        if row.dtype.kind not in "iu" or tuple(column.dtype for column in columns) != _COLUMN_TYPES:
            raise CommitError(
                f"columns need the types int32, uint64, uint32, int64, and these are {row.dtype}, "
                f"{', '.join(str(column.dtype) for column in columns)}"
            )
        if len(row) and (int(row.min()) < 0 or int(row.max()) >= len(self.value)):
            wrong = row[(row < 0) | (row >= len(self.value))]
            raise CommitError(f"row {int(wrong[0])} does not exist; the table has rows 0 to {len(self.value) - 1}")
        if batch.side or self._any_side:
            self._refuse_wrong_side(batch)

    def _refuse_wrong_side(self, batch: Readings) -> None:
        for index in batch.side:
            if not 0 <= index < len(batch):
                raise CommitError(f"a side value belongs to no reading of this batch of {len(batch)}")
            if not self.in_side[batch.row[index]]:
                raise CommitError(f"row {int(batch.row[index])} holds a scalar, and the batch brings text or an array")
        for index in np.flatnonzero(self.in_side[batch.row] & (batch.status < _BAD)).tolist():
            if index not in batch.side:
                raise CommitError(f"row {int(batch.row[index])} holds text or an array, and the batch brings none")
