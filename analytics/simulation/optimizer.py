"""Answers an optimisation: puts the models together, searches, and tells what was found and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.errors import BAD_NO_MATCH, ArgumentError, NotAvailable
from analytics.models import Model
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.choosing import Wish, compose, cost_s, load
from analytics.simulation.constraints import Constraint
from analytics.simulation.electric import totals
from analytics.simulation.figures import Measure, called, measures
from analytics.simulation.judge import Goal, Judged, Keep, constraint_keeps, judged, validity_keeps
from analytics.simulation.misfit import Misfit, misfits
from analytics.simulation.naming import shown, used_title
from analytics.simulation.objective import Objective
from analytics.simulation.optimizer_words import binding, not_kept
from analytics.simulation.parts import Part
from analytics.simulation.search import Budget, Search
from analytics.simulation.simulate import unit_of
from analytics.simulation.system import ModelError, System
from analytics.simulation.trial import Outcomes, Trials
from analytics.simulation.uncertainty import (
    Spread,
    covariances,
    margin,
    of_measure,
    of_models,
    of_parameters,
    remarks,
    worthless,
)
from analytics.simulation.variables import Variable
from analytics.simulation.wiring import ModelUse

Matrix = npt.NDArray[np.float64]
_SETTINGS: Final = 40_000
"""Steady states that a search may look at: some ten seconds."""
_RUNS: Final = (40, 300)
_RUNS_S: Final = 240.0
"""Processor seconds that runs may take together, within these numbers of runs."""
_LEAST_PAST_S: Final = 120.0
_VARIABLES: Final = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; see `analytics.simulation.optimize`. present: of the tags of the models, by path. units: of
    tags. models: the calibrations that the models rest on."""

    uses: tuple[ModelUse, ...]
    twin: str
    objective: Objective
    variables: tuple[Variable, ...]
    constraints: tuple[Constraint, ...]
    horizon_s: float
    present: Mapping[str, float]
    units: Mapping[str, str | None]
    models: Sequence[Model] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """The models as they were put together for a question."""

    question: Question
    system: System
    chosen: tuple[ModelUse, ...]
    trials: Trials
    measures: Mapping[str, Measure]
    goal: Goal
    begin: Outcomes
    misfits: Mapping[str, Misfit]
    constraints: tuple[Constraint, ...] = ()
    keeps: list[Keep] = field(default_factory=list)

    @property
    def now(self) -> Matrix:
        """The present setting."""
        return np.array([one.current for one in self.question.variables])

    def judge(self, settings: Matrix) -> Judged:
        """float64[n, variables]."""
        return judged(self.trials.of(settings), self.goal, self.keeps, self.trials.duration_s)


def answer(
    question: Question, series: Mapping[str, Series], span: tuple[int, int], progress: Callable[[float], None]
) -> tuple[Any, ...]:
    """The results of OptimizeSetpoints. series: of the tags of the models over the span, in ticks. Raises
    NotAvailable, ArgumentError."""
    setup = _setup(question, _recent(question, series, span))
    search = Search(setup.judge, question.variables, _budget(setup, progress))
    best = search.best(_better_begin(setup))
    after = setup.trials.of(best[None])
    found = judged(after, setup.goal, setup.keeps, setup.trials.duration_s)
    if not found.kept[0]:
        return _refusal(setup, not_kept(setup.keeps, after, shown_on(question.twin)))
    return _told(setup, best, after)


def shown_on(twin: str) -> Callable[[str], str]:
    """What paths are called on a twin."""
    return lambda path: shown(path, twin)


# -- putting together -------------------------------------------------------------------------------------------------


def _setup(question: Question, recent: Mapping[str, Misfit]) -> Setup:
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
    setup = Setup(question, system, chosen, trials, known, goal, begin, recent)
    return _with_keeps(setup)


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
        raise ArgumentError(0, BAD_NO_MATCH, f"none of the models in use gives {', '.join(missing)}")
    return Goal(question.objective.sign, tuple((one.factor, known[one.figure]) for one in question.objective.parts))


def _with_keeps(setup: Setup) -> Setup:
    """With constraints and their margins, and where the models hold."""
    twin, duration = setup.question.twin, setup.trials.duration_s
    paths = {shown(name, twin): name for name in setup.begin.means}
    means = {name: float(line[0]) for name, line in setup.begin.means.items()}
    found = []
    for one in setup.question.constraints:
        measure = setup.measures.get(one.name)
        if measure is None and one.name not in paths:
            raise ArgumentError(2, BAD_NO_MATCH, f"none of the models in use gives {one.name}")
        if measure is not None:
            error = of_measure(measure, setup.misfits, means, duration, twin)
        else:
            error = setup.misfits[one.name].rmse if one.name in setup.misfits else math.nan
        given = one.with_margin(0.0 if paths.get(one.name) in setup.system.inputs else margin(error))
        found.append(given)
        setup.keeps.extend(constraint_keeps(given, paths.get(one.name, ""), measure, setup.begin, duration))
    setup.keeps.extend(validity_keeps(setup.system, setup.begin))
    return replace(setup, constraints=tuple(found))


def _recent(question: Question, series: Mapping[str, Series], span: tuple[int, int]) -> Mapping[str, Misfit]:
    """How far the models were from the plant lately; nothing where there is too little to say so."""
    firsts = [int(one.ticks[0]) for one in series.values() if len(one)]
    begin = max(span[0], min(firsts, default=span[1]))
    if (span[1] - begin) / TICKS_PER_SECOND < _LEAST_PAST_S:
        return {}
    try:
        return misfits(question.uses, question.twin, series, begin, span[1])
    except NotAvailable:
        return {}


def _budget(setup: Setup, progress: Callable[[float], None]) -> Budget:
    if not setup.question.horizon_s:
        return Budget(_SETTINGS, True, progress)
    costs = [cost_s(use) for use in setup.chosen]
    each = sum(0.01 if math.isnan(cost) else cost for cost in costs) * setup.question.horizon_s / 3600.0
    return Budget(int(np.clip(_RUNS_S / max(each, 1e-3), *_RUNS)), False, progress)


def _better_begin(setup: Setup) -> list[Matrix]:
    """For runs: the best steady state, which is cheap to find, where there is one."""
    question = setup.question
    if not question.horizon_s or any(part.stepper is not None for part in setup.system.parts):
        return []
    trials = replace(setup.trials, horizon_s=0.0)
    begin = trials.of(setup.now[None])
    if not np.isfinite(setup.goal.value(begin.means, trials.duration_s)).all():
        return []
    still = _with_keeps(replace(setup, trials=trials, begin=begin, keeps=[]))
    return [Search(still.judge, question.variables, Budget(_SETTINGS, True)).best()]


# -- telling ----------------------------------------------------------------------------------------------------------


def _told(setup: Setup, best: Matrix, after: Outcomes) -> tuple[Any, ...]:
    question, duration = setup.question, setup.trials.duration_s
    now = float(setup.goal.value(setup.begin.means, duration)[0])
    then = float(setup.goal.value(after.means, duration)[0])
    saving = setup.goal.sign * (now - then)
    moved = bool((best != setup.now).any())
    half = _spread(setup, best).half if moved else 0.0
    names = [name for _, one in setup.goal.parts for name in _signals(one, question.twin)]
    useless = worthless(half, now, names, setup.misfits)
    before = judged(setup.begin, setup.goal, setup.keeps, duration)
    reasons = [
        useless,
        "" if moved else "no change of the variables saves anything",
        f"at present {not_kept(setup.keeps, setup.begin, shown_on(question.twin), now=True)}"
        if not before.kept[0]
        else "",
        "it is not certain that anything is saved: the interval includes 0" if moved and abs(saving) <= half else "",
        *remarks([*names, *(one.name for one in setup.constraints)], setup.misfits),
    ]
    kept = binding(question.variables, best, _moved(setup, after), after, shown_on(question.twin))
    percent = 100.0 * saving / abs(now) if now else math.nan
    return (
        *_settings(setup, best),
        now, then, _unit(setup.goal), saving, saving - half, saving + half, percent,
        kept,
        *_key_figures(setup, after),
        [used_title(use, question.twin) for use in setup.chosen],
        not useless,
        "; ".join(one for one in reasons if one),
    )  # fmt: skip


def _moved(setup: Setup, after: Outcomes) -> list[Keep]:
    """Constraints, and what of the models' inputs the proposal moves; not the inputs that are variables themselves."""
    own = {one.path for one in setup.question.variables}

    def same(keep: Keep) -> bool:
        before, then = keep.values(setup.begin), keep.values(after)
        return all(math.isclose(one[0], other[0], rel_tol=1e-9) for one, other in zip(before, then, strict=True))

    return [one for one in setup.keeps if one.rule is not None or not (one.what in own or same(one))]


def _settings(setup: Setup, best: Matrix) -> tuple[Any, ...]:
    variables = setup.question.variables
    return (
        "",
        [one.name for one in variables],
        [one.command for one in variables],
        [one.unit for one in variables],
        setup.now,
        best,
    )


def _refusal(setup: Setup, reason: str) -> tuple[Any, ...]:
    now = float(setup.goal.value(setup.begin.means, setup.trials.duration_s)[0])
    nan = math.nan
    return (
        *_settings(setup, setup.now),
        now, nan, _unit(setup.goal), nan, nan, nan, nan,
        [],
        *_key_figures(setup, setup.begin),
        [used_title(use, setup.question.twin) for use in setup.chosen],
        False,
        f"no setting of the variables keeps everything: {reason}",
    )  # fmt: skip


def _key_figures(setup: Setup, after: Outcomes) -> tuple[Any, ...]:
    duration = setup.trials.duration_s
    known = list(setup.measures.values())
    values = np.array([float(np.ravel(one.value(after.means, duration))[0]) for one in known])
    before = np.array([float(np.ravel(one.value(setup.begin.means, duration))[0]) for one in known])
    return [one.name for one in known], [one.unit or "" for one in known], values, values - before


def _unit(goal: Goal) -> str:
    """Of the sum, where all parts have one and count fully."""
    units = {one.unit for _, one in goal.parts}
    return next(iter(units)) or "" if len(units) == 1 and all(abs(factor) == 1.0 for factor, _ in goal.parts) else ""


def _signals(measure: Measure, twin: str) -> list[str]:
    return [shown(one.name, twin) for one in (measure.above, measure.below) if one is not None]


def _spread(setup: Setup, best: Matrix) -> Spread:
    both = np.stack([setup.now, best])

    def saving(parts: Sequence[Part]) -> float:
        system = System(parts, tuple(setup.system.forced))
        trials = Trials(
            lambda: system, setup.trials.paths, setup.trials.held, setup.trials.start, setup.trials.horizon_s
        )
        values = setup.goal.value(trials.of(both).means, trials.duration_s)
        return float(setup.goal.sign * (values[0] - values[1]))

    means = {name: float(line[0]) for name, line in setup.begin.means.items()}
    table = covariances(setup.question.models)
    return Spread(
        of_parameters(setup.system.parts, table, saving) if table else 0.0,
        of_models(setup.goal, setup.misfits, means, setup.trials.duration_s, setup.question.twin),
    )
