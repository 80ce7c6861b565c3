"""Causal features of trailing windows: mean, standard deviation, maximum and minimum of the last `width` samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
FEATURES: Final = ("mean", "standard_deviation", "maximum", "minimum")
_CELLS: Final = 500_000
"""Samples worked on at once, so that a long history does not need many times its size in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """What is known of a stretch of samples that ends at each row; float64[n, p] each."""

    count: Matrix
    mean: Matrix
    m2: Matrix
    maximum: Matrix
    minimum: Matrix

    def earlier(self, rows: int) -> _Moments:
        """The same for stretches that end so many rows before; empty ones where there is nothing before."""
        return _Moments(*(_shift(one, rows, fill) for one, fill in zip(self.columns(), _EMPTY, strict=True)))

    def after(self, older: _Moments) -> _Moments:
        """Both stretches as one (Chan, Golub and LeVeque 1983: no difference of large sums)."""
        count = self.count + older.count
        share = np.divide(self.count, count, out=np.zeros_like(count), where=count > 0)
        step = self.mean - older.mean
        mean = older.mean + step * share
        m2 = self.m2 + older.m2 + step * step * older.count * share
        return _Moments(
            count, mean, m2, np.maximum(self.maximum, older.maximum), np.minimum(self.minimum, older.minimum)
        )

    def columns(self) -> tuple[Matrix, ...]:
        return self.count, self.mean, self.m2, self.maximum, self.minimum


_EMPTY: Final = (0.0, 0.0, 0.0, -np.inf, np.inf)


def rolling(values: Matrix, width: int) -> npt.NDArray[np.float64]:
    """float64[n, 4, p]: FEATURES (ddof 0) of rows i - width + 1 .. i of values (float64[n, p], NaN where a sample is
    missing). NaN where the window is not complete yet, or half of its samples and more are missing."""
    rows, signals = values.shape
    block = max(width, _CELLS // max(signals, 1))
    result = np.full((rows, len(FEATURES), signals), np.nan)
    for first in range(0, rows, block):
        before = max(0, first - width + 1)
        result[first : first + block] = _features(values[before : first + block], width)[first - before :]
    result[: width - 1] = np.nan
    return result


def _features(values: Matrix, width: int) -> npt.NDArray[np.float64]:
    """Stretches of 1, 2, 4, ... samples, put together to one of `width`: log2(width) passes."""
    power, total, done = _single(values), None, 0
    size = 1
    while True:
        if width & size:
            total = power if total is None else total.after(power.earlier(done))
            done += size
        size *= 2
        if size > width:
            break
        power = power.after(power.earlier(size // 2))
    assert total is not None
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(np.maximum(total.m2, 0.0) / total.count)
    result = np.stack([total.mean, deviation, total.maximum, total.minimum], axis=1)
    result[np.broadcast_to((2 * total.count <= width)[:, None], result.shape)] = np.nan
    return result


def _single(values: Matrix) -> _Moments:
    there = ~np.isnan(values)
    known = np.where(there, values, 0.0)
    return _Moments(
        there.astype(np.float64),
        known,
        np.zeros_like(known),
        np.where(there, values, -np.inf),
        np.where(there, values, np.inf),
    )


def _shift(column: Matrix, rows: int, fill: float) -> Matrix:
    if rows == 0:
        return column
    shifted = np.full_like(column, fill)
    shifted[rows:] = column[:-rows]
    return shifted
