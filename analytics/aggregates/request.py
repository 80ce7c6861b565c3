"""What every aggregate computes from: the values, the intervals, and where the one lie in the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.aggregates import status
from analytics.aggregates.intervals import Intervals, Ticks
from analytics.aggregates.status import AggregateConfiguration, Codes, Flags
from analytics.series import TICKS_PER_SECOND, Series

RESOLUTION_TICKS: Final = TICKS_PER_SECOND // 1000
"""The time resolution of Part 13, 5.4.2.4: 1 ms, as in its examples. The last value of all lasts that long."""

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Severities = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One aggregate of m intervals, the earliest first.

    ticks: int64[m] timestamps. values: float64[m], NaN where null. codes: uint32[m]. picked: intp[m], which value of
    the series was taken as it is, -1 where the result was computed.
    """

    ticks: Ticks
    values: Values
    codes: Codes
    picked: Places


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """n values, oldest first, and m intervals. An aggregate needs one value at least.

    raw: uint8[n] severities as they stand; severity: the same with Uncertain as Bad where the configuration says so.
    at: intp[m + 1] positions of the intervals among the values.
    """

    ticks: Ticks
    values: Values
    codes: Codes
    intervals: Intervals
    config: AggregateConfiguration
    stepped: bool
    raw: Severities = field(init=False)
    severity: Severities = field(init=False)
    at: Places = field(init=False)

    def __post_init__(self) -> None:
        raw = status.severity(self.codes)
        object.__setattr__(self, "raw", raw)
        as_bad = np.uint8(2 if self.config.treat_uncertain_as_bad else 1)
        object.__setattr__(self, "severity", np.where(raw == 1, as_bad, raw))
        object.__setattr__(self, "at", self.intervals.positions(self.ticks))

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many values each interval holds."""
        return np.diff(self.at).astype(np.int64)

    @property
    def outside(self) -> Flags:
        """Which intervals lie wholly before the first value or after the last one."""
        outside: Flags = (self.at[1:] == 0) | (self.at[:-1] == len(self.ticks))
        return outside

    @property
    def partial(self) -> Flags:
        """Which intervals are not complete (Part 13, 5.3.3.2): data begins or ends in them, or they are the rest."""
        low, high = self.intervals.low, self.intervals.high
        first, last = self.ticks[0], self.ticks[-1]
        partial: Flags = ((low < first) & (first <= high)) | ((low <= last) & (last < high))
        if self.intervals.short >= 0:
            partial[self.intervals.short] = True
        return partial & ~self.outside

    def per_interval(self, where: Flags) -> npt.NDArray[np.int64]:
        """How many of the n values marked so each interval holds."""
        total = np.concatenate(([0], np.cumsum(where)))
        return np.diff(total[self.at]).astype(np.int64)

    def finish(self, values: Values, codes: Codes, bits: int = status.CALCULATED, *, partial: bool = True) -> Outcome:
        """Computed values at the starts of their intervals: null and without bits outside the data, null where Bad."""
        return self.finish_at(self.intervals.starts, values, codes, bits, partial=partial)

    def finish_at(
        self,
        ticks: Ticks,
        values: Values,
        codes: Codes,
        bits: int = 0,
        *,
        picked: Places | None = None,
        partial: bool = True,
    ) -> Outcome:
        """The same with timestamps of their own. Bad_NoData takes no bits but Partial."""
        nothing = codes == status.BAD_NO_DATA
        if bits:
            codes = status.with_bits(codes, bits, ~nothing)
        if partial:
            codes = status.with_bits(codes, status.PARTIAL, self.partial)
        codes = np.where(self.outside, np.uint32(status.BAD_NO_DATA), codes)
        bad = codes >= np.uint32(status.BAD)
        taken = np.full(len(codes), -1, np.intp) if picked is None else np.where(bad, -1, picked)
        return Outcome(
            np.where(self.outside, self.intervals.starts, ticks), np.where(bad, np.nan, values), codes, taken
        )


def reduced(function: np.ufunc, column: Values, at: Places) -> Values:
    """The figure of column[at[i] : at[i + 1]] for each of m intervals, NaN where that is empty: float64[m]."""
    some = np.diff(at) > 0
    result = np.full(len(some), np.nan)
    if some.any():
        result[some] = function.reduceat(column[: at[-1]], at[:-1][some])
    return result


def request_of(
    series: Series, intervals: Intervals, config: AggregateConfiguration, *, stepped: bool, numeric: bool
) -> Request:
    """A request; numeric: a value that is no finite number counts as Bad."""
    values, codes = series.values, series.status
    if numeric:
        finite = np.isfinite(values)
        values = np.where(finite, values, np.nan)
        codes = np.where(~finite & (codes < status.BAD), np.uint32(status.BAD), codes)
    return Request(series.ticks, values, codes, intervals, config, stepped)
