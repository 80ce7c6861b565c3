"""What a machine model is: ports with units and validity, parameters with bounds, and its equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Values = Mapping[str, Any]
"""Floats, or float64 arrays of one common shape, by the name of a port or parameter."""
ANY: Final = (float("-inf"), float("inf"))
STEADY, LUMPED, EXTERNAL = 0, 1, 2
"""Fidelities: steady or a lookup; lumped and dynamic; brought in from outside."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input, a state or an output. unit: UNECE common code, None where it has none. range: where the model holds
    (validity). default: of an input that nothing feeds, None: something must. also: other units that it takes as they
    are, because a parameter is in the same one."""

    name: str
    unit: str | None
    description: str
    range: tuple[float, float] = ANY
    default: float | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant of a machine, within [low, high]."""

    name: str
    default: float
    low: float
    high: float
    unit: str | None
    description: str


Equations = Callable[[float, Values, Values, Values], dict[str, Any]]
"""(t in seconds, states, inputs, parameters) -> values by name. Nothing else goes in: no memory, no clock. `compute`
is asked at any t for what does not change with time: only derivatives may depend on it."""


@dataclass(frozen=True, slots=True, eq=False)
class MachineModel:
    """A model of a machine.

    outputs: what `compute` gives. Every state is an output as well, and needs no `compute`. derivatives: of the states
    per second; None: steady, and then `compute` takes arrays over time. start(inputs, parameters): the states of a
    machine that has run like that for long. ratios: key figures (name, output above, output below), of their integrals
    over time. cost_s: processor seconds for an hour simulated in steps of a minute, NaN
    where it has not been measured; those of the models here are from `uatwin bench simulate`.
    """

    kind: str
    description: str
    fidelity: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    parameters: tuple[Parameter, ...]
    compute: Equations
    states: tuple[Port, ...] = ()
    derivatives: Equations | None = None
    start: Callable[[Values, Values], dict[str, Any]] | None = None
    ratios: tuple[tuple[str, str, str], ...] = ()
    cost_s: float = float("nan")

    @property
    def given(self) -> tuple[Port, ...]:
        """All that it gives: outputs and states."""
        return (*self.outputs, *self.states)

    def defaults(self) -> dict[str, float]:
        """The parameters where nobody gives others."""
        return {one.name: one.default for one in self.parameters}


def extrapolated(ports: tuple[Port, ...], values: Values) -> list[str]:
    """The names of ports whose values leave the range in which the model holds."""
    return [
        one.name
        for one in ports
        if one.name in values and (np.min(values[one.name]) < one.range[0] or np.max(values[one.name]) > one.range[1])
    ]
