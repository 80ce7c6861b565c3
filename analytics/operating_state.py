"""What is normal depends on speed and load: features are expected from context signals, and unknown states are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.rolling import FEATURES

Matrix = npt.NDArray[np.float64]
_MEAN, _DEVIATION, _MAXIMUM, _MINIMUM = (
    FEATURES.index(name) for name in ("mean", "standard_deviation", "maximum", "minimum")
)
_LEVELS: Final = (_MEAN, _MAXIMUM, _MINIMUM)
_RIDGE: Final = 1e-3
"""Pulls coefficients to 0, relative to the size of the regressors: collinear context stays harmless."""
_BEYOND: Final = 0.05
"""How far outside of what training saw a state may be, as a share of what it saw."""
_KNOTS: Final = (0.25, 0.5, 0.75)
_WINDOWS_PER_TERM: Final = 6
_TERMS: Final = len(_LEVELS) * (1 + len(_KNOTS)) + 2
"""Of a context signal, with bends."""


@dataclass(frozen=True, slots=True, eq=False)
class OperatingState:
    """Regressors of c context signals and the range they were seen in.

    centre, spread: float64[c, 4], of the features of the context signals. knots: float64[c, 3, k], where the dependence
    on mean, maximum and minimum may bend, in spreads. low, high: float64[c, 3], maximum, minimum and range (their
    difference) of a window that may be judged. pairs: whether products of context signals are regressors too.
    """

    centre: Matrix
    spread: Matrix
    knots: npt.NDArray[np.float64]
    low: Matrix
    high: Matrix
    pairs: bool

    @property
    def signals(self) -> int:
        return len(self.centre)

    def regressors(self, features: npt.NDArray[np.float64]) -> Matrix:
        """float64[n, terms] from context features float64[n, 4, c] (`analytics.rolling`)."""
        return regressors(features, self.centre, self.spread, self.knots, self.pairs)

    def known(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """bool[n]: whether training saw such a state, so that there is something to judge by; not where a context
        signal is missing."""
        return known(features, self.low, self.high)


def regressors(
    features: npt.NDArray[np.float64],
    centre: npt.NDArray[np.float64],
    spread: npt.NDArray[np.float64],
    knots: npt.NDArray[np.float64],
    pairs: bool,
) -> Matrix:
    """float64[n, terms] from context features float64[n, 4, c]: 1; the level (mean, maximum, minimum) of each signal
    with its bends; how much it moves, and that in relation to its level; products of levels. All of order 1 in
    training. The other arrays are those of an OperatingState, or of one for each row, float64[n, ...]."""
    rows, signals = len(features), features.shape[2]
    constant = np.ones((rows, 1))
    if not signals:
        return constant
    scaled = (features.transpose(0, 2, 1) - centre) / spread
    levels = scaled[:, :, _LEVELS]
    mean, moves = scaled[:, :, _MEAN], scaled[:, :, _DEVIATION]
    terms = [constant, levels.reshape(rows, -1), moves]
    if knots.shape[-1]:
        terms += [np.maximum(levels[:, :, :, None] - knots, 0.0).reshape(rows, -1), mean * moves]
    if pairs:
        first, second = np.triu_indices(signals, 1)
        terms.append(mean[:, first] * mean[:, second])
    return np.concatenate(terms, axis=1)


def known(
    features: npt.NDArray[np.float64], low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """bool[n]: whether each state (context features float64[n, 4, c]) is within the bounds of an OperatingState, or of
    one for each row; False where it is not known."""
    state = _state(features)
    inside: npt.NDArray[np.bool_] = (state >= low) & (state <= high)
    return np.asarray(inside.all(axis=(1, 2)))


def learn(features: npt.NDArray[np.float64], windows: int) -> OperatingState:
    """The state of training, from context features float64[n, 4, c] without NaN; windows: how many of them do not
    overlap, which bounds how finely the dependence is described."""
    signals = features.shape[2]
    columns = features.transpose(0, 2, 1)
    centre: Matrix = columns.mean(axis=0)
    spread: Matrix = columns.std(axis=0)
    spread[spread <= 1e-12 * np.maximum(1.0, np.abs(centre))] = 1.0
    free = windows // _WINDOWS_PER_TERM - 1 - signals * _TERMS
    knots: npt.NDArray[np.float64] = np.empty((signals, len(_LEVELS), 0))
    if free >= 0 and signals:
        levels = ((columns - centre) / spread)[:, :, _LEVELS]
        knots = np.asarray(np.quantile(levels, _KNOTS, axis=0).transpose(1, 2, 0), np.float64)
    state = _state(features)
    lowest, highest = state.min(axis=0), state.max(axis=0)
    room: Matrix = _BEYOND * (highest - lowest) + 1e-9 * np.maximum(1.0, np.abs(highest))
    pairs = 0 < signals * (signals - 1) // 2 <= free
    return OperatingState(centre, spread, knots, lowest - room, highest + room, pairs)


def regress(terms: Matrix, features: Matrix) -> Matrix:
    """Coefficients float64[terms, F] of features float64[n, F] from regressors float64[n, terms], by least squares with
    a slight ridge on all but the constant (Hoerl and Kennard 1970)."""
    products = terms.T @ terms
    penalty = np.full(len(products), _RIDGE * len(terms))
    penalty[0] = 0.0
    return np.asarray(np.linalg.solve(products + np.diag(penalty), terms.T @ features), np.float64)


def _state(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """float64[n, c, 3]: maximum, minimum and range of each window."""
    highest, lowest = features[:, _MAXIMUM], features[:, _MINIMUM]
    return np.stack([highest, lowest, highest - lowest], axis=2)
