"""How much a meter has told up to any time: counters with resets and rollovers, and flows summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.process.stations import Meter
from analytics.series import TICKS_PER_SECOND, Series

Ticks = npt.NDArray[np.int64]
Column = npt.NDArray[np.float64]
_RESET: Final = 0.5
"""A counter that falls below this share of what it showed was reset; one that falls less was corrected by hand."""
_NEAR: Final = 0.1
"""How near to its end, as a share of all it can show, a counter rolls over."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """ticks: int64[n] with the total so far, and the seconds so far in which it was known, straight in between.
    resets, corrections: how often a counter began anew, or was set back a little (counted as nothing)."""

    ticks: Ticks
    total: Column
    known_s: Column
    resets: int = 0
    corrections: int = 0

    def at(self, ticks: npt.NDArray[np.int64]) -> Column:
        """The total at times; what lies before the first reading and after the last counts as nothing."""
        return self._straight(ticks, self.total)

    def between(self, edges: npt.NDArray[np.int64]) -> Column:
        """float64[n - 1]: amounts between edges that follow one another."""
        return np.diff(self.at(edges))

    def known_between(self, edges: npt.NDArray[np.int64]) -> Column:
        """float64[n - 1]: seconds between edges in which it was known."""
        return np.diff(self._straight(edges, self.known_s))

    def _straight(self, ticks: npt.NDArray[np.int64], of: Column) -> Column:
        if not len(self.ticks):
            return np.zeros(len(ticks))
        origin = self.ticks[0]
        there: Column = np.interp((ticks - origin).astype(np.float64), (self.ticks - origin).astype(np.float64), of)
        return there


def course(series: Series, meter: Meter, longest_s: float) -> Course:
    """What a meter has told. longest_s: between two readings that far apart or more nothing is known; a counter then
    still tells how much it was, but not when, and a flow nothing."""
    return _flow(series, meter, longest_s) if meter.per_s else _counter(series, meter, longest_s)


def _counter(series: Series, meter: Meter, longest_s: float) -> Course:
    known = np.isfinite(series.values)
    ticks, values = series.ticks[known], series.values[known]
    if not len(ticks):
        return Course(ticks, values, values)
    steps, before = np.diff(values), values[:-1]
    fell = steps < 0
    rolled = fell & (before > (1 - _NEAR) * meter.rolls_at) & (values[1:] < _NEAR * meter.rolls_at)
    reset = fell & ~rolled & (values[1:] <= _RESET * before)
    steps = np.where(rolled, steps + meter.rolls_at, np.where(reset, values[1:], np.maximum(steps, 0.0)))
    ticks = np.append(ticks, ticks[-1] + round(longest_s * TICKS_PER_SECOND))  # the last one holds as long as any
    seconds = np.diff(ticks) / TICKS_PER_SECOND
    return Course(
        ticks,
        np.concatenate([[0.0], np.cumsum(steps), [steps.sum()]]) * meter.factor,
        np.concatenate([[0.0], np.cumsum(np.where(seconds <= longest_s, seconds, 0.0))]),
        int(reset.sum()),
        int((fell & ~rolled & ~reset).sum()),
    )


def _flow(series: Series, meter: Meter, longest_s: float) -> Course:
    """A reading holds until the next one, at most longest_s."""
    if not len(series):
        return Course(series.ticks, series.values, series.values)
    longest = round(longest_s * TICKS_PER_SECOND)
    gaps = np.diff(series.ticks, append=series.ticks[-1] + longest)
    held = np.minimum(gaps, longest)
    known = np.isfinite(series.values)
    seconds = np.where(known, held, 0) / TICKS_PER_SECOND
    amounts = np.where(known, series.values, 0.0) * seconds * (meter.factor / meter.per_s)
    ends = series.ticks + held
    ticks = np.column_stack([series.ticks, ends]).reshape(-1)
    total, known_s = np.cumsum(amounts), np.cumsum(seconds)
    return Course(ticks, _stairs(total), _stairs(known_s))


def _stairs(sums: Column) -> Column:
    """Sums up to the end of each reading as sums at its begin and at its end."""
    return np.column_stack([np.concatenate([[0.0], sums[:-1]]), sums]).reshape(-1)
