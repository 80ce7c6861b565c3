"""Bounded least squares over several signals of different noise, and how sure its result is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Line = npt.NDArray[np.float64]
Differences = Callable[[Line], Sequence[Line]]
"""Of parameters: of each signal model - measured, in the order of time."""
_ROUNDS: Final = 3
_EVEN: Final = 1.1
_ROBUST: Final = 3.0
"""Residuals beyond three times their usual size count linearly (soft L1), not by their square."""
_MOST_STEPS: Final = 40
_CLOSE: Final = 1e-6
_NUDGE: Final = 1e-3
_SEEN: Final = 1e-5
_STEEP: Final = 30.0
"""Times what is usual for a signal: looked at again, it may be a jump."""
_AROUND, _TRIED, _SEED = 2.0, 12, 1


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """values: float64[p]. scales: of each signal its usual residual. jacobian: float64[m, p], of residuals over their
    scale by parameters. covariance: float64[p, p]. freedom: independent residuals less p."""

    values: Line
    scales: Line
    jacobian: Line
    covariance: Line
    freedom: float


class Problem:
    """differences: what is to be small. low, high: bounds of the parameters. floors: of each signal the residual below
    which nothing can be told, its noise."""

    def __init__(self, differences: Differences, low: Line, high: Line, floors: Line) -> None:
        self._differences = differences
        self._low, self._high = low, high
        self._floors = floors

    def residuals(self, values: Line, scales: Line) -> Line:
        """float64[m], signal by signal."""
        lines = [one / scale for one, scale in zip(self._differences(values), scales, strict=True)]
        return np.asarray(np.concatenate(lines), np.float64)

    def jacobian(self, values: Line, scales: Line) -> Line:
        """float64[m, p], by differences that are wide enough to be seen and narrow enough to be straight."""
        at = self._differences(values)
        columns = [self._column(values, scales, at, place) for place in range(len(values))]
        return np.asarray(np.stack(columns, axis=1), np.float64)

    def _column(self, values: Line, scales: Line, at: Sequence[Line], place: int) -> Line:
        width = self._high[place] - self._low[place]
        size = min(_NUDGE * abs(values[place]), 0.01 * width) or 1e-6 * width
        sign = 1.0 if values[place] + size <= self._high[place] else -1.0
        while True:
            change = self._change(values, scales, at, place, sign * size)
            seen = float(np.sqrt(np.mean(np.concatenate(change) ** 2)))
            if seen > _SEEN or size * 10.0 > 0.1 * width:
                break
            size *= 10.0
        steep = [np.abs(one) > _STEEP * _middle(np.abs(one)) for one in change]
        if any(one.any() for one in steep):
            half = self._change(values, scales, at, place, 0.5 * sign * size)
            change = [_smooth(*one) for one in zip(change, half, steep, strict=True)]
        return np.asarray(np.concatenate(change) / (sign * size), np.float64)

    def _change(self, values: Line, scales: Line, at: Sequence[Line], place: int, size: float) -> list[Line]:
        moved = values.copy()
        moved[place] += size
        lines = zip(self._differences(moved), at, scales, strict=True)
        return [(one - before) / scale for one, before, scale in lines]

    def begin(self, start: Line, scales: Line) -> Line:
        """Where to begin: the start, or the best of some points around it, for a valley may have its own bottom."""
        inside = np.clip(start, self._low, self._high)
        random = np.random.default_rng(_SEED)
        low = np.where(start > 0.0, np.maximum(self._low, start / _AROUND), self._low)
        high = np.where(start > 0.0, np.minimum(self._high, start * _AROUND), np.minimum(self._high, inside + 0.1))
        tried: list[Line] = [inside, *(low + random.random((_TRIED, len(start))) * np.maximum(high - low, 0.0))]
        costs = [_cost(self.residuals(one, scales)) for one in np.clip(tried, self._low, self._high)]
        return tried[int(np.argmin(costs))]

    def solve(self, start: Line, scales: Line, progress: Callable[[float], None]) -> Fit:
        """Fit, take what is left of each signal as its scale, and fit again (Bard, Nonlinear Parameter Estimation,
        1974, 4-9; iterated weights of Seber and Wild, Nonlinear Regression, 1989, 11.3)."""
        from scipy.optimize import least_squares  # in a worker only

        inner = np.clip(start, self._low + 1e-9 * self._width, self._high - 1e-9 * self._width)
        values = inner
        for number in range(_ROUNDS):
            said = least_squares(
                self.residuals,
                values,
                self.jacobian,
                (self._low, self._high),
                "trf",
                _CLOSE,
                _CLOSE,
                None,
                x_scale="jac",
                loss="soft_l1",
                f_scale=_ROBUST,
                max_nfev=_MOST_STEPS,
                args=(scales,),
            )
            values = np.asarray(said.x, np.float64)
            progress((number + 1) / _ROUNDS)
            left = np.array([_usual(one) for one in self._differences(values)])
            fresh = np.maximum(left, self._floors)
            change = fresh / scales
            scales = fresh
            if change.max() < _EVEN and change.min() > 1.0 / _EVEN:
                break
        return self._judged(values, scales)

    @property
    def _width(self) -> Line:
        return self._high - self._low

    def _judged(self, values: Line, scales: Line) -> Fit:
        """The covariance of the parameters when residuals of one signal hang together over time: each counts as much
        as its share of independent ones (sandwich form, Seber and Wild 1989, 2.1 and 6.2)."""
        jacobian = self.jacobian(values, scales)
        lines = [one / scale for one, scale in zip(self._differences(values), scales, strict=True)]
        count, parameters = len(jacobian), len(values)
        weights = [1.0 / np.sqrt(1.0 + (one / _ROBUST) ** 2) for one in lines]
        left = np.zeros((parameters, parameters))
        middle = np.zeros((parameters, parameters))
        independent, at = 0.0, 0
        for line, weight in zip(lines, weights, strict=True):
            rows = jacobian[at : at + len(line)]
            at += len(line)
            together = repetition(line * weight)
            independent += len(line) / together
            variance = float(np.mean((line * weight) ** 2)) * count / max(count - parameters, 1)
            left += rows.T @ (rows * weight[:, None])
            middle += together * variance * (rows.T @ rows)
        inverse = np.linalg.pinv(left)
        return Fit(values, scales, jacobian, inverse @ middle @ inverse, max(independent - parameters, 1.0))


def _middle(size: Line) -> float:
    """The median of what is not 0; infinite where nothing is."""
    moved = size[size > 0.0]
    return float(np.median(moved)) if len(moved) else np.inf


def _smooth(change: Line, half: Line, steep: npt.NDArray[np.bool_]) -> Line:
    """Without jumps, as where a check valve opens: they are no slope. Half a step changes a slope by half."""
    jumps = steep & (np.abs(change - 2.0 * half) > 0.5 * np.abs(change))
    return np.where(jumps, 0.0, change)


def _cost(residuals: Line) -> float:
    """Soft L1, as it is made small."""
    return float(np.sum(np.sqrt(1.0 + (residuals / _ROBUST) ** 2) - 1.0))


def _usual(line: Line) -> float:
    """Root of the mean square, with those beyond three times the median's size cut there."""
    size = np.abs(line)
    edge = _ROBUST * 1.4826 * float(np.median(size))
    return float(np.sqrt(np.mean(np.minimum(size, edge) ** 2))) if edge else float(np.sqrt(np.mean(size**2)))


def repetition(line: Line) -> float:
    """How many residuals in a row tell as much as one independent one: 1 + 2 times the sum of the autocorrelations,
    as long as the sum of two neighbours is positive (Bayley and Hammersley 1946; Geyer 1992)."""
    count = len(line)
    power = float(np.mean(line**2))
    if count < 4 or power == 0.0:
        return 1.0
    size = 1 << (2 * count - 1).bit_length()
    spectrum: Any = np.fft.rfft(line, size)
    lags = np.fft.irfft(np.abs(spectrum) ** 2, size)[: count // 2] / (count * power)
    pairs = lags[1 : 1 + 2 * ((len(lags) - 1) // 2)].reshape(-1, 2).sum(axis=1)
    stop = int(np.argmax(pairs <= 0.0)) if (pairs <= 0.0).any() else len(pairs)
    return float(min(max(1.0 + 2.0 * pairs[:stop].sum(), 1.0), count))
