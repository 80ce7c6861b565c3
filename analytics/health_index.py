"""The health of twins, 0 to 100: how near signals are to their limits, anomalies, remaining life and missing data.

What takes health away, each as an index of its own: 100 well, 60 at a warning (High, Low; anomaly score 1; a week of
life left), 20 at an alarm (HighHigh, LowLow; score 3; a day left), 0 beyond. The own index of a twin is the lowest of
them. A component or asset is as healthy as the worst of itself and what is below it; a system or process, which goes on
when a part fails, is half its worst part and half the average of its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Signal

Floats = npt.NDArray[np.float64]
RULE: Final = (
    "The lowest of what the twin itself shows: signals near their limits (60 at High or Low, 20 at HighHigh or "
    "LowLow), anomaly score (60 at 1, 20 at 3), remaining life (60 at a week, 20 at a day), missing data (50 at most "
    "off). {parts}"
)
WORST_PART: Final = "Then the lowest of that and of the twins below it."
HALF_AND_HALF: Final = "Then the lower of that and of the twins below it: half the worst of them, half their average."
WARNING, ALARM = 60.0, 20.0
_NEAR: Final = 0.2
"""Of the way from the other end to a limit: from there on health falls."""
_SCORES: Final = ((0.7, 1.0, 3.0, 10.0), (100.0, WARNING, ALARM, 0.0))
_HOURS: Final = ((0.0, 24.0, 168.0, 720.0), (0.0, ALARM, WARNING, 100.0))
WHOLE: Final = ("system", "process")


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """n signals of t twins, parents before their parts. near, warn, alarm, end: float64[2, n], where health begins to
    fall, is WARNING, ALARM and 0, below (negated) and above; infinite where nothing limits. twin: int[n]. parent:
    int[t], -1 for a root. shared: bool[t], whether a twin goes on when a part fails."""

    near: Floats
    warn: Floats
    alarm: Floats
    end: Floats
    twin: npt.NDArray[np.intp]
    parent: npt.NDArray[np.intp]
    shared: npt.NDArray[np.bool_]

    @staticmethod
    def of(signals: Sequence[Signal], twin: Sequence[int], parent: Sequence[int], scopes: Sequence[str]) -> Layout:
        """signals[i] is one of twins[twin[i]]; parent and scopes are of the twins."""
        near, warn, alarm, end = np.array([_knots(one) for one in signals]).reshape(-1, 4, 2).transpose(1, 2, 0)
        shared = np.array([scope in WHOLE for scope in scopes], np.bool_)
        return Layout(near, warn, alarm, end, np.array(twin, np.intp), np.array(parent, np.intp), shared)


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """At m times. signals: float64[m, n]. own, whole: float64[m, t], of the twins themselves, and with those below
    them; NaN where nothing is known. score, life, data: float64[m, t], what anomaly score, remaining life and missing
    data let be."""

    signals: Floats
    own: Floats
    whole: Floats
    score: Floats
    life: Floats
    data: Floats


def health(layout: Layout, values: Floats, scores: Floats, hours: Floats) -> Health:
    """values: float64[m, n], NaN where there is no Good one. scores, hours: float64[m, t], anomaly scores and hours of
    remaining life, NaN where not known. No step loops over signals or times; the twins are rolled up level by level."""
    signals = np.minimum(_side(layout, -values, 0), _side(layout, values, 1))
    many = np.bincount(layout.twin, minlength=len(layout.parent)).astype(np.float64)
    lowest = np.full((len(values), len(layout.parent)), np.inf)
    np.minimum.at(lowest.T, layout.twin, np.where(np.isnan(signals), np.inf, signals).T)
    good = np.zeros_like(lowest)
    np.add.at(good.T, layout.twin, (~np.isnan(values)).astype(np.float64).T)
    with np.errstate(invalid="ignore", divide="ignore"):
        data = np.where(good > 0, 50.0 + 50.0 * good / many, np.nan)
    score, life = np.interp(scores, *_SCORES), np.interp(hours, *_HOURS)
    own = np.fmin(np.fmin(np.where(np.isinf(lowest), np.nan, lowest), data), np.fmin(score, life))
    return Health(signals, own, _rolled_up(layout, own), score, life, data)


def _knots(one: Signal) -> list[list[float]]:
    """near, warn, alarm, end: each below (negated) and above."""
    low_low, low, high, high_high = one.limits
    begin, end = one.range or (-np.inf, np.inf)
    lowest = next((limit for limit in (low, low_low, begin) if np.isfinite(limit)), 0.0)
    highest = next((limit for limit in (high, high_high, end) if np.isfinite(limit)), 0.0)
    below, above = _edges(-low, -low_low, -highest, -begin), _edges(high, high_high, lowest, end)
    return [[down, up] for down, up in zip(below, above, strict=True)]


def _edges(warn: float, alarm: float, other: float, end: float) -> tuple[float, float, float, float]:
    """For one side, rising. other: where the far end is; end: of EURange, which only counts where there is no limit."""
    if not np.isfinite(warn) and not np.isfinite(alarm):
        return (end, end, np.inf, np.inf)
    warn = warn if np.isfinite(warn) else alarm
    width = abs(warn - other) or max(abs(warn), 1.0)
    alarm = max(alarm, warn) if np.isfinite(alarm) else warn + width
    return (warn - _NEAR * width, warn, alarm, alarm + max(alarm - warn, _NEAR * width))


def _side(layout: Layout, values: Floats, side: int) -> Floats:
    near, warn, alarm, end = (one[side] for one in (layout.near, layout.warn, layout.alarm, layout.end))
    lost = (100.0 - WARNING) * _part(values, near, warn)
    lost += (WARNING - ALARM) * _part(values, warn, alarm)
    lost += ALARM * _part(values, alarm, end)
    return np.where(np.isnan(values), np.nan, 100.0 - lost)


def _part(values: Floats, begin: Floats, end: Floats) -> Floats:
    """How far values are on their way from begin to end, 0 to 1; a step where these are the same."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        part = np.clip((values - begin) / (end - begin), 0.0, 1.0)
    return np.where(np.isfinite(part), part, (values > begin).astype(np.float64))


def _rolled_up(layout: Layout, own: Floats) -> Floats:
    """From the deepest twins to the roots."""
    whole, parent = own.copy(), layout.parent
    depth = np.zeros(len(parent), np.intp)
    for at, above in enumerate(parent.tolist()):
        depth[at] = depth[above] + 1 if above >= 0 else 0
    for level in range(int(depth.max(initial=0)), 0, -1):
        parts = np.flatnonzero(depth == level)
        above, known = parent[parts], ~np.isnan(whole[:, parts])
        worst, total, many = np.full_like(own, np.inf), np.zeros_like(own), np.zeros_like(own)
        np.minimum.at(worst.T, above, np.where(known, whole[:, parts], np.inf).T)
        np.add.at(total.T, above, np.where(known, whole[:, parts], 0.0).T)
        np.add.at(many.T, above, known.astype(np.float64).T)
        with np.errstate(invalid="ignore", divide="ignore"):
            below = np.where(layout.shared, 0.5 * worst + 0.5 * total / many, worst)
        whole = np.fmin(whole, np.where(many > 0, below, np.nan))
    return whole
