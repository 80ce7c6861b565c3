"""Features of many windows at once, in plain numpy: what an edge computer can afford every second.

What tsfresh has too bears its name and has its value (ddof 0 for the standard deviation, bias-corrected skewness and
kurtosis); NaN values are left out, and a window without enough of them gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Column = npt.NDArray[np.float64]


@dataclass
class Windows:
    """m windows of up to n samples. values: float64[m, n] in time order, NaN where there is no sample or a Bad one.
    seconds: float64[m, n], the time of each sample in its window; any number where values has none."""

    values: Matrix
    seconds: Matrix

    @cached_property
    def present(self) -> npt.NDArray[np.bool_]:
        return ~np.isnan(self.values)

    @cached_property
    def count(self) -> Column:
        counts: Column = self.present.sum(1).astype(np.float64)
        return counts

    @cached_property
    def filled(self) -> Matrix:
        """0 where there is nothing."""
        return np.where(self.present, self.values, 0.0)

    @cached_property
    def mean(self) -> Column:
        average: Column = self.filled.sum(1) / self.count
        return average

    @cached_property
    def deviations(self) -> Matrix:
        return np.where(self.present, self.values - self.mean[:, None], 0.0)

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
        return self.of_any(np.where(self.present, self.values, np.inf).min(1, initial=np.inf))

    @cached_property
    def maximum(self) -> Column:
        return self.of_any(np.where(self.present, self.values, -np.inf).max(1, initial=-np.inf))

    @cached_property
    def energy(self) -> Column:
        return self.of_any((self.filled * self.filled).sum(1))

    @cached_property
    def sorted(self) -> Matrix:
        """Ascending, NaN at the end."""
        return np.sort(self.values, axis=1)

    @cached_property
    def compact(self) -> Matrix:
        """In time order without gaps: present samples first, NaN after them."""
        if self.present.all():
            return self.values
        order = np.argsort(~self.present, axis=1, kind="stable")
        return np.take_along_axis(self.values, order, axis=1)

    @cached_property
    def changes(self) -> Matrix:
        """From one present sample to the next; 0 where there is none."""
        differences: Matrix = np.nan_to_num(np.diff(self.compact, axis=1))
        return differences

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

    def edge(self, last: bool) -> Column:
        """The last or the first present value."""
        if not self.values.shape[1]:
            return np.full(len(self.values), np.nan)
        at = np.maximum(self.count.astype(np.intp) - 1, 0) if last else np.zeros(len(self.values), np.intp)
        column: Column = self.compact[np.arange(len(self.values)), at]
        return column

    def of_any(self, column: Column) -> Column:
        """NaN where a window has no value."""
        column[self.count == 0] = np.nan
        return column


def _skewness(w: Windows) -> Column:
    n, m3 = w.count, (w.squares * w.deviations).sum(1)
    return np.where(n >= 3, n * np.sqrt(n - 1) / (n - 2) * m3 / w.m2**1.5, np.nan)


def _kurtosis(w: Windows) -> Column:
    """Excess over the normal distribution's 3."""
    n, m4 = w.count, (w.squares * w.squares).sum(1)
    scale = n * (n + 1) * (n - 1) / ((n - 2) * (n - 3))
    return np.where(n >= 4, scale * m4 / w.m2**2 - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)), np.nan)


def _slope(w: Windows) -> Column:
    """Least squares, per second."""
    mean_time = np.where(w.present, w.seconds, 0.0).sum(1) / w.count
    time = np.where(w.present, w.seconds - mean_time[:, None], 0.0)
    slope: Column = (time * w.deviations).sum(1) / (time * time).sum(1)
    return slope


def _crossings(w: Windows) -> Column:
    """How often the values cross their mean."""
    above = np.where(np.isnan(w.compact), np.nan, w.compact > w.mean[:, None])
    crossings: Column = np.abs(np.nan_to_num(np.diff(above, axis=1))).sum(1)
    return crossings


def _rms(w: Windows) -> Column:
    return np.sqrt(w.energy / w.count)


def _absolute_maximum(w: Windows) -> Column:
    return np.maximum(np.abs(w.minimum), np.abs(w.maximum))


def _absolute_mean(w: Windows) -> Column:
    mean: Column = np.abs(w.filled).sum(1) / w.count
    return mean


EDGE: Final[dict[str, Callable[[Windows], Column]]] = {
    "length": lambda w: w.count,
    "mean": lambda w: w.mean,
    "standard_deviation": lambda w: np.sqrt(w.m2 / w.count),
    "variance": lambda w: w.m2 / w.count,
    "minimum": lambda w: w.minimum,
    "maximum": lambda w: w.maximum,
    "peak_to_peak": lambda w: w.maximum - w.minimum,
    "median": lambda w: w.quantile(0.5),
    "quantile__q_0.05": lambda w: w.quantile(0.05),
    "quantile__q_0.25": lambda w: w.quantile(0.25),
    "quantile__q_0.75": lambda w: w.quantile(0.75),
    "quantile__q_0.95": lambda w: w.quantile(0.95),
    "root_mean_square": _rms,
    "abs_energy": lambda w: w.energy,
    "absolute_maximum": _absolute_maximum,
    "skewness": _skewness,
    "kurtosis": _kurtosis,
    "slope": _slope,
    "mean_change": lambda w: w.changes.sum(1) / (w.count - 1),
    "mean_abs_change": lambda w: np.abs(w.changes).sum(1) / (w.count - 1),
    "absolute_sum_of_changes": lambda w: w.of_any(np.abs(w.changes).sum(1)),
    "variation_coefficient": lambda w: np.sqrt(w.m2 / w.count) / w.mean,
    "crest_factor": lambda w: _absolute_maximum(w) / _rms(w),
    "shape_factor": lambda w: _rms(w) / _absolute_mean(w),
    "mean_crossings": _crossings,
    "first": lambda w: w.edge(last=False),
    "last": lambda w: w.edge(last=True),
}
"""Feature name -> function of m windows, giving float64[m]."""


def edge_features(windows: Windows, names: Sequence[str] = tuple(EDGE)) -> Matrix:
    """float64[m, number of names], NaN where a feature is not defined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [EDGE[name](windows) for name in names]
    result = np.stack(columns, axis=1)
    result[np.isinf(result)] = np.nan
    nothing = windows.count == 0
    for column, name in enumerate(names):
        result[nothing, column] = 0.0 if name == "length" else np.nan
    return result
