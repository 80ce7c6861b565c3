"""Collects readings of pushed messages and turns them into one Readings batch, one array per column."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType, has_cell, to_cells
from drivers.readings import Readings

_BAD: Final = 0x80000000


class Column:
    """Readings of tags of one type, in order of arrival."""

    __slots__ = ("_blocks", "_data_type", "_rows", "_status", "_ticks", "_values")

    def __init__(self, data_type: DataType | None) -> None:
        self._data_type = data_type
        self._blocks: list[Readings] = []
        self._clear()

    def _clear(self) -> None:
        self._rows: list[int] = []
        self._values: list[object] = []
        self._status: list[int] = []
        self._ticks: list[int] = []

    def __len__(self) -> int:
        return len(self._rows) + len(self._blocks)

    def add(self, row: int, value: object, status: int, ticks: int) -> None:
        """One reading; the value is ignored where the status is Bad, else it must be within the type's range."""
        self._rows.append(row)
        self._values.append(value if status < _BAD else 0)
        self._status.append(status)
        self._ticks.append(ticks)

    def add_block(
        self, rows: npt.NDArray[np.int32], cells: npt.NDArray[np.uint64], status: npt.NDArray[np.uint32], ticks: int
    ) -> None:
        """Readings of one time that are arrays already. The arrays are kept as they are."""
        if self._rows:
            self._blocks.append(self._singles())
        self._blocks.append(Readings(rows, cells, status, np.full(len(rows), ticks, np.int64)))

    def take(self) -> list[Readings]:
        """What was added since the last call, in order."""
        if self._rows:
            self._blocks.append(self._singles())
        taken, self._blocks = self._blocks, []
        return taken

    def _singles(self) -> Readings:
        values, status = self._values, np.array(self._status, np.uint32)
        side: dict[int, object] = {}
        if self._data_type is None:
            cells = np.zeros(len(values), np.uint64)
            side = {index: value for index, value in enumerate(values) if self._status[index] < _BAD}
        else:
            cells = to_cells(values, self._data_type)  # type: ignore[arg-type]
        readings = Readings(np.array(self._rows, np.int32), cells, status, np.array(self._ticks, np.int64), side)
        self._clear()
        return readings


class Batch:
    """The columns of one batch, by type. past: of readings that are not the current values of their rows."""

    def __init__(self, past: bool = False) -> None:
        self._past = past
        self._columns: dict[DataType | None, Column] = {}

    def column(self, data_type: DataType, array_length: int) -> Column:
        """Where the readings of such a tag go, now and in all later batches; text, bytes and arrays share one."""
        key = data_type if has_cell(data_type) and not array_length else None
        return self._columns.setdefault(key, Column(key))

    def take(self) -> Readings | None:
        """Everything since the last call as one batch, None where there is nothing. Readings of a row keep their
        order."""
        parts = [part for column in self._columns.values() if len(column) for part in column.take()]
        if not parts:
            return None
        batch = Readings.concat(parts)
        return replace(batch, past=True) if self._past else batch
