"""Tells how a part of the bridge fares (history, a publisher) in tags like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from drivers.data_types import CELL_VIEW, DataType, has_cell
from drivers.readings import Readings, now_ticks
from server.config.plant import Tag
from server.tags.table import TagTable

Figure = int | float | str


class FigureTags:
    """Tags of `Plant.services`, each of which is called as a figure is."""

    def __init__(self, tags: Sequence[Tag], table: TagTable) -> None:
        self._table = table
        self._tags = tags
        self._shown: dict[int, Figure] = {}

    def show(self, figures: Mapping[str, Figure]) -> None:
        """Commit those that changed, by name."""
        new = [(tag, figures[tag.name]) for tag in self._tags if self._shown.get(tag.row) != figures[tag.name]]
        if not new:
            return
        self._shown.update({tag.row: value for tag, value in new})
        cells = [_cell(value, tag.data_type) for tag, value in new]
        side = {index: value for index, (tag, value) in enumerate(new) if not has_cell(tag.data_type)}
        ticks = np.full(len(new), now_ticks(), np.int64)
        rows = np.array([tag.row for tag, _ in new], np.int32)
        self._table.commit(Readings(rows, np.array(cells, np.uint64), np.zeros(len(new), np.uint32), ticks, side))


def _cell(value: Figure, data_type: DataType) -> int:
    if isinstance(value, str):
        return 0
    return int(np.array([value], CELL_VIEW[data_type]).view(np.uint64)[0])
