"""EstimateSavings: what a meter would have read without a measure, from its drivers, against what it read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Context, Job, number_of, signals_of, ticks_of
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.savings_model import Baseline, fit, saving_draws
from analytics.series import TICKS_PER_SECOND, Series, hold

_LEAST: Final = 20
"""Intervals of the baseline below which nothing is estimated."""
_POOR: Final = 0.5
"""CV(RMSE) above which the drivers explain too little of the meter."""
_COUNTERS: Final = ("KWH", "WHR", "MWH", "MTQ", "GWH", "3B", "JOU", "KJO")
_POWERS: Final = {"KWT": 1.0 / 3600.0, "WTT": 1.0 / 3600.0, "MAW": 1.0 / 3600.0}
_METER, _DRIVERS, _FROM, _TO, _AFTER, _UNTIL, _INTERVAL, _CONFIDENCE = range(8)
Matrix = npt.NDArray[np.float64]


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    meter = arguments[_METER]
    if not isinstance(meter, str):
        raise ArgumentError(_METER, BAD_TYPE_MISMATCH, "Meter is the path of one signal")
    signals_of([meter], context, _METER)
    drivers = tuple(one for one in signals_of(arguments[_DRIVERS], context, _DRIVERS) if one != meter)
    if not arguments[_DRIVERS]:
        raise ArgumentError(_DRIVERS, BAD_NO_MATCH, "name what drives the meter, such as the outdoor temperature")
    spans = [ticks_of(arguments[index], index) for index in (_FROM, _TO, _AFTER, _UNTIL)]
    spans[3] = spans[3] or context.now_ticks
    for index, ticks in zip((_FROM, _TO, _AFTER), spans[:3], strict=True):
        if ticks is None:
            raise ArgumentError(index, BAD_OUT_OF_RANGE, "a time is needed: baseline and reporting period are yours")
    begin, end, after, until = (int(ticks or 0) for ticks in spans)
    if not begin < end <= after < until:
        raise ArgumentError(
            _AFTER, BAD_OUT_OF_RANGE, "the baseline must end before the reporting period, which ends last"
        )
    interval_s = number_of(arguments[_INTERVAL], _INTERVAL, "Interval", 0, 31 * 86_400, 0.0) or 86_400.0
    settings = {
        "meter": meter,
        "drivers": drivers,
        "baseline": (begin, end),
        "reporting": (after, until),
        "interval_s": interval_s,
        "confidence": number_of(arguments[_CONFIDENCE] or None, _CONFIDENCE, "Confidence", 50, 99.9, 90.0) / 100.0,
        "unit": context.about[meter].unit if meter in context.about else None,
    }
    return Job("EstimateSavings", (meter, *drivers), begin, until, settings, long=True)


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    meter: str,
    drivers: Sequence[str],
    baseline: tuple[int, int],
    reporting: tuple[int, int],
    interval_s: float,
    confidence: float,
    unit: str | None,
) -> tuple[Any, ...]:
    """The results of EstimateSavings in their order. Raises NotAvailable."""
    before = table(series, meter, drivers, baseline, interval_s, unit)
    after = table(series, meter, drivers, reporting, interval_s, unit)
    if len(before) < max(_LEAST, 5 * len(drivers)) or not len(after):
        have = f"{len(before)} complete intervals of {interval_s:g} s before and {len(after)} after"
        raise NotAvailable(f"{have}; at least {max(_LEAST, 5 * len(drivers))} and 1 are needed")
    model = fit(before[:, 0], before[:, 1:])
    would, actual = float(model.predict(after[:, 1:]).sum()), float(after[:, 0].sum())
    if would <= 0:
        raise NotAvailable("the model says that nothing would have been used; look at meter and drivers")
    draws = saving_draws(model, after[:, 1:], actual)
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    valid = model.cv_rmse <= _POOR
    reason = _remarks(model, before, after, drivers) if valid else _too_poor(model)
    shares = (1 - actual / would, low, high)
    figures = (would, actual, would - actual, *(100.0 * one for one in shares))
    quality = (100.0 * model.cv_rmse, 100.0 * model.nmbe, model.r2)
    return (*figures, *quality, len(before), len(after), words(model, drivers), valid, reason)


def table(
    series: Mapping[str, Series],
    meter: str,
    drivers: Sequence[str],
    span: tuple[int, int],
    interval_s: float,
    unit: str | None,
) -> Matrix:
    """float64[n, 1 + drivers]: what the meter used in each interval and the mean of each driver; only intervals in
    which all of them are known."""
    step = round(interval_s * TICKS_PER_SECOND)
    edges = np.arange(span[0], span[1] + 1, step, dtype=np.int64)
    if len(edges) < 2:
        return np.empty((0, 1 + len(drivers)))
    columns = [used(series[meter], edges, unit), *(_means(series[driver], edges) for driver in drivers)]
    whole = np.column_stack(columns)
    return whole[np.isfinite(whole).all(axis=1)]


def used(series: Series, edges: npt.NDArray[np.int64], unit: str | None) -> npt.NDArray[np.float64]:
    """What a meter used between edges: differences of a counter (a unit of energy or volume that never falls), the mean
    of a power times the hours, else the sum of the values in the interval."""
    known = np.isfinite(series.values)
    values = series.values[known]
    if unit in _COUNTERS and len(values) > 1 and bool((np.diff(values) >= 0).all()):
        longest = 2.0 * float(np.median(np.diff(edges))) / TICKS_PER_SECOND
        return np.diff(hold(series, edges, longest))
    if unit in _POWERS:
        return _means(series, edges) * np.diff(edges) / TICKS_PER_SECOND * _POWERS[unit]
    return _summed(series, edges)[0]


def _means(series: Series, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    total, count = _summed(series, edges)
    return total / np.where(count > 0, count, np.nan)


def _summed(series: Series, edges: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sum (NaN where there is nothing) and count of the known values in each interval."""
    known = np.isfinite(series.values)
    place = np.searchsorted(edges, series.ticks[known], "right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    place, values = place[inside], series.values[known][inside]
    total = np.bincount(place, values, len(edges) - 1)
    count = np.bincount(place, minlength=len(edges) - 1).astype(np.float64)
    return np.where(count > 0, total, np.nan), count


def words(model: Baseline, drivers: Sequence[str]) -> str:
    """The model as a formula."""
    said = [f"{model.coefficients[0]:.4g}"]
    for term, coefficient in zip(model.terms, model.coefficients[1:].tolist(), strict=True):
        name = drivers[term.driver]
        side = {0: name, -1: f"max({term.point:.4g} - {name}, 0)", 1: f"max({name} - {term.point:.4g}, 0)"}[term.sign]
        said.append(f"{coefficient:+.4g} * {side}")
    return " ".join(said)


def _too_poor(model: Baseline) -> str:
    return (
        f"the drivers explain too little of the meter: CV(RMSE) is {100 * model.cv_rmse:.0f} %, at most 50 % is right"
    )


def _remarks(model: Baseline, before: Matrix, after: Matrix, drivers: Sequence[str]) -> str:
    """What is to be kept in mind: how much of the reporting period lies beyond what the baseline has seen."""
    low, high = before[:, 1:].min(axis=0), before[:, 1:].max(axis=0)
    beyond = ((after[:, 1:] < low) | (after[:, 1:] > high)).mean(axis=0)
    said = [
        f"{driver} was beyond what the baseline has seen in {100 * share:.0f} % of the intervals"
        for driver, share in zip(drivers, beyond.tolist(), strict=True)
        if share > 0.05
    ]
    if not model.terms:
        said.append("no driver explains the meter: the baseline is its mean")
    return "; ".join(said)


ESTIMATE_SAVINGS: Final = Function(
    "EstimateSavings",
    "What a measure has saved: a baseline on the meter's drivers against what was read after it, with its interval",
    (
        Argument("Meter", ArgumentType.String, description="Signal of a counter, a power, or amounts per interval"),
        Argument("Drivers", ArgumentType.String, ONE_DIMENSION, "Signals that it depends on: temperature, production"),
        Argument("BaselineStart", ArgumentType.DateTime, description="First moment of the time before the measure"),
        Argument("BaselineEnd", ArgumentType.DateTime, description="Its end; best after a whole year"),
        Argument("ReportingStart", ArgumentType.DateTime, description="First moment of the time after the measure"),
        Argument("ReportingEnd", ArgumentType.DateTime, description="Null: now"),
        Argument("Interval", ArgumentType.Double, description="What is summed up; 0: a day", unit="SEC"),
        Argument("Confidence", ArgumentType.Double, description="Of the interval, 50 to 99.9; 0: 90", unit="P1"),
    ),
    (
        Argument("Expected", ArgumentType.Double, description="What would have been used in the reporting period"),
        Argument("Used", ArgumentType.Double, description="What was used"),
        Argument("Saved", ArgumentType.Double, description="The difference"),
        Argument("SavedShare", ArgumentType.Double, description="Of what would have been used", unit="P1"),
        Argument("Lower", ArgumentType.Double, description="Lower end of the interval of SavedShare", unit="P1"),
        Argument("Upper", ArgumentType.Double, description="Upper end of it", unit="P1"),
        Argument(
            "CVRMSE", ArgumentType.Double, description="CV(RMSE) of the baseline (ASHRAE Guideline 14)", unit="P1"
        ),
        Argument("NMBE", ArgumentType.Double, description="Its normalised mean bias error", unit="P1"),
        Argument("R2", ArgumentType.Double, description="Share of the variance that the drivers explain"),
        Argument("BaselineIntervals", ArgumentType.Int32, description="Complete intervals before"),
        Argument("ReportingIntervals", ArgumentType.Int32, description="Complete intervals after"),
        Argument("Model", ArgumentType.String, description="The baseline as a formula"),
    ),
    plan,
)
