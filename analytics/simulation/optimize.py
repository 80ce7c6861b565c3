"""OptimizeSetpoints: the setpoints with which a plant would do the same with less, found on its models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from analytics.arguments import Context, Job, Progress, number_of
from analytics.errors import (
    BAD_INVALID_ARGUMENT,
    BAD_NO_MATCH,
    BAD_OUT_OF_RANGE,
    BAD_TYPE_MISMATCH,
    ArgumentError,
    NotAvailable,
)
from analytics.function import ONE_DIMENSION, Access, Argument, ArgumentType, Function
from analytics.models import Model
from analytics.series import TICKS_PER_SECOND, Series
from analytics.simulation.aim import Aim
from analytics.simulation.calibrated import calibrations
from analytics.simulation.constraints import Constraint, constraint_of
from analytics.simulation.electric import has_electric
from analytics.simulation.naming import shown
from analytics.simulation.objective import Objective, UnknownName, Unreadable, parsed
from analytics.simulation.optimizer import answer
from analytics.simulation.optimizer_setup import LEAST_PAST_S, Question
from analytics.simulation.simulate import with_machines
from analytics.simulation.variables import Variable, variables_of
from analytics.simulation.vocabulary import Vocabulary, vocabulary
from analytics.simulation.wiring import ModelUse

OBJECTIVE, VARIABLES, CONSTRAINTS, HORIZON = range(4)
LONGEST_S: Final = 7 * 86_400.0
PAST_S: Final = 7200.0
"""How much of the past says how far the models are from the plant."""
MOST: Final = 20
"""Variables, and constraints, that one call may have."""


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError, NotAvailable."""
    aim = context.aim or Aim()
    twin = context.twin
    tags = dict.fromkeys(tag for use in context.machines for tag in use.tags)
    about = {tag: context.about[shown(tag, twin)] for tag in tags if shown(tag, twin) in context.about}
    units = {tag: one.unit for tag, one in about.items()}
    words = vocabulary(context.machines, twin, units)
    objective = _objective(arguments[OBJECTIVE], aim, words, context.machines)
    variables = variables_of(_texts(arguments[VARIABLES], VARIABLES, "Variables") or aim.variables, context, VARIABLES)
    if len(variables) > MOST:
        raise ArgumentError(VARIABLES, BAD_OUT_OF_RANGE, f"{len(variables)} variables are more than {MOST}; name fewer")
    constraints = tuple(_constraints(arguments[CONSTRAINTS], aim, words))
    horizon = number_of(arguments[HORIZON], HORIZON, "Horizon", 0.0, LONGEST_S, 0.0) or aim.horizon_s
    unknown = [one.name for one in variables if math.isnan(one.current)]
    if unknown:
        raise NotAvailable(f"there is no Good value of {', '.join(unknown)}, so nobody knows what a change would save")
    own, below = calibrations(context)
    settings = {
        "uses": tuple(context.machines),
        "twin": twin,
        "objective": objective,
        "variables": variables,
        "constraints": constraints,
        "horizon_s": horizon,
        "present": {tag: context.present[shown(tag, twin)] for tag in tags if shown(tag, twin) in context.present},
        "units": units,
        "modelled": context.modelled,
    }
    signals = () if context.modelled else tuple(shown(tag, twin) for tag in about)
    begin = context.now_ticks - round(PAST_S * TICKS_PER_SECOND)
    least = 0.0 if context.modelled else LEAST_PAST_S
    return Job("OptimizeSetpoints", signals, begin, context.now_ticks, settings, own, below, long=True, least_s=least)


def run(
    series: Mapping[str, Series],
    start_ticks: int,
    end_ticks: int,
    uses: tuple[ModelUse, ...],
    twin: str,
    objective: Objective,
    variables: tuple[Variable, ...],
    constraints: tuple[Constraint, ...],
    horizon_s: float,
    present: Mapping[str, float],
    units: Mapping[str, str | None],
    modelled: bool,
    progress: Progress,
    model: Model | None = None,
    models: tuple[Model, ...] = (),
    others: tuple[Mapping[str, Series], ...] = (),
) -> tuple[Any, ...]:
    """The results of OptimizeSetpoints in their order. others: the past before a gap, where there is too little since.
    Raises NotAvailable, ArgumentError."""
    known = (*models, *((model,) if model is not None else ()))
    question = Question(uses, twin, objective, variables, constraints, horizon_s, present, units, known, modelled)
    return answer(question, series, (start_ticks, end_ticks), progress, others[0] if others else {})


def _objective(argument: object, aim: Aim, words: Vocabulary, uses: Sequence[ModelUse]) -> Objective:
    if argument is not None and not isinstance(argument, str):
        raise ArgumentError(OBJECTIVE, BAD_TYPE_MISMATCH, "Objective is text")
    try:
        found = parsed(argument or aim.objective, words)
    except Unreadable as error:
        status = BAD_NO_MATCH if isinstance(error, UnknownName) else BAD_INVALID_ARGUMENT
        raise ArgumentError(OBJECTIVE, status, str(error)) from None
    if not found.parts and not has_electric(uses):
        raise ArgumentError(
            OBJECTIVE, BAD_NO_MATCH, 'no model below this twin gives electric power; name an aim, as "min Mean(Flow)"'
        )
    return found


def _constraints(argument: object, aim: Aim, words: Vocabulary) -> Iterator[Constraint]:
    texts = _texts(argument, CONSTRAINTS, "Constraints") or aim.constraints
    if len(texts) > MOST:
        raise ArgumentError(CONSTRAINTS, BAD_OUT_OF_RANGE, f"{len(texts)} constraints are more than {MOST}")
    for text in texts:
        try:
            yield constraint_of(text, words)
        except Unreadable as error:
            status = BAD_NO_MATCH if isinstance(error, UnknownName) else BAD_INVALID_ARGUMENT
            raise ArgumentError(CONSTRAINTS, status, str(error)) from None


def _texts(argument: object, index: int, name: str) -> tuple[str, ...]:
    if argument is None:
        return ()
    if isinstance(argument, str) or not isinstance(argument, Sequence):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} is an array of text")
    if not all(isinstance(one, str) for one in argument):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} has something that is no text")
    return tuple(argument)


_TEXT: Final = ArgumentType.String
_TEXTS: Final = (_TEXT, ONE_DIMENSION)
_DOUBLE: Final = ArgumentType.Double
_DOUBLES: Final = (_DOUBLE, ONE_DIMENSION)
OPTIMIZE_SETPOINTS: Final = Function(
    "OptimizeSetpoints",
    "The setpoints that reach the most within what must be kept, found on the models of this twin and of those below "
    "it, with what they are expected to save. Nothing is written: the result is a proposal. Empty arguments are taken "
    "from the plant file",
    (
        Argument(
            "Objective",
            _TEXT,
            description='"min 0.25*Energy(Power) - 0.02*Mean(HeatFlow)", of key figures of Simulate and signals; '
            "empty: the least electric energy",
        ),
        Argument(
            "Variables",
            *_TEXTS,
            'What may change: commands and inputs, "Pump1/SpeedSetpoint" or "Pump1/SpeedSetpoint 1200..2800"',
        ),
        Argument(
            "Constraints",
            *_TEXTS,
            'What must be kept all the time, "Chiller/LeavingWaterTemperature <= 9" or "ProductionTemperature 15..19"',
        ),
        Argument("Horizon", _DOUBLE, description="How long the setpoints are held; 0: until all is steady", unit="SEC"),
    ),
    (
        Argument("ProposalId", _TEXT, description="What ApplyProposal takes; empty: there is nothing to apply"),
        Argument("Names", *_TEXTS, "The variables"),
        Argument("Commands", *_TEXTS, "Path of the command that sets each; empty: none does"),
        Argument("Units", *_TEXTS, "UNECE common code of each; empty: none"),
        Argument("Current", *_DOUBLES, "Of each, as it is now"),
        Argument("Proposed", *_DOUBLES, "Of each; the same where a change would bring nothing"),
        Argument("ObjectiveNow", _DOUBLE, description="With the present settings, by the models"),
        Argument("ObjectiveProposed", _DOUBLE, description="With the proposed ones"),
        Argument("ObjectiveUnit", _TEXT, description="UNECE common code; empty: none"),
        Argument(
            "Saving", _DOUBLE, description="What is gained, in that unit, over the Horizon; steady state: in an hour"
        ),
        Argument("SavingLow", _DOUBLE, description="Lower end of its 95 % interval; NaN where it is not known"),
        Argument("SavingHigh", _DOUBLE, description="Upper end of it"),
        Argument("SavingPercent", _DOUBLE, description="Of ObjectiveNow", unit="P1"),
        Argument("Binding", *_TEXTS, "Constraints and bounds that keep it from reaching more"),
        Argument("KpiNames", *_TEXTS, "Mean(output), Energy(power) and ratios, such as cop(Chiller)"),
        Argument("KpiUnits", *_TEXTS, "UNECE common code of each; empty: none"),
        Argument("Kpis", *_DOUBLES, "Their values with the proposed settings"),
        Argument("KpiDifferences", *_DOUBLES, "The same less those with the present ones"),
        Argument("Models", *_TEXTS, "The models that were used, with kind and fidelity"),
    ),
    plan,
    needs=with_machines,
    access=Access.operate,
)
