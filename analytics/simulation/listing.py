"""ListSimulationModels: what simulates a twin, how true, how dear, and where it holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from analytics.arguments import Answer, Context
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.simulation.calibrated import calibrations
from analytics.simulation.choosing import cost_s
from analytics.simulation.kinds import KINDS
from analytics.simulation.naming import input_ports, output_ports, shown
from analytics.simulation.simulate import with_machines
from analytics.simulation.wiring import ModelUse


def plan(_arguments: Sequence[object], context: Context) -> Answer:
    """Nothing is read or loaded for it."""
    uses = context.machines
    columns = (
        ["" if use.twin == context.twin else shown(use.twin, context.twin) for use in uses],
        [use.name for use in uses],
        [use.kind for use in uses],
        [use.fidelity for use in uses],
        [cost_s(use) for use in uses],
        ["; ".join(_validity(use)) for use in uses],
        ["; ".join(_inputs(use, context.twin)) for use in uses],
        ["; ".join(_outputs(use, context.twin)) for use in uses],
        ["; ".join(_parameters(use)) for use in uses],
        [use.description for use in uses],
    )
    return Answer((*columns, True, ""), calibrations(context)[0])


def _validity(use: ModelUse) -> list[str]:
    ranges = {port.name: use.ranges.get(port.name, port.range) for port in input_ports(use)}
    return [
        f"{name} {_span(low, high)}" for name, (low, high) in ranges.items() if (low, high) != (-math.inf, math.inf)
    ]


def _span(low: float, high: float) -> str:
    if math.isinf(high):
        return f"from {low:g}"
    return f"up to {high:g}" if math.isinf(low) else f"{low:g} to {high:g}"


def _inputs(use: ModelUse, twin: str) -> list[str]:
    told = []
    for port in input_ports(use):
        source = use.inputs.get(port.name)
        if source is None:
            told.append(f"{port.name} = {port.default or 0.0:g}")
            continue
        terms = [shown(term.name, twin) for term in source.terms]
        if source.constant or not terms:
            terms.append(f"{source.constant:g}")
        told.append(f"{port.name} = {' + '.join(terms)}")
    return told


def _outputs(use: ModelUse, twin: str) -> list[str]:
    names = {port: shown(term.path, twin) for port, term in use.outputs.items()}
    return [f"{port.name} = {names[port.name]}" if port.name in names else port.name for port in output_ports(use)]


def _parameters(use: ModelUse) -> list[str]:
    values = {**(KINDS[use.kind].defaults() if use.kind in KINDS else {}), **use.parameters}
    return [f"{name} = {value:g}" for name, value in values.items()]


_TEXTS: Final = (ArgumentType.String, ONE_DIMENSION)
LIST_SIMULATION_MODELS: Final = Function(
    "ListSimulationModels",
    "The models that simulate this twin and the twins below it: fidelity, cost, where they hold, what feeds them",
    (),
    (
        Argument("Twins", *_TEXTS, "Of each model; empty: this one"),
        Argument("Names", *_TEXTS, "Among the models of that twin"),
        Argument("Kinds", *_TEXTS, "Kind of machine, fmu or onnx"),
        Argument(
            "Fidelities",
            ArgumentType.Int32,
            ONE_DIMENSION,
            "0 steady, 1 dynamic, 2 from outside; the lowest that answers is used",
        ),
        Argument(
            "Costs", ArgumentType.Double, ONE_DIMENSION, "Processor time for a simulated hour; NaN: not measured", "SEC"
        ),
        Argument("Validities", *_TEXTS, "Where each holds, by input"),
        Argument("Inputs", *_TEXTS, "What feeds each"),
        Argument("Outputs", *_TEXTS, "What each gives, and which tags these are"),
        Argument("Parameters", *_TEXTS, "Of each, with their values"),
        Argument("Descriptions", *_TEXTS, "Of each"),
    ),
    plan,
    needs=with_machines,
)
