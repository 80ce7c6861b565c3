"""Judges settings: what they reach, and how well they keep constraints and stay where the models hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.simulation.constraints import Constraint
from analytics.simulation.figures import Measure
from analytics.simulation.system import System
from analytics.simulation.trial import Outcomes

Matrix = npt.NDArray[np.float64]
CLOSE: Final = 1e-7
"""Of its scale a constraint may be missed by so much: arithmetic."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The least of sign x the sum of factor x measure."""

    sign: float
    parts: tuple[tuple[float, Measure], ...]

    def value(self, means: Mapping[str, Any], duration_s: float) -> Any:
        """The sum itself, without the sign."""
        return sum(factor * measure.value(means, duration_s) for factor, measure in self.parts)


@dataclass(frozen=True, slots=True)
class Keep:
    """Something that must stay between low and high. what: constraint or input of a model, for people; scale: what
    counts as much of it. values(outcomes): its lowest and highest, float64[n] each. rule: the constraint it is of,
    None: the validity of a model."""

    what: str
    low: float
    high: float
    scale: float
    values: Callable[[Outcomes], tuple[Matrix, Matrix]]
    rule: Constraint | None = None

    def slack(self, outcomes: Outcomes) -> Matrix:
        """How far inside it is, in its scale, float64[n]; below 0: not kept."""
        low, high = self.values(outcomes)
        return np.minimum(low - self.low, self.high - high) / self.scale


def constraint_keeps(
    constraint: Constraint, path: str, measure: Measure | None, begin: Outcomes, duration_s: float
) -> list[Keep]:
    """What a constraint asks for. path: of its signal, "" where it is about a measure. begin: the outcome of leaving
    everything as it is: what is not kept when a run begins cannot be kept then; it must not become worse, and be kept
    at the end."""
    low, high = constraint.low + constraint.margin, constraint.high - constraint.margin
    scale = max(*(abs(end) for end in (constraint.low, constraint.high) if math.isfinite(end)), 1.0)
    if measure is not None:

        def figure(outcomes: Outcomes) -> tuple[Matrix, Matrix]:
            value = measure.value(outcomes.means, duration_s)
            return value, value

        return [Keep(constraint.text, low, high, scale, figure, constraint)]

    def course(outcomes: Outcomes) -> tuple[Matrix, Matrix]:
        return outcomes.low[path], outcomes.high[path]

    def end(outcomes: Outcomes) -> tuple[Matrix, Matrix]:
        return outcomes.last[path], outcomes.last[path]

    first = float(begin.first[path][0])
    if begin.first is begin.last or low <= first <= high:
        return [Keep(constraint.text, low, high, scale, course, constraint)]
    return [
        Keep(constraint.text, min(low, first), max(high, first), scale, course, constraint),
        Keep(constraint.text, low, high, scale, end, constraint),
    ]


def validity_keeps(system: System, begin: Outcomes) -> list[Keep]:
    """Inputs and states of the models stay where these hold; what is outside already must not go further out."""
    found = []
    for at, part in enumerate(system.parts):
        for port in part.input_ports:
            if (at, port.name) in begin.fed_low and not all(math.isinf(end) for end in port.range):
                low, high = (
                    float(begin.fed_low[at, port.name][0]),
                    float(begin.fed_high[at, port.name][0]),
                )
                span = (min(port.range[0], low), max(port.range[1], high))
                found.append(Keep(system.input_name(at, port.name), *span, _scale(port.range), _fed(at, port.name)))
    for one in system.signals:
        if one.port in system.parts[one.part].model.states and one.name in begin.low:
            ends = sorted((end - one.offset) / one.factor for end in one.port.range)
            span = (min(ends[0], float(begin.low[one.name][0])), max(ends[1], float(begin.high[one.name][0])))
            found.append(Keep(one.name, *span, _scale((ends[0], ends[1])), _course(one.name)))
    return [one for one in found if not (math.isnan(one.low) or math.isnan(one.high))]


def _fed(at: int, port: str) -> Callable[[Outcomes], tuple[Matrix, Matrix]]:
    return lambda outcomes: (outcomes.fed_low[at, port], outcomes.fed_high[at, port])


def _course(name: str) -> Callable[[Outcomes], tuple[Matrix, Matrix]]:
    return lambda outcomes: (outcomes.low[name], outcomes.high[name])


def _scale(span: tuple[float, float]) -> float:
    return span[1] - span[0] if math.isfinite(span[1] - span[0]) else max(1.0, *(abs(x) for x in span if abs(x) < 1e30))


@dataclass(frozen=True, slots=True)
class Judged:
    """Of n settings. cost: float64[n], the objective with its sign, so that less is better; slack: float64[keeps, n],
    below 0 where something is not kept; NaN where the models have no answer."""

    cost: Matrix
    slack: Matrix

    @property
    def violation(self) -> Matrix:
        """Sum of what is missed, float64[n]; infinite without an answer."""
        missed = np.maximum(-CLOSE - self.slack, 0.0).sum(axis=0)
        return np.where(np.isfinite(self.cost) & np.isfinite(missed), missed, np.inf)

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Where everything is kept."""
        return np.asarray(self.violation <= 0.0)

    def ranking(self, scale: float) -> Matrix:
        """Less is better: what keeps everything comes first, all else by how much it misses (Deb, 2000)."""
        far = np.where(np.isinf(self.violation), 1e9, 1e3 + np.minimum(self.violation, 1e6))
        return np.where(self.kept, np.nan_to_num(self.cost) / scale, far)


def judged(outcomes: Outcomes, goal: Goal, keeps: Sequence[Keep], duration_s: float) -> Judged:
    """All settings at once."""
    cost = np.asarray(goal.sign * goal.value(outcomes.means, duration_s), np.float64)
    slack = [one.slack(outcomes) for one in keeps]
    return Judged(cost, np.stack(slack) if slack else np.zeros((0, len(cost))))
