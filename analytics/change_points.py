"""DetectChangePoints: when the level of signals changed for good, each by itself and all together.

Candidates come from ruptures (KernelCPD, linear kernel: the PELT method of Killick, Fearnhead and Eckley 2012 for
shifts of the mean); each is then tested against what autocorrelated noise does by chance, and the weakest go until all
hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly_data import row_ticks, rows, sampling_for
from analytics.arguments import Context, Job, signals_of, ticks_of
from analytics.errors import BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.series import TICKS_PER_SECOND, Series

TOGETHER: Final = "*"
"""The name of what is found in all signals together."""
MOST_POINTS: Final = 2_000
"""Rows that are looked at: of more, neighbours are averaged."""
_LEAST_SEGMENT: Final = 5
_LEAST_POINTS: Final = 4 * _LEAST_SEGMENT
_SURE: Final = 0.99
_STILL: Final = 1e-3
"""Least noise, as a share of a signal's spread: a switch has none."""
_SIGNALS, _START, _END, _SEGMENT = range(4)
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """row: the first of the new level. before, after: means of the levels. size: their difference in standard
    deviations of what is around them. confidence: that it is no chance, from 0 to 1."""

    row: int
    before: float
    after: float
    size: float
    confidence: float


def changes(values: Matrix, least_rows: int) -> list[Change]:
    """The changes of one signal (float64[n]) or of several together (float64[n, p]: before, after are NaN and size is
    that of the signal that changed most). least_rows: between two of them."""
    columns = values.reshape(len(values), -1)
    columns = columns[:, np.ptp(columns, axis=0) > 0]
    least = max(least_rows, _LEAST_SEGMENT)
    if not columns.shape[1] or len(columns) < 2 * least:
        return []
    scaled = (columns - columns.mean(axis=0)) / _noise(columns)
    borders = _candidates(scaled, least)
    while borders:
        tests = _tests(scaled, borders)
        weak = sorted((one[1], at) for at, one in enumerate(tests) if one[1] < _SURE)
        if not weak:
            return _told(columns, borders, tests, single=values.ndim == 1)
        gone = {at for _, at in weak[: max(1, len(weak) // 8)]}
        borders = [one for at, one in enumerate(borders) if at not in gone]
    return []


def _noise(columns: Matrix) -> npt.NDArray[np.float64]:
    """The scale of each column's noise around its level: by the median of its differences, which a level shift hardly
    moves; by its spread where it mostly stands still."""
    noise: npt.NDArray[np.float64] = np.median(np.abs(np.diff(columns, axis=0)), axis=0) / 0.6745 / math.sqrt(2.0)
    return np.where(noise > 1e-9 * columns.std(axis=0), noise, columns.std(axis=0))


def _candidates(scaled: Matrix, least: int) -> list[int]:
    """More than there will be: the penalty is that of white noise (BIC: a shift and its place for each signal)."""
    from ruptures import KernelCPD  # scipy.spatial, 1 s: in a worker only

    penalty = (scaled.shape[1] + 1.0) * math.log(len(scaled))
    found = KernelCPD(kernel="linear", min_size=least).fit(scaled).predict(pen=penalty)
    return [int(border) for border in found[:-1]]


def _tests(scaled: Matrix, borders: Sequence[int]) -> list[tuple[float, float]]:
    """Of each border: the largest difference of levels in standard deviations, and the confidence that it is one.

    The difference of two means in its standard error, with as many independent values as the autocorrelation of the
    residuals leaves (n (1 - r) / (1 + r), Bayley and Hammersley 1946), and Bonferroni's correction for the signals and
    the places it could have been.
    """
    edges = [0, *borders, len(scaled)]
    means = np.stack([scaled[low:high].mean(axis=0) for low, high in pairwise(edges)])
    sizes = np.diff(edges)
    left = scaled - np.repeat(means, sizes, axis=0)
    deviation = np.maximum(left.std(axis=0), _STILL * scaled.std(axis=0))
    r = np.clip((left[1:] * left[:-1]).mean(axis=0) / deviation**2, 0.0, 0.99)
    share = (1.0 - r) / (1.0 + r)
    tries = len(scaled) * scaled.shape[1]
    results = []
    for number in range(len(borders)):
        difference = np.abs(means[number + 1] - means[number]) / deviation
        counts = np.maximum(share * sizes[number], 1.0), np.maximum(share * sizes[number + 1], 1.0)
        t = difference / np.sqrt(1.0 / counts[0] + 1.0 / counts[1])
        chance = min(1.0, math.erfc(float(t.max()) / math.sqrt(2.0)) * tries)
        results.append((float(difference.max()), 1.0 - chance))
    return results


def _told(columns: Matrix, borders: Sequence[int], tests: Sequence[tuple[float, float]], single: bool) -> list[Change]:
    edges = [0, *borders, len(columns)]
    means = [float(columns[low:high].mean()) if single else float("nan") for low, high in pairwise(edges)]
    return [Change(border, means[number], means[number + 1], *tests[number]) for number, border in enumerate(borders)]


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    signals = signals_of(arguments[_SIGNALS], context, _SIGNALS)
    start, end = ticks_of(arguments[_START], _START), ticks_of(arguments[_END], _END) or context.now_ticks
    if start is not None and start >= end:
        raise ArgumentError(_END, BAD_OUT_OF_RANGE, "End is not later than Start")
    segment = arguments[_SEGMENT]
    if segment is None:
        segment = 0.0
    if isinstance(segment, bool) or not isinstance(segment, (int, float)):
        raise ArgumentError(_SEGMENT, BAD_TYPE_MISMATCH, "MinSegment is a number of seconds")
    if not 0 <= segment <= 1e9:
        raise ArgumentError(_SEGMENT, BAD_OUT_OF_RANGE, f"MinSegment is {segment:g} s; right is from 0 to 1e9 s")
    if start is not None and 2 * segment * TICKS_PER_SECOND > end - start:
        have = (end - start) / TICKS_PER_SECOND
        raise ArgumentError(_SEGMENT, BAD_OUT_OF_RANGE, f"two segments of {segment:g} s do not fit into {have:g} s")
    settings = {"least_s": float(segment)}
    return Job("DetectChangePoints", signals, start, end, settings, long=len(signals) > 10)


def run(series: Mapping[str, Series], start_ticks: int | None, end_ticks: int, least_s: float) -> tuple[Any, ...]:
    """The results of DetectChangePoints in their order. Raises NotAvailable."""
    first = min((int(one.ticks[0]) for one in series.values() if len(one)), default=None)
    if first is None:
        raise NotAvailable("none of the signals has a value in that time")
    begin = first if start_ticks is None else max(start_ticks, first)
    ticks, table, step_s, silent = _table(series, begin, end_ticks)
    if len(ticks) < _LEAST_POINTS or not table:
        why = f"; without values: {', '.join(silent)}" if silent else ""
        raise NotAvailable(f"there are {len(ticks)} values, a level and its change need {_LEAST_POINTS}{why}")
    least_rows = math.ceil(least_s / step_s)
    found = [(name, one) for name, column in table.items() for one in changes(column, least_rows)]
    if len(table) > 1:
        found += [(TOGETHER, one) for one in changes(np.stack(list(table.values()), axis=1), least_rows)]
    found.sort(key=lambda pair: (pair[1].row, pair[0] == TOGETHER))
    return (
        [name for name, _ in found],
        np.array([ticks[one.row] for _, one in found], np.int64),
        np.array([one.before for _, one in found]),
        np.array([one.after for _, one in found]),
        np.array([one.size for _, one in found]),
        np.array([one.confidence for _, one in found]),
        True,
        f"left out, for more than half of their values are missing: {', '.join(silent)}" if silent else "",
    )


def _table(
    series: Mapping[str, Series], begin: int, end: int
) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]], float, list[str]]:
    """Common rows without gaps: their times, columns by signal, seconds from one to the next, and who is left out.

    Rows where a signal is missing are left out for all; times of rows that are averaged are those of the first.
    """
    sampling = sampling_for(list(series.values()), 0.0, 0.0)
    ticks = row_ticks(begin, end, sampling.step_s)
    values = rows(list(series.values()), ticks, sampling.longest_s)
    good = np.isfinite(values).mean(axis=0) > 0.5 if len(values) else np.zeros(len(series), np.bool_)
    silent = [name for name, there in zip(series, good, strict=True) if not there]
    complete = np.isfinite(values[:, good]).all(axis=1) & good.any()
    ticks, values = ticks[complete], values[complete][:, good]
    each = max(1, -(-len(ticks) // MOST_POINTS))
    whole = len(ticks) // each * each
    means = values[:whole].reshape(whole // each, each, values.shape[1]).mean(axis=1)
    names = [name for name, there in zip(series, good, strict=True) if there]
    return ticks[:whole:each], dict(zip(names, means.T, strict=True)), sampling.step_s * each, silent


_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
DETECT_CHANGE_POINTS: Final = Function(
    "DetectChangePoints",
    "When the level of signals changed for good, of each by itself and of all together",
    (
        Argument(
            "Signals", ArgumentType.String, ONE_DIMENSION, "Paths below this twin; empty: all its numeric telemetry"
        ),
        Argument("Start", ArgumentType.DateTime, description="Null: as far back as the memory reaches"),
        Argument("End", ArgumentType.DateTime, description="Null: now"),
        Argument("MinSegment", ArgumentType.Double, description="Least time between changes; 0: 5 rows", unit="SEC"),
    ),
    (
        Argument(
            "ChangedSignals",
            ArgumentType.String,
            ONE_DIMENSION,
            "The signal of each change, in time order; * for a change of all signals together",
        ),
        Argument("Times", ArgumentType.DateTime, ONE_DIMENSION, "When the new level began"),
        Argument("Before", *_DOUBLES, "Mean of the level before it; NaN for *"),
        Argument("After", *_DOUBLES, "Mean of the level after it; NaN for *"),
        Argument("Sizes", *_DOUBLES, "Difference in standard deviations; for * of the signal that changed most"),
        Argument("Confidences", *_DOUBLES, "That it is no chance, 0 to 1"),
    ),
    plan,
)
