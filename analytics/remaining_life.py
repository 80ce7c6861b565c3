"""PredictRemainingUsefulLife: how long it will last, how sure that is, and what tells; from histories or a trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from analytics.degradation import Indicator, followed
from analytics.errors import NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.models import Model, ModelRecord
from analytics.remaining_life_drivers import effects
from analytics.remaining_life_interval import Calibration, outlook
from analytics.remaining_life_plan import HOUR, plan
from analytics.remaining_life_runs import FEATURES, WINDOW, Run, features, group_of, run_of
from analytics.remaining_life_train import HOURS
from analytics.remaining_life_trend import FARTHEST, SURE, Trend, extrapolate
from analytics.remaining_life_words import amount, duration, histories_sentence, trend_sentence
from analytics.series import Series
from analytics.trees import predict_raw

_NO_WEAR: Final = 0.95
_LEAST_ROWS: Final = 5
_TOLD: Final = 5


def estimate(model: Model, run: Run) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The use that is left at each row of a run, float64[n]; at most the knee of the model."""
    knee = float(model.record.settings["knee"] or 0.0)
    return np.clip(predict_raw(model.arrays, features(run)), 0.0, knee)


def run_histories(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    model: Model,
    confidence: float,
    unit: str,
    symbol: str | None,
) -> tuple[Any, ...]:
    """The results by a RemainingLife model. Raises NotAvailable."""
    record, arrays = model.record, model.arrays
    first = min((int(one.ticks[0]) for one in series.values() if len(one)), default=None)
    if first is None:
        raise NotAvailable("none of the model's signals has a value since the part was new")
    counter = series[str(record.settings["counter"])] if record.settings.get("counter") else None
    span = (first if start_ticks is None else start_ticks, end_ticks)
    width = float(record.settings["step"] or 1.0)
    life = run_of([series[name] for name in record.signals], counter, span, width, ())
    _usable(life, record, amount(_LEAST_ROWS * width, symbol))
    said = float(estimate(model, life)[-1])
    horizons = np.asarray(arrays["horizons"], np.float64)
    ahead = outlook(Calibration.of(arrays), said, confidence, horizons.tolist())
    names = (*record.signals, "(use so far)")
    new = np.asarray(arrays["new"], np.float64)
    moved = effects(arrays, features(life)[-1], new, group_of(len(record.signals)))
    drivers, shares = _drivers(names, np.maximum(-moved, 0.0))
    histories = int(record.settings["histories"] or 0)
    sentence = histories_sentence((said, ahead.lower, ahead.upper), symbol, confidence, histories, drivers[:3])
    reason = _reservations(life, model, said, confidence, ahead.promised, start_ticks is None, symbol)
    hours = said if unit == HOUR else float("nan")
    found = (said, ahead.lower, ahead.upper, unit, hours, horizons, ahead.chances, histories, drivers, shares)
    return (*found, "Histories", sentence, True, reason)


def run_trend(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    confidence: float,
    indicators: tuple[Indicator, ...],
    context_signals: tuple[str, ...],
    remark: str,
    model: Model | None = None,
    others: tuple[Mapping[str, Series], ...] = (),
) -> tuple[Any, ...]:
    """The results by the trends of indicators: that of the one that is at its limit first. model: where the plan found
    them, if anywhere. others: every reading of the time just before now, which is looked at first; wear that does not
    show in it may do so in `series`, over a long time. Raises NotAvailable."""
    found: list[tuple[Indicator, float, Trend]] = []
    refused: list[str] = []
    for view in (*others, series):
        refused = []
        for one in indicators:
            try:
                found.append((one, *_nearest(view, one, context_signals, end_ticks)))
            except NotAvailable as error:
                refused.append(f"{one.signal}: {error}")
        if found:
            break
    if not found:
        raise NotAvailable("; ".join(refused[:_TOLD]))
    found.sort(key=lambda each: each[2].hours)
    one, limit, trend = found[0]
    lower, upper = trend.interval(confidence)
    speed = np.array([1.0 / max(each.hours, 1e-6) for _, _, each in found])
    drivers, shares = _drivers([each.signal for each, _, _ in found], speed)
    said = (trend.hours, lower, upper)
    chances = np.array([float((trend.left <= horizon).mean()) for horizon in HOURS])
    sentence = trend_sentence(one.signal, trend.level, trend.rate, limit, one.symbol, said)
    return (*said, HOUR, said[0], np.array(HOURS), chances, 0, drivers, shares, "Trend", sentence, True, remark)


def _nearest(
    series: Mapping[str, Series], one: Indicator, context_signals: tuple[str, ...], end_ticks: int
) -> tuple[float, Trend]:
    """The limit that an indicator moves to, and its trend. Raises NotAvailable where it moves to none."""
    why = "it has no limit"
    for limit, rising in ((one.high, True), (one.low, False)):
        if not np.isfinite(limit):
            continue
        seen = followed(series, one, context_signals, end_ticks, rising)
        trend = extrapolate(seen, limit, rising)
        if trend.hours == 0.0:
            return limit, trend
        why = _no_trend(trend, limit, seen.span)
        if not why:
            return limit, trend
    raise NotAvailable(why)


def _no_trend(trend: Trend, limit: float, span: float) -> str:
    """Why nothing can be said; "" where it can."""
    seen = f"{24 * trend.rate:+.2g} a day over {duration(span)}"
    if trend.towards <= 1.0 - SURE:
        return f"it moves away from its limit of {limit:g} ({seen})"
    if trend.towards < SURE:
        return f"no trend towards its limit of {limit:g} can be told from noise ({seen})"
    if trend.hours > FARTHEST * span:
        return f"at this rate ({seen}) its limit of {limit:g} is more than {FARTHEST:g} times as far as was observed"
    return ""


# -- what is to be kept in mind ---------------------------------------------------------------------------------------


def _usable(life: Run, record: ModelRecord, needed: str) -> None:
    rows = int(np.isfinite(life.values).any(axis=1).sum())
    if rows < _LEAST_ROWS:
        raise NotAvailable(f"the part has been in use for too short a time; {record.id} needs at least {needed}")
    recent: list[bool] = [bool(np.isfinite(one).any()) for one in life.values[-WINDOW:].T]
    if 2 * sum(recent) < len(recent):
        missing = [name for name, there in zip(record.signals, recent, strict=True) if not there]
        raise NotAvailable(f"{len(missing)} of {len(recent)} signals have no Good value now: {', '.join(missing)}")


def _reservations(
    life: Run, model: Model, said: float, confidence: float, promised: float, unknown_begin: bool, symbol: str | None
) -> str:
    knee = float(model.record.settings["knee"] or 0.0)
    remarks = []
    if unknown_begin:
        remarks.append("no label says when the part was new: all that is known was taken as its life")
    if said >= _NO_WEAR * knee:
        remarks.append(f"no wear shows yet; before the last {amount(knee, symbol)} the histories do not tell how long")
    if confidence > promised:
        remarks.append(f"so few histories are near that they bear {100 * promised:.0f} % confidence only")
    strange = _strange(life, model)
    if strange:
        remarks.append(f"outside of what the histories saw: {', '.join(strange[:_TOLD])}")
    return "; ".join(remarks)


def _strange(life: Run, model: Model) -> list[str]:
    """The signals whose latest mean no history ever had."""
    low, high = np.asarray(model.arrays["seen"], np.float64)
    count = len(model.record.signals)
    means = slice(FEATURES.index("mean") * count, (FEATURES.index("mean") + 1) * count)
    now, room = features(life)[-1][means], 0.1 * (high - low)[means]
    off = (now < low[means] - room) | (now > high[means] + room)
    return [name for name, one in zip(model.record.signals, off.tolist(), strict=True) if one]


def _drivers(
    names: Sequence[str], weights: np.ndarray[Any, np.dtype[np.float64]]
) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float64]]]:
    """Those that matter, largest share first; shares add up to 1 over all."""
    whole = float(weights.sum())
    if not whole > 0:
        return [], np.empty(0)
    order = [int(at) for at in np.argsort(-weights, kind="stable")[: 2 * _TOLD] if weights[at] > 0]
    return [names[at] for at in order], weights[order] / whole


_DOUBLE: Final = ArgumentType.Double
_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
PREDICT: Final = Function(
    "PredictRemainingUsefulLife",
    "How long this twin will last: by histories that ended in failures where a model has learnt from them, else by the "
    "trend of signals towards their alarm limits",
    (
        Argument("ModelId", ArgumentType.String, description="RemainingLife or Degradation; empty: the active one"),
        Argument("Confidence", _DOUBLE, description="Of the interval, 50 to 99.9; 0: 90", unit="P1"),
    ),
    (
        Argument("RemainingUsefulLife", _DOUBLE, description="The most likely value, in Unit"),
        Argument("Lower", _DOUBLE, description="Lower end of the interval, in Unit"),
        Argument("Upper", _DOUBLE, description="Upper end of the interval, in Unit; infinite where it is not bounded"),
        Argument("Unit", ArgumentType.String, description="UNECE code: HUR for hours, or that of the counter of use"),
        Argument("Hours", _DOUBLE, description="The same in hours; NaN where use is counted otherwise", unit=HOUR),
        Argument("Horizons", *_DOUBLES, "In Unit"),
        Argument("Probabilities", *_DOUBLES, "That the end comes within each horizon, 0 to 1"),
        Argument("Histories", ArgumentType.UInt32, description="How many lives it rests on; 0 for a trend"),
        Argument("Drivers", ArgumentType.String, ONE_DIMENSION, "What shortens it, the most important first"),
        Argument("DriverShares", *_DOUBLES, "Of each in that; over all they add up to 1"),
        Argument("Method", ArgumentType.String, description="Histories or Trend"),
        Argument("Explanation", ArgumentType.String, description="In a sentence"),
    ),
    plan,
)
