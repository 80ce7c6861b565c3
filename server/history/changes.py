"""What HistoryUpdate does to the values of a tag: worked out on columns, and how what is superseded is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from server.history.columns import Columns
from server.history.store import UpdateKind

GOOD_ENTRY_INSERTED: Final = 0x00A20000
GOOD_ENTRY_REPLACED: Final = 0x00A30000
BAD_NO_ENTRY_EXISTS: Final = 0x80A00000
BAD_ENTRY_EXISTS: Final = 0x809F0000


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """statuses: by given value. gone: what is to be taken out; new: what comes in."""

    statuses: npt.NDArray[np.uint32]
    gone: Columns
    new: Columns


def changed_by(given: Columns, there: Columns, kind: UpdateKind) -> Change:
    """The effect of insert, replace or update on one tag's values (Part 11, 6.9.2).

    A value is replaced by time: all values of that time go. Where a time is given twice the last one counts, but for
    inserting, where the first one is there already when the second comes.
    """
    exists = np.isin(given.source_ticks, there.source_ticks)
    first, last = _firsts(given.source_ticks), _firsts(given.source_ticks[::-1])[::-1]
    if kind is UpdateKind.insert:
        taken = ~exists & first
        statuses = np.where(taken, GOOD_ENTRY_INSERTED, BAD_ENTRY_EXISTS)
    elif kind is UpdateKind.replace:
        taken = exists & last
        statuses = np.where(exists, GOOD_ENTRY_REPLACED, BAD_NO_ENTRY_EXISTS)
    else:
        taken = last
        statuses = np.where(exists | ~first, GOOD_ENTRY_REPLACED, GOOD_ENTRY_INSERTED)
    new = given.take(taken)
    return Change(statuses.astype(np.uint32), there.take(np.isin(there.source_ticks, new.source_ticks)), new)


def _firsts(values: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Where each value stands for the first time."""
    first = np.zeros(len(values), np.bool_)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def recorded(gone: Columns, kind: UpdateKind, user: str, modified_ticks: int) -> list[tuple[Any, ...]]:
    """Rows of (tag, source_ticks, server_ticks, cell as int64, status, side, modified_ticks, kind, user)."""
    columns = (gone.tag, gone.source_ticks, gone.server_ticks, gone.cells.view(np.int64), gone.status)
    side = [gone.side.get(key) for key in gone.cells.tolist()]
    return [
        (*row, data, modified_ticks, int(kind), user)
        for *row, data in zip(*(column.tolist() for column in columns), side, strict=True)
    ]


def recorded_columns(tag: int, rows: Sequence[Sequence[Any]]) -> Columns:
    """Columns of rows that begin with (source_ticks, server_ticks, cell as int64, status, side)."""
    source, server, cell, status, side = ([row[k] for row in rows] for k in range(5))
    cells = np.array(cell, np.int64).view(np.uint64)
    return Columns(
        np.full(len(rows), tag, np.int32),
        np.array(source, np.int64),
        np.array(server, np.int64),
        cells,
        np.array(status, np.uint32),
        {key: bytes(data) for key, data in zip(cells.tolist(), side, strict=True) if data is not None},
    )
