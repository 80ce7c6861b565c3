"""Features of many windows at once, in plain numpy: what an edge computer can afford every second.

What tsfresh has too bears its name and has its value (ddof 0 for the standard deviation, bias-corrected skewness and
kurtosis); NaN values are left out, and a window without enough of them gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Column = npt.NDArray[np.float64]
_NO_TIME: Final = 1e-15
"""Square seconds of deviation that rounding leaves of readings at one time; a tick later would be 10 times as much."""


class Measured(Protocol):
    """What the features are computed from: a float64[m] each, of m windows.

    m2, m3, m4: sums of powers of the deviations from the mean. magnitude: sum of absolute values. travel: sum of
    absolute changes. time_m2, time_value: sums of squared deviations from the mean time, and of their products with
    those of the values. NaN, or anything where count is 0.
    """

    @property
    def count(self) -> Column: ...
    @property
    def mean(self) -> Column: ...
    @property
    def m2(self) -> Column: ...
    @property
    def m3(self) -> Column: ...
    @property
    def m4(self) -> Column: ...
    @property
    def minimum(self) -> Column: ...
    @property
    def maximum(self) -> Column: ...
    @property
    def energy(self) -> Column: ...
    @property
    def magnitude(self) -> Column: ...
    @property
    def travel(self) -> Column: ...
    @property
    def first(self) -> Column: ...
    @property
    def last(self) -> Column: ...
    @property
    def time_m2(self) -> Column: ...
    @property
    def time_value(self) -> Column: ...


@dataclass
class Windows:
    """m windows of up to n samples. values: float64[m, n] in time order, NaN where there is no sample or a Bad one.
    seconds: float64[m, n], the time of each sample since the first of its window; any number where values has none."""

    values: Matrix
    seconds: Matrix

    @cached_property
    def present(self) -> npt.NDArray[np.bool_]:
        return ~np.isnan(self.values)

    @cached_property
    def complete(self) -> bool:
        """Whether no sample is missing: then nothing has to be masked."""
        return bool(self.present.all())

    @cached_property
    def count(self) -> Column:
        counts: Column = self.present.sum(1).astype(np.float64)
        return counts

    @cached_property
    def filled(self) -> Matrix:
        """0 where there is nothing."""
        return self.values if self.complete else np.where(self.present, self.values, 0.0)

    @cached_property
    def mean(self) -> Column:
        average: Column = self.filled.sum(1) / self.count
        return average

    @cached_property
    def deviations(self) -> Matrix:
        off: Matrix = self.values - self.mean[:, None]
        return off if self.complete else np.where(self.present, off, 0.0)

    @cached_property
    def squares(self) -> Matrix:
        return self.deviations * self.deviations

    @cached_property
    def m2(self) -> Column:
        """Sum of squared deviations; exactly 0 where all values are the same."""
        total: Column = self.squares.sum(1)
        total[self.maximum == self.minimum] = 0.0
        return total

    @cached_property
    def minimum(self) -> Column:
        return self.of_any(np.fmin.reduce(self.values, axis=1, initial=np.inf))

    @cached_property
    def maximum(self) -> Column:
        return self.of_any(np.fmax.reduce(self.values, axis=1, initial=-np.inf))

    @cached_property
    def energy(self) -> Column:
        return self.of_any(_dot(self.filled, self.filled))

    @cached_property
    def sorted(self) -> Matrix:
        """Ascending, NaN at the end."""
        return np.sort(self.values, axis=1)

    @cached_property
    def compact(self) -> Matrix:
        """In time order without gaps: present samples first, NaN after them."""
        if self.complete:
            return self.values
        order = np.argsort(~self.present, axis=1, kind="stable")
        return np.take_along_axis(self.values, order, axis=1)

    @cached_property
    def m3(self) -> Column:
        return _dot(self.squares, self.deviations)

    @cached_property
    def m4(self) -> Column:
        return _dot(self.squares, self.squares)

    @cached_property
    def magnitude(self) -> Column:
        total: Column = np.abs(self.filled).sum(1)
        return total

    @cached_property
    def travel(self) -> Column:
        changes = self.compact[:, 1:] - self.compact[:, :-1]
        np.abs(changes, out=changes)
        total: Column = (changes if self.complete else np.nan_to_num(changes)).sum(1)
        return total

    @cached_property
    def first(self) -> Column:
        return self._at(np.zeros(len(self.values), np.intp))

    @cached_property
    def last(self) -> Column:
        return self._at(np.maximum(self.count.astype(np.intp) - 1, 0))

    @cached_property
    def _times(self) -> Matrix:
        mean = np.where(self.present, self.seconds, 0.0).sum(1) / self.count
        return np.where(self.present, self.seconds - mean[:, None], 0.0)

    @cached_property
    def time_m2(self) -> Column:
        if self.complete:  # a first sample is at 0, so that this is no difference of large numbers
            spread: Column = _dot(self.seconds, self.seconds) - self.seconds.sum(1) ** 2 / self.count
            return spread
        return _dot(self._times, self._times)

    @cached_property
    def time_value(self) -> Column:
        return _dot(self.seconds if self.complete else self._times, self.deviations)

    @cached_property
    def crossings(self) -> Column:
        """How often the values cross their mean."""
        above = self.compact > self.mean[:, None]
        changed = above[:, 1:] != above[:, :-1]
        if not self.complete:
            changed &= ~np.isnan(self.compact[:, 1:])
        total: Column = changed.sum(1).astype(np.float64)
        return total

    def quantile(self, q: float) -> Column:
        """Linear between the neighbours, as numpy's default."""
        if not self.values.shape[1]:
            return np.full(len(self.values), np.nan)
        position = q * np.maximum(self.count - 1.0, 0.0)
        low = np.floor(position).astype(np.intp)
        high = np.minimum(low + 1, np.maximum(self.count.astype(np.intp) - 1, 0))
        rows = np.arange(len(self.values))
        below, above = self.sorted[rows, low], self.sorted[rows, high]
        result: Column = below + (above - below) * (position - low)
        return result

    def of_any(self, column: Column) -> Column:
        """NaN where a window has no value."""
        column[self.count == 0] = np.nan
        return column

    def _at(self, places: npt.NDArray[np.intp]) -> Column:
        if not self.values.shape[1]:
            return np.full(len(self.values), np.nan)
        column: Column = self.compact[np.arange(len(self.values)), places]
        return column


def _dot(a: Matrix, b: Matrix) -> Column:
    """Row by row."""
    products: Column = np.vecdot(a, b)
    return products


def _skewness(w: Measured) -> Column:
    n = w.count
    return np.where(n >= 3, n * np.sqrt(n - 1) / (n - 2) * w.m3 / w.m2**1.5, np.nan)


def _kurtosis(w: Measured) -> Column:
    """Excess over the normal distribution's 3."""
    n = w.count
    scale = n * (n + 1) * (n - 1) / ((n - 2) * (n - 3))
    return np.where(n >= 4, scale * w.m4 / w.m2**2 - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)), np.nan)


def _rms(w: Measured) -> Column:
    return np.sqrt(w.energy / w.count)


def _absolute_maximum(w: Measured) -> Column:
    return np.maximum(np.abs(w.minimum), np.abs(w.maximum))


MERGEABLE: Final[dict[str, Callable[[Measured], Column]]] = {
    "length": lambda w: w.count,
    "mean": lambda w: w.mean,
    "standard_deviation": lambda w: np.sqrt(w.m2 / w.count),
    "variance": lambda w: w.m2 / w.count,
    "minimum": lambda w: w.minimum,
    "maximum": lambda w: w.maximum,
    "peak_to_peak": lambda w: w.maximum - w.minimum,
    "root_mean_square": _rms,
    "abs_energy": lambda w: w.energy,
    "absolute_maximum": _absolute_maximum,
    "skewness": _skewness,
    "kurtosis": _kurtosis,
    "slope": lambda w: np.where(w.time_m2 > _NO_TIME * w.count, w.time_value / w.time_m2, np.nan),
    "mean_change": lambda w: (w.last - w.first) / (w.count - 1),
    "mean_abs_change": lambda w: w.travel / (w.count - 1),
    "absolute_sum_of_changes": lambda w: w.travel,
    "variation_coefficient": lambda w: np.sqrt(w.m2 / w.count) / w.mean,
    "crest_factor": lambda w: _absolute_maximum(w) / _rms(w),
    "shape_factor": lambda w: _rms(w) / (w.magnitude / w.count),
    "first": lambda w: w.first,
    "last": lambda w: w.last,
}
"""Features that follow from what is known of the parts of a window. slope: least squares, per second."""
ORDERED: Final[dict[str, Callable[[Windows], Column]]] = {
    "median": lambda w: w.quantile(0.5),
    "quantile__q_0.05": lambda w: w.quantile(0.05),
    "quantile__q_0.25": lambda w: w.quantile(0.25),
    "quantile__q_0.75": lambda w: w.quantile(0.75),
    "quantile__q_0.95": lambda w: w.quantile(0.95),
    "mean_crossings": lambda w: w.crossings,
}
"""Features that need all values of a window side by side."""
EDGE: Final[dict[str, Callable[[Windows], Column]]] = {**MERGEABLE, **ORDERED}
"""Feature name -> function of m windows, giving float64[m]."""


def edge_features(windows: Windows, names: Sequence[str] = tuple(EDGE)) -> Matrix:
    """float64[m, number of names], NaN where a feature is not defined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return settled([EDGE[name](windows) for name in names], names, windows.count)


def settled(columns: Sequence[Column], names: Sequence[str], count: Column) -> Matrix:
    """The columns side by side: no infinity, and nothing but `length` 0 where a window has no value."""
    result = np.stack(columns, axis=1)
    result[np.isinf(result)] = np.nan
    nothing = count == 0
    for column, name in enumerate(names):
        result[nothing, column] = 0.0 if name == "length" else np.nan
    return result
