"""Degradation models: an indicator of wear and the limit it must not pass, where there are no histories of failures.

Training keeps what is to be followed and tests, on the last part of what there is, how well the trend of the first part
foretold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Progress
from analytics.errors import BAD_OUT_OF_RANGE, ArgumentError, NotAvailable
from analytics.models import Label, Trained
from analytics.remaining_life_runs import NEW, since_new
from analytics.remaining_life_trend import LEAST_POINTS, MOST_POINTS, Points, extrapolate, points, since_reset
from analytics.series import Series, hold
from analytics.trainer import OPTIONS, SIGNALS, Option, Trainer

KIND: Final = "Degradation"
_AROUND: Final = 0.1
"""Share of what was seen of a context signal that counts as the same operating state."""
_HELD_S: Final = 60.0
_TAUGHT: Final = 0.7


@dataclass(frozen=True, slots=True)
class Indicator:
    """A signal that shows wear. low, high: limits, infinite where there is none. symbol: of its unit."""

    signal: str
    low: float
    high: float
    symbol: str = ""


def alike(
    indicator: Series, context: Mapping[str, Series], around: Mapping[str, float] | None = None
) -> npt.NDArray[np.bool_]:
    """Which readings of an indicator were taken in the operating state of the latest ones, bool[n]. around: values of
    context signals that count instead."""
    use = np.ones(len(indicator), np.bool_)
    for name, one in context.items():
        there = hold(one, indicator.ticks, _HELD_S)
        seen = there[np.isfinite(there)]
        if not len(seen):
            continue
        middle = around[name] if around is not None else float(np.median(seen[-max(5, len(seen) // 20) :]))
        use &= np.abs(there - middle) <= max(_AROUND * float(np.ptp(seen)), 1e-9)
    return use


def followed(
    series: Mapping[str, Series],
    one: Indicator,
    context_signals: tuple[str, ...],
    end_ticks: int,
    rising: bool,
) -> Points:
    """The points of an indicator since its part was renewed or the machine is run as it is. rising: what wear does."""
    indicator = series[one.signal]
    use = alike(indicator, {name: series[name] for name in context_signals})
    return since_reset(points(indicator, end_ticks, use), rising)


def run(
    series: Mapping[str, Series],
    context_signals: tuple[str, ...],
    start_ticks: int,
    end_ticks: int,
    exclude: tuple[tuple[int, int], ...] = (),
    labels: tuple[Label, ...] = (),
    progress: Progress = lambda fraction: None,
    high: float = float("nan"),
    low: float = float("nan"),
) -> Trained:
    """Raises NotAvailable, ArgumentError."""
    if low >= high:
        raise ArgumentError(OPTIONS, BAD_OUT_OF_RANGE, f"Low ({low:g}) is not below High ({high:g})")
    measured = tuple(name for name in series if name not in context_signals)
    limited = not (np.isnan(high) and np.isnan(low))
    if len(measured) > 1 and limited:
        raise ArgumentError(SIGNALS, BAD_OUT_OF_RANGE, "High and Low are limits of one signal: give that one only")
    begin = max(start_ticks, since_new(labels, end_ticks) or start_ticks)
    kept = {name: _without(one.between(begin, end_ticks), exclude) for name, one in series.items()}
    rising = np.isnan(low) or not np.isnan(high)
    seen = {
        name: followed(kept, Indicator(name, -np.inf, np.inf), context_signals, end_ticks, rising) for name in measured
    }
    least = min(measured, key=lambda name: len(seen[name].values))
    if len(seen[least].values) < LEAST_POINTS:
        raise NotAvailable(
            f"{least} has {len(seen[least].values)} values that can be used, and a trend needs {LEAST_POINTS}"
        )
    progress(0.5)
    return Trained(
        KIND,
        measured,
        context_signals,
        {"levels": np.array([np.median(seen[name].values[-5:]) for name in measured])},
        {"high": None if np.isnan(high) else high, "low": None if np.isnan(low) else low},
        _held_out(seen[measured[0]], rising),
        min(len(one.values) for one in seen.values()),
    )


def _held_out(seen: Points, rising: bool) -> dict[str, float]:
    """Of the first indicator: how far off the trend of the first part was, in the last."""
    taught = max(LEAST_POINTS, int(_TAUGHT * len(seen.values)))
    if taught + 3 > len(seen.values):
        return {"Points": float(len(seen.values))}
    first = Points(seen.hours[:taught] - seen.hours[taught - 1], seen.values[:taught])
    trend = extrapolate(first, float(seen.values[-1]), rising)
    ahead = (seen.hours[taught:] - seen.hours[taught - 1]) / first.span
    bent = ahead if trend.bend == 0 else np.expm1(trend.bend * ahead) / trend.bend
    said = trend.level + trend.rate * first.span * bent
    error = float(np.mean(np.abs(said - seen.values[taught:])))
    constant = float(np.mean(np.abs(np.median(first.values[-5:]) - seen.values[taught:])))
    return {"Points": float(len(seen.values)), "HeldOutError": error, "NoTrendError": constant}


def _without(one: Series, exclude: tuple[tuple[int, int], ...]) -> Series:
    use = np.ones(len(one), np.bool_)
    for begin, end in exclude:
        use &= (one.ticks < begin) | (one.ticks > end)
    return replace(one, ticks=one.ticks[use], values=one.values[use], status=one.status[use])


def limits_of(settings: Mapping[str, Any]) -> tuple[float, float]:
    """Low and High of a model, infinite where it has none."""
    low, high = settings.get("low"), settings.get("high")
    return (-np.inf if low is None else float(low), np.inf if high is None else float(high))


TRAINER: Final = Trainer(
    KIND,
    "Which signal shows wear and what it must not pass; ContextSignals: those that must be as now for a value to count",
    run,
    {
        "High": Option(float("nan"), "What it must not rise above; not given: its alarm limit, or else its EURange"),
        "Low": Option(float("nan"), "What it must not fall below; not given: its alarm limit, or else its EURange"),
    },
    baseline=False,
    since=lambda labels: max((one.end_ticks for one in labels if one.kind in NEW), default=None),
    pieces=2 * MOST_POINTS,
)
