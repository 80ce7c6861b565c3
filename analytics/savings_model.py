"""What a meter would have read: a regression on its drivers with change points, and how sure it is.

The form is that of IPMVP Option C and ASHRAE Guideline 14: a base load and, for each driver, a straight line or hinges
(heating below a balance point, cooling above one). The balance points are searched on a grid, the form is chosen by
the Bayesian information criterion. CV(RMSE) and NMBE are those of Guideline 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
_GRID: Final = 19
_BLOCK: Final = 7
"""Intervals that are drawn together: neighbours err alike, and weekdays recur."""
_DRAWS: Final = 1000
_BETTER: Final = 10.0
"""By how much the criterion must fall for one more driver: very strong evidence (Kass and Raftery 1995), as many forms
are tried."""


@dataclass(frozen=True, slots=True)
class Term:
    """A column of the regression: of a driver as it is (point None), or how far it is below (sign -1) or above (+1) a
    balance point."""

    driver: int
    sign: int = 0
    point: float = 0.0

    def column(self, drivers: Matrix) -> Vector:
        """float64[n] from drivers float64[n, d]."""
        values = drivers[:, self.driver]
        return values if not self.sign else np.maximum(self.sign * (values - self.point), 0.0)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A fitted model. cv_rmse, nmbe: as fractions. residuals: float64[n] of the fit, in order."""

    terms: tuple[Term, ...]
    coefficients: Vector
    residuals: Vector
    cv_rmse: float
    nmbe: float
    r2: float
    inverse: Matrix

    def design(self, drivers: Matrix) -> Matrix:
        """float64[n, 1 + terms]."""
        return _design(self.terms, drivers)

    def predict(self, drivers: Matrix) -> Vector:
        """What the meter would have read: float64[n]."""
        return self.design(drivers) @ self.coefficients


def fit(meter: Vector, drivers: Matrix) -> Baseline:
    """meter: float64[n], drivers: float64[n, d], without NaN. Drivers are added one after the other while that makes
    the criterion better."""
    terms: tuple[Term, ...] = ()
    best = _criterion(meter, _design(terms, drivers), 1)
    left = list(range(drivers.shape[1]))
    while left:
        tried = [(*_best_form(meter, drivers, terms, driver), driver) for driver in left]
        score, added, driver = min(tried, key=lambda one: one[0])
        if score > best - _BETTER:
            break
        best, terms = score, (*terms, *added)
        left.remove(driver)
    return _fitted(meter, drivers, terms)


def _best_form(meter: Vector, drivers: Matrix, terms: tuple[Term, ...], driver: int) -> tuple[float, tuple[Term, ...]]:
    """The best form of one more driver, and its criterion. A balance point costs a parameter as a coefficient does."""
    values = drivers[:, driver]
    points = np.unique(np.quantile(values, np.linspace(0.05, 0.95, _GRID)))
    forms: list[tuple[tuple[Term, ...], int]] = [((Term(driver),), 1)]
    forms += [((Term(driver, sign, float(point)),), 2) for sign in (-1, 1) for point in points]
    forms += [
        ((Term(driver, -1, float(low)), Term(driver, 1, float(high))), 4) for low, high in combinations(points, 2)
    ]
    extra = len(terms) + 1
    scored = [(_criterion(meter, _design((*terms, *form), drivers), extra + cost), form) for form, cost in forms]
    return min(scored, key=lambda one: one[0])


def _criterion(meter: Vector, design: Matrix, parameters: int) -> float:
    """BIC: n log(RSS / n) + k log n."""
    coefficients, *_ = np.linalg.lstsq(design, meter, rcond=None)
    rest = float(((meter - design @ coefficients) ** 2).sum())
    count = len(meter)
    return count * float(np.log(max(rest, 1e-12) / count)) + parameters * float(np.log(count))


def _design(terms: Sequence[Term], drivers: Matrix) -> Matrix:
    return np.column_stack([np.ones(len(drivers)), *(term.column(drivers) for term in terms)])


def _fitted(meter: Vector, drivers: Matrix, terms: tuple[Term, ...]) -> Baseline:
    design = _design(terms, drivers)
    inverse: Matrix = np.linalg.pinv(design).astype(np.float64)
    coefficients = inverse @ meter
    residuals = meter - design @ coefficients
    free = max(len(meter) - design.shape[1], 1)
    mean = float(meter.mean())
    spread = float(((meter - mean) ** 2).sum())
    return Baseline(
        terms,
        coefficients,
        residuals,
        float(np.sqrt((residuals**2).sum() / free)) / abs(mean) if mean else float("inf"),
        float(residuals.sum()) / free / mean if mean else float("inf"),
        1.0 - float((residuals**2).sum()) / spread if spread else 0.0,
        inverse,
    )


def saving_draws(model: Baseline, drivers: Matrix, actual: float, seed: int = 1) -> Vector:
    """The saving as a fraction of what would have been used, drawn 1,000 times: the baseline is fitted anew to
    residuals that are drawn in blocks of a week of intervals, and the reporting period errs like the baseline did.
    drivers: of the reporting period; actual: what the meter read in it."""
    generator = np.random.default_rng(seed)
    design = model.design(drivers)
    fitted = _drawn(model.residuals, model.inverse.shape[1], generator)
    coefficients = model.coefficients + fitted @ model.inverse.T
    noise = _drawn(model.residuals, len(drivers), generator).sum(axis=1)
    would = coefficients @ design.sum(axis=0) + noise
    saved: Vector = 1.0 - actual / would
    return saved


def _drawn(residuals: Vector, count: int, generator: np.random.Generator) -> Matrix:
    """float64[draws, count]: residuals in blocks."""
    block = min(_BLOCK, len(residuals))
    blocks = -(-count // block)
    first = generator.integers(0, len(residuals) - block + 1, (_DRAWS, blocks))
    index = (first[:, :, None] + np.arange(block)).reshape(_DRAWS, -1)[:, :count]
    drawn: Matrix = residuals[index]
    return drawn
