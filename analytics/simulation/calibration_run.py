"""The worker's part of Calibrate: fit, judge, and say whether the parameters are to be used."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Progress
from analytics.errors import NotAvailable
from analytics.models import Trained
from analytics.series import Series
from analytics.simulation.calibrate import Mode
from analytics.simulation.calibrated import AFTER, AT_BOUND, COVARIANCE, KIND, PARAMETERS, PERSISTENCE
from analytics.simulation.calibration_data import Data, Parameters
from analytics.simulation.calibration_models import Team
from analytics.simulation.fitting import Fit, Line, Problem
from analytics.simulation.identifiability import Finding, findings, too_wide
from analytics.simulation.misfit import Misfit
from analytics.simulation.naming import shown
from analytics.simulation.parameters import Tuned
from analytics.simulation.replay import as_now
from analytics.simulation.system import ModelError
from analytics.training import Lesson, data_hash

_LIBRARIES: Final = ("numpy", "scipy")
_LEAST_SCALE: Final = 1e-3
"""Of the mean of a signal: no model is truer than that."""
_STRAIGHT: Final = 0.975
_BETTER: Final = 0.99
"""Of the misfit before: what is left of it must be less, for the rest may be luck."""
_FAR: Final = 1e6
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """results: those of Calibrate, but whether they are in use. lesson: what is to be kept, None: nothing. better:
    whether it is to be used. valid and reason as ever."""

    results: tuple[Any, ...]
    lesson: Lesson | None
    better: bool
    valid: bool
    reason: str


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    wanted: tuple[Tuned, ...],
    team: Team,
    twin: str,
    states: Mapping[str, tuple[int, ...]],
    begin_ticks: int,
    mode: Mode,
    units: Mapping[str, str | None],
    progress: Progress,
    present: Mapping[str, float] = MappingProxyType({}),
) -> Calibrated:
    """What came of a calibration, whatever its mode. Raises NotAvailable."""
    data = Data(team, twin, series, (begin_ticks, end_ticks), states, present)
    taken = as_now(data.as_now, present, twin)
    task = _Task(wanted, data)
    try:
        fit, doubts = task.fitted(lambda at: progress(0.05 + 0.9 * at))
        before = data.misfits(data.rest, {})
        after = data.misfits(data.rest, task.parameters(fit.values))
    except ModelError as error:
        raise NotAvailable(str(error)) from None
    bound = task.at_bound(fit)
    results = (
        *task.told(fit, doubts, bound),
        [shown(name, twin) for name in data.outputs],
        [units.get(name) or "" for name in data.outputs],
        np.array([one.rmse for one in before]),
        np.array([one.rmse for one in after]),
        np.array([one.persistence for one in before]),
    )
    if doubts:
        why = "; ".join(dict.fromkeys(one.reason for one in doubts))
        still = data.still()
        return Calibrated(
            results, None, False, False, _together(f"the data cannot tell it: {why}{_moved(still)}", taken)
        )
    names = [one.name for one in wanted]
    was, found = _score(before, fit.scales), _score(after, fit.scales)
    idle = _score([_Held(one.persistence, one.count) for one in before], fit.scales)
    why = "; ".join(one for one in (_against(was, found, idle), _bounds(names, bound)) if one)
    figures = {"MisfitBefore": was, AFTER: found, PERSISTENCE: idle, AT_BOUND: float(bound.sum())}
    lesson = Lesson(task.trained(fit, figures, series), data_hash(series), begin_ticks, end_ticks, _libraries())
    return Calibrated(results, lesson, not why, True, _together(why or _stood(data), taken))


def _together(*reasons: str) -> str:
    return "; ".join(one for one in reasons if one)


class _Task:
    """The parameters that are looked for, as numbers."""

    def __init__(self, wanted: Sequence[Tuned], data: Data) -> None:
        self._wanted = wanted
        self._data = data
        self._names = [one.name for one in wanted]
        self._start = np.array([one.value for one in wanted], np.float64)
        self._low = np.array([one.low for one in wanted], np.float64)
        self._high = np.array([one.high for one in wanted], np.float64)
        noise = data.noise()
        fit = data.fit
        middle = [np.abs(fit.measured[name][fit.compared[name]]).mean() for name in data.outputs]
        self._floors = np.maximum(noise, _LEAST_SCALE * np.maximum(np.array(middle), 1e-9))
        self._problem = Problem(self._differences, self._low, self._high, self._floors)

    def parameters(self, values: Line) -> Parameters:
        """By model."""
        found: dict[tuple[str, str], dict[str, float]] = {}
        for one, value in zip(self._wanted, values.tolist(), strict=True):
            found.setdefault((one.use.twin, one.use.name), {})[one.parameter.name] = value
        return found

    def _differences(self, values: Line) -> list[Line]:
        try:
            return self._data.differences(self.parameters(values))
        except ModelError:  # such parameters have no solution: far away from any that do
            fit = self._data.fit
            return [np.full(int(fit.compared[name].sum()), _FAR) for name in self._data.outputs]

    def fitted(self, progress: Progress) -> tuple[Fit, list[Finding]]:
        """The fit, and what the data cannot tell: looked for where it begins, and where it ended."""
        first = np.clip(self._start, self._low, self._high)
        self._data.differences(self.parameters(first))  # who has no solution there is told so
        first = self._problem.begin(first, self._floors)
        doubts = findings(self._problem.jacobian(first, self._floors), self._sizes(first), self._names)
        if doubts:
            nothing = np.full((len(first), len(first)), np.nan)
            return Fit(self._start, self._floors, np.empty((0, len(first))), nothing, 1.0), doubts
        fit = self._problem.solve(first, self._floors, progress)
        sizes = self._sizes(fit.values)
        doubts = findings(fit.jacobian, sizes, self._names)
        if doubts or self.at_bound(fit).any():  # what is left there is not noise
            return fit, doubts
        return fit, too_wide(self._halves(fit), sizes, self._names)

    def _sizes(self, values: Line) -> Line:
        """What counts as a parameter's own size: its value, or that in use; the span of its bounds where both are 0."""
        size = np.maximum(np.abs(values), np.abs(self._start))
        return np.where(size > 0.0, size, self._high - self._low)

    @staticmethod
    def _halves(fit: Fit) -> Line:
        from scipy.stats import t  # in a worker only

        return np.asarray(t.ppf(_STRAIGHT, fit.freedom) * np.sqrt(np.diag(fit.covariance)), np.float64)

    def at_bound(self, fit: Fit) -> Flags:
        """Whether a bound lies within a standard error, or within a thousandth of the value."""
        near = np.minimum(fit.values - self._low, self._high - fit.values)
        errors = np.nan_to_num(np.sqrt(np.diag(fit.covariance)))
        least = 1e-3 * np.minimum(self._high - self._low, np.maximum(np.abs(fit.values), np.abs(self._start)))
        return np.asarray(near <= np.maximum(errors, least))

    def told(self, fit: Fit, doubts: Sequence[Finding], bound: Flags) -> tuple[Any, ...]:
        """The results of the parameters."""
        halves = self._halves(fit)
        unknown = {place for one in doubts for place in one.places}
        return (
            list(self._names),
            [one.parameter.unit or "" for one in self._wanted],
            self._start,
            fit.values,
            np.sqrt(np.diag(fit.covariance)),
            fit.values - halves,
            fit.values + halves,
            [place not in unknown for place in range(len(self._names))],
            bound.tolist(),
        )

    def trained(self, fit: Fit, figures: Mapping[str, float], series: Mapping[str, Series]) -> Trained:
        """What is kept of it."""
        keys = [one.key for one in self._wanted]
        arrays = {PARAMETERS: np.array(keys), COVARIANCE: fit.covariance}
        settings = dict(zip(keys, fit.values.tolist(), strict=True))
        return Trained(KIND, tuple(series), (), arrays, settings, figures, len(self._data.fit.fed.known))


@dataclass(frozen=True, slots=True)
class _Held:
    rmse: float
    count: int


def _score(misfits: Sequence[Misfit | _Held], scales: Line) -> float:
    """Root mean square of the errors of all outputs, each over its usual residual of the fit."""
    shares = [(one.rmse / scale) ** 2 for one, scale in zip(misfits, scales, strict=True) if one.count]
    return float(np.sqrt(np.mean(shares)))


def _against(before: float, after: float, idle: float) -> str:
    """Why it is not better; "" where it is."""
    told = f"{after:.3g} after, {before:.3g} before, {idle:.3g} by the guess that nothing changes"
    if not after < idle:
        return f"on what was held out it is no better than the guess that nothing changes (misfit {told})"
    if not after < _BETTER * before:
        return f"on what was held out it is no better than before (misfit {told})"
    return ""


def _bounds(names: Sequence[str], bound: Flags) -> str:
    there = [name for name, flag in zip(names, bound, strict=True) if flag]
    return f"{', '.join(there)} came to a bound; other bounds, or another parameter, may be right" if there else ""


def _moved(still: Sequence[str]) -> str:
    return f" ({'; '.join(still[:5])}: an interval in which that changes would help)" if still else ""


def _stood(data: Data) -> str:
    return f"{100.0 * data.stood:.0f} % of the time was left out, for the machine stood" if data.stood > 0.0 else ""


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}
