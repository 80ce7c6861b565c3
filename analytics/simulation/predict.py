"""Predict: what the models of a twin say of this moment, beside what is measured - a soft sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from analytics.arguments import Context, Job
from analytics.errors import NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.series import Series
from analytics.simulation.calibrated import calibrations
from analytics.simulation.choosing import Wish, compose
from analytics.simulation.integrate import run as run_system
from analytics.simulation.naming import overrides, shown, used_title
from analytics.simulation.simulate import check_used, model_name, with_machines
from analytics.simulation.system import ModelError
from analytics.simulation.wiring import ModelUse

_NAMES, _VALUES, _MODEL = range(3)


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    tags = dict.fromkeys(tag for use in context.machines for tag in use.tags)
    names = {tag: shown(tag, context.twin) for tag in tags}
    settings = {
        "uses": tuple(context.machines),
        "twin": context.twin,
        "model": model_name(arguments[_MODEL], context, _MODEL),
        "given": overrides(arguments[_NAMES], arguments[_VALUES], context.machines, context.twin, _NAMES),
        "present": {tag: context.present[name] for tag, name in names.items() if name in context.present},
    }
    return Job("Predict", (), context.now_ticks, context.now_ticks, settings, rests_on=calibrations(context)[0])


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    uses: tuple[ModelUse, ...],
    twin: str,
    model: str,
    given: Mapping[str, float],
    present: Mapping[str, float],
) -> tuple[Any, ...]:
    """The results of Predict in their order. Raises NotAvailable, ArgumentError."""
    values = {**present, **given}
    system, chosen = compose(uses, Wish(twin, model, tuple(given), values))
    check_used(given, system, chosen, twin)
    states = {name: values[name] for name in system.states if name in values}
    try:
        course = run_system(system, np.zeros(1), {name: values[name] for name in system.inputs}, states)
    except ModelError as error:
        raise NotAvailable(str(error)) from None
    said = {one.name: float(course.signals[one.name][0]) for one in system.signals if one.name not in system.states}
    beyond = [shown(name, twin) for name in course.extrapolated]
    return (
        [shown(name, twin) for name in said],
        np.array(list(said.values())),
        np.array([present.get(name, float("nan")) for name in said]),
        beyond,
        [used_title(use, twin) for use in chosen],
        True,
        f"extrapolated: {', '.join(beyond)}" if beyond else "",
    )


_TEXTS: Final = (ArgumentType.String, ONE_DIMENSION)
_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
PREDICT: Final = Function(
    "Predict",
    "What the models of this twin say of this moment, from the present values of their inputs",
    (
        Argument("Names", *_TEXTS, "Inputs that are given, as for Simulate; empty: none"),
        Argument("Values", *_DOUBLES, "Of each, in the unit of the tag or port"),
        Argument("Model", ArgumentType.String, description="One of this twin's models; empty: the default"),
    ),
    (
        Argument("Outputs", *_TEXTS, "What the models give, as tags and ports"),
        Argument("Predicted", *_DOUBLES, "Their values"),
        Argument("Measured", *_DOUBLES, "The present values of those that are tags; NaN where there is no Good one"),
        Argument("Extrapolated", *_TEXTS, "Inputs outside of the range in which their model holds"),
        Argument("Models", *_TEXTS, "The models that were used, with kind and fidelity"),
    ),
    plan,
    needs=with_machines,
)
