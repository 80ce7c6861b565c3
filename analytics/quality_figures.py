"""How far the course of one signal can be believed: gaps, flat lines, spikes, values out of range, sampling interval.

The words, and what they mean, are those of the live flags of the bridge (DataQuality of each tag), with their usual
thresholds; here the whole course is known, so that what is usual is taken from all of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Signal
from analytics.series import TICKS_PER_SECOND, Series

FLAT_LINE: Final = 14.0
"""A value stays the same for so many times as many readings as usually ..."""
LEAST_RUN: Final = 30
"""... and at least for so many."""
SPIKE: Final = 10.0
"""A reading jumps by so many usual steps, and comes back ..."""
LEAST_OF_RANGE: Final = 0.05
"""... and by at least this share of the EURange."""
LEARNED: Final = 20
"""Changes of a value before its ways are known."""
_MOST_OF_STEP: Final = 5.0
"""A step counts for at most so many median ones in what is usual."""
LEAST_READINGS: Final = 20
LEAST_SHARE: Final = 0.5
"""Of readings that are Good, of time without gaps, of time that it does not stand still, of values within the range."""
_MOST_SPIKES: Final = 0.05
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one signal. readings: all, good: share of them that are Good measurements. gaps: how many times no Good
    reading came for longer than the tag may be silent; longest_gap_s, gap_share of the time. flat_s: time for which it
    stood still though it usually moves, flat_share of the time. spikes: single readings far off. outside: share of the
    Good readings out of the EURange, NaN without one. interval_s: median time from one reading to the next; jitter_s:
    half the range that holds 90 % of the intervals; NaN below two readings. why_not: what makes it unusable, "" where
    it can be used."""

    readings: int
    good: float
    gaps: int
    longest_gap_s: float
    gap_share: float
    flat_s: float
    flat_share: float
    spikes: int
    outside: float
    interval_s: float
    jitter_s: float
    problems: tuple[str, ...] = ()
    why_not: str = ""


FIELDS: Final = tuple(field.name for field in fields(Figures))


def figures(series: Series, start_ticks: int, end_ticks: int, about: Signal) -> Figures:
    """Judge the readings from start to end."""
    there = np.isfinite(series.values)
    ticks, values = series.ticks[there], series.values[there]
    lasting_s = max((end_ticks - start_ticks) / TICKS_PER_SECOND, 1e-7)
    silent = _gaps_s(ticks, start_ticks, end_ticks, about)
    flat_s = _flat_s(ticks, values, about)
    spikes = int(_spikes(values, about).sum())
    outside = _outside(values, about)
    interval, jitter = _sampling(series.ticks)
    found = Figures(
        len(series),
        float(there.mean()) if len(there) else 0.0,
        len(silent),
        float(silent.max(initial=0.0)),
        min(1.0, float(silent.sum()) / lasting_s),
        flat_s,
        min(1.0, flat_s / lasting_s),
        spikes,
        outside,
        interval,
        jitter,
    )
    return _judged(found, len(values), values, about)


def _gaps_s(ticks: npt.NDArray[np.int64], start: int, end: int, about: Signal) -> Floats:
    """The lengths of the gaps, those at both ends included."""
    apart = np.diff(ticks, prepend=start, append=end) / TICKS_PER_SECOND
    gaps: Floats = apart[apart > about.stale_s]
    return gaps


def _flat_s(ticks: npt.NDArray[np.int64], values: Floats, about: Signal) -> float:
    """How long a value other than 0 stayed the same for much longer than usual."""
    if not about.analog or len(values) <= LEAST_RUN:
        return 0.0
    begins = np.flatnonzero(np.diff(values, prepend=np.nan) != 0.0)
    runs = np.diff(begins, append=len(values))
    last = begins + runs - 1
    if len(runs) == 1:
        return float(ticks[-1] - ticks[0]) / TICKS_PER_SECOND if values[0] != 0.0 else 0.0
    if len(runs) <= LEARNED:
        return 0.0
    usual = (len(values) - runs) / (len(runs) - 1)
    flat = (runs > np.maximum(FLAT_LINE * usual, LEAST_RUN)) & (values[begins] != 0.0)
    return float((ticks[last] - ticks[begins])[flat].sum()) / TICKS_PER_SECOND


def _spikes(values: Floats, about: Signal) -> npt.NDArray[np.bool_]:
    """bool[n - 2]: which readings jump far from the one before, and are gone with the next."""
    steps = np.diff(values)
    moved = np.abs(steps[steps != 0.0])
    if not about.analog or len(moved) <= LEARNED:
        return np.zeros(0, np.bool_)
    usual = float(np.minimum(moved, _MOST_OF_STEP * np.median(moved)).mean())
    least = LEAST_OF_RANGE * (about.range[1] - about.range[0]) if about.range else 0.0
    up, down = steps[:-1], steps[1:]
    size = np.abs(up)
    back = (up * down < 0) & (np.abs(values[2:] - values[:-2]) < 0.5 * size)
    return np.asarray(back & (size > SPIKE * usual) & (size > least))


def _outside(values: Floats, about: Signal) -> float:
    if about.range is None or not len(values):
        return math.nan
    return float(((values < about.range[0]) | (values > about.range[1])).mean())


def _sampling(ticks: npt.NDArray[np.int64]) -> tuple[float, float]:
    intervals = np.diff(ticks) / TICKS_PER_SECOND
    if not len(intervals):
        return math.nan, math.nan
    low, middle, high = np.quantile(intervals, (0.05, 0.5, 0.95))
    return float(middle), float(high - low) / 2.0


def _judged(found: Figures, good: int, values: Floats, about: Signal) -> Figures:
    words = (
        ("FlatLine", found.flat_s > 0),
        ("Spike", found.spikes > 0),
        ("OutOfRange", found.outside > 0),
        ("Gap", found.gaps > 0 or not found.readings),
    )
    fields_ = {name: getattr(found, name) for name in FIELDS}
    fields_["problems"] = tuple(word for word, there in words if there)
    fields_["why_not"] = "; ".join(_why_not(found, good, values, about))
    return Figures(**fields_)


def _why_not(found: Figures, good: int, values: Floats, about: Signal) -> Iterator[str]:
    if not found.readings:
        yield "no reading in that time"
        return
    if found.good < LEAST_SHARE:
        yield f"only {100 * found.good:.0f} % of the readings are Good"
    elif good < LEAST_READINGS:
        yield f"only {good} Good readings, {LEAST_READINGS} are needed"
    if found.gap_share > 1.0 - LEAST_SHARE:
        yield f"no Good reading for {100 * found.gap_share:.0f} % of the time"
    if good >= LEAST_READINGS and values.min() == values.max():
        yield f"it is {values[0]:g} all the time"
    elif found.flat_share > 1.0 - LEAST_SHARE:
        yield f"it stands still for {100 * found.flat_share:.0f} % of the time"
    if found.outside > 1.0 - LEAST_SHARE and about.range:
        low, high = about.range
        yield f"{100 * found.outside:.0f} % of the values are outside {low:g} to {high:g}"
    if good >= LEAST_READINGS and found.spikes > _MOST_SPIKES * good:
        yield f"{100 * found.spikes / good:.0f} % of the readings are spikes"
