"""A stretch of the past cut into segments of equal length, on times that all signals share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.series import TICKS_PER_SECOND, Series, hold

Matrix = npt.NDArray[np.float64]
HOLD_S: Final = 600.0
"""How long a reading counts where none follows; longer where it usually takes longer, and for ever where there are so
few that they were told on change."""
_FEW, _PATIENCE = 20, 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """times: float64[n], seconds from the begin of a segment. begins: int64[s], ticks. lines: of each signal
    float64[s, n], NaN where nothing is known. The last time of a segment is the first of the next."""

    times: Matrix
    begins: npt.NDArray[np.int64]
    lines: Mapping[str, Matrix]

    def part(self, first: int, last: int) -> Segments:
        """The segments from first to before last."""
        lines = {name: line[first:last] for name, line in self.lines.items()}
        return Segments(self.times, self.begins[first:last], lines)


def cut(series: Mapping[str, Series], start_ticks: int, end_ticks: int, segment_s: float, step_s: float) -> Segments:
    """As many whole segments as there is room for, the last one up to the end; one at least. Each value is the mean of
    the readings around its time, half a step before and after; without any it is the last reading, while it counts."""
    steps = max(1, round(segment_s / step_s))
    step = round(step_s * TICKS_PER_SECOND)
    count = max(1, (end_ticks - start_ticks) // (steps * step))
    first = max(start_ticks, end_ticks - count * steps * step)
    places = np.arange(count)[:, None] * steps + np.arange(steps + 1)[None, :]
    lines = {name: _averaged(one, first, step, int(count * steps) + 1)[places] for name, one in series.items()}
    times = np.arange(steps + 1, dtype=np.float64) * (step / TICKS_PER_SECOND)
    return Segments(times, first + places[:, 0] * step, lines)


def with_present(segments: Segments, inputs: Iterable[str], present: Mapping[str, float]) -> tuple[Segments, list[str]]:
    """With inputs that have no value at any time held at what they are now, and which these are."""
    missing = [one for one in inputs if one in present and not np.isfinite(segments.lines.get(one, np.nan)).any()]
    shape = (len(segments.begins), len(segments.times))
    lines = {**segments.lines, **{one: np.full(shape, present[one]) for one in missing}}
    return replace(segments, lines=lines), missing


def _averaged(series: Series, first: int, step: int, count: int) -> Matrix:
    moments = first + np.arange(count, dtype=np.int64) * step
    held = hold(series, moments, _patience_s(series))
    places = (series.ticks - first + step // 2) // step
    known = np.isfinite(series.values) & (places >= 0) & (places < count)
    sums = np.bincount(places[known], series.values[known], count)
    many = np.bincount(places[known], minlength=count)
    return np.where(many > 0, sums / np.maximum(many, 1), held)


def _patience_s(series: Series) -> float:
    if len(series) < _FEW:
        return 1e9
    return max(HOLD_S, _PATIENCE * float(np.median(np.diff(series.ticks))) / TICKS_PER_SECOND)
