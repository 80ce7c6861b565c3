"""Values that depend on themselves: z = f(z), for one moment or many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
_CLOSE: Final = 1e-10
_ROUNDS: Final = 60
_NUDGE: Final = 1e-6


class NoSolution(Exception):
    """No z was found with f(z) = z."""


def solve(f: Callable[[Matrix], Matrix], guess: Matrix) -> Matrix:
    """z with f(z) = z, float64[k, n]: k values at n moments that know nothing of each other. Newton's method with
    numeric derivatives; where a step makes it worse, half of it is taken. Raises NoSolution."""
    z = guess.copy()
    wrong = f(z) - z
    for _ in range(_ROUNDS):
        if not np.isfinite(wrong).all():
            break
        if (np.abs(wrong) <= _CLOSE * (1.0 + np.abs(z))).all():
            return z
        step = _newton(f, z, wrong)
        size = np.ones(z.shape[1])
        for _ in range(6):
            tried = z + size * step
            left = f(tried) - tried
            worse = ~(np.abs(left).max(axis=0) <= np.abs(wrong).max(axis=0))
            if not worse.any():
                break
            size = np.where(worse, 0.5 * size, size)
        z, wrong = tried, left
    raise NoSolution


def _newton(f: Callable[[Matrix], Matrix], z: Matrix, wrong: Matrix) -> Matrix:
    """The full step at each moment."""
    count = len(z)
    slopes = np.empty((z.shape[1], count, count))
    for column in range(count):
        nudged = z.copy()
        nudge = _NUDGE * (1.0 + np.abs(z[column]))
        nudged[column] += nudge
        slopes[:, :, column] = ((f(nudged) - nudged - wrong) / nudge).T
    try:
        steps = np.linalg.solve(slopes, -wrong.T[:, :, None])
    except np.linalg.LinAlgError:
        return wrong
    return np.asarray(steps[:, :, 0].T, np.float64)
