"""What is normal depends on speed and load: features are expected from context signals, and unknown states are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
_RIDGE: Final = 1e-3
"""Pulls coefficients to 0, relative to the size of the regressors: collinear context stays harmless."""
_BEYOND: Final = 0.1
"""How far outside of what training saw a state may be, as a share of what it saw."""
_KNOTS: Final = (0.25, 0.5, 0.75)
_WINDOWS_PER_TERM: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class OperatingState:
    """Regressors of c context signals and the range they were seen in.

    centre, spread: float64[c, 2], of the window's mean and of its range (maximum - minimum). knots: float64[c, k],
    where the dependence may bend, in spreads of the mean. low, high: float64[c, 2], the range that may be judged.
    pairs: whether products of context signals are regressors too.
    """

    centre: Matrix
    spread: Matrix
    knots: Matrix
    low: Matrix
    high: Matrix
    pairs: bool

    @property
    def signals(self) -> int:
        return len(self.centre)

    def regressors(self, features: npt.NDArray[np.float64]) -> Matrix:
        """float64[n, terms] from context features float64[n, 4, c] (`analytics.rolling`): 1, mean, range, bends and
        products of means, all of them of order 1 in the range of training."""
        if not self.signals:
            return np.ones((len(features), 1))
        scaled = (_state(features) - self.centre) / self.spread
        mean, span = scaled[:, :, 0], scaled[:, :, 1]
        bends = np.maximum(mean[:, :, None] - self.knots, 0.0).reshape(len(features), -1)
        terms = [np.ones((len(features), 1)), mean, span, bends]
        if self.pairs:
            first, second = np.triu_indices(self.signals, 1)
            terms.append(mean[:, first] * mean[:, second])
        return np.concatenate(terms, axis=1)

    def known(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """bool[n]: whether training saw such a state, so that there is something to judge by; not where a context
        signal is missing."""
        state = _state(features)
        inside: npt.NDArray[np.bool_] = (state >= self.low) & (state <= self.high)
        return np.asarray(inside.all(axis=(1, 2)))


def learn(features: npt.NDArray[np.float64], windows: int) -> OperatingState:
    """The state of training, from context features float64[n, 4, c] without NaN; windows: how many of them do not
    overlap, which bounds how finely the dependence is described."""
    signals = features.shape[2]
    state = _state(features)
    lowest, highest = state.min(axis=0), state.max(axis=0)
    centre, spread = state.mean(axis=0), state.std(axis=0)
    spread[spread <= 1e-12 * np.maximum(1.0, np.abs(centre))] = 1.0
    enough = windows >= _WINDOWS_PER_TERM * (1 + signals * (2 + len(_KNOTS)))
    mean = (state[:, :, 0] - centre[:, 0]) / spread[:, 0]
    knots: Matrix = np.empty((signals, 0))
    if enough and signals:
        knots = np.asarray(np.quantile(mean, _KNOTS, axis=0).T, np.float64)
    pairs = signals * (signals - 1) // 2
    room = _BEYOND * (highest - lowest) + 1e-9 * np.maximum(1.0, np.abs(highest))
    return OperatingState(
        centre,
        spread,
        knots,
        lowest - room,
        highest + room,
        bool(enough and 0 < pairs <= windows // _WINDOWS_PER_TERM - signals * (2 + len(_KNOTS))),
    )


def regress(regressors: Matrix, features: Matrix) -> Matrix:
    """Coefficients float64[terms, F] of features float64[n, F], by least squares with a slight ridge on all but the
    constant (Hoerl and Kennard 1970)."""
    products = regressors.T @ regressors
    penalty = np.full(len(products), _RIDGE * len(regressors))
    penalty[0] = 0.0
    coefficients: Matrix = np.linalg.solve(products + np.diag(penalty), regressors.T @ features)
    return coefficients


def _state(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """float64[n, c, 2]: mean and range of each window."""
    return np.stack([features[:, 0], features[:, 2] - features[:, 3]], axis=2)
