"""Forecasts of a regular series that need no training to speak of, and how well each would have done so far.

A model is called with what is known (float64[n], no NaN), how many steps to go, and the length of a season in steps (0:
none), and gives float64[steps].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Method = Callable[[Floats, int, int], Floats]
LEAST_KNOWN: Final = 20
_ORIGINS: Final = 24
_WORTH: Final = 0.95
"""A model has to be better than the last value by so much to be taken instead."""
_SEASONAL: Final = 0.4
"""Autocorrelation from which on there is a season."""
_LEVELS: Final = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
_GRID: Final = np.array(list(product(_LEVELS, [0.02, 0.1, 0.3], [0.85, 0.95, 0.99]))).T
"""Smoothing of the level, smoothing of the trend as a share of it, damping."""


def last_value(known: Floats, steps: int, season: int) -> Floats:
    """It stays as it is: the naive forecast."""
    return np.full(steps, known[-1])


def last_season(known: Floats, steps: int, season: int) -> Floats:
    """As a season before."""
    return known[-season:][np.arange(steps) % season]


def straight_line(known: Floats, steps: int, season: int) -> Floats:
    """The line of least squares through what came lately, three times as long as what is to come."""
    recent = known[-max(LEAST_KNOWN, 3 * steps) :]
    slope, level = np.polyfit(np.arange(1 - len(recent), 1), recent, 1)
    return np.asarray(level + slope * np.arange(1, steps + 1))


def damped_trend(known: Floats, steps: int, season: int) -> Floats:
    """Level and trend smoothed exponentially, the trend fading (Gardner and McKenzie 1985); what smooths best by the
    errors of one step."""
    alpha, beta, phi = _GRID
    level = np.full(len(alpha), known[0])
    trend = np.full(len(alpha), np.median(np.diff(known[: min(len(known), 10)])))
    lost = np.zeros(len(alpha))
    for value in known[1:]:
        before = level + phi * trend
        error = value - before
        level = before + alpha * error
        trend = phi * trend + alpha * beta * error
        lost += error * error
    best = int(np.argmin(lost))
    fading = np.cumsum(phi[best] ** np.arange(1, steps + 1))
    return np.asarray(level[best] + trend[best] * fading)


def theta(known: Floats, steps: int, season: int) -> Floats:
    """Simple exponential smoothing with half the slope of the straight line (Assimakopoulos and Nikolopoulos 2000, as
    Hyndman and Billah 2003 put it)."""
    level, lost = np.full(len(_LEVELS), known[0]), np.zeros(len(_LEVELS))
    for value in known[1:]:
        error = value - level
        level = level + _LEVELS * error
        lost += error * error
    best = int(np.argmin(lost))
    slope = float(np.polyfit(np.arange(len(known)), known, 1)[0])
    lag = (1.0 - (1.0 - _LEVELS[best]) ** len(known)) / _LEVELS[best]
    return np.asarray(level[best] + 0.5 * slope * (np.arange(steps) + lag))


def seasonal_trend(known: Floats, steps: int, season: int) -> Floats:
    """The usual course of a season on top of a damped trend."""
    around = np.convolve(known, np.ones(season) / season, mode="valid")
    first = season // 2
    off = known[first : first + len(around)] - around
    phase = (np.arange(len(off)) + first) % season
    profile = np.bincount(phase, off, season) / np.maximum(np.bincount(phase, minlength=season), 1)
    profile -= profile.mean()
    rest = known - profile[np.arange(len(known)) % season]
    ahead = (len(known) + np.arange(steps)) % season
    return np.asarray(damped_trend(rest, steps, 0) + profile[ahead])


NAIVE: Final = "LastValue"
MODELS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        NAIVE: last_value,
        "LastSeason": last_season,
        "StraightLine": straight_line,
        "DampedTrend": damped_trend,
        "Theta": theta,
        "SeasonalTrend": seasonal_trend,
    }
)
_WITH_SEASON: Final = ("LastSeason", "SeasonalTrend")


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """What the chosen model would have done so far. errors: float64[origins, steps], truth - forecast. ratio: its mean
    absolute error to that of the last value, over the same origins; best: that of the best other model (NaN: none)."""

    name: str
    errors: Floats
    ratio: float
    best: float

    def band(self, forecast: Floats, confidence: float) -> tuple[Floats, Floats]:
        """Lower and upper end at each step. Errors of all steps are put in relation to what is usual so far ahead,
        which never falls; the quantiles are conformal. Errors of one origin that follow each other count as fewer."""
        usual = np.sqrt(np.mean(self.errors**2, axis=0))
        smooth = np.convolve(np.pad(usual, 2, mode="edge"), np.ones(5) / 5.0, mode="valid")
        growing = np.maximum(np.maximum.accumulate(smooth), 1e-12)
        tail = (1.0 - confidence) / 2.0
        scaled = self.errors / growing
        follow = float((scaled[:, 1:] * scaled[:, :-1]).sum() / max((scaled**2).sum(), 1e-300))
        each = max(1.0, scaled.shape[1] * (1.0 - follow) / (1.0 + follow))
        outer = max(tail - (1.0 - tail) / (len(scaled) * each), 0.0)
        low, high = np.quantile(scaled, [outer, 1.0 - outer])
        return forecast + growing * min(low, 0.0), forecast + growing * max(high, 0.0)


def season_of(known: Floats) -> int:
    """The length of a season in steps, 0 for none: the first of the highest peaks of the autocorrelation after it fell
    below 0, if they are high."""
    count = len(known)
    rest = known - np.polyval(np.polyfit(np.arange(count), known, 1), np.arange(count))
    spectrum = np.abs(np.fft.rfft(rest, 2 * count)) ** 2
    together = np.fft.irfft(spectrum)[: count // 3]
    if len(together) < 4 or together[0] <= 1e-12 * max(float(np.ptp(known)) ** 2, 1e-300):
        return 0
    together = together / together[0] * count / (count - np.arange(len(together)))
    fallen = int(np.argmax(together < 0.0)) if (together < 0.0).any() else 0
    if not fallen:
        return 0
    inner = together[1:-1]
    peaks = np.flatnonzero((inner >= together[:-2]) & (inner >= together[2:])) + 1
    peaks = peaks[(peaks > fallen) & (peaks >= 4)]
    if not len(peaks):
        return 0
    highest = float(together[peaks].max())
    return int(peaks[together[peaks] >= 0.9 * highest][0]) if highest >= _SEASONAL else 0


def choose(known: Floats, steps: int, season: int) -> Backtest:
    """The model that would have done best, forecasting again and again from what was known then (rolling origin); the
    last value unless another is clearly better."""
    first = max(LEAST_KNOWN, 2 * season + 2, len(known) // 4)
    first = min(first, len(known) - steps)
    origins = np.unique(np.linspace(first, len(known) - steps, _ORIGINS).astype(np.intp))
    names = [name for name in MODELS if (season and 2 * season + 2 <= origins[0]) or name not in _WITH_SEASON]
    errors = {
        name: np.stack([known[at : at + steps] - MODELS[name](known[:at], steps, season) for at in origins])
        for name in names
    }
    lost = {name: float(np.abs(one).mean()) for name, one in errors.items()}
    naive = max(lost[NAIVE], 1e-300)
    best = min((name for name in names if name != NAIVE), key=lambda name: lost[name])
    chosen = best if lost[best] < _WORTH * naive else NAIVE
    return Backtest(chosen, errors[chosen], lost[chosen] / naive if lost[NAIVE] > 0 else 1.0, lost[best] / naive)
