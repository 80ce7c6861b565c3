"""TagTable: the current value, quality and times of every tag, as columns by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from drivers.data_types import CELL_VIEW, WIRE, DataType
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.tags.feed import Feed

Committed = Callable[[Readings], None]
_BAD = np.uint32(0x80000000)


class CommitError(ValueError):
    """A batch that cannot be committed; nothing of it was."""


class TagTable:
    """Columns of n rows. Views of them are for reading only; `commit` and `mark` are the only ways to change them.

    value: uint64[n] cells (`drivers.data_types`). data_type: uint8[n] built-in type ids. array_length: int32[n], 0 for
    scalars. status: uint32[n]. source_ticks, server_ticks: int64[n]. version: int64[n], the number of the commit that
    touched the row last. has_value: bool[n], whether a row ever had one. side: what fits no cell, by row.
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
        self._in_side = ~np.isin(self.data_type, [int(kind) for kind in WIRE]) | (self.array_length > 0)
        self._any_side = bool(self._in_side.any())
        self._after: list[Committed] = []

    def __len__(self) -> int:
        return len(self.value)

    def commit(self, batch: Readings) -> int:
        """Take a batch over and return the commit's version; 50,000 rows take well under 2 ms.

        Raises CommitError, and changes nothing, when the columns differ in length or a row does not exist. Where a
        row occurs twice the later reading wins. A Bad reading keeps the row's last value.
        """
        self._refuse_wrong(batch)
        if not len(batch):
            return self.commits
        row = batch.row
        self.commits += 1
        bad = batch.status >= _BAD
        if bad.any():
            fresh = ~bad
            self.value[row[fresh]] = batch.value[fresh]
            self.has_value[row[fresh]] = True
        else:
            self.value[row] = batch.value
            self.has_value[row] = True
        for index, item in batch.side.items():
            if not bad[index]:
                self.side[int(row[index])] = item
        self.status[row] = batch.status
        self.source_ticks[row] = batch.source_ticks
        self.server_ticks[row] = self._clock()
        self.version[row] = self.commits
        self.readings += len(batch)
        for listener in self._after:
            listener(batch)
        return self.commits

    def mark(self, rows: npt.NDArray[np.int32], with_value: int, without_value: int) -> int:
        """Change the quality of rows and nothing else: value and SourceTimestamp stay those of the last reading.

        with_value: the status for rows that ever had a value (an Uncertain one keeps it readable); without_value: for
        the rest. Rows that show that status already are left alone. Returns how many changed.
        """
        status = np.where(self.has_value[rows], np.uint32(with_value), np.uint32(without_value))
        changed = self.status[rows] != status
        row = rows[changed]
        if len(row):
            side = (
                {index: self.side[int(r)] for index, r in enumerate(row) if int(r) in self.side}
                if self._any_side
                else {}
            )
            self.commit(Readings(row, self.value[row], status[changed], self.source_ticks[row], side))
        return len(row)

    def on_commit(self, listener: Committed) -> Callable[[], None]:
        """Call listener(batch) after each commit, on the committing thread; returns how to stop that."""
        self._after.append(listener)
        return lambda: self._after.remove(listener)

    def feed(self, name: str, capacity: int) -> tuple[Feed, Callable[[], None]]:
        """A feed of every committed batch from now on, and how to end it."""
        feed = Feed(name, capacity)
        return feed, self.on_commit(feed.push)

    def as_float(self, rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """Values of scalar numeric rows as float64, NaN where there is none or the type is not numeric."""
        cells = self.value[rows]
        kinds = self.data_type[rows]
        out = cells.view("<f8").copy()
        whole = (kinds < DataType.Float) | (kinds == DataType.DateTime)
        out[whole] = cells.view("<i8")[whole]
        large = (kinds == DataType.UInt64) & (cells > np.uint64(2**63 - 1))
        out[large] = cells[large]
        out[self._in_side[rows] | ~self.has_value[rows]] = np.nan
        return out

    def python_value(self, row: int) -> object:
        """One row's value as a Python bool, int or float, or what the side list holds; None when it never had one."""
        if not self.has_value[row]:
            return None
        if self._in_side[row]:
            return self.side.get(row)
        data_type = DataType(int(self.data_type[row]))
        value = self.value[row : row + 1].view(CELL_VIEW[data_type])[0]
        return bool(value) if data_type is DataType.Boolean else value.item()

    def _refuse_wrong(self, batch: Readings) -> None:
        count = len(batch.row)
        if not len(batch.value) == len(batch.status) == len(batch.source_ticks) == count:
            raise CommitError(
                f"columns differ in length: row {count}, value {len(batch.value)}, status {len(batch.status)}, "
                f"source_ticks {len(batch.source_ticks)}"
            )
        if count and (int(batch.row.min()) < 0 or int(batch.row.max()) >= len(self.value)):
            wrong = batch.row[(batch.row < 0) | (batch.row >= len(self.value))]
            raise CommitError(f"row {int(wrong[0])} does not exist; the table has rows 0 to {len(self.value) - 1}")
        if batch.side and not all(0 <= index < count for index in batch.side):
            raise CommitError(f"a side value belongs to no reading of this batch of {count}")
        if self._any_side and count:
            fresh = np.flatnonzero(self._in_side[batch.row] & (batch.status < _BAD))
            missing = [int(index) for index in fresh if int(index) not in batch.side]
            if missing:
                raise CommitError(f"row {int(batch.row[missing[0]])} holds text or an array, and the batch brings none")
