"""The past as a calibration sees it: models and measurements on common times, a part for the fit, a part to judge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from analytics.errors import NotAvailable
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.calibration_models import Team
from analytics.simulation.choosing import load
from analytics.simulation.misfit import Misfit, misfit_of
from analytics.simulation.naming import shown
from analytics.simulation.segment_runs import replay, run_segments
from analytics.simulation.segments import Matrix, Segments, cut, with_present
from analytics.simulation.system import ModelError, System

LEAST: Final = 40
"""Values of a signal, below which it is not compared."""
_MOST_TIMES, _MOST_STEPS = 3000, 1500
_SHORTEST_S, _LONGEST_S = 600.0, 14_400.0
_SEGMENTS, _LEAST_SEGMENTS = 24, 4
_HELD_OUT: Final = 0.25
_ALMOST_ALL: Final = 0.999
Parameters = Mapping[tuple[str, str], Mapping[str, float]]
"""Those that differ, by path of the twin and name of the model."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the past: what the models are fed with, and what came out, float64[s, n]. compared: bool[s, n] by
    tag."""

    fed: Any
    measured: Mapping[str, Matrix]
    compared: Mapping[str, Any]


class Data:
    """outputs: tags that are compared. fit: the first three quarters; rest: what is held out."""

    def __init__(
        self,
        team: Team,
        twin: str,
        series: Mapping[str, Series],
        span: tuple[int, int],
        states: Mapping[str, tuple[int, ...]],
        present: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """series: by name on the twin. states: signals that say whether a machine works, with the values that say yes.
        present: values of tags by path, for inputs that have none in the past. Raises NotAvailable."""
        paths = {shown(tag, twin): tag for use in team.uses for tag in use.tags}
        known = {paths[name]: one for name, one in series.items() if name in paths and np.isfinite(one.values).any()}
        self._team = team
        self._twin = twin
        self._measured = tuple(known)
        begin, end = _there(known, span)
        try:
            self._parts = [load(use) for use in team.uses]
            most = _MOST_STEPS if any(part.dynamic for part in self._parts) else _MOST_TIMES
            periods = [_period_s(known[name]) for name in team.outputs if name in known]
            segments = _cut({**known, **_working(series, states)}, begin, end, most, periods)
            out = _standing(segments, states)
            split = len(segments.begins) - max(1, round(_HELD_OUT * len(segments.begins)))
            system = self._system({})
            segments, self.as_now = with_present(segments, system.inputs, present)
            self.fit = self._part(system, segments.part(0, split), out[:split])
            self.rest = self._part(system, segments.part(split, len(segments.begins)), out[split:])
        except ModelError as error:
            raise NotAvailable(str(error)) from None
        self.outputs = tuple(
            name
            for name in team.outputs
            if name in known
            and min(self.fit.compared[name].sum(), self.rest.compared[name].sum()) >= LEAST // 4
            and self.fit.compared[name].sum() >= LEAST
        )
        self.stood = float(out.mean())
        if not self.outputs:
            raise NotAvailable(self._too_few(known))

    def signals(self, part: Part, parameters: Parameters) -> dict[str, Matrix]:
        """What the models say, by tag. Raises ModelError."""
        return run_segments(self._system(parameters), part.fed)

    def differences(self, parameters: Parameters) -> list[Matrix]:
        """Of each output model - measured, in the part for the fit, in the order of time. Raises ModelError."""
        said = self.signals(self.fit, parameters)
        return [(said[name] - self.fit.measured[name])[self.fit.compared[name]] for name in self.outputs]

    def misfits(self, part: Part, parameters: Parameters) -> list[Misfit]:
        """Of each output in a part. Raises ModelError."""
        said = self.signals(part, parameters)
        return [misfit_of(said[name], part.measured[name], part.compared[name]) for name in self.outputs]

    def noise(self) -> Matrix:
        """Of each output, in the part for the fit: what neighbours differ by beyond a straight line, by the median."""
        found = []
        for name in self.outputs:
            line = np.where(self.fit.compared[name], self.fit.measured[name], np.nan)
            bends = np.abs(np.diff(line, 2, axis=1)) / np.sqrt(6.0)
            bends = bends[np.isfinite(bends)]
            found.append(1.4826 * float(np.median(bends)) if len(bends) else 0.0)
        return np.array(found)

    def still(self, least: float = 0.01) -> list[str]:
        """Inputs from measurements that hardly moved in the part for the fit: "Pump1/Speed stayed at 1800"."""
        told = []
        for name, line in self.fit.fed.lines.items():
            if name in self._system({}).inputs:
                low, high = np.percentile(line[self.fit.fed.known], (5, 95)) if self.fit.fed.known.any() else (0, 0)
                middle = float(np.median(line))
                if high - low <= least * max(abs(middle), 1e-9):
                    told.append(f"{shown(name, self._twin)} stayed at {middle:.4g}")
        return told

    def _system(self, parameters: Parameters) -> System:
        parts = [part.with_parameters(parameters.get((part.twin, part.name), {})) for part in self._parts]
        return System(parts, self._measured)

    def _part(self, system: System, segments: Segments, out: Any) -> Part:
        fed = replay(system, segments, out)
        measured = {name: segments.lines[name] for name in self._team.outputs if name in segments.lines}
        compared = {}
        for name, line in measured.items():
            compared[name] = fed.known & np.isfinite(line) & np.isfinite(line[:, :1])
            compared[name][:, 0] = False  # where a state is what was measured
        return Part(fed, measured, compared)

    def _too_few(self, known: Mapping[str, Series]) -> str:
        silent = [shown(name, self._twin) for name in self._team.outputs if name not in known]
        why = f"; {', '.join(silent[:5])} have no Good value" if silent else ""
        stood = f"; the machine stood {100.0 * self.stood:.0f} % of the time" if self.stood > 0.0 else ""
        return f"{LEAST} common values of an output and of all inputs are needed{why}{stood}; take a longer interval"


def _there(known: Mapping[str, Series], span: tuple[int, int]) -> tuple[int, int]:
    """Where all signals have begun and none has ended. Raises NotAvailable."""
    spans = []
    for one in known.values():
        ticks = one.ticks[np.isfinite(one.values)]
        spans.append((int(ticks[0]), int(ticks[-1])))
    if not spans:
        raise NotAvailable("none of the signals of the models has a Good value in that time")
    begin = max(span[0], min(max(low for low, _ in spans), span[1]))
    return begin, max(min(span[1], max(high for _, high in spans)), begin + TICKS_PER_SECOND)


def _period_s(series: Series) -> float:
    """From one reading to the next, as a rule."""
    return float(np.median(np.diff(series.ticks))) / TICKS_PER_SECOND if len(series) > 1 else math.nan


def _cut(known: Mapping[str, Series], begin: int, end: int, most: int, periods: Sequence[float]) -> Segments:
    """periods: of what is compared."""
    length = (end - begin) / TICKS_PER_SECOND
    segment = min(max(length / _SEGMENTS, _SHORTEST_S), length / _LEAST_SEGMENTS, _LONGEST_S)
    known_periods = [one for one in periods if math.isfinite(one)]
    period = float(np.median(known_periods)) if known_periods else 1.0
    step = min(max(length / most, period), segment)
    return cut(known, begin, end, segment, step)


def _working(series: Mapping[str, Series], states: Mapping[str, Sequence[int]]) -> dict[str, Series]:
    """1 while a machine works, else 0; "" before the name keeps them apart from tags."""
    found = {}
    for name, values in states.items():
        one = series.get(name)
        if one is not None and len(one):
            works = np.isin(one.values, np.array(values, np.float64)).astype(np.float64)
            found[f":{name}"] = Series(one.ticks, works, one.status)
    return found


def _standing(segments: Segments, states: Mapping[str, Sequence[int]]) -> Any:
    """bool[s, n], where a machine stands, has tripped, or nobody knows."""
    out = np.zeros((len(segments.begins), len(segments.times)), bool)
    for name in states:
        line = segments.lines.get(f":{name}")
        if line is not None:
            out |= ~(line >= _ALMOST_ALL)
    return out
