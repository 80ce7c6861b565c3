"""What models say, by name, as one batch of readings for the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from drivers.data_types import DataType, to_cells, value_range
from drivers.readings import Readings
from drivers.status import Status
from server.config.plant import Tag

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


class Columns:
    """tags: by the names that models have for them; other names go nowhere. The order of the names hardly ever changes,
    so where each goes is worked out once."""

    def __init__(self, tags: Mapping[str, Tag]) -> None:
        self._tags = tags
        self._names: tuple[str, ...] = ()
        self._places: Places = np.empty(0, np.intp)
        self._rows = np.empty(0, np.int32)
        self._of_type: list[tuple[DataType, Places]] = []

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """Those of the latest readings."""
        return self._rows

    def readings(self, names: Sequence[str], values: Floats, ticks: int) -> Readings:
        """Good readings of that time. values: float64[n], one a name, in the units of the tags."""
        if tuple(names) != self._names:
            self._plan(tuple(names))
        given = values[self._places]
        cells = np.empty(len(given), np.uint64)
        for data_type, places in self._of_type:
            cells[places] = to_cells(_fitting(given[places], data_type), data_type)
        count = len(given)
        return Readings(self._rows, cells, np.full(count, Status.Good, np.uint32), np.full(count, ticks, np.int64))

    def _plan(self, names: tuple[str, ...]) -> None:
        found = [(place, self._tags[name]) for place, name in enumerate(names) if name in self._tags]
        self._names = names
        self._places = np.array([place for place, _ in found], np.intp)
        self._rows = np.array([tag.row for _, tag in found], np.int32)
        kinds = np.array([int(tag.data_type) for _, tag in found], np.uint8)
        self._of_type = [(DataType(int(kind)), np.flatnonzero(kinds == kind)) for kind in np.unique(kinds)]


def _fitting(values: Floats, data_type: DataType) -> npt.NDArray[np.generic]:
    """As a tag of this type can hold them: whole numbers are rounded, what is too large is the largest."""
    if data_type is DataType.Boolean:
        return values > 0.5
    low, high = value_range(data_type) or (-np.inf, np.inf)
    return np.clip(values if data_type in (DataType.Float, DataType.Double) else np.rint(values), low, high)
