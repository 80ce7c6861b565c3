"""The anomaly detector: how far the features of windows lie from normal, and by which sensor, in plain arrays.

The distance is Mahalanobis' with a Ledoit-Wolf shrunk covariance of the features' residuals after the operating state
has been accounted for. It is taken as the length of h = C^(-1/2) z, whose squares add up to the squared distance and
stay with their own sensors (the corr-max transformation, Garthwaite and Koch 2016). Among a hundred sensors one faulty
one hardly lengthens h, so its own part of h has a limit too: the score is the worst of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.models import Arrays
from analytics.operating_state import OperatingState, learn, regress

Matrix = npt.NDArray[np.float64]
Cube = npt.NDArray[np.float64]
MOST_COMPONENTS: Final = 128
"""Directions of the covariance that are kept; those of less variance share their mean. Exact up to 32 signals."""
_FLOOR: Final = 0.05
"""Least scale of a feature, as a share of its signal's standard deviation: a rare step of a quantised signal is not
a miracle."""
_LEAST_VARIANCE: Final = 1e-6
"""Of a direction, relative to the others: below it there is nothing but rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """A fitted detector of p signals, whose features are F = 4 p, in the order of `analytics.rolling`.

    state: operating state. coefficients: float64[terms, F], features from its regressors. scale: float64[F], standard
    deviation of what remains. basis: float64[F, K] and root: float64[K], such that h = z / sqrt(rest) + basis (root *
    (basis' z)). rest: variance in the directions left out. own: float64[p, 4, 4], inverse covariance of each sensor's
    features alone. Above these is not normal: limit, of the length of h; part_limit: float64[p], of each sensor's part
    of h; own_limit: float64[p], of each sensor's distance by its features alone.
    """

    state: OperatingState
    coefficients: Matrix
    scale: npt.NDArray[np.float64]
    basis: Matrix
    root: npt.NDArray[np.float64]
    rest: float
    own: Cube
    limit: float = 1.0
    part_limit: npt.NDArray[np.float64] | float = 1.0
    own_limit: npt.NDArray[np.float64] | float = 1.0

    @property
    def signals(self) -> int:
        return len(self.own)

    def arrays(self) -> Arrays:
        """What a model stores; `from_arrays` reads it."""
        state = {name: np.asarray(getattr(self.state, name)) for name in OperatingState.__dataclass_fields__}
        own = {name: np.asarray(getattr(self, name)) for name in Detector.__dataclass_fields__ if name != "state"}
        return {**{f"state_{name}": array for name, array in state.items()}, **own}


def from_arrays(arrays: Arrays) -> Detector:
    """The detector that gave these arrays."""
    state = {name: np.asarray(arrays[f"state_{name}"], np.float64) for name in OperatingState.__dataclass_fields__}
    own = {name: np.asarray(arrays[name], np.float64) for name in Detector.__dataclass_fields__ if name != "state"}
    pairs = bool(state.pop("pairs"))
    rest, limit = float(own.pop("rest")), float(own.pop("limit"))
    return Detector(OperatingState(**state, pairs=pairs), rest=rest, limit=limit, **own)


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Of n windows. total: float64[n], NaN where it cannot be told. parts: float64[n, p], each sensor's part of it, the
    squares of which add up to its square. own: float64[n, p], each sensor's distance by its features alone.
    unknown_state: bool[n], where training saw no such operating state."""

    total: npt.NDArray[np.float64]
    parts: Matrix
    own: Matrix
    unknown_state: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Of n windows. score: float64[n], above 1 is not normal; NaN where it cannot be told. shares: float64[n, p], each
    sensor's part of the squared distance, adding up to 1. own: float64[n, p], above 1 where a sensor by itself is not
    normal. unknown_state: bool[n], where training saw no such operating state."""

    score: npt.NDArray[np.float64]
    shares: Matrix
    own: Matrix
    unknown_state: npt.NDArray[np.bool_]


def fit(features: Cube, context: Cube, windows: int) -> Detector:
    """A detector without limits, from features float64[n, 4, p] and context features float64[n, 4, c] of normal
    operation, without NaN. windows: how many of the n do not overlap. Loads scikit-learn: in a worker only."""
    from sklearn.covariance import ledoit_wolf  # 1 s

    state = learn(context, windows)
    regressors = state.regressors(context)
    flat = features.reshape(len(features), -1)
    coefficients = regress(regressors, flat)
    left = flat - regressors @ coefficients
    scale = _scale(features, left)
    covariance, _ = ledoit_wolf(left / scale, assume_centered=True)
    basis, root, rest = _whitening(covariance)
    return Detector(state, coefficients, scale, basis, root, rest, _own(covariance, features.shape[2]))


def residuals(detector: Detector, features: Cube, context: Cube) -> Matrix:
    """float64[n, F]: features less what the operating state lets expect, in standard deviations; NaN where missing."""
    flat = features.reshape(len(features), -1)
    z: Matrix = (flat - detector.state.regressors(context) @ detector.coefficients) / detector.scale
    return z


def expected(detector: Detector, context: Cube) -> Cube:
    """float64[n, 4, p]: the features that the operating state lets expect."""
    flat = detector.state.regressors(context) @ detector.coefficients
    return flat.reshape(len(context), 4, detector.signals)


def distances(detector: Detector, features: Cube, context: Cube) -> Distances:
    """Distances of windows: features float64[n, 4, p], context features float64[n, 4, c], NaN where missing.

    A missing sensor counts as what the others let expect, so that it neither raises nor lowers the distance; where more
    than half of them are missing there is none.
    """
    known = detector.state.known(context)
    z = residuals(detector, features, context)
    own = _own_distances(detector, z)
    missing = np.isnan(z)
    usable = known & (2 * missing.sum(axis=1) <= missing.shape[1])
    z[~usable] = 0.0
    fill(detector, z)
    h = whiten(detector, z)
    squares = np.where(usable[:, None], (h * h).reshape(len(h), 4, -1).sum(axis=1), np.nan)
    unknown = ~known & ~np.isnan(context).any(axis=(1, 2))
    return Distances(np.sqrt(squares.sum(axis=1)), np.sqrt(squares), own, unknown)


def score(detector: Detector, features: Cube, context: Cube) -> Scores:
    """Distances by the limits of the detector."""
    found = distances(detector, features, context)
    worst = (found.parts / detector.part_limit).max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (found.parts / found.total[:, None]) ** 2
    return Scores(
        np.maximum(found.total / detector.limit, worst), shares, found.own / detector.own_limit, found.unknown_state
    )


def whiten(detector: Detector, z: Matrix) -> Matrix:
    """h = C^(-1/2) z, float64[n, F]: its length is the distance."""
    h: Matrix = z / np.sqrt(detector.rest) + ((z @ detector.basis) * detector.root) @ detector.basis.T
    return h


def fill(detector: Detector, z: Matrix) -> None:
    """Put in the place of each NaN of z what makes the distance least, given the rest: its conditional mean."""
    holes = np.isnan(z)
    rows = np.flatnonzero(holes.any(axis=1))
    if not len(rows):
        return
    patterns, which = np.unique(holes[rows], axis=0, return_inverse=True)
    root = 1.0 / np.sqrt(detector.rest)
    # precision = (root I + B R B')^2 = root^2 I + B (2 root R + R^2) B'
    weight = detector.root * (2.0 * root + detector.root)
    for number, hole in enumerate(patterns):
        at = rows[which.reshape(-1) == number]
        lost, kept = detector.basis[hole], detector.basis[~hole]
        inner = np.eye(len(lost)) * root**2 + (lost * weight) @ lost.T
        outer = (z[np.ix_(at, ~hole)] @ kept) * weight @ lost.T
        z[np.ix_(at, hole)] = -np.linalg.solve(inner, outer.T).T


def _scale(features: Cube, left: Matrix) -> npt.NDArray[np.float64]:
    """Standard deviation of each feature's residual, with a floor by that of its signal."""
    mean, deviation = features[:, 0], features[:, 1]
    signal = np.sqrt(mean.var(axis=0) + (deviation * deviation).mean(axis=0))
    scale = np.maximum(np.sqrt((left * left).mean(axis=0)), _FLOOR * np.tile(signal, 4))
    return np.where(scale == 0.0, 1.0, scale)


def _whitening(covariance: Matrix) -> tuple[Matrix, npt.NDArray[np.float64], float]:
    """Basis, root and rest of Detector for C^(-1/2)."""
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values[::-1], _LEAST_VARIANCE * values.mean())
    vectors = vectors[:, ::-1]
    kept = min(MOST_COMPONENTS, len(values))
    rest = float(values[kept:].mean()) if kept < len(values) else float(values[-1])
    root = 1.0 / np.sqrt(values[:kept]) - 1.0 / np.sqrt(rest)
    return np.ascontiguousarray(vectors[:, :kept]), root, rest


def _own(covariance: Matrix, signals: int) -> Cube:
    covariance = covariance + _LEAST_VARIANCE * np.eye(len(covariance))
    blocks = np.arange(signals)[:, None] + signals * np.arange(4)
    own: Cube = np.linalg.inv(covariance[blocks[:, :, None], blocks[:, None, :]])
    return own


def _own_distances(detector: Detector, z: Matrix) -> Matrix:
    """float64[n, p]: each sensor's Mahalanobis distance from its own features alone; NaN where it is missing."""
    by_signal = z.reshape(len(z), 4, -1)
    square = np.einsum("nip,pij,njp->np", by_signal, detector.own, by_signal, optimize=True)
    distances: Matrix = np.sqrt(np.maximum(square, 0.0))
    return distances
