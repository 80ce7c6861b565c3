"""Runs a system over time: its states by scipy's LSODA, parts that go on by steps beside them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.simulation.model import extrapolated
from analytics.simulation.system import ModelError, System

Line = npt.NDArray[np.float64]
Held = dict[tuple[int, str], Any]
_RELATIVE: Final = 1e-6
_ABSOLUTE: Final = 1e-8
_SETTLED: Final = 1e-7
_ROUNDS: Final = 10
_MOST_LOOKS: Final = 100_000
"""Times that the equations are looked at for a run, beside a hundred for each of its times."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What a run gives. times: float64[n], seconds. signals: by name, float64[n] in the units of their tags. ports: of
    outputs and states by (part, port), in their own units. extrapolated: names of inputs that left the range in which
    their model holds. fed: lowest and highest value of each input by (part, port), in its own unit."""

    times: Line
    signals: Mapping[str, Line]
    ports: Mapping[tuple[int, str], Line]
    extrapolated: tuple[str, ...]
    fed: Mapping[tuple[int, str], tuple[float, float]]


def run(
    system: System,
    times: Line,
    inputs: Mapping[str, float | Line],
    start: Mapping[str, float] | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Course:
    """From times[0] to the last, in the order of time. inputs: all of `system.inputs`, constant or float64[n], straight
    between the times. start: states (by the names of `system.states`, in the units of their tags); those not named are
    where they would be after long. progress: told how far it is, 0 to 1. Raises ModelError."""
    lines = {name: np.broadcast_to(np.asarray(inputs[name], np.float64), times.shape) for name in system.inputs}
    first = {name: float(line[0]) for name, line in lines.items()}
    steppers = [at for at, part in enumerate(system.parts) if part.stepper is not None]
    with closing(system):
        held = _begun(system, steppers, first)
        states = initial(system, first, start or {}, held)
        if steppers:
            stepped, grid = _by_steps(system, times, lines, states, held, steppers, progress)
        else:
            stepped, grid = {}, _integrated(system, times, lines, states, progress)
    values, fed = system.evaluate(0.0, list(grid), lines, stepped)
    course = _told(system, times, values, fed)
    if not all(np.isfinite(line).all() for line in course.signals.values()):
        wrong = ", ".join(name for name, line in course.signals.items() if not np.isfinite(line).all())
        raise ModelError(f"no finite values came out for {wrong}")
    return course


def settled(
    system: System, inputs: Mapping[str, float], start: Mapping[str, float] | None = None, longest_s: float = 1e5
) -> dict[str, float]:
    """The signals once nothing moves any more at constant inputs, or after longest_s. Parts that go on by steps are not
    possible here. Raises ModelError."""
    if any(part.stepper is not None for part in system.parts):
        raise ModelError("a model that goes on by steps has no steady state that can be looked for")
    states = np.array(initial(system, inputs, start or {}, {}))
    lines = {name: np.array([inputs[name]] * 2, np.float64) for name in system.inputs}
    reach = min(600.0, longest_s)
    passed = 0.0
    while len(states) and passed < longest_s:
        states = _integrated(system, np.array([0.0, reach]), lines, states, lambda fraction: None)[:, -1]
        rates = np.array(system.derivatives(0.0, list(states), inputs), np.float64)
        passed += reach
        reach = min(2.0 * reach, longest_s)
        if (np.abs(rates) <= _SETTLED * (1.0 + np.abs(states))).all():
            break
    values, _ = system.evaluate(0.0, list(states), inputs)
    return {name: float(value) for name, value in system.told(values).items()}


def initial(system: System, inputs: Mapping[str, float], start: Mapping[str, float], held: Held) -> list[float]:
    """The states at the beginning; those that nobody gives are where they would be after long, found round by round, as
    they depend on each other."""
    owners = [(at, port) for at, part in enumerate(system.parts) for port in part.model.states]
    scales = {(one.part, one.port.name): one for one in system.signals}
    states: list[float] = []
    unknown: list[int] = []
    for number, (name, (at, port)) in enumerate(zip(system.states, owners, strict=True)):
        one = scales[at, port.name]
        if name in start:
            states.append(one.factor * start[name] + one.offset)
        else:
            unknown.append(number)
            states.append(_middle(port.range))
    for _ in range(_ROUNDS if unknown else 0):
        _, fed = system.evaluate(0.0, states, inputs, held)
        before = list(states)
        for number in unknown:
            at, port = owners[number]
            part = system.parts[at]
            if part.model.start is not None:
                states[number] = float(part.model.start(fed[at], part.parameters)[port.name])
        if np.allclose(before, states, rtol=1e-9, atol=1e-9):
            break
    return states


def _middle(span: tuple[float, float]) -> float:
    return (span[0] + span[1]) / 2.0 if np.isfinite(span).all() else 0.0


def _integrated(
    system: System, times: Line, lines: Mapping[str, Line], states: Any, progress: Callable[[float], None]
) -> Line:
    """float64[states, n]."""
    if not len(states) or len(times) == 1:
        return np.broadcast_to(np.asarray(states, np.float64)[:, None], (len(states), len(times)))
    from scipy.integrate import solve_ivp  # in a worker only

    moving = [name for name, line in lines.items() if (line != line[0]).any()]
    moments, table = times.tolist(), np.stack([lines[name] for name in moving], axis=1) if moving else np.empty((0, 0))
    constant = {name: float(line[0]) for name, line in lines.items()}
    before = None if moving else system.evaluate(float(times[0]), list(states), constant)
    span = float(times[-1] - times[0])

    looks = 0

    def rates(t: float, x: Line) -> list[Any]:
        nonlocal looks
        looks += 1
        if looks > _MOST_LOOKS + 100 * len(times):
            raise ModelError(f"the equations cannot be followed beyond {t:g} s: a value jumps there, or moves too fast")
        now: dict[str, float] = {}
        if moving:
            at = min(max(bisect_right(moments, t) - 1, 0), len(moments) - 2)
            share = (t - moments[at]) / (moments[at + 1] - moments[at])
            now = dict(zip(moving, (table[at] + share * (table[at + 1] - table[at])).tolist(), strict=True))
        progress((t - float(times[0])) / span)
        return system.derivatives(t, x.tolist(), constant | now, None, before)

    longest = float(np.diff(times).max()) if moving else np.inf
    found = solve_ivp(
        rates, (times[0], times[-1]), states, "LSODA", times, rtol=_RELATIVE, atol=_ABSOLUTE, max_step=longest
    )
    if not found.success:
        raise ModelError(f"the equations could not be followed beyond {found.t[-1] if len(found.t) else 0.0:g} s")
    return np.asarray(found.y, np.float64)


def _begun(system: System, steppers: list[int], first: Mapping[str, float]) -> Held:
    """What parts that go on by steps say at the beginning; their inputs first as far as others do not need them."""
    held: Held = {(at, port.name): 0.0 for at in steppers for port in system.parts[at].model.given}
    for _ in range(2 if steppers else 0):
        fed = system.evaluate(0.0, [_middle(port.range) for port in _state_ports(system)], first, held)[1]
        for at in steppers:
            stepper = system.parts[at].stepper
            assert stepper is not None
            held.update({(at, name): value for name, value in stepper.begin(fed[at]).items()})
    return held


def _state_ports(system: System) -> Iterator[Any]:
    return (port for part in system.parts for port in part.model.states)


def _by_steps(
    system: System,
    times: Line,
    lines: Mapping[str, Line],
    states: list[float],
    held: Held,
    steppers: list[int],
    progress: Callable[[float], None],
) -> tuple[Held, Line]:
    """The outputs of the parts that go on by steps, float64[n] each, and float64[states, n]. From one time to the next
    each sees what the others said at its beginning."""
    grid = np.empty((len(states), len(times)))
    course: Held = {key: np.empty(len(times)) for key in held}
    for number, t in enumerate(times):
        grid[:, number] = states
        for key, value in held.items():
            course[key][number] = value
        if number + 1 == len(times):
            break
        progress(number / len(times))
        now = {name: float(line[number]) for name, line in lines.items()}
        fed = system.evaluate(float(t), states, now, held)[1]
        length = float(times[number + 1] - t)
        states = _one_step(system, float(t), length, states, now, held)
        for at in steppers:
            stepper = system.parts[at].stepper
            assert stepper is not None
            held.update({(at, name): value for name, value in stepper.step(float(t), length, fed[at]).items()})
    return course, grid


def _one_step(
    system: System, t: float, length: float, states: list[float], now: Mapping[str, float], held: Held
) -> list[float]:
    if not states:
        return states
    from scipy.integrate import solve_ivp  # in a worker only

    found = solve_ivp(
        lambda moment, x: system.derivatives(moment, x.tolist(), now, held),
        (t, t + length),
        states,
        "LSODA",
        rtol=_RELATIVE,
        atol=_ABSOLUTE,
    )
    if not found.success:
        raise ModelError(f"the equations could not be followed beyond {t:g} s")
    last: list[float] = found.y[:, -1].tolist()
    return last


def _told(system: System, times: Line, values: list[Any], fed: list[dict[str, Any]]) -> Course:
    def line(value: Any) -> Line:
        return np.array(np.broadcast_to(np.asarray(value, np.float64), times.shape))

    ports = {
        (at, port.name): line(system.port_value(values, at, port.name))
        for at, part in enumerate(system.parts)
        for port in part.model.given
    }
    beyond = [
        system.input_name(at, port)
        for at, part in enumerate(system.parts)
        for port in extrapolated(part.input_ports, fed[at])
    ]
    signals = {name: line(value) for name, value in system.told(values).items()}
    spans = {
        (at, port): (float(np.min(value)), float(np.max(value)))
        for at, taken in enumerate(fed)
        for port, value in taken.items()
    }
    return Course(times, signals, ports, tuple(dict.fromkeys(beyond)), spans)


@contextmanager
def closing(system: System) -> Iterator[None]:
    """Whatever happens, parts that hold something give it back."""
    try:
        yield
    finally:
        for part in system.parts:
            if part.stepper is not None:
                part.stepper.close()
