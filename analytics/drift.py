"""CheckDrift: whether today's normal operation is still that which a model was trained on, so that its alarms mean
something; if not, a new baseline is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly import Detector, from_arrays, residuals, score
from analytics.anomaly_data import UNUSUAL, Frame, frame, lead_ticks, outside, sampling_of, usable_model
from analytics.arguments import Context, Job
from analytics.errors import NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.models import Arrays, Model
from analytics.series import TICKS_PER_SECOND, Series

MODERATE: Final = 0.1
LARGE: Final = 0.25
"""The usual words for a population stability index: below 0.1 none, above 0.25 a different population."""
_LEAST_WINDOWS: Final = 20
_LONGEST_S: Final = 86_400.0
_MOST_ALARMS: Final = 0.05
_FAR: Final = 3.0
"""Standard deviations of training from which on a new baseline is due although nothing alarms yet."""
_MOST_UNKNOWN: Final = 0.2
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """Of each of p signals: shift of its mean (standard deviations of training, for the same operating state), ratio of
    its spread to that of training, and stability (index, 0 as in training, upwards). alarm_share: of rows above the
    limit; unknown_share: of rows in operating states that training did not see."""

    shift: Vector
    ratio: Vector
    stability: Vector
    alarm_share: float
    unknown_share: float

    @property
    def score(self) -> float:
        """That of the signal that drifted most."""
        return float(np.nanmax(self.stability, initial=0.0))

    @property
    def rebaseline(self) -> bool:
        """Whether a new baseline is due: what drifted shows in the alarms or soon will, or states cannot be judged."""
        far = bool((np.abs(self.shift) > _FAR).any()) or self.alarm_share > _MOST_ALARMS
        return (self.score > LARGE and far) or self.unknown_share > _MOST_UNKNOWN


def reference(detector: Detector, data: Frame, width: int) -> Arrays:
    """What a model keeps of its training data to be compared with later."""
    mean, variance, count = _population(detector, data, width)
    return {"drift_mean": mean, "drift_variance": variance, "drift_count": count}


def compare(detector: Detector, arrays: Arrays, recent: Frame, width: int) -> Drift:
    """Recent normal operation against training.

    The index is Jeffreys' divergence of two normal distributions, which is the population stability index of the
    limit of many classes; what two samples of the same population would show by chance, 2 (1/n + 1/m), is taken off.
    """
    mean, variance, count = _population(detector, recent, width)
    known = np.asarray(arrays["drift_variance"], np.float64)
    many = np.asarray(arrays["drift_count"], np.float64)
    shift = mean - np.asarray(arrays["drift_mean"], np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = variance / known + known / variance - 2.0
        divergence = 0.5 * (spread + shift**2 * (1.0 / known + 1.0 / variance))
        chance = 2.0 * (1.0 / count + 1.0 / many)
        stability = np.where(count >= 2, np.maximum(divergence - chance, 0.0), np.nan)
        ratio = np.sqrt(variance / known)
    scores = score(detector, recent.features, recent.context)
    judged = ~np.isnan(scores.score)
    above = float((scores.score[judged] > 1.0).mean()) if judged.any() else float("nan")
    return Drift(shift / np.sqrt(known), ratio, stability, above, float(scores.unknown_state.mean()))


def _population(detector: Detector, data: Frame, width: int) -> tuple[Vector, Vector, Vector]:
    """Mean, variance and number of window means that do not overlap, each signal's as residuals; float64[p] each."""
    apart = slice(None, None, width)
    z = residuals(detector, data.features[apart], data.context[apart])[:, : detector.signals]
    z = z[detector.state.known(data.context[apart])]
    count = (~np.isnan(z)).sum(axis=0).astype(np.float64)
    filled = np.where(np.isnan(z), 0.0, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=0) / count
        off = np.where(np.isnan(z), 0.0, z - mean)
        variance = (off * off).sum(axis=0) / (count - 1.0)
    return mean, np.maximum(variance, 1e-6), count


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError, NotAvailable."""
    record = usable_model(arguments[0], context, 0)
    length = min(record.training_end_ticks - record.training_start_ticks, round(_LONGEST_S * TICKS_PER_SECOND))
    lead = lead_ticks(record.settings)
    start = max(context.now_ticks - max(length, 2 * _LEAST_WINDOWS * lead), record.training_end_ticks)
    if start >= context.now_ticks:
        raise NotAvailable(f"nothing has come since {record.id} was trained")
    spans = tuple((one.start_ticks, one.end_ticks) for one in context.labels if one.kind in UNUSUAL)
    return Job(
        "CheckDrift",
        (*record.signals, *record.context_signals),
        start,
        context.now_ticks,
        {"spans": spans},
        model=record.id,
        long=True,
    )


def run(
    series: Mapping[str, Series],
    start_ticks: int,
    end_ticks: int,
    model: Model,
    spans: tuple[tuple[int, int], ...],
) -> tuple[Any, ...]:
    """The results of CheckDrift in their order. Raises NotAvailable."""
    record, sampling, detector = model.record, sampling_of(model), from_arrays(model.arrays)
    data = frame(series, record.signals, record.context_signals, start_ticks, end_ticks, sampling)
    lead = round(sampling.window_s * TICKS_PER_SECOND)
    use = outside(data.ticks, spans, lead) & ~np.isnan(data.features).all(axis=(1, 2))
    windows = int(use.sum()) // sampling.width
    if windows < _LEAST_WINDOWS:
        raise NotAvailable(
            f"{windows} windows of {sampling.window_s:g} s have come since {record.id} was trained; "
            f"{_LEAST_WINDOWS} are needed to compare"
        )
    recent = Frame(data.ticks[use], data.features[use], data.context[use], data.present)
    drift = compare(detector, model.arrays, recent, sampling.width)
    return (
        drift.score,
        drift.rebaseline,
        words(drift, record.signals),
        list(record.signals),
        drift.shift,
        drift.ratio,
        drift.stability,
        100.0 * drift.alarm_share,
        100.0 * drift.unknown_share,
        True,
        "",
    )


def words(drift: Drift, signals: Sequence[str]) -> str:
    """What it means and what to do, in a sentence or two."""
    if drift.unknown_share > _MOST_UNKNOWN:
        return (
            f"In {100 * drift.unknown_share:.0f} % of the time the machine ran as it never did in training, and could "
            "not be judged: train a new model that knows these operating states."
        )
    if drift.score < MODERATE:
        return "As in training."
    worst = int(np.nanargmax(drift.stability))
    what = f"{signals[worst]} lies {drift.shift[worst]:+.1f} standard deviations from training"
    what += f", its spread is {drift.ratio[worst]:.1f} times that of training"
    share = (
        "" if np.isnan(drift.alarm_share) else f"; {100 * drift.alarm_share:.1f} % of the scores are above the limit"
    )
    if drift.rebaseline:
        return f"Drifted: {what}{share}. If this is normal operation, train a new baseline."
    return f"{'Drifted' if drift.score > LARGE else 'Slightly drifted'}: {what}{share}. No new baseline needed yet."


_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
CHECK_DRIFT: Final = Function(
    "CheckDrift",
    "Whether the recent normal operation is still that which an anomaly model was trained on",
    (Argument("ModelId", ArgumentType.String, description="Of an Anomaly model; empty: the active one"),),
    (
        Argument("DriftScore", ArgumentType.Double, description="0 as in training; above 0.25 another population"),
        Argument("Rebaseline", ArgumentType.Boolean, description="Whether a new baseline (TrainModel) is due"),
        Argument("Explanation", ArgumentType.String, description="What drifted and what to do"),
        Argument("Signals", ArgumentType.String, ONE_DIMENSION, "Of the model"),
        Argument("Shifts", *_DOUBLES, "Of each signal's mean, in standard deviations of training"),
        Argument("SpreadRatios", *_DOUBLES, "Of each signal's spread to that of training"),
        Argument("Stability", *_DOUBLES, "Of each signal: 0 as in training, upwards"),
        Argument("AlarmShare", ArgumentType.Double, description="Share of scores above the limit", unit="P1"),
        Argument("UnknownShare", ArgumentType.Double, description="Share of time in unknown states", unit="P1"),
    ),
    plan,
)
