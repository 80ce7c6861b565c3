"""Scenarios: the models of a twin begun from the present, and carried on piece by piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.errors import NotAvailable
from analytics.simulation.choosing import Wish, compose, load
from analytics.simulation.integrate import Course
from analytics.simulation.integrate import run as run_system
from analytics.simulation.kinds import FMU
from analytics.simulation.naming import used_title
from analytics.simulation.simulate import check_used
from analytics.simulation.system import ModelError, System
from analytics.simulation.wiring import ModelUse

MOST_STEP_S: Final = 3600.0
"""Simulated seconds that one call of `advance` goes at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What the models say at one moment. names, values (float64[n], in the units of the tags): their signals, as tags
    and ports by path of the plant; states: what they go on from, by name; beyond: inputs outside of the range in which
    their model holds."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    states: dict[str, float]
    beyond: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """A scenario's models. uses: those that are used, by their number; forced: inputs that are held although a model
    gives them; inputs: all that comes from outside; titles: of the models, for people."""

    uses: tuple[int, ...]
    forced: tuple[str, ...]
    inputs: tuple[str, ...]
    titles: tuple[str, ...]
    moment: Moment


def begin(uses: Sequence[ModelUse], twin: str, given: Mapping[str, float], present: Mapping[str, float]) -> Beginning:
    """Choose models as Simulate does and work out where they begin. twin: path; given: what is held from the start on,
    present: what is known of tags, both by path of the plant. Raises NotAvailable, ArgumentError."""
    values = {**present, **given}
    system, chosen = compose(uses, Wish(twin, "", tuple(given), values))
    check_used(given, system, chosen, twin)
    kept = [use for use in chosen if use.kind == FMU]
    if kept:
        names = ", ".join(used_title(use, twin) for use in kept)
        raise NotAvailable(f"a scenario goes on piece by piece, and an FMU cannot be taken up again: {names}")
    numbers = {id(use): number for number, use in enumerate(uses)}
    return Beginning(
        tuple(numbers[id(use)] for use in chosen),
        tuple(sorted(system.forced)),
        system.inputs,
        tuple(used_title(use, twin) for use in chosen),
        _run(system, np.zeros(1), values, {name: values[name] for name in system.states if name in values}),
    )


def advance(
    uses: Sequence[ModelUse],
    forced: Sequence[str],
    inputs: Mapping[str, float],
    states: Mapping[str, float],
    duration_s: float,
) -> Moment:
    """Where the models of a `Beginning` are after so many seconds, from these states on and with inputs that are held.
    forced: as in the beginning, with whatever is held since. Raises NotAvailable."""
    try:
        system = System([load(use) for use in uses], tuple(forced))
    except ModelError as error:
        raise NotAvailable(str(error)) from None
    missing = [name for name in system.inputs if name not in inputs]
    if missing:
        raise NotAvailable(f"there is no value of {', '.join(missing[:5])}")
    return _run(system, np.array([0.0, min(duration_s, MOST_STEP_S)]), inputs, states)


def _run(
    system: System, times: npt.NDArray[np.float64], values: Mapping[str, float], states: Mapping[str, float]
) -> Moment:
    inputs = {name: values[name] for name in system.inputs}
    try:
        course = run_system(system, times, inputs, {name: states[name] for name in system.states if name in states})
    except ModelError as error:
        raise NotAvailable(str(error)) from None
    return _last(system, course, inputs)


def _last(system: System, course: Course, inputs: Mapping[str, float]) -> Moment:
    signals = {one.name: float(course.signals[one.name][-1]) for one in system.signals}
    signals.update({name: inputs[name] for name in system.forced if name in signals})
    states = {name: signals[name] for name in system.states}
    return Moment(tuple(signals), np.array(list(signals.values())), states, tuple(course.extrapolated))
