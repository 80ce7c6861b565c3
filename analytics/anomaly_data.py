"""From readings to the regular rows and windows that the anomaly detector looks at, the same in training and use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Context, model_of
from analytics.errors import NotAvailable
from analytics.models import LabelKind, Model, ModelRecord
from analytics.rolling import FEATURES, rolling
from analytics.series import TICKS_PER_SECOND, Series, hold

KIND: Final = "Anomaly"
UNUSUAL: Final = (LabelKind.fault, LabelKind.failure, LabelKind.maintenance)
"""What labelled times are no normal operation."""
_HELD_GAPS: Final = 3.0
"""A value holds for so many of the signal's usual gaps, and steps; after that it is missing."""
_CELLS: Final = 1_000_000
"""Values of one part: with their features about 40 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """How readings become rows: one each step_s, windows of `width` rows, and for how long the value of each signal
    holds (float64[p + c] seconds, those of the context signals last)."""

    step_s: float
    width: int
    longest_s: npt.NDArray[np.float64]

    @property
    def window_s(self) -> float:
        return self.step_s * self.width


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """n rows. ticks: int64[n], the time at which a window ends. features: float64[n, 4, p] and context: float64[n, 4,
    c] (`analytics.rolling`), NaN where missing. present: share of the values that are there and Good."""

    ticks: npt.NDArray[np.int64]
    features: npt.NDArray[np.float64]
    context: npt.NDArray[np.float64]
    present: float


def sampling_of(model: Model) -> Sampling:
    """That of a trained model."""
    settings = model.record.settings
    longest_s = np.asarray(model.arrays["longest_s"], np.float64)
    return Sampling(float(settings["step_s"] or 1.0), int(settings["width"] or 1), longest_s)


def usable_model(argument: object, context: Context, index: int) -> ModelRecord:
    """The Anomaly model an argument names, or the active one. Raises ArgumentError; NotAvailable where there is none or
    the plant has not all of its signals any more."""
    record = model_of(argument, context, KIND, index)
    known = frozenset(context.signals)
    gone = [name for name in (*record.signals, *record.context_signals) if name not in known]
    if gone:
        raise NotAvailable(f"the plant has no {', '.join(gone)} any more, which {record.id} needs: train a new model")
    return record


def lead_ticks(settings: Mapping[str, object], windows: float = 1.0) -> int:
    """So many windows of a model, in ticks: what has to be read before the first row that is to be judged, too."""
    step_s, width = settings.get("step_s"), settings.get("width")
    if not isinstance(step_s, (int, float)) or not isinstance(width, (int, float)):
        return 0
    return round((windows * step_s * width + _HELD_GAPS * step_s) * TICKS_PER_SECOND)


def sampling_for(series: Sequence[Series], step_s: float, window_s: float) -> Sampling:
    """What suits these signals. step_s 0: the median of their usual gaps, but at least 1 s. window_s 0: 15 steps."""
    gaps = [_gaps_s(one) for one in series]
    usual = [float(np.median(one)) for one in gaps if len(one)]
    step = step_s or max(1.0, round(float(np.median(usual)), 3)) if usual or step_s else 1.0
    width = max(1, round(window_s / step)) if window_s else 15
    longest = [_HELD_GAPS * max(step, float(np.quantile(one, 0.95)) if len(one) else step) for one in gaps]
    return Sampling(step, width, np.array(longest))


def row_ticks(start_ticks: int, end_ticks: int, step_s: float) -> npt.NDArray[np.int64]:
    """Multiples of the step from start to end: the same rows wherever an interval begins."""
    step = max(1, round(step_s * TICKS_PER_SECOND))
    return np.arange(-(-start_ticks // step) * step, end_ticks + 1, step, dtype=np.int64)


def rows(series: Sequence[Series], ticks: npt.NDArray[np.int64], longest_s: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """float64[n, signals]: the value in force at each time, NaN where it is Bad or too old."""
    limits = np.broadcast_to(np.asarray(longest_s, np.float64), (len(series),))
    columns = [hold(one, ticks, float(limit)) for one, limit in zip(series, limits, strict=True)]
    return np.stack(columns, axis=1) if columns else np.empty((len(ticks), 0))


def frames(
    series: Mapping[str, Series],
    signals: Sequence[str],
    context_signals: Sequence[str],
    start_ticks: int,
    end_ticks: int,
    sampling: Sampling,
    every: int = 1,
) -> Iterator[Frame]:
    """The rows from start to end, or every n-th of them, in parts that fit the memory. Windows reach back before start
    as far as the series do."""
    lead = sampling.width - 1
    ticks = row_ticks(start_ticks - lead * round(sampling.step_s * TICKS_PER_SECOND), end_ticks, sampling.step_s)
    both = [series[name] for name in (*signals, *context_signals)]
    block = max(4 * sampling.width, _CELLS // max(len(both), 1))
    block = max(every, block - block % every)
    for first in range(lead, len(ticks), block):
        part = ticks[first - lead : first + block]
        values = rows(both, part, sampling.longest_s)
        features = rolling(values, sampling.width)[lead::every]
        present = ~np.isnan(values[lead:])
        share = float(present.mean()) if present.size else float("nan")
        yield Frame(part[lead::every], features[:, :, : len(signals)], features[:, :, len(signals) :], share)


def frame(
    series: Mapping[str, Series],
    signals: Sequence[str],
    context_signals: Sequence[str],
    start_ticks: int,
    end_ticks: int,
    sampling: Sampling,
    every: int = 1,
) -> Frame:
    """All of `frames` in one."""
    parts = list(frames(series, signals, context_signals, start_ticks, end_ticks, sampling, every))
    if not parts:
        nothing = np.empty((0, len(FEATURES), len(signals)))
        return Frame(np.empty(0, np.int64), nothing, np.empty((0, len(FEATURES), len(context_signals))), float("nan"))
    sizes = [len(part.ticks) for part in parts]
    return Frame(
        np.concatenate([part.ticks for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.context for part in parts]),
        float(np.average([part.present for part in parts], weights=sizes)),
    )


def outside(ticks: npt.NDArray[np.int64], spans: Iterable[tuple[int, int]], lead_ticks: int) -> npt.NDArray[np.bool_]:
    """bool[n]: windows (tick - lead, tick] that touch none of these times."""
    free = np.ones(len(ticks), np.bool_)
    for begin, end in spans:
        free &= (ticks < begin) | (ticks - lead_ticks > end)
    return free


def _gaps_s(series: Series) -> npt.NDArray[np.float64]:
    gaps = np.diff(series.ticks) / TICKS_PER_SECOND
    return gaps[gaps > 0]
