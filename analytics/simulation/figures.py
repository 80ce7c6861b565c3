"""Key figures of a run: means, energy, and ratios of what is integrated over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.simulation.integrate import Course
from analytics.simulation.system import System

_KILOWATTS: Final = {"WTT": 1e-3, "KWT": 1.0, "MAW": 1e3}
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Figure:
    """name: "Mean(Pump1/Power)". unit: UNECE common code, None where it has none."""

    name: str
    value: float
    unit: str | None


def figures(system: System, course: Course, names: Mapping[str, str], units: Mapping[str, str | None]) -> list[Figure]:
    """Of each signal the mean over time, of each power the energy, and the ratios that its model has. names: what each
    signal and twin is called; units: of signals."""
    found = []
    for signal in system.signals:
        line, name = course.signals[signal.name], names[signal.name]
        found.append(Figure(f"Mean({name})", _mean(course.times, line), units[signal.name]))
        kilowatts = _KILOWATTS.get(units[signal.name] or "")
        if kilowatts:
            energy = _integral(course.times, line) * kilowatts / _HOUR_S
            found.append(Figure(f"Energy({name})", energy, "KWH"))
    for at, part in enumerate(system.parts):
        for ratio, above, below in part.model.ratios:
            under = _mean(course.times, course.ports[at, below])
            value = _mean(course.times, course.ports[at, above]) / under if abs(under) > 1e-9 else float("nan")
            found.append(Figure(f"{ratio}({names[part.twin]})", value, None))
    return found


def _integral(times: npt.NDArray[np.float64], line: npt.NDArray[np.float64]) -> float:
    return float(np.trapezoid(line, times))


def _mean(times: npt.NDArray[np.float64], line: npt.NDArray[np.float64]) -> float:
    span = float(times[-1] - times[0])
    return _integral(times, line) / span if span > 0.0 else float(line[0])
