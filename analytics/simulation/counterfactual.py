"""What the plant would take now with other setpoints: both by the models, at the steady state, with all other inputs as
they are. The difference has no bias of the models in it that both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Context, Job
from analytics.errors import NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.series import Series
from analytics.simulation.choosing import Wish, compose, load
from analytics.simulation.electric import totals
from analytics.simulation.figures import KILOWATTS
from analytics.simulation.naming import overrides, shown, used_title
from analytics.simulation.simulate import with_machines
from analytics.simulation.system import ModelError, System
from analytics.simulation.trial import Outcomes, Trials
from analytics.simulation.wiring import ModelUse

_NAMES, _BEFORE, _NOW = range(3)
Matrix = npt.NDArray[np.float64]


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    paths = {tag: shown(tag, context.twin) for use in context.machines for tag in use.tags}
    settings = {
        "uses": tuple(context.machines),
        "twin": context.twin,
        "before": overrides(arguments[_NAMES], arguments[_BEFORE], context.machines, context.twin, _NAMES),
        "now": overrides(arguments[_NAMES], arguments[_NOW], context.machines, context.twin, _NAMES),
        "present": {tag: context.present[name] for tag, name in paths.items() if name in context.present},
        "units": {tag: context.about[name].unit for tag, name in paths.items() if name in context.about},
    }
    return Job("Counterfactual", (), context.now_ticks, context.now_ticks, settings)


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    uses: tuple[ModelUse, ...],
    twin: str,
    before: Mapping[str, float],
    now: Mapping[str, float],
    present: Mapping[str, float],
    units: Mapping[str, str | None],
) -> tuple[Any, ...]:
    """Electric power in kW with the setpoints of before and of now, float; the models used; valid and reason. Raises
    NotAvailable where an input has no Good value, or where a model would have to go beyond its validity."""
    values = {**present, **now}
    system, chosen = compose(uses, Wish(twin, "", tuple(now), values))
    missing = [shown(name, twin) for name in system.inputs if name not in values]
    if missing:
        raise NotAvailable(f"there is no Good value of {', '.join(missing[:5])}")
    paths = tuple(now)
    start = {name: values[name] for name in system.states if name in values}
    held = {name: values[name] for name in system.inputs}
    settings = np.array([[before[path] for path in paths], [now[path] for path in paths]], np.float64)
    forced = tuple(system.forced)
    try:
        told = Trials(lambda: System([load(use) for use in chosen], forced), paths, held, start, 0.0).of(settings)
    except ModelError as error:
        raise NotAvailable(str(error)) from None
    power = _power(system, told, {one.name: units.get(one.name) or one.port.unit for one in system.signals})
    if beyond := _beyond(system, told):
        names = ", ".join(shown(name, twin) for name in beyond[:5])
        raise NotAvailable(f"the models would be used beyond their validity: {names}")
    return float(power[0]), float(power[1]), [used_title(use, twin) for use in chosen], True, ""


def _power(system: System, told: Outcomes, units: Mapping[str, str | None]) -> Matrix:
    """kW, float64[2]. Raises NotAvailable."""
    parts = [one for one in totals(system, units) if units[one.name]]
    if not parts:
        raise NotAvailable("none of the models gives electric power")
    found = np.sum([KILOWATTS[units[one.name] or ""] * told.means[one.name] for one in parts], axis=0)
    if not np.isfinite(found).all():
        which = "before the proposal" if not np.isfinite(found[0]) else "of now"
        raise NotAvailable(f"the models have no steady state at the setpoints {which}")
    return np.asarray(found, np.float64)


def _beyond(system: System, told: Outcomes) -> list[str]:
    """Inputs that leave the range in which their model holds."""
    found = []
    for at, part in enumerate(system.parts):
        for port in part.input_ports:
            low, high = told.fed_low.get((at, port.name)), told.fed_high.get((at, port.name))
            if low is None or high is None:
                continue
            if float(np.min(low)) < port.range[0] or float(np.max(high)) > port.range[1]:
                found.append(system.input_name(at, port.name))
    return list(dict.fromkeys(found))


_DOUBLES: Final = (ArgumentType.Double, ONE_DIMENSION)
COUNTERFACTUAL: Final = Function(
    "Counterfactual",
    "What the plant would take with the setpoints of before, and with those of now",
    (
        Argument("Names", ArgumentType.String, ONE_DIMENSION, "Commands, as called on this twin"),
        Argument("Before", *_DOUBLES, "Of each, the value before"),
        Argument("Now", *_DOUBLES, "Of each, the value now"),
    ),
    (
        Argument("PowerBefore", ArgumentType.Double, description="With the setpoints of before", unit="KWT"),
        Argument("PowerNow", ArgumentType.Double, description="With those of now", unit="KWT"),
        Argument("Models", ArgumentType.String, ONE_DIMENSION, "The models that were used"),
    ),
    plan,
    needs=with_machines,
)
"""In no catalog: the server asks it for what has been saved."""
