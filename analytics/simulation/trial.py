"""Tries settings on the models of a plant: many steady states at once, or a run for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.simulation.figures import mean
from analytics.simulation.integrate import run as run_system
from analytics.simulation.steady import steady, told
from analytics.simulation.system import ModelError, System

Matrix = npt.NDArray[np.float64]
Lines = dict[str, Matrix]
STEADY_S: Final = 3600.0
"""A steady state counts as an hour of it."""
_TIMES: Final = 61


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of n settings, float64[n] each, NaN where the models have no answer. means, low, high, first, last: of signals
    and of what the system takes, by path, over the time looked at; fed_low, fed_high: of inputs by (part, port)."""

    means: Lines
    low: Lines
    high: Lines
    first: Lines
    last: Lines
    fed_low: Mapping[tuple[int, str], Matrix]
    fed_high: Mapping[tuple[int, str], Matrix]


@dataclass(frozen=True, slots=True)
class Trials:
    """make: the system, anew each time where models go on by steps. paths: what is set. held: all other inputs. start:
    states. horizon_s: 0 for the steady state."""

    make: Callable[[], System]
    paths: tuple[str, ...]
    held: Mapping[str, float]
    start: Mapping[str, float]
    horizon_s: float

    @property
    def duration_s(self) -> float:
        """What energies are over."""
        return self.horizon_s or STEADY_S

    def of(self, settings: Matrix) -> Outcomes:
        """settings: float64[n, paths]."""
        return self._runs(settings) if self.horizon_s else self._steady(settings)

    def _steady(self, settings: Matrix) -> Outcomes:
        system = self.make()
        given: Lines = dict(zip(self.paths, settings.T, strict=True))
        inputs = {name: given[name] if name in given else self.held[name] for name in system.inputs}
        states = steady(system, inputs, self.start, len(settings))
        signals, feeds = told(system, states, inputs)
        lines = signals | {name: np.broadcast_to(np.float64(value), len(settings)) for name, value in inputs.items()}
        return Outcomes(lines, lines, lines, lines, lines, feeds, feeds)

    def _runs(self, settings: Matrix) -> Outcomes:
        times = np.linspace(0.0, self.horizon_s, _TIMES)
        rows = [self._run(dict(zip(self.paths, row.tolist(), strict=True)), times) for row in settings]
        system = self.make()
        names = [*(one.name for one in system.signals), *system.inputs]
        nothing = np.full(_TIMES, np.nan)

        def over(what: Callable[[Matrix], float]) -> Lines:
            return {name: np.array([what(row[0].get(name, nothing)) for row in rows]) for name in names}

        ports = [(at, port.name) for at, part in enumerate(system.parts) for port in part.model.inputs]
        fed = [
            {one: np.array([row[1].get(one, (np.nan,) * 2)[end] for row in rows]) for one in ports} for end in (0, 1)
        ]
        return Outcomes(
            over(lambda line: mean(times, line)),
            over(lambda line: float(line.min())),
            over(lambda line: float(line.max())),
            over(lambda line: float(line[0])),
            over(lambda line: float(line[-1])),
            fed[0],
            fed[1],
        )

    def _run(
        self, given: Mapping[str, float], times: Matrix
    ) -> tuple[Mapping[str, Matrix], Mapping[tuple[int, str], tuple[float, float]]]:
        """Lines by name, and spans of what is fed; nothing where the models have no answer."""
        system = self.make()
        inputs = {name: given.get(name, self.held.get(name, np.nan)) for name in system.inputs}
        try:
            course = run_system(system, times, inputs, self.start)
        except ModelError:
            return {}, {}
        lines = {**course.signals, **{name: np.full(len(times), value) for name, value in inputs.items()}}
        return lines, course.fed
