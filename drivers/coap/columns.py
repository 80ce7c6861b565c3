"""Gathers what payloads say about tags, in any order and type, and makes one batch of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drivers.data_types import DataType, has_cell, to_cells
from drivers.driver import Binding
from drivers.payload import Picked
from drivers.readings import Readings
from drivers.status import is_bad


class Columns:
    """Grows by one reading per `add` and becomes Readings with `batch`; used once."""

    def __init__(self) -> None:
        self._row: list[int] = []
        self._status: list[int] = []
        self._ticks: list[int] = []
        self._by_type: dict[DataType, tuple[list[int], list[object]]] = {}
        self._side: dict[int, object] = {}

    def add(self, binding: Binding, picked: Picked) -> None:
        """One reading; without a value where it is Bad."""
        index = len(self._row)
        self._row.append(binding.row)
        self._status.append(picked.status)
        self._ticks.append(picked.source_ticks)
        if is_bad(picked.status):
            return
        if binding.array_length or not has_cell(binding.data_type):
            self._side[index] = picked.value
            return
        indexes, values = self._by_type.setdefault(binding.data_type, ([], []))
        indexes.append(index)
        values.append(picked.value)

    def fail(self, bindings: Sequence[Binding], status: int, ticks: int) -> None:
        """The same Bad status for several tags."""
        for binding in bindings:
            self.add(binding, Picked(None, status, ticks))

    def batch(self) -> Readings:
        """All that was added, in order."""
        value = np.zeros(len(self._row), np.uint64)
        for data_type, (indexes, values) in self._by_type.items():
            value[indexes] = to_cells(values, data_type)  # type: ignore[arg-type]
        return Readings(
            np.array(self._row, np.int32),
            value,
            np.array(self._status, np.uint32),
            np.array(self._ticks, np.int64),
            self._side,
        )
