"""Answers an optimisation: puts the models together, searches, and tells what was found and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.series import Series
from analytics.simulation.choosing import cost_s
from analytics.simulation.figures import Measure
from analytics.simulation.judge import CLOSE, Goal, Keep, judged
from analytics.simulation.naming import shown, used_title
from analytics.simulation.optimizer_setup import Question, Setup, setup_of, with_keeps
from analytics.simulation.optimizer_words import binding, not_kept
from analytics.simulation.parts import Part
from analytics.simulation.search import Budget, Search
from analytics.simulation.system import System
from analytics.simulation.trial import Outcomes, Trials
from analytics.simulation.uncertainty import (
    Spread,
    covariances,
    movement,
    of_inputs,
    of_models,
    of_parameters,
    remarks,
    worthless,
)

Matrix = npt.NDArray[np.float64]
_SETTINGS: Final = 40_000
"""Steady states that a search may look at: some ten seconds."""
_RUNS: Final = (40, 300)
_RUNS_S: Final = 240.0
"""Processor seconds that runs may take together, within these numbers of runs."""


def answer(
    question: Question,
    series: Mapping[str, Series],
    span: tuple[int, int],
    progress: Callable[[float], None],
    earlier: Mapping[str, Series] = MappingProxyType({}),
) -> tuple[Any, ...]:
    """The results of OptimizeSetpoints. series: of the tags of the models over the span, in ticks; earlier: as in
    `setup_of`. Raises NotAvailable, ArgumentError."""
    setup = setup_of(question, series, span, earlier)
    search = Search(setup.judge, question.variables, _budget(setup, progress))
    best = search.best(_better_begin(setup))
    after = setup.trials.of(best[None])
    found = judged(after, setup.goal, setup.keeps, setup.trials.duration_s)
    if not found.kept[0]:
        return _refusal(setup, not_kept(setup.keeps, after, _shown_on(question.twin)))
    return _told(setup, best, after, search.around(best))


def _shown_on(twin: str) -> Callable[[str], str]:
    """What paths are called on a twin."""
    return lambda path: shown(path, twin)


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
    still = with_keeps(replace(setup, trials=trials, begin=begin))
    return [Search(still.judge, question.variables, Budget(_SETTINGS, True)).best()]


def _told(setup: Setup, best: Matrix, after: Outcomes, around: Matrix) -> tuple[Any, ...]:
    question, duration = setup.question, setup.trials.duration_s
    now = float(setup.goal.value(setup.begin.means, duration)[0])
    then = float(setup.goal.value(after.means, duration)[0])
    saving = setup.goal.sign * (now - then)
    moved = bool((best != setup.now).any())
    half = _spread(setup, best).half if moved else 0.0
    names = [name for _, one in setup.goal.parts for name in _signals(one, question.twin)]
    useless = worthless(half, now, names, setup.misfits, "" if setup.misfits else setup.unknown)
    before = judged(setup.begin, setup.goal, setup.keeps, duration)
    reasons = [
        useless,
        "" if moved else "no change of the variables saves anything",
        f"at present {not_kept(setup.keeps, setup.begin, _shown_on(question.twin), now=True)}"
        if not before.kept[0]
        else "",
        *_broken_at_once(setup),
        "it is not certain that anything is saved: the interval includes 0" if moved and abs(saving) <= half else "",
        setup.unknown if setup.misfits else "",
        *remarks([*names, *(one.name for one in setup.constraints)], setup.misfits),
    ]
    kept = binding(question.variables, best, _breaking(setup, best, around), after, _shown_on(question.twin))
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


def _broken_at_once(setup: Setup) -> list[str]:
    """What is not kept when a run begins, whatever is set."""
    if not setup.question.horizon_s:
        return []
    first = {shown(path, setup.question.twin): float(line[0]) for path, line in setup.begin.first.items()}
    return [
        f"{one.text} is not kept now, it is {first[one.name]:.4g}; it must be in the end, and not become worse"
        for one in setup.constraints
        if one.name in first and not one.low <= first[one.name] <= one.high
    ]


def _breaking(setup: Setup, best: Matrix, around: Matrix) -> list[Keep]:
    """What steps around the best setting would break, as far as they would reach more."""
    tried = setup.judge(np.concatenate([best[None], around]))
    tempting = tried.cost < tried.cost[0]
    return [one for one, slack in zip(setup.keeps, tried.slack, strict=True) if (slack[tempting] < -CLOSE).any()]


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
    question, duration = setup.question, setup.trials.duration_s

    def saving(trials: Trials) -> float:
        values = setup.goal.value(trials.of(both).means, duration)
        return float(setup.goal.sign * (values[0] - values[1]))

    def with_parts(parts: Sequence[Part]) -> float:
        system = System(parts, tuple(setup.system.forced))
        return saving(replace(setup.trials, make=lambda: system))

    def with_inputs(moved: Mapping[str, float]) -> float:
        held = {**setup.trials.held, **{name: setup.trials.held[name] + by for name, by in moved.items()}}
        return saving(replace(setup.trials, held=held))

    means = {name: float(line[0]) for name, line in setup.begin.means.items()}
    table = covariances(question.models)
    names = {name: shown(name, question.twin) for name in setup.system.inputs if name not in setup.trials.paths}
    moves = {path: movement(setup.past[name], duration) for path, name in names.items() if name in setup.past}
    return Spread(
        of_parameters(setup.system.parts, table, with_parts) if table else 0.0,
        of_models(setup.goal, setup.misfits, means, duration, question.twin),
        of_inputs(moves, with_inputs),
    )
