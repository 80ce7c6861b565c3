"""The models of a plant put together for an optimisation: what it is to reach, to keep, and how true they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.errors import BAD_NO_MATCH, ArgumentError, NotAvailable
from analytics.models import Model
from analytics.series import TICKS_PER_SECOND, Series, begun_ticks
from analytics.simulation.choosing import Wish, compose, load
from analytics.simulation.constraints import Constraint
from analytics.simulation.electric import totals
from analytics.simulation.figures import Measure, called, measures
from analytics.simulation.judge import Goal, Judged, Keep, constraint_keeps, judged, validity_keeps
from analytics.simulation.misfit import Misfit, compared
from analytics.simulation.naming import shown, used_title
from analytics.simulation.objective import Objective
from analytics.simulation.replay import as_now
from analytics.simulation.simulate import unit_of
from analytics.simulation.system import ModelError, System
from analytics.simulation.trial import Outcomes, Trials
from analytics.simulation.uncertainty import margin, noise, of_measure
from analytics.simulation.variables import Variable
from analytics.simulation.wiring import ModelUse

Matrix = npt.NDArray[np.float64]
LEAST_PAST_S: Final = 120.0
"""Below which models cannot be compared with the plant."""
_SHORT_PAST_S: Final = 1800.0
_OBJECTIVE, _VARIABLES, _CONSTRAINTS = range(3)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; see `analytics.simulation.optimize`. present: of the tags of the models, by path. units: of
    tags. models: the calibrations that the models rest on. modelled: the plant is a copy that its models feed."""

    uses: tuple[ModelUse, ...]
    twin: str
    objective: Objective
    variables: tuple[Variable, ...]
    constraints: tuple[Constraint, ...]
    horizon_s: float
    present: Mapping[str, float]
    units: Mapping[str, str | None]
    models: Sequence[Model] = ()
    modelled: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """The models as they were put together for a question. past: of the tags of the models, by their names on the
    twin. unknown: why there are no misfits, or why they may mislead."""

    question: Question
    system: System
    chosen: tuple[ModelUse, ...]
    trials: Trials
    measures: Mapping[str, Measure]
    goal: Goal
    begin: Outcomes
    misfits: Mapping[str, Misfit]
    past: Mapping[str, Series]
    unknown: str
    constraints: tuple[Constraint, ...] = ()
    keeps: tuple[Keep, ...] = ()

    @property
    def now(self) -> Matrix:
        """The present setting."""
        return np.array([one.current for one in self.question.variables])

    def judge(self, settings: Matrix) -> Judged:
        """float64[n, variables]."""
        return judged(self.trials.of(settings), self.goal, self.keeps, self.trials.duration_s)


def setup_of(
    question: Question,
    past: Mapping[str, Series],
    span: tuple[int, int],
    earlier: Mapping[str, Series] = MappingProxyType({}),
) -> Setup:
    """earlier: the past before nobody watched, where there is too little since. Raises NotAvailable, ArgumentError."""
    paths = tuple(one.path for one in question.variables)
    values = {**question.present, **{one.path: one.current for one in question.variables}}
    system, chosen = compose(question.uses, Wish(question.twin, "", paths, values))
    _check_taken(question, system, chosen)
    start = {name: values[name] for name in system.states if name in values}
    trials = Trials(_maker(system, chosen), paths, values, start, question.horizon_s)
    units = {one.name: unit_of(one, question.units) for one in system.signals}
    known = {one.name: one for one in measures(system, called(system, question.twin), units)}
    goal = _goal(question, system, known, units)
    try:
        begin = trials.of(np.array([[one.current for one in question.variables]]))
    except ModelError as error:
        cure = "; give a Horizon, over which they are run" if not question.horizon_s else ""
        raise NotAvailable(f"{error}{cure}") from None
    if not np.isfinite(goal.value(begin.means, trials.duration_s)).all():
        raise NotAvailable(
            "the models have no answer for the plant as it is now: "
            + ("they would not settle; give a Horizon" if not question.horizon_s else "they cannot be run")
        )
    lately = _exact(system, question.twin) if question.modelled else _lately(question, past, span, earlier)
    return with_keeps(
        Setup(question, system, chosen, trials, known, goal, begin, lately.misfits, lately.past, lately.doubt)
    )


def _check_taken(question: Question, system: System, chosen: Sequence[ModelUse]) -> None:
    idle = [one.name for one in question.variables if one.path not in system.inputs]
    if idle:
        models = ", ".join(used_title(use, question.twin) for use in chosen)
        raise ArgumentError(
            _VARIABLES, BAD_NO_MATCH, f"none of the models in use takes {', '.join(idle)}; these are {models}"
        )


def _maker(system: System, chosen: Sequence[ModelUse]) -> Callable[[], System]:
    if any(part.stepper is not None for part in system.parts):
        return lambda: System([load(use) for use in chosen], tuple(system.forced))
    return lambda: system


def _goal(question: Question, system: System, known: Mapping[str, Measure], units: Mapping[str, str | None]) -> Goal:
    if not question.objective.parts:
        powers = totals(system, units)
        names = called(system, question.twin)
        if not powers:
            raise NotAvailable("none of the models in use gives electric power; name an Objective")
        return Goal(1.0, tuple((1.0, known[f"Energy({names[one.name]})"]) for one in powers))
    missing = [one.figure for one in question.objective.parts if one.figure not in known]
    if missing:
        raise ArgumentError(_OBJECTIVE, BAD_NO_MATCH, f"none of the models in use gives {', '.join(missing)}")
    return Goal(question.objective.sign, tuple((one.factor, known[one.figure]) for one in question.objective.parts))


def with_keeps(setup: Setup) -> Setup:
    """With constraints and their margins, and where the models hold."""
    twin, duration = setup.question.twin, setup.trials.duration_s
    paths = {shown(name, twin): name for name in setup.begin.means}
    means = {name: float(line[0]) for name, line in setup.begin.means.items()}
    found, keeps = [], []
    for one in setup.question.constraints:
        measure = setup.measures.get(one.name)
        if measure is None and one.name not in paths:
            raise ArgumentError(_CONSTRAINTS, BAD_NO_MATCH, f"none of the models in use gives {one.name}")
        if measure is not None:
            error = of_measure(measure, setup.misfits, means, duration, twin)
        else:
            error = setup.misfits[one.name].rmse if one.name in setup.misfits else math.nan
        scatter = noise(setup.past[one.name]) if one.name in setup.past else 0.0
        given = one.with_margin(0.0 if paths.get(one.name) in setup.system.inputs else margin(error, scatter))
        found.append(given)
        keeps.extend(constraint_keeps(given, paths.get(one.name, ""), measure, setup.begin, duration))
    keeps.extend(validity_keeps(setup.system, setup.begin))
    return replace(setup, constraints=tuple(found), keeps=tuple(keeps))


@dataclass(frozen=True, slots=True)
class _Lately:
    """How far the models were from the plant in a past: nothing where there is too little to say so. doubt: what is
    doubtful about that, or why there is nothing."""

    past: Mapping[str, Series]
    misfits: Mapping[str, Misfit]
    doubt: str


def _exact(system: System, twin: str) -> _Lately:
    """A copy is what its models say."""
    same = Misfit(0.0, 0.0, 0.0, 0.0, 1)
    doubt = "on a copy nothing tells how far the models are from the plant; the interval leaves that out"
    return _Lately({}, {shown(one.name, twin): same for one in system.signals}, doubt)


def _lately(
    question: Question, past: Mapping[str, Series], span: tuple[int, int], earlier: Mapping[str, Series]
) -> _Lately:
    begin = begun_ticks(past.values(), *span)
    seconds = (span[1] - begin) / TICKS_PER_SECOND
    if seconds >= LEAST_PAST_S:
        short = f"compared with {seconds / 60.0:.0f} min of the past only, models may seem better than they are"
        return _compared(question, past, (begin, span[1]), short if seconds < _SHORT_PAST_S else "")
    end = max((int(one.ticks[-1]) for one in earlier.values() if len(one)), default=0)
    begin = begun_ticks(earlier.values(), end - (span[1] - span[0]), end)
    if (end - begin) / TICKS_PER_SECOND < LEAST_PAST_S:
        left = math.ceil(LEAST_PAST_S - seconds)
        return _Lately(
            past, {}, f"the models could be compared with {seconds:.0f} s of the past only; {left} s more are needed"
        )
    ago = (span[1] - end) / TICKS_PER_SECOND / 60.0
    length = (end - begin) / TICKS_PER_SECOND / 60.0
    return _compared(
        question,
        earlier,
        (begin, end),
        f"compared with {length:.0f} min of the past that end {ago:.0f} min ago, for there are {seconds:.0f} s since",
    )


def _compared(question: Question, past: Mapping[str, Series], span: tuple[int, int], doubt: str) -> _Lately:
    try:
        found = compared(question.uses, question.twin, past, *span, present=question.present)
    except NotAvailable as error:
        return _Lately(past, {}, str(error))
    taken = as_now(found.as_now, question.present, question.twin)
    return _Lately(past, found.misfits, "; ".join(one for one in (doubt, taken) if one))
