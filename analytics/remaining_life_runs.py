"""From readings and labels to runs: the lives of a part, each from new to failure, in regular rows over its use.

Use is what a remaining life is counted in: hours, or the difference of a signal that counts (operating hours, cycles).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.models import Label, LabelKind
from analytics.series import TICKS_PER_SECOND, Series

Matrix = npt.NDArray[np.float64]
Span = tuple[int, int]
TICKS_PER_HOUR: Final = 3600 * TICKS_PER_SECOND
NEW: Final = (LabelKind.failure, LabelKind.maintenance)
"""What labels say that a part was new afterwards."""
WINDOW: Final = 15
FIRST: Final = 20
SPAN: Final = 30
"""Rows: of the rolling window, of what counts as new, and the span of the exponential average. Chosen by
cross-validation on the training engines of a public data set; see benchmarks/README.md (rul-cmapss)."""
FEATURES: Final = ("mean", "spread", "slope", "average", "change since new")
"""Of each signal, in the order of `features`; behind them all stands the use so far."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One life as n rows. used: float64[n], from new to the end of each row. values: float64[n, p], the mean of the
    Good readings of each row, NaN where there are none. total: use from new to the end of the run."""

    used: Matrix
    values: Matrix
    total: float


def lives(labels: Iterable[Label], start_ticks: int, end_ticks: int) -> tuple[list[Span], int]:
    """The times from new to failure between start and end, oldest first; and how many lives maintenance ended before
    they failed."""
    events = sorted((one for one in labels if one.kind in NEW), key=lambda one: one.start_ticks)
    spans, renewed, begin = [], 0, start_ticks
    for one in events:
        if one.end_ticks < start_ticks or one.start_ticks > end_ticks:
            continue
        if one.start_ticks > begin:
            if one.kind is LabelKind.failure:
                spans.append((begin, one.start_ticks))
            else:
                renewed += 1
        begin = max(begin, one.end_ticks)
    return spans, renewed


def since_first(labels: Iterable[Label]) -> int | None:
    """When the first life that the labels tell whole began: at the first failure or maintenance; None without one."""
    return min((one.end_ticks for one in labels if one.kind in NEW), default=None)


def since_new(labels: Iterable[Label], now_ticks: int) -> int | None:
    """When the part that runs now was new, by the labels; None where they do not tell."""
    ends = [one.end_ticks for one in labels if one.kind in NEW and one.end_ticks <= now_ticks]
    return max(ends, default=None)


def use_of(counter: Series | None, span: Span, ticks: npt.NDArray[np.int64]) -> Matrix:
    """Use from the begin of a span to each of ticks: hours, or what the counter has counted; NaN where it says
    nothing."""
    if counter is None:
        return (ticks - span[0]) / TICKS_PER_HOUR
    counted = counter.between(*span)
    good = np.isfinite(counted.values)
    if not good.any():
        return np.full(len(ticks), np.nan)
    rising = np.maximum.accumulate(counted.values[good])
    return np.asarray(np.interp(ticks, counted.ticks[good], rising - rising[0]), np.float64)


def total_of(counter: Series | None, span: Span) -> float:
    """The use within a span; NaN where the counter says nothing."""
    return float(use_of(counter, span, np.array([span[1]]))[0])


def run_of(signals: Sequence[Series], counter: Series | None, span: Span, step: float, exclude: Sequence[Span]) -> Run:
    """The rows of one life, a row each `step` of use; times in `exclude` are left out."""
    total = total_of(counter, span)
    count = 0 if np.isnan(total) else max(1, round(total / step))
    values = np.full((count, len(signals)), np.nan)
    for column, one in enumerate(signals):
        readings = one.between(*span)
        used = use_of(counter, span, readings.ticks)
        good = np.isfinite(readings.values) & np.isfinite(used)
        for begin, end in exclude:
            good &= (readings.ticks < begin) | (readings.ticks > end)
        row = np.minimum((used[good] / step + 1e-6).astype(np.intp), count - 1)
        many = np.bincount(row, minlength=count)
        sums = np.bincount(row, readings.values[good], minlength=count)
        values[many > 0, column] = sums[many > 0] / many[many > 0]
    return Run(np.arange(1.0, count + 1.0) * step, values, total)


def gap_of(signals: Iterable[Series], counter: Series | None, spans: Sequence[Span]) -> float:
    """The use from one reading to the next, the median over the signals, within the longest of the spans."""
    span = max(spans, key=lambda one: one[1] - one[0])
    gaps = []
    for one in signals:
        used = use_of(counter, span, one.between(*span).ticks)
        between = np.diff(used)
        between = between[between > 0]
        if len(between):
            gaps.append(float(np.median(between)))
    return float(np.median(gaps)) if gaps else float("nan")


def features(run: Run) -> Matrix:
    """float64[n, len(FEATURES) * p + 1], causal: what was known at the end of each row."""
    mean, spread, slope = _windows(run.values, WINDOW)
    change = mean - _first(run.values, FIRST)
    return np.concatenate([mean, spread, slope, _average(run.values, SPAN), change, run.used[:, None]], axis=1)


def group_of(signals: int) -> npt.NDArray[np.intp]:
    """Which signal each feature belongs to; the use so far counts as one more."""
    return np.append(np.tile(np.arange(signals), len(FEATURES)), signals)


def _windows(values: Matrix, width: int) -> tuple[Matrix, Matrix, Matrix]:
    """Mean, standard deviation and slope per row of the last `width` rows, shorter at the begin."""
    there = np.isfinite(values)
    middle = np.zeros(values.shape[1])
    np.divide(np.where(there, values, 0.0).sum(axis=0), there.sum(axis=0), out=middle, where=there.any(axis=0))
    x = np.where(there, values - middle, 0.0)  # near zero, so that differences of sums stay exact
    t = np.where(there, np.arange(len(values))[:, None] - len(values) / 2.0, 0.0)
    count, sx, sxx, st, stt, sxt = (_moving(one, width) for one in (there * 1.0, x, x * x, t, t * t, x * t))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sx / count
        spread = np.sqrt(np.maximum(sxx / count - mean**2, 0.0))
        over = stt / count - (st / count) ** 2
        slope = np.where(over > 1e-9, (sxt / count - mean * st / count) / over, 0.0)
    slope[count < 2] = np.nan
    return mean + middle, spread, slope


def _moving(values: Matrix, width: int) -> Matrix:
    sums = np.cumsum(values, axis=0)
    sums[width:] -= sums[:-width].copy()
    return sums


def _first(values: Matrix, rows: int) -> Matrix:
    """The mean of the first rows, as far as they were known at each row."""
    there = np.isfinite(values)
    count = np.cumsum(there, axis=0)
    sums = np.cumsum(np.where(there, values, 0.0), axis=0)
    last = np.minimum(np.arange(len(values)), rows - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[last] / count[last])


def _average(values: Matrix, span: int) -> Matrix:
    """Exponentially weighted mean over what is there, weights (1 - 2 / (span + 1)) ** age."""
    keep = 1.0 - 2.0 / (span + 1.0)
    there = np.isfinite(values)
    filled = np.where(there, values, 0.0)
    top, bottom = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    result = np.empty_like(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        for row in range(len(values)):
            top = keep * top + filled[row]
            bottom = keep * bottom + there[row]
            result[row] = top / bottom
    return result
