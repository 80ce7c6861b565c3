"""What PredictRemainingUsefulLife is asked: by which model, or towards which limits, with which data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics import degradation, remaining_life_train
from analytics.arguments import Context, Job, Limits, model_of
from analytics.degradation import Indicator, limits_of
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.models import ModelRecord, ModelState
from analytics.reach import reach_ticks
from analytics.remaining_life_runs import since_new
from analytics.series import TICKS_PER_SECOND

_MODEL, _CONFIDENCE = range(2)
_USUAL_PERCENT: Final = 90.0
_READINGS: Final = 2e6
"""Of all signals together, for a trend; where none shows in these, pieces of a longer time are looked at."""
_LONG_TICKS: Final = 2 * 366 * 86_400 * TICKS_PER_SECOND
_PIECES: Final = 240
"""Of each signal over a long time: one for each point of a trend, or for each row of a usual life."""
_FEW_SIGNALS: Final = 10
"""That pieces are read of: some 0.3 s each."""
_MOST_INDICATORS: Final = 50
_MOST_SIGNALS: Final = 2_000
HOUR: Final = "HUR"


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError, NotAvailable."""
    confidence = _confidence(arguments[_CONFIDENCE])
    record = _model(arguments[_MODEL], context)
    if record is None:
        return _trend_job(_alarmed(context), (), context, confidence, "")
    gone = [name for name in (*record.signals, *record.context_signals) if name not in frozenset(context.signals)]
    if gone:
        raise NotAvailable(f"the plant has no {', '.join(gone)} any more, which {record.id} needs: train a new model")
    if record.kind == degradation.KIND:
        return _trend_job(_chosen(record, context), record.context_signals, context, confidence, record.id)
    counter = record.settings.get("counter")
    about = context.about[str(counter)] if counter and str(counter) in context.about else None
    return Job(
        "RemainingLifeByHistories",
        (*record.signals, *record.context_signals),
        since_new(context.labels, context.now_ticks),
        context.now_ticks,
        {
            "confidence": confidence,
            "unit": ((about.unit if about else None) or "") if counter else HOUR,
            "symbol": ((about.symbol if about else "") if counter else None),
        },
        model=record.id,
        pieces=_PIECES,
    )


def _confidence(argument: object) -> float:
    if argument is None or argument == 0:
        return _USUAL_PERCENT / 100.0
    if isinstance(argument, bool) or not isinstance(argument, (int, float)):
        raise ArgumentError(_CONFIDENCE, BAD_TYPE_MISMATCH, "Confidence is a number")
    if not 50.0 <= argument <= 99.9:
        raise ArgumentError(_CONFIDENCE, BAD_OUT_OF_RANGE, f"Confidence is {argument:g}; right is 50 to 99.9 percent")
    return argument / 100.0


def _model(argument: object, context: Context) -> ModelRecord | None:
    """The model an argument names, or the active one, by histories rather than by a trend; None where there is none."""
    kinds = (remaining_life_train.KIND, degradation.KIND)
    of_kind = [one for one in context.models if one.kind in kinds]
    if not argument:
        active = [one for one in of_kind if one.state is ModelState.active]
        return min(active, key=lambda one: kinds.index(one.kind), default=None)
    kind = next((one.kind for one in of_kind if one.id == argument), None)
    if kind is None and isinstance(argument, str):
        known = ", ".join(one.id for one in of_kind) or "none; TrainModel makes one"
        raise ArgumentError(_MODEL, BAD_NO_MATCH, f'the twin has no such model "{argument}"; it has {known}')
    return model_of(argument, context, kind or kinds[0], _MODEL)


def _alarmed(context: Context) -> tuple[tuple[Indicator, ...], str]:
    """The signals that have alarm limits. Raises NotAvailable where there are none."""
    if len(context.signals) > _MOST_SIGNALS:
        raise NotAvailable(f"it and the twins below have {len(context.signals)} signals; call it on the twins below")
    found = []
    for name in context.signals:
        low, high = _outer(context.about[name].limits) if name in context.about else (-np.inf, np.inf)
        if np.isfinite(low) or np.isfinite(high):
            found.append(Indicator(name, low, high, context.about[name].symbol))
    if not found:
        raise NotAvailable(
            "the twin has no model and no signal with an alarm limit that a trend could be followed to: "
            "TrainModel(Degradation, [signal], Options High=...) names one, TrainModel(RemainingLife) learns from "
            f"{remaining_life_train.LEAST_HISTORIES} failures and more"
        )
    if len(found) > _MOST_INDICATORS:
        raise NotAvailable(f"{len(found)} signals below it have alarm limits; call it on the twins below")
    return tuple(found), ""


def _chosen(record: ModelRecord, context: Context) -> tuple[tuple[Indicator, ...], str]:
    """The signals of a Degradation model. Raises NotAvailable where a signal has no limit of any kind."""
    low, high = limits_of(record.settings)
    found, remarks = [], []
    for name in record.signals:
        about = context.about.get(name)
        ends = (low, high)
        if not np.isfinite(ends).any() and about is not None:
            ends = _outer(about.limits)
            if not np.isfinite(ends).any() and about.range is not None:
                ends = about.range
                remarks.append(f"{name} has no alarm limit: the end of its EURange was taken")
        if not np.isfinite(ends).any():
            raise NotAvailable(
                f"{name} has neither an alarm limit nor an EURange: train {record.id} anew with High=..."
            )
        found.append(Indicator(name, *ends, about.symbol if about is not None else ""))
    return tuple(found), "; ".join(remarks)


def _outer(limits: Limits) -> tuple[float, float]:
    """LowLow and HighHigh, or Low and High where these are all there is."""
    low_low, low, high, high_high = limits
    return (low_low if np.isfinite(low_low) else low, high_high if np.isfinite(high_high) else high)


def _trend_job(
    wanted: tuple[tuple[Indicator, ...], str],
    context_signals: tuple[str, ...],
    context: Context,
    confidence: float,
    model: str,
) -> Job:
    indicators, remark = wanted
    signals = tuple(dict.fromkeys((*(one.signal for one in indicators), *context_signals)))
    new = since_new(context.labels, context.now_ticks) or 0
    settings = {
        "confidence": confidence, "indicators": indicators, "context_signals": context_signals, "remark": remark,
    }  # fmt: skip
    now = context.now_ticks
    near, far = max(new, reach_ticks(context, signals, _READINGS)), max(new, now - _LONG_TICKS)
    pieces = _PIECES if len(signals) <= _FEW_SIGNALS else 0
    if near <= far or not pieces:
        return Job("RemainingLifeByTrend", signals, near, now, settings, model=model)
    return Job("RemainingLifeByTrend", signals, far, now, settings, model=model, others=((near, now),), pieces=pieces)
