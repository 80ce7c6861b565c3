"""Key figures of a run: means, energy, and ratios of what is integrated over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.simulation.integrate import Course
from analytics.simulation.naming import shown
from analytics.simulation.system import Signal, System

KILOWATTS: Final = {"WTT": 1e-3, "KWT": 1.0, "MAW": 1e3}
"""Units of power."""
_HOUR_S: Final = 3600.0
Units = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Figure:
    """name: "Mean(Pump1/Power)". unit: UNECE common code, None where it has none."""

    name: str
    value: float
    unit: str | None


@dataclass(frozen=True, slots=True)
class Measure:
    """What a key figure is: factor x the mean of a signal; with `below` a ratio of two means, in the units of their
    ports. hourly: times the hours of the run."""

    name: str
    unit: str | None
    above: Signal
    below: Signal | None = None
    factor: float = 1.0
    hourly: bool = False

    def value(self, means: Mapping[str, Any], duration_s: float) -> Any:
        """means: of signals by their names; floats, or arrays of one shape."""
        if self.below is None:
            return self.factor * (duration_s / _HOUR_S if self.hourly else 1.0) * means[self.above.name]
        above, below = (one.factor * means[one.name] + one.offset for one in (self.above, self.below))
        some = np.abs(below) > 1e-9
        return np.where(some, above / np.where(some, below, 1.0), np.nan)


def measures(system: System, names: Mapping[str, str], units: Units) -> list[Measure]:
    """Of each signal the mean over time, of each power the energy, and the ratios that its model has. names: what each
    signal and twin is called; units: of signals."""
    found = []
    for signal in system.signals:
        name, unit = names[signal.name], units[signal.name]
        found.append(Measure(f"Mean({name})", unit, signal))
        if unit in KILOWATTS:
            found.append(Measure(f"Energy({name})", "KWH", signal, None, KILOWATTS[unit], True))
    at_port = {(one.part, one.port.name): one for one in system.signals}
    for at, part in enumerate(system.parts):
        for ratio, above, below in part.model.ratios:
            found.append(Measure(f"{ratio}({names[part.twin]})", None, at_port[at, above], at_port[at, below]))
    return found


def figures(system: System, course: Course, names: Mapping[str, str], units: Units) -> list[Figure]:
    """The measures of a run with their values."""
    means = {one.name: mean(course.times, course.signals[one.name]) for one in system.signals}
    duration_s = float(course.times[-1] - course.times[0])
    return [Figure(one.name, float(one.value(means, duration_s)), one.unit) for one in measures(system, names, units)]


def called(system: System, twin: str) -> dict[str, str]:
    """What signals and twins are called in the key figures of a twin; itself by the name of its model."""
    names = {one.name: shown(one.name, twin) for one in system.signals}
    return names | {part.twin: shown(part.twin, twin) if part.twin != twin else part.name for part in system.parts}


def mean(times: npt.NDArray[np.float64], line: npt.NDArray[np.float64]) -> float:
    """Over time, straight between the times."""
    span = float(times[-1] - times[0])
    return float(np.trapezoid(line, times)) / span if span > 0.0 else float(line[0])
