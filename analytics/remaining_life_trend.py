"""A degradation trend towards a limit, with how sure it is (ISO 13381-1: prognosis by extrapolation of a trend).

level(t) = a + b (exp(k (t - 1)) - 1) / k, with t from 0 to 1 over what was observed: a is the level now, b the rate
now, k the bend; k = 0 is a straight line. All bends are averaged by how well they fit, so that the interval tells what
is not known of the form either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.errors import NotAvailable
from analytics.series import Series

Floats = npt.NDArray[np.float64]
LEAST_POINTS: Final = 20
MOST_POINTS: Final = 240
FARTHEST: Final = 10.0
"""Times what was observed: further ahead a trend tells nothing."""
SURE: Final = 0.95
_BENDS: Final = np.arange(-40, 121) / 10.0
_STRAIGHT: Final = 0.25
"""How likely a straight line is held to be before anything is seen."""
_DRAWS: Final = 4000
_RESET: Final = 0.25
_JUMP: Final = 0.5
"""Shares of the whole range: a step away from the limit, or towards it, that is no wear but another part or state."""
_FORM: Final = 0.1
"""No trend keeps its form: relative standard deviation that is added as far ahead as was observed, in proportion."""
_SILENT: Final = 0.1
"""Of what was observed: for how long at most nothing may have come."""
_TICKS_PER_HOUR: Final = 36_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """n values of an indicator. hours: float64[n], before now, negative. values: medians of Good readings."""

    hours: Floats
    values: Floats

    @property
    def span(self) -> float:
        """Hours that were observed."""
        return float(self.hours[-1] - self.hours[0]) if len(self.hours) else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """left: float64[draws], hours to the limit, infinite where it is never reached. level, rate: now, rate per hour.
    towards: how likely it is that it moves to the limit. bend: the most likely k."""

    left: Floats
    level: float
    rate: float
    towards: float
    bend: float

    @property
    def hours(self) -> float:
        """The median."""
        return float(np.median(self.left))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Lower and upper end; the upper may be infinite."""
        tail = (1.0 - confidence) / 2.0
        ends = np.quantile(self.left, [tail, 1.0 - tail], method="nearest")
        return float(ends[0]), float(ends[1])


def points(series: Series, end_ticks: int, use: npt.NDArray[np.bool_] | None = None) -> Points:
    """At most 240 medians of the Good readings. use: bool[n], those that count."""
    good = np.isfinite(series.values)
    if use is not None:
        good &= use
    hours, values = (series.ticks[good] - end_ticks) / _TICKS_PER_HOUR, series.values[good]
    if not len(hours) or hours[0] == hours[-1]:
        return Points(hours[:1], values[:1])
    place = np.minimum((hours - hours[0]) / (hours[-1] - hours[0]) * MOST_POINTS, MOST_POINTS - 1).astype(np.intp)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    parts = np.split(np.arange(len(hours)), starts[1:])
    return Points(
        np.array([hours[part].mean() for part in parts]), np.array([np.median(values[part]) for part in parts])
    )


def since_reset(seen: Points, rising: bool) -> Points:
    """What came after the last step that is no wear: a part was renewed, or the machine is run differently."""
    while len(seen.values) > 2:
        steps = np.diff(seen.values) * (1.0 if rising else -1.0)
        whole = float(np.ptp(seen.values))
        usual = 8.0 * 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
        jump = (steps < -max(_RESET * whole, usual)) | (steps > max(_JUMP * whole, usual))
        jump[-1] = False  # one value is no state yet
        if whole == 0.0 or not jump.any():
            break
        after = int(np.flatnonzero(jump)[-1]) + 1
        seen = Points(seen.hours[after:], seen.values[after:])
    return seen


def extrapolate(seen: Points, limit: float, rising: bool, seed: int = 0) -> Trend:
    """The course of an indicator to a limit, above it (rising) or below. Raises NotAvailable for too few points."""
    if len(seen.values) < LEAST_POINTS:
        raise NotAvailable(f"{len(seen.values)} values are too few for a trend, {LEAST_POINTS} are needed")
    span, values = seen.span, _without_spikes(seen.values)
    if -seen.hours[-1] > _SILENT * span:
        raise NotAvailable(f"it has had no Good value for {-seen.hours[-1]:.3g} h, too long for a trend")
    bends, where, scale, freedom, chances = _fits((seen.hours - seen.hours[0]) / span, values)
    random = np.random.default_rng(seed)
    chosen = random.choice(len(bends), _DRAWS, p=chances)
    noise = random.standard_normal((_DRAWS, 2)) / np.sqrt(random.chisquare(freedom, _DRAWS) / freedom)[:, None]
    drawn = where[chosen] + np.einsum("nij,nj->ni", scale[chosen], noise)
    level, rate = drawn.T
    best = int(np.argmax(chances))
    spans = _time_to(limit - level, rate, bends[chosen], rising)
    spans *= np.exp(_FORM * np.clip(spans, 0.0, 5.0) * random.standard_normal(_DRAWS))
    left = np.maximum(span * spans + seen.hours[-1], 0.0)
    towards = float((rate > 0).mean() if rising else (rate < 0).mean())
    return Trend(left, float(where[best, 0]), float(where[best, 1] / span), towards, float(bends[best]))


def _time_to(ahead: Floats, rate: Floats, bend: Floats, rising: bool) -> Floats:
    """When the distance `ahead` has been gone, in spans; 0 where it is already, infinite where it never will be."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        steps = ahead / rate
        bent = np.log1p(bend * steps) / bend
    time = np.where(bend == 0.0, steps, bent)
    there = ahead <= 0 if rising else ahead >= 0
    towards = rate > 0 if rising else rate < 0
    return np.where(there, 0.0, np.where(towards & np.isfinite(time), np.maximum(time, 0.0), np.inf))


def _fits(t: Floats, y: Floats) -> tuple[Floats, Floats, Floats, float, Floats]:
    """For each bend k: (a, b), the square root of their covariance, and how likely k is; and the degrees of freedom.

    Residuals that follow each other (first-order autocorrelation) count as fewer: n (1 - r) / (1 + r) of n.
    """
    count = len(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        bent = np.expm1(_BENDS[:, None] * (t - 1.0)) / _BENDS[:, None]
    design = np.stack([np.ones((len(_BENDS), count)), np.where(_BENDS[:, None] == 0.0, t - 1.0, bent)], axis=2)
    square = np.linalg.inv(np.einsum("kni,knj->kij", design, design))
    where = np.einsum("kij,knj,n->ki", square, design, y)
    rest = y - np.einsum("kni,ki->kn", design, where)
    errors = np.maximum((rest**2).sum(axis=1), 1e-12 * max(float(np.ptp(y)) ** 2, 1e-300) * count)
    best = rest[int(np.argmin(errors))]
    follow = float(np.clip(best[1:] @ best[:-1] / max(best @ best, 1e-300), 0.0, 0.97))
    follow = min(follow + (1.0 + 4.0 * follow) / count if follow > 2.0 / np.sqrt(count) else follow, 0.97)
    many = max(count * (1.0 - follow) / (1.0 + follow), 4.0)
    freedom = max(many - 3.0, 1.0)
    prior = np.where(_BENDS == 0.0, _STRAIGHT, (1.0 - _STRAIGHT) / (len(_BENDS) - 1))
    weight = np.log(prior) - 0.5 * many * np.log(errors / errors.min())
    chances = np.exp(weight - weight.max())
    scale = np.linalg.cholesky(square) * np.sqrt(errors / freedom)[:, None, None]
    return _BENDS, where, scale, freedom, chances / chances.sum()


def _without_spikes(values: Floats, width: int = 7, beyond: float = 4.0) -> Floats:
    """Values far off the median of their neighbours are replaced by it (Hampel identifier)."""
    padded = np.pad(values, width // 2, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, width)
    middle = np.median(around, axis=1)
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    off = np.abs(values - middle) > beyond * spread
    return np.where(off & (spread > 0), middle, values)
