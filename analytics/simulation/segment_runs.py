"""Runs a system over many segments of the past at once, each begun from measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analytics.simulation.integrate import initial
from analytics.simulation.integrate import run as run_system
from analytics.simulation.segments import Matrix, Segments
from analytics.simulation.system import ModelError, System

_RELATIVE: Final = 1e-6
_ABSOLUTE: Final = 1e-8
_MOST_LOOKS: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """What a system is fed with. lines: its inputs and its measured states, float64[s, n], without gaps; known: bool[s,
    n], where what a run says rests on measurements."""

    times: Matrix
    lines: Mapping[str, Matrix]
    known: Any


def replay(system: System, segments: Segments, out: Any = None) -> Replay:
    """out: bool[s, n], where something is the matter that the models do not know. What comes after a gap in a segment
    is known again only if no model has a state. Raises ModelError for an input that was never measured."""
    states = [name for name in system.states if name in segments.lines]
    missing = [name for name in system.inputs if not np.isfinite(segments.lines.get(name, np.nan)).any()]
    if missing:
        raise ModelError(f"no Good values of {', '.join(missing[:5])}")
    shape = (len(segments.begins), len(segments.times))
    known = np.ones(shape, bool) if out is None else ~out
    for name in system.inputs:
        known &= np.isfinite(segments.lines[name])
    for name in states:
        known &= np.isfinite(segments.lines[name][:, :1])
    if any(part.dynamic or part.stepper is not None for part in system.parts):
        known = np.logical_and.accumulate(known, axis=1)
    names = dict.fromkeys((*system.inputs, *states))
    return Replay(segments.times, {name: _filled(segments.lines[name]) for name in names}, known)


def _filled(line: Matrix) -> Matrix:
    """Without gaps: the value before, else the mean of all."""
    good = np.isfinite(line)
    if good.all():
        return line
    last = np.maximum.accumulate(np.where(good, np.arange(line.shape[1]), -1), axis=1)
    held = np.take_along_axis(line, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, held, np.nanmean(line) if good.any() else 0.0)


def run_segments(system: System, fed: Replay) -> dict[str, Matrix]:
    """What each signal is by the models, float64[s, n] in the units of its tag. Raises ModelError."""
    shape = next(iter(fed.lines.values())).shape if fed.lines else fed.known.shape
    if any(part.stepper is not None for part in system.parts):
        return _one_by_one(system, fed, shape)
    inputs = {name: np.broadcast_to(fed.lines[name], shape) for name in system.inputs}
    states = _integrated(system, fed, inputs) if system.states else []
    flat = {name: line.reshape(-1) for name, line in inputs.items()}
    values, _ = system.evaluate(0.0, [line.reshape(-1) for line in states], flat)
    told = {
        name: np.broadcast_to(np.asarray(line), (shape[0] * shape[1],)) for name, line in system.told(values).items()
    }
    return {name: np.reshape(line, shape) for name, line in told.items()}


def _one_by_one(system: System, fed: Replay, shape: tuple[int, ...]) -> dict[str, Matrix]:
    found: dict[str, list[Matrix]] = {one.name: [] for one in system.signals}
    for row in range(shape[0]):
        start = {name: float(fed.lines[name][row, 0]) for name in system.states if name in fed.lines}
        course = run_system(system, fed.times, {name: fed.lines[name][row] for name in system.inputs}, start)
        for name, lines in found.items():
            lines.append(course.signals[name])
    return {name: np.stack(lines) for name, lines in found.items()}


def _integrated(system: System, fed: Replay, inputs: Mapping[str, Matrix]) -> list[Matrix]:
    """Of each state float64[s, n]. All segments are one set of equations, whose Jacobian has a band per segment."""
    from scipy.integrate import solve_ivp  # in a worker only

    count, width = inputs[system.inputs[0]].shape if inputs else fed.known.shape
    size = len(system.states)
    begin = np.stack([_begin(system, fed, inputs, row) for row in range(count)])
    table = np.stack([inputs[name].T for name in system.inputs]) if inputs else np.empty((0, width, count))
    step = float(fed.times[1] - fed.times[0])
    looks = 0

    def rates(t: float, flat: Matrix) -> Matrix:
        nonlocal looks
        looks += 1
        if looks > _MOST_LOOKS * width:
            raise ModelError(f"the equations cannot be followed beyond {t:g} s: a value jumps there, or moves too fast")
        at = min(int(t / step), width - 2)
        share = t / step - at
        now = dict(zip(system.inputs, table[:, at] + share * (table[:, at + 1] - table[:, at]), strict=True))
        moved = system.derivatives(t, list(flat.reshape(count, size).T), now)
        return np.stack([np.broadcast_to(one, (count,)) for one in moved], axis=1).reshape(-1)

    found = solve_ivp(
        rates,
        (0.0, float(fed.times[-1])),
        begin.reshape(-1),
        "LSODA",
        fed.times,
        rtol=_RELATIVE,
        atol=_ABSOLUTE,
        max_step=step,
        lband=size - 1,
        uband=size - 1,
    )
    if not found.success:
        raise ModelError(f"the equations could not be followed beyond {found.t[-1] if len(found.t) else 0.0:g} s")
    course = found.y.reshape(count, size, width)
    return [course[:, place, :] for place in range(size)]


def _begin(system: System, fed: Replay, inputs: Mapping[str, Matrix], row: int) -> list[float]:
    first = {name: float(line[row, 0]) for name, line in inputs.items()}
    start = {name: float(fed.lines[name][row, 0]) for name in system.states if name in fed.lines}
    return initial(system, first, start, {})
