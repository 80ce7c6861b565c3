"""Steady states of a system for many sets of inputs at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.simulation.integrate import initial
from analytics.simulation.system import ModelError, System

Matrix = npt.NDArray[np.float64]
Lines = dict[str, Matrix]
Feeds = dict[tuple[int, str], Matrix]
_FIRST_S: Final = 30.0
_GROWTH: Final = 3.0
_LONGEST_S: Final = 1e8
_ROUNDS: Final = 60
_NUDGE: Final = 1e-6
_SETTLED: Final = 1e-9


def steady(system: System, inputs: Mapping[str, float | Matrix], start: Mapping[str, float], count: int) -> Matrix:
    """The states once nothing moves any more, float64[states, count]; NaN where they would not settle, or where the
    equations have no solution. inputs: constant or float64[count]. start: as for a run.

    Implicit Euler steps that grow from half a minute on, with one Newton iteration each (pseudo-transient
    continuation: Kelley and Keyes, SIAM J. Numer. Anal. 35, 1998): the course is that of the plant, roughly, so it
    ends where the plant would, and quickly. Raises ModelError where models go on by steps."""
    if any(part.stepper is not None for part in system.parts):
        raise ModelError("a model that goes on by steps has no steady state that can be looked for")
    lines = {name: np.broadcast_to(np.asarray(value, np.float64), (count,)) for name, value in inputs.items()}
    first = initial(system, {name: float(line[0]) for name, line in lines.items()}, start, {})
    states = np.repeat(np.array(first, np.float64)[:, None], count, axis=1)
    if not first:
        return states
    left = np.arange(count)
    length = _FIRST_S
    for _ in range(_ROUNDS):
        x, taken = states[:, left], {name: line[left] for name, line in lines.items()}
        rates, slopes = _slopes(system, x, taken)
        moved = np.abs(rates) > _SETTLED * (1.0 + np.abs(x))
        states[:, left[~np.isfinite(rates).all(axis=0)]] = np.nan
        going = moved.any(axis=0) & np.isfinite(slopes).all(axis=(1, 2))
        left, rates, slopes = left[going], rates[:, going], slopes[going]
        if not len(left):
            return states
        states[:, left] += _step(rates, slopes, length)
        length = min(_GROWTH * length, _LONGEST_S)
    states[:, left] = np.nan
    return states


def told(system: System, states: Matrix, inputs: Mapping[str, float | Matrix]) -> tuple[Lines, Feeds]:
    """What the system gives at each column of states, float64[states, count], by the names of its signals, and what
    each part takes by (part, port): float64[count], NaN where states are, or where there is no solution."""
    count = states.shape[1]
    lines = {name: np.broadcast_to(np.asarray(value, np.float64), (count,)) for name, value in inputs.items()}
    signals: Lines = {one.name: np.full(count, np.nan) for one in system.signals}
    feeds: Feeds = {}
    waiting = [np.flatnonzero(np.isfinite(states).all(axis=0))]
    while waiting:
        at = waiting.pop()
        if not len(at):
            continue
        try:
            values, fed = system.evaluate(0.0, list(states[:, at]), {name: line[at] for name, line in lines.items()})
        except ModelError:
            if len(at) > 1:
                waiting += np.array_split(at, 2)
            continue
        for name, value in system.told(values).items():
            signals[name][at] = value
        for number, taken in enumerate(fed):
            for port, value in taken.items():
                feeds.setdefault((number, port), np.full(count, np.nan))[at] = value
    return signals, feeds


def _step(rates: Matrix, slopes: Matrix, length: float) -> Matrix:
    left = np.eye(len(rates)) / length - slopes
    return np.asarray(np.linalg.solve(left, rates.T[:, :, None])[:, :, 0].T, np.float64)


def _slopes(system: System, x: Matrix, inputs: Mapping[str, Matrix]) -> tuple[Matrix, Matrix]:
    """Rates float64[states, count], and by how much each goes with each state, float64[count, states, states]: all in
    one look at the system."""
    count, width = x.shape
    nudges = _NUDGE * (1.0 + np.abs(x))
    wide = np.repeat(x[:, None, :], count + 1, axis=1)
    for number in range(count):
        wide[number, number + 1] += nudges[number]
    repeated = {name: np.tile(line, count + 1) for name, line in inputs.items()}
    rates = _rates(system, wide.reshape(count, -1), repeated).reshape(count, count + 1, width)
    slopes = (rates[:, 1:] - rates[:, :1]) / nudges[None]
    return rates[:, 0], slopes.transpose(2, 0, 1)


def _rates(system: System, x: Matrix, inputs: Mapping[str, Matrix]) -> Matrix:
    """NaN for columns in which values that depend on each other have no solution: halved until they stand alone."""
    width = x.shape[1]
    try:
        with np.errstate(all="ignore"):
            found = system.derivatives(0.0, list(x), inputs)
    except ModelError:
        if width == 1:
            return np.full_like(x, np.nan)
        half = width // 2
        parts = [slice(0, half), slice(half, width)]
        return np.concatenate(
            [_rates(system, x[:, at], {name: line[at] for name, line in inputs.items()}) for at in parts], axis=1
        )
    return np.stack([np.broadcast_to(one, (width,)) for one in found])
