"""Forecast: how a signal goes on, how sure that is, when it reaches a limit, and whether it is better than a guess."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly_words import name_of
from analytics.arguments import NO_LIMITS, Context, Job, Limits, Signal, signals_of
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.forecast_models import LEAST_KNOWN, MODELS, NAIVE, Backtest, choose, season_of
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.reach import reach_ticks
from analytics.remaining_life_words import duration
from analytics.series import TICKS_PER_SECOND, Series

Floats = npt.NDArray[np.float64]
_SIGNAL, _HORIZON, _STEP, _CONFIDENCE = range(4)
_USUAL_HORIZON_S: Final = 3600.0
_LONGEST_S: Final = 366 * 86_400.0
_USUAL_STEPS: Final = 48
_MOST_STEPS: Final = 500
_KNOWN: Final = 600
"""Steps that are looked back, or three times as many as are forecast."""
_READINGS: Final = 4e6
_LEAST_GOOD: Final = 0.8
_MOST_SILENT: Final = 3.0
_USUAL_PERCENT: Final = 90.0


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    signal = _signal(arguments[_SIGNAL], context)
    about = context.about.get(signal, Signal())
    horizon = _number(arguments[_HORIZON], _HORIZON, "Horizon", 0.001, _LONGEST_S, _USUAL_HORIZON_S)
    usual = max(about.period_s, horizon / _USUAL_STEPS)
    step = _number(arguments[_STEP], _STEP, "Step", 0.001, horizon, min(usual, horizon))
    steps = max(1, math.ceil(horizon / step - 1e-9))
    if steps > _MOST_STEPS:
        raise ArgumentError(
            _STEP, BAD_OUT_OF_RANGE, f"Horizon / Step is {steps}; at most {_MOST_STEPS} steps, so Step from "
            f"{horizon / _MOST_STEPS:g} s on"
        )  # fmt: skip
    confidence = _number(arguments[_CONFIDENCE], _CONFIDENCE, "Confidence", 50.0, 99.9, _USUAL_PERCENT)
    back = round(max(_KNOWN, 3 * steps) * step * TICKS_PER_SECOND)
    start = max(context.now_ticks - back, reach_ticks(context, (signal,), _READINGS))
    settings = {
        "signal": signal, "step_s": step, "steps": steps, "confidence": confidence / 100.0,
        "limits": about.limits, "symbol": about.symbol,
    }  # fmt: skip
    return Job("Forecast", (signal,), start, context.now_ticks, settings)


def run(
    series: Mapping[str, Series],
    start_ticks: int,
    end_ticks: int,
    signal: str,
    step_s: float,
    steps: int,
    confidence: float,
    limits: Limits = NO_LIMITS,
    symbol: str = "",
) -> tuple[Any, ...]:
    """The results of Forecast. Raises NotAvailable."""
    known = regular(series[signal], end_ticks, step_s)
    needed = 2 * steps + LEAST_KNOWN
    if len(known) < needed:
        raise NotAvailable(
            f"{signal} is known for {duration(len(known) * step_s / 3600)}; to forecast "
            f"{duration(steps * step_s / 3600)} in steps of {step_s:g} s it must be for "
            f"{duration(needed * step_s / 3600)}"
        )
    season = season_of(known)
    test = choose(known, steps, season)
    values = MODELS[test.name](known, steps, season)
    lower, upper = test.band(values, confidence)
    times = end_ticks + (np.arange(1, steps + 1) * step_s * TICKS_PER_SECOND).astype(np.int64)
    limit, at = crossing(float(known[-1]), values, limits, step_s)
    earliest = min(
        crossing(float(known[-1]), lower, limits, step_s)[1],
        crossing(float(known[-1]), upper, limits, step_s)[1],
        key=lambda one: math.inf if math.isnan(one) else one,
    )
    sentence = _sentence(signal, float(known[-1]), values, test, (limit, at, earliest), symbol, season * step_s)
    return (
        times, values, lower, upper, limit, at, earliest, test.name, test.ratio, season * step_s, sentence, True,
        _reservation(test),
    )  # fmt: skip


def regular(series: Series, end_ticks: int, step_s: float) -> Floats:
    """Means of the Good readings of each step up to end, float64[n]; small gaps are bridged. Raises NotAvailable where
    there are too few of them, or none lately."""
    good = np.isfinite(series.values)
    if not good.any():
        raise NotAvailable("the signal has no Good value in that time")
    back = (end_ticks - series.ticks[good]) / TICKS_PER_SECOND
    if back[-1] > _MOST_SILENT * step_s:
        raise NotAvailable(f"the signal has had no Good value for {duration(float(back[-1]) / 3600)}")
    row = (back / step_s).astype(np.intp)
    count = int(row[0]) + 1
    many = np.bincount(row, minlength=count)
    sums = np.bincount(row, series.values[good], minlength=count)
    there = np.flatnonzero(many)
    if len(there) < _LEAST_GOOD * count:
        raise NotAvailable(
            f"only {100 * len(there) / count:.0f} % of the steps have a Good value, {100 * _LEAST_GOOD:.0f} % are "
            "needed"
        )
    means = sums[there] / many[there]
    return np.interp(np.arange(count), there, means)[::-1].copy()


def crossing(now: float, course: Floats, limits: Limits, step_s: float) -> tuple[float, float]:
    """The first limit that a course passes which has not been passed yet, and in how many seconds; NaN for none."""
    times = []
    for limit, sign in zip(limits, (-1.0, -1.0, 1.0, 1.0), strict=True):
        beyond = sign * (np.concatenate([[now], course]) - limit)
        if not math.isfinite(limit) or beyond[0] >= 0 or not (beyond >= 0).any():
            continue
        at = int(np.argmax(beyond >= 0))
        part = -beyond[at - 1] / (beyond[at] - beyond[at - 1])
        times.append(((at - 1 + part) * step_s, limit))
    if not times:
        return math.nan, math.nan
    seconds, limit = min(times)
    return limit, float(seconds)


# -- what is asked and said -------------------------------------------------------------------------------------------


def _signal(argument: object, context: Context) -> str:
    if argument is not None and not isinstance(argument, str):
        raise ArgumentError(_SIGNAL, BAD_TYPE_MISMATCH, "Signal is text")
    if not argument and len(context.signals) != 1:
        raise ArgumentError(_SIGNAL, BAD_NO_MATCH, f"name one signal: {', '.join(list(context.signals)[:5])}, ...")
    return signals_of([argument] if argument else None, context, _SIGNAL)[0]


def _number(argument: object, index: int, name: str, low: float, high: float, usual: float) -> float:
    """0 or null: what is usual."""
    if argument is None or argument == 0:
        return usual
    if isinstance(argument, bool) or not isinstance(argument, (int, float)):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} is a number")
    if not low <= argument <= high:
        raise ArgumentError(index, BAD_OUT_OF_RANGE, f"{name} is {argument:g}; right is {low:g} to {high:g}")
    return float(argument)


def _sentence(
    signal: str,
    now: float,
    values: Floats,
    test: Backtest,
    reached: tuple[float, float, float],
    symbol: str,
    season_s: float,
) -> str:
    unit = f" {symbol}" if symbol else ""
    limit, at, earliest = reached
    text = f"{name_of(signal)} is {now:.4g}{unit} and is expected to be {values[-1]:.4g}{unit} at the end"
    if not math.isnan(at):
        text += f"; it reaches its limit of {limit:g}{unit} in {duration(at / 3600)}"
    elif not math.isnan(earliest):
        text += f"; it may reach a limit in {duration(earliest / 3600)}"
    if season_s:
        text += f"; it repeats every {duration(season_s / 3600)}"
    if test.name == NAIVE:
        return f"{text}. No model foretold it better than its last value."
    return f"{text}. So far such forecasts were off by {100 * test.ratio:.0f} % of what the last value was off by."


def _reservation(test: Backtest) -> str:
    if test.name != NAIVE:
        return ""
    return f"it is no better than a guess: the last value goes on; the best model had {test.best:.2f} times its error"


_DOUBLE: Final = ArgumentType.Double
_DOUBLES: Final = (_DOUBLE, ONE_DIMENSION)
FORECAST: Final = Function(
    "Forecast",
    "How a signal goes on, with a band, the time to its next alarm limit, and how such forecasts did so far",
    (
        Argument("Signal", ArgumentType.String, description="Path below this twin; empty: its only one"),
        Argument("Horizon", _DOUBLE, description="How far ahead; 0: an hour", unit="SEC"),
        Argument("Step", _DOUBLE, description="From one value to the next; 0: a 48th of Horizon", unit="SEC"),
        Argument("Confidence", _DOUBLE, description="Of the band, 50 to 99.9; 0: 90", unit="P1"),
    ),
    (
        Argument("Times", ArgumentType.DateTime, ONE_DIMENSION, "Of the values: the end of each step"),
        Argument("Values", *_DOUBLES, "In the signal's unit, the mean of each step"),
        Argument("Lower", *_DOUBLES, "Lower end of the band"),
        Argument("Upper", *_DOUBLES, "Upper end of the band"),
        Argument("Limit", _DOUBLE, description="Alarm limit that is reached first; NaN: none within the horizon"),
        Argument("TimeToLimit", _DOUBLE, description="Until then; NaN: none within the horizon", unit="SEC"),
        Argument("EarliestTimeToLimit", _DOUBLE, description="Until the band reaches one; NaN: not", unit="SEC"),
        Argument("Method", ArgumentType.String, description=f"{', '.join(MODELS)}; {NAIVE} where no other is better"),
        Argument("ErrorRatio", _DOUBLE, description="Mean absolute error to that of the last value going on, so far"),
        Argument("Season", _DOUBLE, description="After which it repeats; 0: not", unit="SEC"),
        Argument("Explanation", ArgumentType.String, description="In a sentence"),
    ),
    plan,
)
