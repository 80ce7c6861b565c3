"""Readings: what a driver says about many tags at once, as columns, and the clock they are stamped with."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

TICKS_PER_SECOND: Final = 10_000_000
UNIX_EPOCH_TICKS: Final = 116_444_736_000_000_000
"""1970-01-01 in OPC UA ticks (100 ns since 1601-01-01 UTC)."""


def now_ticks() -> int:
    """The wall clock as OPC UA ticks, UTC."""
    return time.time_ns() // 100 + UNIX_EPOCH_TICKS


def ticks_from_unix(seconds: float) -> int:
    """OPC UA ticks of a Unix time in seconds."""
    return round(seconds * TICKS_PER_SECOND) + UNIX_EPOCH_TICKS


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """A batch of n readings as four columns and a side list.

    row: int32[n], rows of the tag table. value: uint64[n], cells as `drivers.data_types` lays them out.
    status: uint32[n], OPC UA StatusCodes. source_ticks: int64[n], SourceTimestamps (100 ns since 1601, UTC).
    side: what fits no cell (text, bytes, arrays), by the index in this batch; its cell is ignored.
    A reading whose status is Bad carries no value: its cell is ignored and the table keeps the last one.
    past: they are what a device kept while it could not say so; none of them is the current value of its row.
    The maker hands the arrays over and does not change them afterwards.
    """

    row: npt.NDArray[np.int32]
    value: npt.NDArray[np.uint64]
    status: npt.NDArray[np.uint32]
    source_ticks: npt.NDArray[np.int64]
    side: Mapping[int, object] = field(default_factory=dict)
    past: bool = False

    def __len__(self) -> int:
        return len(self.row)

    def take(self, index: npt.NDArray[np.intp]) -> Readings:
        """The readings at these places, in that order, with what stands in the side list."""
        side = {}
        if self.side:
            side = {new: self.side[old] for new, old in enumerate(index.tolist()) if old in self.side}
        return Readings(self.row[index], self.value[index], self.status[index], self.source_ticks[index], side)

    @staticmethod
    def uniform(rows: npt.ArrayLike, status: int, ticks: int) -> Readings:
        """The same status and time for all rows, without values: how a driver says that something failed."""
        row = np.asarray(rows, np.int32)
        return Readings(
            row,
            np.zeros(len(row), np.uint64),
            np.full(len(row), status, np.uint32),
            np.full(len(row), ticks, np.int64),
        )

    @staticmethod
    def concat(parts: Sequence[Readings]) -> Readings:
        """Several batches as one, in order; none of the past, or all."""
        if len(parts) == 1:
            return parts[0]
        side: dict[int, object] = {}
        start = 0
        for part in parts:
            side.update({start + index: value for index, value in part.side.items()})
            start += len(part)
        return Readings(
            np.concatenate([part.row for part in parts] or [np.empty(0, np.int32)]),
            np.concatenate([part.value for part in parts] or [np.empty(0, np.uint64)]),
            np.concatenate([part.status for part in parts] or [np.empty(0, np.uint32)]),
            np.concatenate([part.source_ticks for part in parts] or [np.empty(0, np.int64)]),
            side,
            bool(parts) and parts[0].past,
        )
