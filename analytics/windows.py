"""Cuts the courses of signals into windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from analytics.features import Windows
from analytics.series import TICKS_PER_SECOND, Series

_CELLS = 200_000
"""Most values of one matrix, 1.6 MB: what fits into a cache is worked off twice as fast, and a long memory in parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """m = signals x windows pieces of all signals laid end to end: values and ticks, [low, high) of each piece; the
    windows of the first signal come first."""

    values: npt.NDArray[np.float64]
    ticks: npt.NDArray[np.int64]
    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.low)

    def matrices(self, timed: bool = True) -> Iterator[Windows]:
        """The pieces in order, as matrices that fit the memory. timed: whether `seconds` will be asked for."""
        width = int((self.high - self.low).max(initial=0))
        rows = max(1, _CELLS // max(width, 1))
        for first in range(0, len(self.low), rows):
            yield self._matrix(self.low[first : first + rows], self.high[first : first + rows], width, timed)

    def _matrix(self, low: npt.NDArray[np.intp], high: npt.NDArray[np.intp], width: int, timed: bool) -> Windows:
        if width and (high - low == width).all():
            values = sliding_window_view(self.values, width)[low]
            if not timed:
                return Windows(values, values)
            ticks = sliding_window_view(self.ticks, width)[low]
            return Windows(values, (ticks - ticks[:, :1]) / TICKS_PER_SECOND)
        at = low[:, None] + np.arange(width)
        inside = at < high[:, None]
        at = np.minimum(at, max(len(self.values) - 1, 0))
        values = np.where(inside, self.values[at], np.nan)
        if not timed:
            return Windows(values, values)
        origin = self.ticks[np.minimum(low, max(len(self.ticks) - 1, 0))] if len(self.ticks) else low
        return Windows(values, (self.ticks[at] - origin[:, None]) / TICKS_PER_SECOND)


def window_ends(start_ticks: int, end_ticks: int, window_s: float, step_s: float) -> npt.NDArray[np.int64]:
    """When windows of that length end, step_s apart, none beyond the interval. window_s 0: one window, all of it.
    step_s 0: windows that follow one another."""
    if window_s == 0:
        return np.array([end_ticks], np.int64)
    window = round(window_s * TICKS_PER_SECOND)
    step = round((step_s or window_s) * TICKS_PER_SECOND)
    return np.arange(start_ticks + window, end_ticks + 1, step, dtype=np.int64)


def cut(series: Sequence[Series], ends: npt.NDArray[np.int64], length_ticks: int) -> Cuts:
    """The pieces (end - length, end] of every signal."""
    low, high, offset = [], [], 0
    for one in series:
        low.append(np.searchsorted(one.ticks, ends - length_ticks, "right") + offset)
        high.append(np.searchsorted(one.ticks, ends, "right") + offset)
        offset += len(one)
    nothing = np.empty(0, np.intp)
    return Cuts(
        np.concatenate([one.values for one in series] or [np.empty(0)]),
        np.concatenate([one.ticks for one in series] or [np.empty(0, np.int64)]),
        np.concatenate(low or [nothing]),
        np.concatenate(high or [nothing]),
    )
