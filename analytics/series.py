"""The course of one signal as columns, and putting several on common times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

TICKS_PER_SECOND: Final = 10_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """n readings of one signal, oldest first.

    ticks: int64[n], SourceTimestamps (100 ns since 1601, UTC). values: float64[n], NaN where the reading is Bad.
    status: uint32[n], StatusCodes.
    """

    ticks: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    status: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.ticks)

    @staticmethod
    def empty() -> Series:
        """A signal that never spoke."""
        return Series(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint32))

    def between(self, start_ticks: int, end_ticks: int) -> Series:
        """The readings from start (inclusive) to end (inclusive)."""
        low = int(np.searchsorted(self.ticks, start_ticks, "left"))
        high = int(np.searchsorted(self.ticks, end_ticks, "right"))
        return Series(self.ticks[low:high], self.values[low:high], self.status[low:high])


def begun_ticks(every: Iterable[Series], start_ticks: int, end_ticks: int) -> int:
    """The time of the first measurement of any at or after the start; the end where there is none."""
    firsts = [one.ticks[(one.ticks >= start_ticks) & np.isfinite(one.values)][:1] for one in every]
    return min((int(one[0]) for one in firsts if len(one)), default=end_ticks)


def hold(series: Series, at_ticks: npt.NDArray[np.int64], longest_s: float) -> npt.NDArray[np.float64]:
    """The value in force at each time: that of the last reading before, NaN where it is Bad or older than longest_s.

    at_ticks: int64[m]; returns float64[m].
    """
    if not len(series):
        return np.full(len(at_ticks), np.nan)
    last = np.searchsorted(series.ticks, at_ticks, "right") - 1
    known = np.maximum(last, 0)
    held = series.values[known]
    age = at_ticks - series.ticks[known]
    held[(last < 0) | (age > round(longest_s * TICKS_PER_SECOND))] = np.nan
    return held


def grid(start_ticks: int, end_ticks: int, step_s: float) -> npt.NDArray[np.int64]:
    """Times from start to at most end, step_s apart."""
    return np.arange(start_ticks, end_ticks + 1, max(1, round(step_s * TICKS_PER_SECOND)), dtype=np.int64)
