"""How sure an expected saving is: from how sure calibrated parameters are, and from how far models recently were."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.models import Model
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.calibrated import COVARIANCE, PARAMETERS
from analytics.simulation.figures import Measure
from analytics.simulation.judge import Goal
from analytics.simulation.misfit import Misfit
from analytics.simulation.naming import shown
from analytics.simulation.parts import Part
from analytics.simulation.system import Signal

NORMAL_95: Final = 1.959964
MARGIN: Final = 4.0
"""Standard deviations that a signal is kept from the bound of a constraint: of 30,000 readings one is further off."""
_POOR: Final = 0.02
"""Share of the mean from which on a model that is worse than persistence is said to be."""
_BIASED: Final = 0.25
_BROAD: Final = 0.25
_SMALL: Final = 1e-4
_OF_MEDIAN: Final = 1.4826
"""Standard deviation of normal noise over its median distance from 0."""
Matrix = npt.NDArray[np.float64]
Misfits = Mapping[str, Misfit]


@dataclass(frozen=True, slots=True)
class Spread:
    """One standard deviation of a saving. of_parameters: 0 where nothing is calibrated; of_models: NaN where nothing is
    known of the models' error; of_inputs: from what nobody sets, such as weather and load."""

    of_parameters: float
    of_models: float
    of_inputs: float

    @property
    def half(self) -> float:
        """Half of the 95 % interval."""
        return NORMAL_95 * math.hypot(self.of_parameters, self.of_models, self.of_inputs)


def covariances(models: Iterable[Model]) -> dict[tuple[str, str], float]:
    """Of parameters by their keys, of each the calibration that was created last."""
    ordered = sorted(models, key=lambda one: one.record.created_ticks)
    owner = {str(key): number for number, one in enumerate(ordered) for key in one.arrays[PARAMETERS]}
    found = {}
    for number, one in enumerate(ordered):
        keys = [str(key) for key in one.arrays[PARAMETERS]]
        table = np.asarray(one.arrays[COVARIANCE], np.float64)
        for row, first in enumerate(keys):
            for column, second in enumerate(keys):
                if owner[first] == owner[second] == number and np.isfinite(table[row, column]):
                    found[first, second] = float(table[row, column])
    return found


def of_parameters(
    parts: Sequence[Part], table: Mapping[tuple[str, str], float], saving: Callable[[Sequence[Part]], float]
) -> float:
    """The standard deviation that parameters give a saving, by its slopes (delta method). saving(parts): what would be
    saved with these."""
    slopes = {}
    for at, part in enumerate(parts):
        for name, value in part.parameters.items():
            key = f"{part.twin}:{part.name}.{name}"
            if (key, key) in table:
                nudge = 0.5 * math.sqrt(table[key, key]) or _SMALL * max(abs(value), 1e-6)
                ends = []
                for way in (nudge, -nudge):
                    moved = list(parts)
                    moved[at] = part.with_parameters({name: value + way})
                    ends.append(saving(moved))
                slopes[key] = (ends[0] - ends[1]) / (2.0 * nudge)
    variance = sum(
        slopes[first] * slopes[second] * value
        for (first, second), value in table.items()
        if first in slopes and second in slopes
    )
    return math.sqrt(max(variance, 0.0))


def of_models(goal: Goal, misfits: Misfits, means: Mapping[str, float], duration_s: float, twin: str) -> float:
    """The standard deviation that the error of the models gives the difference of two values of an objective: as if
    the error at the one were as large as it was at others recently, and the other were known."""
    parts = [factor * of_measure(measure, misfits, means, duration_s, twin) for factor, measure in goal.parts]
    return math.hypot(*parts)


def of_measure(measure: Measure, misfits: Misfits, means: Mapping[str, float], duration_s: float, twin: str) -> float:
    """RMSE of a key figure, from those of its signals; NaN where nothing is known."""
    if measure.below is None:
        return abs(float(measure.value({measure.above.name: _rmse(measure.above, misfits, twin)}, duration_s)))
    ends = (measure.above, measure.below)
    shares = [abs(one.factor) * _rmse(one, misfits, twin) / abs(_in_port(one, means)) for one in ends]
    return abs(float(measure.value(means, duration_s))) * math.hypot(*shares)


def _in_port(one: Signal, means: Mapping[str, float]) -> float:
    return (one.factor * means[one.name] + one.offset) or math.inf


def _rmse(signal: Signal, misfits: Misfits, twin: str) -> float:
    known = misfits.get(shown(signal.name, twin))
    return known.rmse if known is not None else math.nan


def of_inputs(moves: Mapping[str, float], saving: Callable[[Mapping[str, float]], float]) -> float:
    """The standard deviation that inputs which nobody sets give a saving, by its slopes. moves: what each usually moves
    by meanwhile. saving(moved): what would be saved, were inputs so much higher."""
    ends = {name: (saving({name: move}), saving({name: -move})) for name, move in moves.items() if move > 0.0}
    return math.hypot(*((up - down) / 2.0 for up, down in ends.values() if math.isfinite(up - down)))


def movement(series: Series, over_s: float) -> float:
    """By how much a signal usually changes in so long (RMS), from its past; in half of the past where that is less."""
    good = np.isfinite(series.values)
    ticks, values = series.ticks[good], series.values[good]
    if len(ticks) < 2:
        return 0.0
    over = min(round(over_s * TICKS_PER_SECOND), int(ticks[-1] - ticks[0]) // 2)
    first = ticks <= ticks[-1] - over
    later = values[np.searchsorted(ticks, ticks[first] + over)]
    return float(np.sqrt(np.mean((later - values[first]) ** 2)))


def noise(series: Series) -> float:
    """Standard deviation of single readings around their course: from the median step between them."""
    values = series.values[np.isfinite(series.values)]
    return float(np.median(np.abs(np.diff(values)))) * _OF_MEDIAN / math.sqrt(2.0) if len(values) > 2 else 0.0


def margin(error: float, scatter: float) -> float:
    """How far models must stay from a bound, so that readings do. error: RMSE of the signal, NaN where it is not known;
    scatter: noise of its readings."""
    return MARGIN * math.hypot(0.0 if math.isnan(error) else error, scatter)


def remarks(names: Iterable[str], misfits: Misfits) -> list[str]:
    """Where the models do not follow the plant."""
    said = []
    for name in dict.fromkeys(names):
        one = misfits.get(name)
        if one is None or not one.count:
            continue
        if one.rmse > one.persistence and one.rmse > _POOR * abs(one.mean):
            said.append(
                f"the models do not follow {name} well: {one.rmse:.3g} off (RMSE), where the guess that nothing "
                f"changes is {one.persistence:.3g} off; their bias is {one.bias:+.3g}"
            )
    return said


def worthless(half: float, now: float, names: Iterable[str], misfits: Misfits, unknown: str) -> str:
    """Why an interval says nothing; "" where it does. unknown: why there are no misfits."""
    names = list(dict.fromkeys(names))
    if math.isnan(half):
        missing = [name for name in names if name not in misfits or not misfits[name].count]
        why = f"{', '.join(missing)} was not measured together with all that the models take"
        why = unknown or f"the models cannot be compared with the past: {why}"
        return f"there is no interval for the saving, for {why}"
    for name in names:
        one = misfits.get(name)
        if one is not None and one.count and abs(one.bias) > _BIASED * abs(one.mean):
            return f"the models are {one.bias:+.3g} off in {name}, which is {one.mean:.3g}: calibrate them first"
    if half > _BROAD * abs(now):
        return f"the interval of the saving is worthless: +-{half:.3g} of {abs(now):.3g}"
    return ""
